"""Test-time augmentation: several views of one picture (brighter, mirrored, enlarged, in tiles) and their boxes fused.

A detector that misses objects in the dark or in the rain may find them in one of these views. Each view costs another
pass through the detector (tiles: four).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from countcheck.detectors.base import Detections, Detector
from countcheck.detectors.common.boxes import clipped, containment, fuse, iou
from countcheck.errors import BadSettings, UnknownName
from countcheck.images.convert import as_rgb
from countcheck.images.types import Pixels, RgbArray

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

    pixels: RgbArray
    scale: float = 1.0
    left: float = 0.0
    top: float = 0.0
    turned: bool = False
    inner: tuple[bool, bool, bool, bool] = (False, False, False, False)

    def back(self, boxes: Boxes) -> Boxes:
        """Map boxes (n, 4) of the piece to the original's pixels."""
        if self.turned:
            boxes = np.stack(
                [self.pixels.shape[1] - boxes[:, 2], boxes[:, 1], self.pixels.shape[1] - boxes[:, 0], boxes[:, 3]], 1
            )
        return boxes / self.scale + np.array([self.left, self.top, self.left, self.top])

    def whole(self, boxes: Boxes) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Tell which boxes are not cut by an inner edge."""
        tall, wide = self.pixels.shape[:2]
        near = 0.01 * max(tall, wide)
        cut = np.stack(
            [boxes[:, 0] < near, boxes[:, 1] < near, boxes[:, 2] > wide - near, boxes[:, 3] > tall - near], 1
        )
        return ~(cut & np.array(self.inner)).any(axis=1)


def as_is(picture: RgbArray) -> list[Piece]:
    """Leave the picture as it is."""
    return [Piece(pixels=picture)]


def flip(picture: RgbArray) -> list[Piece]:
    """Mirror the picture: left and right exchanged."""
    return [Piece(pixels=np.ascontiguousarray(picture[:, ::-1]), turned=True)]


def contrast(picture: RgbArray) -> list[Piece]:
    """Stretch the contrast to the full range from black to white, 0.3 % clipped at either end."""
    return [Piece(pixels=np.asarray(ImageOps.autocontrast(Image.fromarray(picture), cutoff=0.3, preserve_tone=True)))]


def light(picture: RgbArray) -> list[Piece]:
    """Lift shadows and hold highlights: the local mean moves towards middle grey, colours are kept."""
    grey = np.asarray(Image.fromarray(picture).convert("L"), dtype=np.float32)
    wide = ImageFilter.GaussianBlur(max(picture.shape[:2]) / 12)
    around = np.asarray(Image.fromarray(grey.astype(np.uint8)).filter(wide), dtype=np.float32)
    # The local mean moves half of its way to middle grey; differences from it are kept and raised by 30 %.
    wanted = 0.5 * around + 0.5 * 118 + 1.3 * (grey - around)
    gain = (np.clip(wanted, 0, 255) + 4) / (grey + 4)
    return [Piece(pixels=np.clip(picture * gain[..., None], 0, 255).astype(np.uint8))]


def calm(picture: RgbArray) -> list[Piece]:
    """Remove rain, snow and grain with a median filter of 3 or 5 pixels; edges stay."""
    side = max(picture.shape[:2])
    size = 3 if side < 400 else 5
    return [Piece(pixels=np.asarray(Image.fromarray(picture).filter(ImageFilter.MedianFilter(size))))]


def large(picture: RgbArray) -> list[Piece]:
    """Enlarge the picture to 150 %, for detectors that take pictures at their own size."""
    size = (max(1, round(picture.shape[1] * 1.5)), max(1, round(picture.shape[0] * 1.5)))
    grown = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
    return [Piece(pixels=np.asarray(grown), scale=size[0] / picture.shape[1])]


def tiles(picture: RgbArray) -> list[Piece]:
    """Cut the picture into four overlapping tiles of 60 % of its sides."""
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


VIEWS: Mapping[str, Callable[[RgbArray], list[Piece]]] = {
    "as_is": as_is,
    "flip": flip,
    "contrast": contrast,
    "light": light,
    "calm": calm,
    "large": large,
    "tiles": tiles,
}


def chosen(names: str | Sequence[str], place: str) -> tuple[str, ...]:
    """Check view names; a text holds them with commas between. Raises `UnknownName`."""
    words = names.split(",") if isinstance(names, str) else list(names)
    chosen_names = tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
    for name in chosen_names:
        if name not in VIEWS:
            raise UnknownName("view", name, VIEWS, place=place)
    return chosen_names


def cost(names: Sequence[str]) -> int:
    """Count the passes through the detector that these views take for one picture, 1 or more."""
    return sum(4 if name == "tiles" else 1 for name in names) or 1


def detect_views(
    detector: Detector, pictures: Sequence[Pixels], words: Sequence[str], names: Sequence[str]
) -> list[list[Detections]]:
    """Detect in each view of each picture: for every picture one `Detections` per view, in the picture's own pixels."""
    arrays = [as_rgb(picture) for picture in pictures]
    results: list[list[Detections]] = [[] for _ in arrays]
    for name in names:
        pieces_of = [VIEWS[name](array) for array in arrays]
        detected = iter(detector.detect([piece.pixels for pieces in pieces_of for piece in pieces], words))
        for k, pieces in enumerate(pieces_of):
            size = (arrays[k].shape[1], arrays[k].shape[0])
            results[k].append(_assembled([(piece, next(detected)) for piece in pieces], size))
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
