"""The pixels of views: each function takes RGB bytes and gives RGB bytes, of an array or of a tensor.

An array (height, width, 3) is worked on by Pillow. A tensor (3, height, width) stays on its device; its bytes are the same,
but for rounding where the picture is enlarged.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from countcheck.detectors.common.pictures import is_tensor, size_of
from countcheck.images.types import RgbPixels

if TYPE_CHECKING:
    import torch

CUTOFF = 0.3  # percent of the pixels that a stretched contrast clips at either end
GREY = 118  # that the local mean moves towards
GAIN = 1.3  # of the differences from the local mean


def mirrored(picture: RgbPixels) -> RgbPixels:
    """Exchange left and right.

    >>> mirrored(np.array([[[1, 1, 1], [2, 2, 2]]], np.uint8))[:, :, 0].tolist()
    [[2, 1]]
    """
    return picture.flip(-1) if is_tensor(picture) else np.ascontiguousarray(picture[:, ::-1])


def cut(picture: RgbPixels, left: int, top: int, wide: int, tall: int) -> RgbPixels:
    """Cut a rectangle out."""
    rows, columns = slice(top, top + tall), slice(left, left + wide)
    return picture[:, rows, columns] if is_tensor(picture) else np.ascontiguousarray(picture[rows, columns])


def stretched_contrast(picture: RgbPixels) -> RgbPixels:
    """Stretch the contrast to the full range, colours kept: `CUTOFF` percent of the greys become black, as many white."""
    if not is_tensor(picture):
        return np.asarray(ImageOps.autocontrast(Image.fromarray(picture), cutoff=CUTOFF, preserve_tone=True))
    import torch

    histogram = torch.bincount(_grey(picture).flatten(), minlength=256).tolist()
    table = torch.tensor(_contrast_table(histogram), dtype=torch.uint8, device=picture.device)
    return table[picture.long()]


def brightened(picture: RgbPixels) -> RgbPixels:
    """Lift every level by a gamma of 0.5.

    >>> brightened(np.array([[[0, 64, 255]]], np.uint8)).tolist()
    [[[0, 128, 255]]]
    """
    levels = np.round(255 * np.sqrt(np.arange(256) / 255)).astype(np.uint8)
    if not is_tensor(picture):
        return levels[picture]
    import torch

    return torch.from_numpy(levels).to(picture.device)[picture.long()]


def lit(picture: RgbPixels) -> RgbPixels:
    """Lift shadows and hold highlights: the local mean moves half of its way to `GREY`, differences grow by 30 %."""
    radius = max(size_of(picture)) / 12
    if is_tensor(picture):
        grey = _grey(picture)
        around = _blurred(grey, radius).float()
        gain = _gain(grey.float(), around)
        return (picture.float() * gain).clamp(0, 255).byte()
    image = Image.fromarray(picture).convert("L")
    around = np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32)
    gain = _gain(np.asarray(image, dtype=np.float32), around)
    return np.clip(picture * gain[..., None], 0, 255).astype(np.uint8)


def smoothed(picture: RgbPixels, size: int) -> RgbPixels:
    """Put in the place of each value the median of the square of ``size`` pixels around it; ``size`` is odd."""
    if not is_tensor(picture):
        return np.asarray(Image.fromarray(picture).filter(ImageFilter.MedianFilter(size)))
    wide, tall = size_of(picture)
    padded = _with_edges(_with_edges(picture, size // 2), size // 2, rows=True)
    return _median([padded[:, y : y + tall, x : x + wide] for y in range(size) for x in range(size)])


def enlarged(picture: RgbPixels, size: tuple[int, int]) -> RgbPixels:
    """Enlarge to (width, height), bicubic."""
    if not is_tensor(picture):
        return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    from torch.nn.functional import interpolate

    wide, tall = size
    grown = picture[None].float()
    for step in (
        (grown.shape[2], wide),
        (tall, wide),
    ):  # Pillow rounds to bytes after the rows, and again after the columns
        grown = interpolate(grown, step, mode="bicubic", antialias=True).round_().clamp_(0, 255)
    return grown[0].byte()


def _gain(grey: Any, around: Any) -> Any:
    wanted = 0.5 * around + 0.5 * GREY + GAIN * (grey - around)
    return (wanted.clip(0, 255) + 4) / (grey + 4)


def _grey(picture: torch.Tensor) -> torch.Tensor:
    """Pillow's luma of RGB bytes: (height, width), 0 to 255."""
    red, green, blue = picture.int()
    return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16


def _contrast_table(histogram: Sequence[int]) -> list[int]:
    """The new level of every level, from how many pixels are of each grey, as Pillow's autocontrast has it."""
    clipped = int(sum(histogram) * CUTOFF // 100)
    low = _first_above(histogram, clipped)
    high = 255 - _first_above(histogram[::-1], clipped)
    if high <= low:
        return list(range(256))
    scale = 255.0 / (high - low)
    return [min(max(int(level * scale - low * scale), 0), 255) for level in range(256)]


def _first_above(numbers: Sequence[int], clipped: int) -> int:
    """The first place where more than ``clipped`` are reached; 255 when there is none."""
    return next((place for place, total in enumerate(itertools.accumulate(numbers)) if total > clipped), 255)


def _median(values: list[torch.Tensor]) -> torch.Tensor:
    """The median of an odd number of tensors, value by value.

    Of half of them and two more, neither the largest nor the smallest is the median: both go, and another comes.
    `torch.median` is not allowed on a GPU where a program asks for deterministic algorithms.
    """
    import torch

    held, rest = values[: len(values) // 2 + 2], values[len(values) // 2 + 2 :]
    while len(held) > 1:
        for k in [*range(len(held) - 1), *range(len(held) - 3, -1, -1)]:
            held[k], held[k + 1] = torch.minimum(held[k], held[k + 1]), torch.maximum(held[k], held[k + 1])
        held = held[1:-1] + rest[:1]
        rest = rest[1:]
    return held[0]


def _blurred(grey: torch.Tensor, radius: float) -> torch.Tensor:
    """Pillow's Gaussian blur of (height, width): a box blur three times along rows, then three times along columns."""
    box = _box_radius(radius)
    for _ in range(3):
        grey = _box_blurred(grey, box)
    grey = grey.T
    for _ in range(3):
        grey = _box_blurred(grey, box)
    return grey.T


def _box_radius(radius: float, times: int = 3) -> float:
    """Of the box blur which, done so many times, is nearest to a Gaussian one of this radius."""
    variance = radius * radius / times
    whole = math.floor((math.sqrt(12 * variance + 1) - 1) / 2)
    part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance) / (6 * (variance - (whole + 1) ** 2))
    return whole + part


def _box_blurred(rows: torch.Tensor, radius: float) -> torch.Tensor:
    """Blur along rows in whole numbers of 24 bits, the two ends of the box weighted by its fraction of a pixel."""
    whole = int(radius)
    weight = int((1 << 24) / (radius * 2 + 1))
    end = ((1 << 24) - (whole * 2 + 1) * weight) // 2
    padded = _with_edges(rows.long(), whole + 1)
    sums = padded.cumsum(dim=1)
    wide = rows.shape[1]
    inside = sums[:, 2 * whole + 1 : 2 * whole + 1 + wide] - sums[:, :wide]
    ends = padded[:, :wide] + padded[:, 2 * whole + 2 :]
    return (inside * weight + ends * end + (1 << 23)) >> 24


def _with_edges(values: torch.Tensor, number: int, *, rows: bool = False) -> torch.Tensor:
    """Repeat the last columns, or rows, so many times at either end."""
    import torch

    dim = values.ndim - 2 if rows else values.ndim - 1
    places = torch.arange(-number, values.shape[dim] + number, device=values.device)
    return values.index_select(dim, places.clamp(0, values.shape[dim] - 1))
