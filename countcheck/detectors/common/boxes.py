"""Boxes: how they overlap, which of them are duplicates, how those of several looks become one. Numpy; torch where named.

Boxes are (x1, y1, x2, y2) in pixels, origin at the top left. Empty inputs give empty results of the right shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from countcheck.detectors.base import Detections, Floats

if TYPE_CHECKING:
    import torch

Ints = np.ndarray[Any, np.dtype[np.int64]]
Array = np.ndarray[Any, np.dtype[Any]]

_FEW = 200


def areas(boxes: Array) -> Array:
    """Area of each of n boxes, shape (n,); 0 for a box turned inside out."""
    return np.clip(boxes[:, 2] - boxes[:, 0], 0, None) * np.clip(boxes[:, 3] - boxes[:, 1], 0, None)


def shared(a: Array, b: Array) -> Array:
    """Area that every box of ``a`` (n, 4) shares with every box of ``b`` (m, 4), shape (n, m)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.clip(high - low, 0, None).prod(axis=2)


def iou(a: Array, b: Array) -> Array:
    """Overlap of every box in ``a`` with every box in ``b``: shared over joined area, 0 to 1, shape (n, m)."""
    common = shared(a, b)
    joined = areas(a)[:, None] + areas(b)[None, :] - common
    return np.divide(common, joined, out=np.zeros_like(common), where=joined > 0)


def containment(a: Array, b: Array) -> Array:
    """Share of the smaller box that lies in the other, for every pair, 0 to 1, shape (n, m)."""
    common = shared(a, b)
    least = np.minimum(areas(a)[:, None], areas(b)[None, :])
    return np.divide(common, least, out=np.zeros_like(common), where=least > 0)


def nms(boxes: Array, scores: Array, limit: float, groups: Sequence[object] | None = None) -> Ints:
    """Indices of the boxes that are no duplicates of a better one of their group, best first.

    Greedy non-maximum suppression: a box goes when its overlap with a kept one is above ``limit``. There is no limit
    of time after which boxes are lost.
    """
    order = np.lexsort((np.arange(len(scores)), -scores))
    labels = np.zeros(len(scores), np.int64)
    if groups is not None:
        numbers = {group: k for k, group in enumerate(dict.fromkeys(groups))}
        labels = np.array([numbers[group] for group in groups], np.int64)
    # Of few boxes every pair is compared at once, which takes one call instead of one a box.
    pairs = iou(boxes, boxes) if len(boxes) <= _FEW else None
    kept: list[int] = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(int(best))
        overlap = pairs[best, rest] if pairs is not None else iou(boxes[best : best + 1], boxes[rest])[0]
        order = rest[(overlap <= limit) | (labels[rest] != labels[best])]
    return np.array(kept, np.int64)


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, limit: float) -> torch.Tensor:
    """Indices kept by one suppression over a whole batch, best first; boxes of different groups never meet.

    On the boxes' own device. ``groups`` is integer, (n,): picture * classes + class.
    """
    import torch

    if boxes.numel() == 0:
        return torch.zeros(0, dtype=torch.int64, device=boxes.device)
    # Boxes of one group are moved away from all others, so that one pass serves the batch. The move is taken on
    # doubles: in single precision a thousand groups would eat the pixels' fractions.
    spread = boxes.double()
    step = spread.max() - spread.min() + 1
    spread = spread + (groups.to(spread) * step)[:, None]
    try:
        from torchvision.ops import nms as fast
    except (ImportError, RuntimeError):
        return torch.as_tensor(nms(spread.cpu().numpy(), scores.float().cpu().numpy(), limit), device=boxes.device)
    return fast(spread, scores.double(), limit)


def fuse(looks: Sequence[Detections], *, limit: float = 0.55, floor: float = 0.05) -> Detections:
    """The detections of several looks at one picture as one, in the first look's pixels.

    Boxes of one noun that overlap by at least ``limit`` are taken for one object: the box is their mean, weighted by
    score, and the score their sum over the number of looks that could have seen it (weighted boxes fusion, Solovyev
    et al. 2021): what one look alone saw keeps its share only. All looks must be in the same pixels.
    """
    first = looks[0]
    rows = [
        (-round(float(score), 5), noun, tuple(box.tolist()), k)
        for k, look in enumerate(looks)
        for noun, score, box in zip(look.nouns, look.scores, look.boxes, strict=True)
    ]
    clusters: list[_Cluster] = []
    for score, noun, box, look_index in sorted(rows):
        place = np.array(box, np.float64)
        near = [c for c in clusters if c.noun == noun and look_index not in c.looks]
        overlap = iou(place[None], np.stack([c.box for c in near]))[0] if near else np.zeros(0)
        if len(overlap) and overlap.max() >= limit:
            near[int(overlap.argmax())].add(place, -score, look_index)
        else:
            clusters.append(_Cluster(noun, place, -score, look_index))
    found = [(c.noun, c.total / len(looks), c.box) for c in clusters if c.total / len(looks) >= floor]
    return Detections(
        boxes=np.array([box for _, _, box in found], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in found], np.float32),
        nouns=tuple(noun for noun, _, _ in found),
        size=first.size,
        unsupported=frozenset.intersection(*(look.unsupported for look in looks)),
    )


class _Cluster:
    """Boxes of several looks that are one object."""

    def __init__(self, noun: str, box: Array, score: float, look: int) -> None:
        self.noun, self.box, self.total, self.looks = noun, box, score, {look}

    def add(self, box: Array, score: float, look: int) -> None:
        weight = self.total + score
        self.box = (self.box * self.total + box * score) / weight if weight else self.box
        self.total = weight
        self.looks.add(look)


def clipped(boxes: Array, size: tuple[int, int]) -> Floats:
    """The boxes, float32, cut to a picture of this (width, height)."""
    wide, tall = size
    return np.clip(boxes, 0, np.array([wide, tall, wide, tall])).astype(np.float32).reshape(-1, 4)
