"""Sizes of pictures, and pictures grouped by size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from PIL import Image

from countcheck.images.convert import as_byte_tensor, as_rgb
from countcheck.images.types import Pixels, RgbPixels

if TYPE_CHECKING:
    import torch


def is_tensor(pixels: Pixels) -> TypeGuard[torch.Tensor]:
    """Tell a tensor from an array and from a PIL image."""
    return hasattr(pixels, "detach")


def is_on_device(pixels: Pixels) -> TypeGuard[torch.Tensor]:
    """Tell whether pixels are a tensor that lies outside main memory, as on a GPU."""
    return is_tensor(pixels) and str(pixels.device) != "cpu"


def as_bytes(pixels: Pixels) -> RgbPixels:
    """Convert pixels to RGB bytes: a tensor on its own device, anything else in main memory.

    Raises:
        BadInput: As `countcheck.images.convert.as_rgb`.
    """
    if is_tensor(pixels):
        tensor: RgbPixels = as_byte_tensor(pixels)
        return tensor
    return as_rgb(pixels)


def size_of(pixels: Pixels) -> tuple[int, int]:
    """Give width and height of pixels of any kind."""
    if isinstance(pixels, Image.Image):
        return pixels.size
    if isinstance(pixels, np.ndarray):
        return int(pixels.shape[1]), int(pixels.shape[0])
    return int(pixels.shape[2]), int(pixels.shape[1])


def stay_on_device(pixels: Pixels, device: torch.device | str) -> RgbPixels:
    """Convert pixels to RGB bytes: a tensor on this device stays one, (3, height, width).

    Anything else becomes an array in main memory.

    Raises:
        BadInput: As `countcheck.images.convert.as_rgb`.
    """
    on = getattr(pixels, "device", None)
    if is_tensor(pixels) and getattr(on, "type", "") == str(device).partition(":")[0]:
        return as_bytes(pixels)
    return as_rgb(pixels)


def takes_tensors(processor: Any) -> bool:
    """Tell whether a processor of transformers computes with tensors, on the device that they are on."""
    kinds = type(getattr(processor, "image_processor", processor)).__mro__
    return any(kind.__name__ == "TorchvisionBackend" for kind in kinds)


def indices_by_size(arrays: Sequence[Any]) -> list[list[int]]:
    """Group the positions of pictures by size, arrays and tensors apart.

    >>> indices_by_size([np.zeros((2, 3, 3)), np.zeros((4, 4, 3)), np.zeros((2, 3, 3))])
    [[0, 2], [1]]
    """
    groups: dict[tuple[type, tuple[int, ...]], list[int]] = {}
    for k, array in enumerate(arrays):
        groups.setdefault((type(array), tuple(array.shape)), []).append(k)
    return list(groups.values())
