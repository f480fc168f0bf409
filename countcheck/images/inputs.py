"""Take images as Python callers have them: paths, PIL images, arrays, tensors, encoded bytes, or many of these."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from countcheck.errors import BadInput
from countcheck.images.decode import decode, read_picture

if TYPE_CHECKING:
    from countcheck.images.types import Pixels

# One image: a path, encoded bytes (PNG, JPEG ...), or any form of `countcheck.images.types.Pixels`.
ImageInput: TypeAlias = Any
# Several: an iterable of the above, an (n, height, width, 3) array or an (n, 3, height, width) tensor; one is fine too.
ImageInputs: TypeAlias = Any


def each_image(images: ImageInputs) -> Iterator[ImageInput]:
    """Yield the images one by one; a single image is yielded as the only one.

    Raises:
        BadInput: If the argument is no image and cannot be iterated.

    >>> [Path(image).name for image in each_image(["a.png", "b.png"])]
    ['a.png', 'b.png']
    >>> len(list(each_image("a.png")))
    1
    """
    if _is_single(images):
        yield images
    elif isinstance(images, Iterable):
        yield from images
    else:
        raise BadInput(f"images must be images or an iterable of them, got {type(images).__name__}.")


def load_image(image: ImageInput, *, place: str = "the image") -> Pixels:
    """Read one image into pixels. Pixels in memory are returned as they are, on the device they are on.

    Args:
        image: See `ImageInput`.
        place: Names the image in an error.

    Raises:
        BadInput: If it is of another type, or a file or bytes that cannot be decoded.
    """
    if is_in_memory(image):
        return image
    if isinstance(image, str | os.PathLike):
        return read_picture(Path(image))
    if isinstance(image, bytes | bytearray | memoryview):
        return decode(bytes(image), place=place)
    raise BadInput(
        f"{place} is of type {type(image).__name__}. Give a path, a PIL image, an array, a tensor or encoded bytes."
    )


def is_in_memory(image: ImageInput) -> bool:
    """Tell pixels (PIL image, array, tensor) from what has to be read or decoded first.

    >>> import numpy as np
    >>> is_in_memory("a.png"), is_in_memory(b"..."), is_in_memory(np.zeros((4, 4, 3), np.uint8))
    (False, False, True)
    """
    return any(hasattr(image, mark) for mark in ("detach", "__array_interface__", "convert"))


def _is_single(images: ImageInputs) -> bool:
    if isinstance(images, str | os.PathLike | bytes | bytearray | memoryview) or hasattr(images, "convert"):
        return True
    return getattr(images, "ndim", 0) in (2, 3)
