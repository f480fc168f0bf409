"""Boxes: overlap, duplicates, fusion of several views. Numpy; torch where a signature says so.

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
    """Compute the area of each of n boxes, shape (n,); 0 for a box turned inside out."""
    return np.clip(boxes[:, 2] - boxes[:, 0], 0, None) * np.clip(boxes[:, 3] - boxes[:, 1], 0, None)


def shared(a: Array, b: Array) -> Array:
    """Compute the area that every box of ``a`` (n, 4) shares with every box of ``b`` (m, 4), shape (n, m)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.clip(high - low, 0, None).prod(axis=2)


def iou(a: Array, b: Array) -> Array:
    """Compute the intersection over union of every box in ``a`` with every box in ``b``: 0 to 1, shape (n, m).

    >>> iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2], [5, 5, 6, 6]])).round(2).tolist()
    [[0.33, 0.0]]
    """
    common = shared(a, b)
    joined = areas(a)[:, None] + areas(b)[None, :] - common
    return np.divide(common, joined, out=np.zeros_like(common), where=joined > 0)


def containment(a: Array, b: Array) -> Array:
    """Compute the share of the smaller box that lies in the other, for every pair: 0 to 1, shape (n, m)."""
    common = shared(a, b)
    least = np.minimum(areas(a)[:, None], areas(b)[None, :])
    return np.divide(common, least, out=np.zeros_like(common), where=least > 0)


def nms(boxes: Array, scores: Array, limit: float, groups: Sequence[object] | None = None) -> Ints:
    """Keep the boxes that are no duplicates of a better one of their group: their indices, best first.

    Greedy non-maximum suppression: a box is dropped when its overlap with a kept one is above ``limit``.

    Args:
        boxes: (n, 4).
        scores: (n,).
        limit: IoU, 0 to 1.
        groups: Of each box, n of them; boxes of different groups never suppress each other.
    """
    order = np.lexsort((np.arange(len(scores)), -scores))
    labels = np.zeros(len(scores), np.int64)
    if groups is not None:
        numbers = {group: k for k, group in enumerate(dict.fromkeys(groups))}
        labels = np.array([numbers[group] for group in groups], np.int64)
    # Of few boxes every pair is compared at once: one call instead of one a box.
    pairs = iou(boxes, boxes) if len(boxes) <= _FEW else None
    kept: list[int] = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(int(best))
        overlap = pairs[best, rest] if pairs is not None else iou(boxes[best : best + 1], boxes[rest])[0]
        order = rest[(overlap <= limit) | (labels[rest] != labels[best])]
    return np.array(kept, np.int64)


def corners_of(boxes: torch.Tensor) -> torch.Tensor:
    """Turn boxes (..., 4) of centre, width and height into x1, y1, x2, y2."""
    import torch

    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, limit: float) -> torch.Tensor:
    """Suppress duplicates over a whole batch: indices kept, best first; boxes of different groups never meet.

    On the boxes' own device. ``groups`` is integer, (n,): picture * classes + class.
    """
    import torch

    if boxes.numel() == 0:
        return torch.zeros(0, dtype=torch.int64, device=boxes.device)
    # Boxes of one group are moved away from all others, so that one pass serves the batch. They are moved in double
    # precision: in single precision a thousand groups would cost the pixels' fractions.
    spread = boxes.double()
    step = spread.max() - spread.min() + 1
    spread = spread + (groups.to(spread) * step)[:, None]
    try:
        from torchvision.ops import nms as fast
    except (ImportError, RuntimeError):
        return torch.as_tensor(nms(spread.cpu().numpy(), scores.float().cpu().numpy(), limit), device=boxes.device)
    return fast(spread, scores.double(), limit)


def fuse(views: Sequence[Detections], *, limit: float = 0.55, floor: float = 0.05) -> Detections:
    """Fuse the detections of several views of one picture.

    Boxes of one noun that overlap by at least ``limit`` are one object: the box is their mean, weighted by score, and the
    score their sum over the number of views (weighted boxes fusion, Solovyev et al. 2021). All views must be in the
    same pixels.
    """
    first = views[0]
    rows = [
        (-round(float(score), 5), noun, tuple(box.tolist()), k)
        for k, view in enumerate(views)
        for noun, score, box in zip(view.nouns, view.scores, view.boxes, strict=True)
    ]
    clusters: list[_Cluster] = []
    for score, noun, box, view_index in sorted(rows):
        place = np.array(box, np.float64)
        near = [c for c in clusters if c.noun == noun and view_index not in c.views]
        overlap = iou(place[None], np.stack([c.box for c in near]))[0] if near else np.zeros(0)
        if len(overlap) and overlap.max() >= limit:
            near[int(overlap.argmax())].add(place, -score, view_index)
        else:
            clusters.append(_Cluster(noun, place, -score, view_index))
    fused = [(c.noun, c.total / len(views), c.box) for c in clusters if c.total / len(views) >= floor]
    return Detections(
        boxes=np.array([box for _, _, box in fused], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in fused], np.float32),
        nouns=tuple(noun for noun, _, _ in fused),
        size=first.size,
        unsupported=frozenset.intersection(*(view.unsupported for view in views)),
        not_auditable=frozenset.union(*(view.not_auditable for view in views)),
    )


class _Cluster:
    """Boxes of several views that are one object."""

    def __init__(self, noun: str, box: Array, score: float, view: int) -> None:
        self.noun, self.box, self.total, self.views = noun, box, score, {view}

    def add(self, box: Array, score: float, view: int) -> None:
        weight = self.total + score
        self.box = (self.box * self.total + box * score) / weight if weight else self.box
        self.total = weight
        self.views.add(view)


def clipped(boxes: Array, size: tuple[int, int]) -> Floats:
    """Clip boxes (n, 4) to a picture of this (width, height); float32."""
    wide, tall = size
    return np.clip(boxes, 0, np.array([wide, tall, wide, tall])).astype(np.float32).reshape(-1, 4)
