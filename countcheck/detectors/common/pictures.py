"""Sizes of pictures, and pictures grouped by size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from countcheck.images.convert import as_byte_tensor, as_rgb
from countcheck.images.types import Pixels

if TYPE_CHECKING:
    import torch


def as_bytes(pixels: Pixels) -> Pixels:
    """Convert pixels to RGB bytes: a tensor of three channels on its own device, anything else in main memory.

    Raises:
        BadInput: As `countcheck.images.convert.as_rgb`.
    """
    if hasattr(pixels, "detach") and getattr(pixels, "shape", ())[:1] == (3,):
        tensor: Pixels = as_byte_tensor(pixels)
        return tensor
    return as_rgb(pixels)


def size_of(pixels: Pixels) -> tuple[int, int]:
    """Give width and height of pixels of any kind."""
    if isinstance(pixels, Image.Image):
        return pixels.size
    if isinstance(pixels, np.ndarray):
        return int(pixels.shape[1]), int(pixels.shape[0])
    return int(pixels.shape[2]), int(pixels.shape[1])


def stay_on_device(pixels: Pixels, device: torch.device | str) -> Pixels:
    """Convert pixels to RGB bytes: a tensor of three channels (3, height, width) stays a tensor when it is on this device.

    Anything else becomes an array in main memory.

    Raises:
        BadInput: As `countcheck.images.convert.as_rgb`.
    """
    on = getattr(pixels, "device", None)
    if hasattr(pixels, "detach") and getattr(on, "type", "") == str(device).partition(":")[0]:
        return as_bytes(pixels)
    return as_rgb(pixels)


def indices_by_size(arrays: Sequence[Any]) -> list[list[int]]:
    """Group the positions of pictures by size, arrays and tensors apart.

    >>> indices_by_size([np.zeros((2, 3, 3)), np.zeros((4, 4, 3)), np.zeros((2, 3, 3))])
    [[0, 2], [1]]
    """
    groups: dict[tuple[type, tuple[int, ...]], list[int]] = {}
    for k, array in enumerate(arrays):
        groups.setdefault((type(array), tuple(array.shape)), []).append(k)
    return list(groups.values())
