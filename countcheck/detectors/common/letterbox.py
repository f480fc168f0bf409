"""The fixed square that a network sees, and the way of its boxes back into the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from countcheck.detectors.base import Floats
from countcheck.images.convert import as_byte_tensor, as_rgb
from countcheck.images.types import Pixels, RgbArray

PAD = 114  # the grey that YOLO-style nets were trained to see around a picture

Bytes = RgbArray


def ready(pixels: Pixels) -> Pixels:
    """Convert pixels to RGB bytes: a tensor of three channels on its own device, anything else in main memory.

    Raises:
        BadInput: As `countcheck.images.convert.as_rgb`.
    """
    if hasattr(pixels, "detach") and getattr(pixels, "shape", ())[:1] == (3,):
        tensor: Pixels = as_byte_tensor(pixels)
        return tensor
    return as_rgb(pixels)


def size_of(pixels: Pixels) -> tuple[int, int]:
    """Width and height of pixels of any kind."""
    if isinstance(pixels, Image.Image):
        return pixels.size
    if isinstance(pixels, np.ndarray):
        return int(pixels.shape[1]), int(pixels.shape[0])
    return int(pixels.shape[2]), int(pixels.shape[1])


def by_size(arrays: Sequence[Bytes]) -> list[list[int]]:
    """Positions of the pictures, those of one size together."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for k, array in enumerate(arrays):
        groups.setdefault(array.shape, []).append(k)
    return list(groups.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a picture lies in the square a net sees.

    Attributes:
        across, down: Pixels of the square for one of the picture, in either direction; equal unless it is stretched.
        left, top: Of the picture's corner in the square.
        wide, tall: Of the picture in the square.
        size: Width and height of the picture itself.
    """

    across: float
    down: float
    left: int
    top: int
    wide: int
    tall: int
    size: tuple[int, int]

    def back(self, boxes: np.ndarray[Any, Any]) -> Floats:
        """Boxes of the square (n, 4) in the picture's own pixels, cut to the picture."""
        moved = boxes - np.array([self.left, self.top, self.left, self.top])
        moved = moved / np.array([self.across, self.down, self.across, self.down])
        wide, tall = self.size
        return np.clip(moved, 0, np.array([wide, tall, wide, tall])).astype(np.float32).reshape(-1, 4)


def place(size: tuple[int, int], side: int, *, centred: bool = True) -> Placement:
    """How a picture of this (width, height) is laid into a square, whole and never stretched: by itself alone."""
    wide, tall = size
    scale = min(side / wide, side / tall)
    w, h = min(max(1, round(wide * scale)), side), min(max(1, round(tall * scale)), side)
    # Half a pixel of slack goes left and up, as YOLO's own letterbox has it.
    left, top = (round((side - w) / 2 - 0.1), round((side - h) / 2 - 0.1)) if centred else (0, 0)
    return Placement(across=scale, down=scale, left=left, top=top, wide=w, tall=h, size=size)


def stretch(size: tuple[int, int], side: int) -> Placement:
    """How a picture is stretched over the square, for nets that were trained on stretched pictures."""
    return Placement(across=side / size[0], down=side / size[1], left=0, top=0, wide=side, tall=side, size=size)


def laid(picture: Bytes, spot: Placement, side: int, *, pad: int = PAD, antialias: bool = True) -> Bytes:
    """The picture in its place in a grey square of this side: uint8 (side, side, 3)."""
    square = np.empty((side, side, 3), np.uint8)
    lay(picture, spot, square, pad=pad, antialias=antialias)
    return square


def lay(picture: Bytes, spot: Placement, square: Bytes, *, pad: int = PAD, antialias: bool = True) -> None:
    """Put the picture into its place in this square (side, side, 3), and grey around it."""
    bottom, right = spot.top + spot.tall, spot.left + spot.wide
    square[: spot.top], square[bottom:] = pad, pad
    square[spot.top : bottom, : spot.left], square[spot.top : bottom, right:] = pad, pad
    square[spot.top : bottom, spot.left : right] = resized(picture, (spot.wide, spot.tall), antialias=antialias)


def letterbox(picture: Bytes, side: int, *, pad: int = PAD, antialias: bool = True) -> Bytes:
    """The picture laid whole into the middle of a grey square of this side: uint8 (side, side, 3)."""
    return laid(picture, place((picture.shape[1], picture.shape[0]), side), side, pad=pad, antialias=antialias)


def resized(picture: Bytes, size: tuple[int, int], *, antialias: bool = True) -> Bytes:
    """The picture at this (width, height), bilinear; ``antialias`` looks at every pixel when it shrinks."""
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    if antialias:
        return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
    return _plain_bilinear(picture, size)


def _plain_bilinear(picture: Bytes, size: tuple[int, int]) -> Bytes:
    """Bilinear at pixel centres from the four nearest pixels, as OpenCV has it to the last bit."""
    try:
        import cv2
    except ImportError:
        pass
    else:
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    across = taps(size[0], picture.shape[1])
    down = taps(size[1], picture.shape[0], rows=True)
    whole = picture.astype(np.int32)
    flat = whole[:, across.low] * across.first[None, :, None] + whole[:, across.high] * across.second[None, :, None]
    above = (down.first[:, None, None] * (flat[down.low] >> 4)) >> 16
    below = (down.second[:, None, None] * (flat[down.high] >> 4)) >> 16
    return ((above + below + 2) >> 2).astype(np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taps:
    """For every new pixel of a row or column: which two old ones it comes from, and with what weights (of 2048)."""

    low: np.ndarray[Any, np.dtype[np.int64]]
    high: np.ndarray[Any, np.dtype[np.int64]]
    first: np.ndarray[Any, np.dtype[np.int32]]
    second: np.ndarray[Any, np.dtype[np.int32]]


def taps(new: int, old: int, *, rows: bool = False) -> Taps:
    """Where OpenCV's fixed-point bilinear takes its pixels; it treats the ends of rows and of columns differently."""
    where = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
    low = np.floor(where).astype(np.int64)
    part = (where - low.astype(np.float32)).astype(np.float32)
    if not rows:
        part = np.where((low < 0) | (low >= old - 1), np.float32(0), part)
        low = np.clip(low, 0, old - 1)
    scale = np.float32(2048)
    return Taps(
        low=np.clip(low, 0, old - 1),
        high=np.clip(low + 1, 0, old - 1),
        first=np.rint((np.float32(1) - part) * scale).astype(np.int32),
        second=np.rint(part * scale).astype(np.int32),
    )
