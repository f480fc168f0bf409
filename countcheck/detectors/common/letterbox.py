"""The fixed square that a network is given, and the way of its boxes back into the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from countcheck.detectors.base import Floats
from countcheck.detectors.common.resize import resize
from countcheck.images.types import RgbArray

PAD = 114  # the grey that YOLO-style networks were trained to see around a picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a picture lies in the square that a network is given.

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
        """Map boxes of the square (n, 4) to the picture's own pixels, clipped to the picture."""
        moved = boxes - np.array([self.left, self.top, self.left, self.top])
        moved = moved / np.array([self.across, self.down, self.across, self.down])
        wide, tall = self.size
        return np.clip(moved, 0, np.array([wide, tall, wide, tall])).astype(np.float32).reshape(-1, 4)


def letterbox_placement(size: tuple[int, int], side: int, *, centred: bool = True) -> Placement:
    """Place a picture of this (width, height) into a square, whole and never stretched."""
    wide, tall = size
    scale = min(side / wide, side / tall)
    w, h = min(max(1, round(wide * scale)), side), min(max(1, round(tall * scale)), side)
    # Half a pixel of slack goes left and up, as in YOLO's own letterbox.
    left, top = (round((side - w) / 2 - 0.1), round((side - h) / 2 - 0.1)) if centred else (0, 0)
    return Placement(across=scale, down=scale, left=left, top=top, wide=w, tall=h, size=size)


def stretched_placement(size: tuple[int, int], side: int) -> Placement:
    """Stretch a picture over the square, for networks that were trained on stretched pictures."""
    return Placement(across=side / size[0], down=side / size[1], left=0, top=0, wide=side, tall=side, size=size)


def pasted(picture: RgbArray, spot: Placement, side: int, *, pad: int = PAD, antialias: bool = True) -> RgbArray:
    """Paste a picture in its place into a new grey square: uint8 (side, side, 3)."""
    square = np.empty((side, side, 3), np.uint8)
    paste(picture, spot, square, pad=pad, antialias=antialias)
    return square


def paste(picture: RgbArray, spot: Placement, square: RgbArray, *, pad: int = PAD, antialias: bool = True) -> None:
    """Paste a picture in its place into a square (side, side, 3), grey around it."""
    bottom, right = spot.top + spot.tall, spot.left + spot.wide
    square[: spot.top], square[bottom:] = pad, pad
    square[spot.top : bottom, : spot.left], square[spot.top : bottom, right:] = pad, pad
    square[spot.top : bottom, spot.left : right] = resize(picture, (spot.wide, spot.tall), antialias=antialias)


def letterbox(picture: RgbArray, side: int, *, pad: int = PAD, antialias: bool = True) -> RgbArray:
    """Paste a picture whole into the middle of a grey square: uint8 (side, side, 3)."""
    return pasted(
        picture, letterbox_placement((picture.shape[1], picture.shape[0]), side), side, pad=pad, antialias=antialias
    )
