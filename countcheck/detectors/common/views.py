"""Test-time augmentation: several views of one picture (brighter, mirrored, enlarged, in tiles) and their boxes fused.

A detector that misses objects in the dark or in the rain may find them in one of these views. Each view costs another
pass through the detector (tiles: four).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from countcheck.detectors.base import Detections, Detector
from countcheck.detectors.common.boxes import clipped, containment, fuse, iou
from countcheck.detectors.common.pictures import as_bytes, is_on_device, size_of
from countcheck.detectors.common.view_pixels import (
    brightened,
    cut,
    enlarged,
    lit,
    mirrored,
    smoothed,
    stretched_contrast,
)
from countcheck.errors import BadSettings, UnknownName
from countcheck.images.convert import as_rgb
from countcheck.images.types import Pixels, RgbPixels

Boxes = np.ndarray[Any, np.dtype[Any]]
TILE_SHARE = 0.6  # of a side; neighbouring tiles overlap by a fifth of the picture


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """A picture made from another, and how its boxes map back.

    Attributes:
        pixels: What the detector is given.
        scale: Its pixels for one of the original.
        left, top: Its corner in the original, in the original's pixels.
        turned: Whether left and right are exchanged.
        inner: Whether its left, top, right and bottom edges lie inside the original: objects cut there are whole in it.
    """

    pixels: RgbPixels
    scale: float = 1.0
    left: float = 0.0
    top: float = 0.0
    turned: bool = False
    inner: tuple[bool, bool, bool, bool] = (False, False, False, False)

    def back(self, boxes: Boxes) -> Boxes:
        """Map boxes (n, 4) of the piece to the original's pixels."""
        if self.turned:
            wide, _ = size_of(self.pixels)
            boxes = np.stack([wide - boxes[:, 2], boxes[:, 1], wide - boxes[:, 0], boxes[:, 3]], 1)
        return boxes / self.scale + np.array([self.left, self.top, self.left, self.top])

    def whole(self, boxes: Boxes) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Tell which boxes are not cut by an inner edge."""
        wide, tall = size_of(self.pixels)
        near = 0.01 * max(tall, wide)
        cut = np.stack(
            [boxes[:, 0] < near, boxes[:, 1] < near, boxes[:, 2] > wide - near, boxes[:, 3] > tall - near], 1
        )
        return ~(cut & np.array(self.inner)).any(axis=1)


def as_is(picture: RgbPixels) -> list[Piece]:
    """Leave the picture as it is."""
    return [Piece(pixels=picture)]


def flip(picture: RgbPixels) -> list[Piece]:
    """Mirror the picture: left and right exchanged."""
    return [Piece(pixels=mirrored(picture), turned=True)]


def contrast(picture: RgbPixels) -> list[Piece]:
    """Stretch the contrast to the full range from black to white, 0.3 % clipped at either end."""
    return [Piece(pixels=stretched_contrast(picture))]


def light(picture: RgbPixels) -> list[Piece]:
    """Lift shadows and hold highlights: the local mean moves towards middle grey, colours are kept."""
    return [Piece(pixels=lit(picture))]


def bright(picture: RgbPixels) -> list[Piece]:
    """Lift the whole picture by a gamma of 0.5, as a longer exposure would: black stays black, 64 becomes 128."""
    return [Piece(pixels=brightened(picture))]


def calm(picture: RgbPixels) -> list[Piece]:
    """Remove rain, snow and grain with a median filter of 3 or 5 pixels; edges stay."""
    return [Piece(pixels=smoothed(picture, 3 if max(size_of(picture)) < 400 else 5))]


def large(picture: RgbPixels) -> list[Piece]:
    """Enlarge the picture to 150 %, for detectors that take pictures at their own size."""
    wide, tall = size_of(picture)
    size = (max(1, round(wide * 1.5)), max(1, round(tall * 1.5)))
    return [Piece(pixels=enlarged(picture, size), scale=size[0] / wide)]


def tiles(picture: RgbPixels) -> list[Piece]:
    """Cut the picture into four overlapping tiles of 60 % of its sides."""
    wide, tall = size_of(picture)
    high, broad = max(1, round(tall * TILE_SHARE)), max(1, round(wide * TILE_SHARE))
    pieces = []
    for top in dict.fromkeys((0, tall - high)):
        for left in dict.fromkeys((0, wide - broad)):
            pieces.append(
                Piece(
                    pixels=cut(picture, left, top, broad, high),
                    left=left,
                    top=top,
                    inner=(left > 0, top > 0, left + broad < wide, top + high < tall),
                )
            )
    return pieces


VIEWS: Mapping[str, Callable[[RgbPixels], list[Piece]]] = {
    "as_is": as_is,
    "flip": flip,
    "contrast": contrast,
    "light": light,
    "bright": bright,
    "calm": calm,
    "large": large,
    "tiles": tiles,
}


_MOVING = frozenset(["flip", "large", "tiles"])  # views whose boxes must be mapped back


def chosen(names: str | Sequence[str], place: str) -> tuple[str, ...]:
    """Check view names; a text holds them with commas between, and ``bright+flip`` is a view of a view.

    Raises:
        UnknownName: For a name that is none.
        BadSettings: Where a view that moves things stands before another one.
    """
    words = names.split(",") if isinstance(names, str) else list(names)
    # In the query of a spec a plus stands for a space.
    chosen_names = tuple(dict.fromkeys("+".join(word.replace("+", " ").split()) for word in words if word.strip()))
    for name in chosen_names:
        *before, _ = parts = name.split("+")
        for part in parts:
            if part not in VIEWS:
                raise UnknownName("view", part, VIEWS, place=place)
        if moving := [part for part in before if part in _MOVING]:
            raise BadSettings(f"{place}: in the view {name!r}, {moving[0]} must come last.")
    return chosen_names


def cost(names: Sequence[str]) -> int:
    """Count the passes through the detector that these views take for one picture, 1 or more."""
    return sum(4 if name.endswith("tiles") else 1 for name in names) or 1


def pieces_of(name: str, picture: RgbPixels) -> list[Piece]:
    """Make the pieces of one view; of ``bright+flip``, the mirrored bright picture."""
    *before, last = name.split("+")
    for part in before:
        picture = VIEWS[part](picture)[0].pixels
    return VIEWS[last](picture)


def detect_views(
    detector: Detector, pictures: Sequence[Pixels], words: Sequence[str], names: Sequence[str]
) -> list[list[Detections]]:
    """Detect in each view of each picture: for every picture one `Detections` per view, in the picture's own pixels.

    Views of a tensor on a GPU are made there.
    """
    shown = [as_bytes(picture) if is_on_device(picture) else as_rgb(picture) for picture in pictures]
    results: list[list[Detections]] = [[] for _ in shown]
    for name in names:
        made = [pieces_of(name, picture) for picture in shown]
        detected = iter(detector.detect([piece.pixels for pieces in made for piece in pieces], words))
        for k, pieces in enumerate(made):
            parts = [(piece, next(detected)) for piece in pieces]
            results[k].append(_assembled(parts, size_of(shown[k])))
    return results


def fused(views: Sequence[Detections], *, how: str, place: str) -> Detections:
    """Fuse the views of one picture.

    Args:
        views: In the picture's own pixels.
        how: ``mean``: the score of an object is its mean over all views; ``best``: its best score, so that one view is
            enough.
        place: Named in the error.

    Raises:
        BadSettings: For another word than ``mean`` and ``best``.
    """
    if len(views) == 1:
        return views[0]
    if how == "mean":
        return fuse(views)
    if how == "best":
        joined = fuse(views, floor=0.0)
        scores = joined.scores.copy()
        for view in views:
            for i, noun in enumerate(joined.nouns):
                same = np.array([other == noun for other in view.nouns], dtype=bool)
                if same.any():
                    overlap = iou(joined.boxes[i : i + 1], view.boxes[same])[0]
                    near = view.scores[same][overlap >= 0.5]
                    scores[i] = max(scores[i], near.max(initial=0.0))
        return replace(joined, scores=scores)
    raise BadSettings(f"{place}: fusion is {how!r}. Give mean or best.")


def _assembled(parts: Sequence[tuple[Piece, Detections]], size: tuple[int, int]) -> Detections:
    """Join the pieces of one view: an object in two tiles is one, one that a tile cuts is left to the other tile."""
    boxes, scores, nouns = [], [], []
    for piece, detections in parts:
        keep = piece.whole(detections.boxes)
        boxes.append(piece.back(detections.boxes[keep]))
        scores.append(detections.scores[keep])
        nouns += [noun for noun, kept in zip(detections.nouns, keep, strict=True) if kept]
    whole = Detections(
        boxes=clipped(np.concatenate(boxes), size),
        scores=np.concatenate(scores).astype(np.float32),
        nouns=tuple(nouns),
        size=size,
        unsupported=parts[0][1].unsupported,
        not_auditable=frozenset.union(*(part.not_auditable for _, part in parts)),
    )
    return whole if len(parts) == 1 else _merged(whole)


def _merged(detections: Detections) -> Detections:
    """Keep one box of those of one noun that overlap by half or lie within another."""
    kept: list[int] = []
    for i in np.argsort(-detections.scores, kind="stable"):
        others = [j for j in kept if detections.nouns[j] == detections.nouns[i]]
        if others:
            box, rest = detections.boxes[i : i + 1], detections.boxes[others]
            if (iou(box, rest) >= 0.5).any() or (containment(box, rest) >= 0.8).any():
                continue
        kept.append(int(i))
    return replace(
        detections,
        boxes=detections.boxes[kept],
        scores=detections.scores[kept],
        nouns=tuple(detections.nouns[i] for i in kept),
    )
