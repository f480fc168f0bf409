"""Perceptual hashes of pictures: two pictures that look the same have nearly the same hash, whatever their files."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from countcheck.images.types import Pixels

SIDE = 16
"""The hash has SIDE x SIDE bits, those of the coarsest waves of the picture."""
BITS = SIDE * SIDE
_SHRUNK = 128  # pixels of the shorter side that the waves are taken from


@cache
def can_hash() -> bool:
    """Whether the package that hashes is installed; it comes with every extra that brings a counter."""
    return importlib.util.find_spec("imagehash") is not None


def picture_hash(pixels: Pixels) -> str:
    """Return the perceptual hash of a picture and its mean colour: 64 and 6 hex digits; about 2 ms for 1024 x 1024 pixels.

    >>> import numpy as np
    >>> picture_hash(np.full((64, 64, 3), 128, np.uint8))[-6:]
    '808080'
    """
    import imagehash
    import numpy as np

    from countcheck.images.convert import as_image

    image = as_image(pixels)
    step = max(1, min(image.size) // _SHRUNK)
    small = image.reduce(step) if step > 1 else image
    colour = np.asarray(small).reshape(-1, 3).mean(axis=0).round().astype(int)
    return f"{imagehash.phash(small, hash_size=SIDE)}{''.join(f'{level:02x}' for level in colour)}"


def hash_distance(one: str, other: str) -> int:
    """Count the bits in which two hashes differ, 0 to 256; that of pictures with nothing in common is about 128.

    >>> hash_distance("0" * 70, "f" + "0" * 69)
    4
    """
    return (int(one[: BITS // 4], 16) ^ int(other[: BITS // 4], 16)).bit_count()


def colour_distance(one: str, other: str) -> int:
    """Return the largest difference of two mean colours in one channel, 0 to 255.

    >>> colour_distance("0" * 70, "0" * 64 + "00000a")
    10
    """
    pairs = zip(bytes.fromhex(one[BITS // 4 :]), bytes.fromhex(other[BITS // 4 :]), strict=True)
    return max(abs(a - b) for a, b in pairs)
