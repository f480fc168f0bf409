"""Bilinear resizing, the same on the CPU and on a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from countcheck.images.types import RgbArray

if TYPE_CHECKING:
    import torch


def resize(picture: RgbArray, size: tuple[int, int], *, antialias: bool = True) -> RgbArray:
    """Resize a picture to (width, height), bilinear; ``antialias`` averages over all pixels when it shrinks."""
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    if antialias:
        return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
    return _plain_bilinear(picture, size)


def _plain_bilinear(picture: RgbArray, size: tuple[int, int]) -> RgbArray:
    """Resize bilinearly from the four nearest pixels, as OpenCV does to the last bit."""
    try:  # the extras onnx and yolo bring it: fifty times quicker
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
    """For every new pixel of a row or column: the two old ones it is made from (n,), and their weights of 2048 (n,)."""

    low: np.ndarray[Any, np.dtype[np.int64]]
    high: np.ndarray[Any, np.dtype[np.int64]]
    first: np.ndarray[Any, np.dtype[np.int32]]
    second: np.ndarray[Any, np.dtype[np.int32]]


def taps(new: int, old: int, *, rows: bool = False) -> Taps:
    """Reproduce where OpenCV's fixed-point bilinear takes its pixels; it treats ends of rows and of columns differently."""
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


def resize_tensor(pictures: torch.Tensor, size: tuple[int, int], *, antialias: bool = True) -> torch.Tensor:
    """Resize a batch (n, 3, height, width) to another (height, width) on its device, with the results of `resize`."""
    import torch
    from torch.nn.functional import interpolate

    if antialias:
        grown = interpolate(pictures.float(), size, mode="bilinear", align_corners=False, antialias=True)
        return grown.round_().clamp_(0, 255)
    down, across = taps(size[0], pictures.shape[2], rows=True), taps(size[1], pictures.shape[3])
    y0, y1, y_first, y_second = (torch.from_numpy(v).to(pictures.device) for v in _columns(down))
    x0, x1, x_first, x_second = (torch.from_numpy(v).to(pictures.device) for v in _columns(across))
    whole = pictures.int()
    flat = whole[..., x0] * x_first + whole[..., x1] * x_second
    above = (y_first[:, None] * (flat[:, :, y0] >> 4)) >> 16
    below = (y_second[:, None] * (flat[:, :, y1] >> 4)) >> 16
    return (above + below + 2) >> 2


def _columns(taken: Taps) -> tuple[np.ndarray[Any, Any], ...]:
    return taken.low, taken.high, taken.first, taken.second
