"""Pictures as arrays: many files decoded ahead, pixels of every kind as RGB bytes, and the fixed square a net sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from countcheck.detectors.base import Floats
from countcheck.errors import BadInput
from countcheck.images import decode as pictures
from countcheck.images.types import Pixels

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".ppm", ".jfif"})
PAD = 114  # the grey that YOLO-style nets were trained to see around a picture

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def read_picture(path: Path) -> Bytes:
    """A picture file as uint8 (height, width, 3) RGB. Raises `BadInput` naming the file."""
    return np.asarray(pictures.read_picture(path))


def read_pictures(paths: Sequence[Path], *, workers: int = 4) -> Iterator[tuple[Path, Bytes | BadInput]]:
    """Every file in order, decoded ahead by a few threads; a file that cannot be read comes as its error."""
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode") as pool:
        waiting = [pool.submit(_read_or_error, path) for path in paths[: 4 * workers]]
        for k, path in enumerate(paths):
            yield path, waiting[k].result()
            waiting[k] = None  # type: ignore[call-overload]  # the picture is the caller's now
            if k + 4 * workers < len(paths):
                waiting.append(pool.submit(_read_or_error, paths[k + 4 * workers]))


def _read_or_error(path: Path) -> Bytes | BadInput:
    try:
        return read_picture(path)
    except BadInput as error:
        return error


def _eight_bits(values: np.ndarray[Any, Any]) -> Bytes:
    """A picture of 16 or 32 bits, or of floating numbers, as bytes; the range is told by all its values together."""
    values = np.nan_to_num(values)
    most = float(values.max(initial=0.0))
    scale = 255.0 if most <= 1.0 else 1.0 if most <= 255.0 else 255.0 / 65535.0 if most <= 65535.0 else 255.0 / most
    return np.clip(np.rint(values * scale), 0, 255).astype(np.uint8)


def as_rgb(pixels: Pixels) -> Bytes:
    """Pixels of any kind as contiguous uint8 (height, width, 3) RGB in main memory.

    Raises:
        BadInput: For an array of another shape.
    """
    if isinstance(pixels, Image.Image):
        return pictures.as_array(pixels)
    if not isinstance(pixels, np.ndarray):
        pixels = _from_tensor(pixels)
    array = np.asarray(pixels)
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] not in (3, 4) or 0 in array.shape:
        raise BadInput(f"a picture must have shape (height, width, 3), got {tuple(array.shape)}.")
    if array.dtype != np.uint8:
        array = _eight_bits(array)
    if array.shape[2] == 4:
        return pictures.as_array(Image.fromarray(array))
    return np.ascontiguousarray(array)


def _from_tensor(pixels: Any) -> np.ndarray[Any, Any]:
    """A CHW tensor on any device, as an HWC array."""
    if getattr(pixels, "ndim", None) != 3 or not hasattr(pixels, "detach"):
        raise BadInput(f"a picture must be a PIL image, an array or a CHW tensor, got {type(pixels).__name__}.")
    tensor = pixels.detach()
    if tensor.dtype.is_floating_point:
        tensor = (tensor.float().clamp(0, 1) * 255).round().byte()
    array: np.ndarray[Any, Any] = tensor.permute(1, 2, 0).contiguous().cpu().numpy()
    return array


def ready(pixels: Pixels) -> Pixels:
    """Pixels as an array of RGB bytes; a tensor stays where it is."""
    return pixels if hasattr(pixels, "detach") else as_rgb(pixels)


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


def pictures_in(paths: Iterable[Path]) -> list[Path]:
    """The picture files named, and those in the folders named, sorted within each folder.

    Raises:
        BadInput: For a path that is not there, or a folder without pictures.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURES and p.is_file())
        if not inside:
            raise BadInput(f"{path}: there is no picture in it.")
        found += inside
    return found
