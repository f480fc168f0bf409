"""Several looks at one picture: its light and contrast mended, turned over, enlarged, in tiles; their boxes made one.

A detector that is lost in the dark or in the rain may see in one of these what it misses in another. Each look costs
another pass through the detector (tiles: four).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from countcheck.detectors.base import Detections, Detector
from countcheck.detectors.common.boxes import clipped, containment, fuse, iou
from countcheck.detectors.common.letterbox import Bytes
from countcheck.errors import BadSettings, UnknownName
from countcheck.images.convert import as_rgb
from countcheck.images.types import Pixels

Boxes = np.ndarray[Any, np.dtype[Any]]
TILE_SHARE = 0.6  # of a side; neighbours overlap by a fifth of the picture, more than most objects


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """A picture to look at instead, and the way back.

    Attributes:
        pixels: What the detector is shown.
        scale: Its pixels for one of the original.
        left, top: Its corner in the original, in the original's pixels.
        turned: Whether left and right are exchanged.
        inner: Whether its left, top, right and bottom edges lie inside the original: what is cut there, is cut by us.
    """

    pixels: Bytes
    scale: float = 1.0
    left: float = 0.0
    top: float = 0.0
    turned: bool = False
    inner: tuple[bool, bool, bool, bool] = (False, False, False, False)

    def back(self, boxes: Boxes) -> Boxes:
        """Boxes (n, 4) of the piece in the original's pixels."""
        if self.turned:
            boxes = np.stack(
                [self.pixels.shape[1] - boxes[:, 2], boxes[:, 1], self.pixels.shape[1] - boxes[:, 0], boxes[:, 3]], 1
            )
        return boxes / self.scale + np.array([self.left, self.top, self.left, self.top])

    def whole(self, boxes: Boxes) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which boxes are not cut by an inner edge."""
        tall, wide = self.pixels.shape[:2]
        near = 0.01 * max(tall, wide)
        cut = np.stack(
            [boxes[:, 0] < near, boxes[:, 1] < near, boxes[:, 2] > wide - near, boxes[:, 3] > tall - near], 1
        )
        return ~(cut & np.array(self.inner)).any(axis=1)


def as_is(picture: Bytes) -> list[Piece]:
    """The picture itself."""
    return [Piece(pixels=picture)]


def flip(picture: Bytes) -> list[Piece]:
    """Left and right exchanged."""
    return [Piece(pixels=np.ascontiguousarray(picture[:, ::-1]), turned=True)]


def contrast(picture: Bytes) -> list[Piece]:
    """Stretched to the full range from black to white, the outermost thousandths cut off."""
    return [Piece(pixels=np.asarray(ImageOps.autocontrast(Image.fromarray(picture), cutoff=0.3, preserve_tone=True)))]


def light(picture: Bytes) -> list[Piece]:
    """Shadows lifted and highlights held: every place compared with its wide surroundings, colours kept."""
    grey = np.asarray(Image.fromarray(picture).convert("L"), dtype=np.float32)
    wide = ImageFilter.GaussianBlur(max(picture.shape[:2]) / 12)
    around = np.asarray(Image.fromarray(grey.astype(np.uint8)).filter(wide), dtype=np.float32)
    # The surroundings move half of their way to the middle grey; what differs from them is kept and a little raised.
    wanted = 0.5 * around + 0.5 * 118 + 1.3 * (grey - around)
    gain = (np.clip(wanted, 0, 255) + 4) / (grey + 4)
    return [Piece(pixels=np.clip(picture * gain[..., None], 0, 255).astype(np.uint8))]


def calm(picture: Bytes) -> list[Piece]:
    """Streaks, flakes and grain taken out by a median, as wide as they are; edges stay."""
    side = max(picture.shape[:2])
    size = 3 if side < 400 else 5
    return [Piece(pixels=np.asarray(Image.fromarray(picture).filter(ImageFilter.MedianFilter(size))))]


def large(picture: Bytes) -> list[Piece]:
    """Half as large again: small things grow for detectors that take pictures at their own size."""
    size = (max(1, round(picture.shape[1] * 1.5)), max(1, round(picture.shape[0] * 1.5)))
    grown = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
    return [Piece(pixels=np.asarray(grown), scale=size[0] / picture.shape[1])]


def tiles(picture: Bytes) -> list[Piece]:
    """Four overlapping quarters: every thing that fits one is seen there whole, and larger."""
    tall, wide = picture.shape[:2]
    high, broad = max(1, round(tall * TILE_SHARE)), max(1, round(wide * TILE_SHARE))
    pieces = []
    for top in dict.fromkeys((0, tall - high)):
        for left in dict.fromkeys((0, wide - broad)):
            pieces.append(
                Piece(
                    pixels=np.ascontiguousarray(picture[top : top + high, left : left + broad]),
                    left=left,
                    top=top,
                    inner=(left > 0, top > 0, left + broad < wide, top + high < tall),
                )
            )
    return pieces


VIEWS: Mapping[str, Callable[[Bytes], list[Piece]]] = {
    "as_is": as_is,
    "flip": flip,
    "contrast": contrast,
    "light": light,
    "calm": calm,
    "large": large,
    "tiles": tiles,
}


def chosen(names: str | Sequence[str], place: str) -> tuple[str, ...]:
    """View names, checked; a text holds them with commas between. Raises `UnknownName`."""
    words = names.split(",") if isinstance(names, str) else list(names)
    found = tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
    for name in found:
        if name not in VIEWS:
            raise UnknownName("view", name, VIEWS, place=place)
    return found


def cost(names: Sequence[str]) -> int:
    """Passes through the detector that these views take for one picture."""
    return sum(4 if name == "tiles" else 1 for name in names) or 1


def looks(
    detector: Detector, pictures: Sequence[Pixels], words: Sequence[str], names: Sequence[str]
) -> list[list[Detections]]:
    """What each view of each picture shows, in the picture's own pixels: a list of views for every picture."""
    arrays = [as_rgb(picture) for picture in pictures]
    found: list[list[Detections]] = [[] for _ in arrays]
    for name in names:
        pieces = [VIEWS[name](array) for array in arrays]
        seen = iter(detector.detect([piece.pixels for some in pieces for piece in some], words))
        for k, some in enumerate(pieces):
            size = (arrays[k].shape[1], arrays[k].shape[0])
            found[k].append(_assembled([(piece, next(seen)) for piece in some], size))
    return found


def fused(views: Sequence[Detections], *, how: str, place: str) -> Detections:
    """The views of one picture as one.

    ``mean``: a thing keeps the share of its score that saw it; ``best``: it keeps its best score, so that one view is
    enough. Raises `BadSettings` for another word.
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
    """The pieces of one view as one; what two tiles both saw is one thing, what a tile cut is left to another."""
    boxes, scores, nouns = [], [], []
    for piece, seen in parts:
        keep = piece.whole(seen.boxes)
        boxes.append(piece.back(seen.boxes[keep]))
        scores.append(seen.scores[keep])
        nouns += [noun for noun, kept in zip(seen.nouns, keep, strict=True) if kept]
    whole = Detections(
        boxes=clipped(np.concatenate(boxes), size),
        scores=np.concatenate(scores).astype(np.float32),
        nouns=tuple(nouns),
        size=size,
        unsupported=parts[0][1].unsupported,
    )
    return whole if len(parts) == 1 else _merged(whole)


def _merged(found: Detections) -> Detections:
    """Boxes of one noun that two tiles saw, as one: those that overlap by half or lie within another."""
    kept: list[int] = []
    for i in np.argsort(-found.scores, kind="stable"):
        others = [j for j in kept if found.nouns[j] == found.nouns[i]]
        if others:
            box, rest = found.boxes[i : i + 1], found.boxes[others]
            if (iou(box, rest) >= 0.5).any() or (containment(box, rest) >= 0.8).any():
                continue
        kept.append(int(i))
    return replace(found, boxes=found.boxes[kept], scores=found.scores[kept], nouns=tuple(found.nouns[i] for i in kept))
