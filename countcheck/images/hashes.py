"""Perceptual hashes of pictures: two pictures that look the same have nearly the same hash, whatever their files.

A hash has 64 hex digits of waves and 6 of the mean colour. Where a picture has little contrast, as one of the night or a
dark card with a line of text, encoding it anew turns many bits of its waves; such a hash also holds the picture itself,
very small.
"""

from __future__ import annotations

import importlib.util
import string
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

    from countcheck.images.types import Pixels

Floats: TypeAlias = NDArray[np.float32]

SIDE = 16
"""The hash has SIDE x SIDE bits, those of the coarsest waves of the picture."""
BITS = SIDE * SIDE
SHORTEST = BITS // 4 + 6
"""Characters of a hash, without those of a picture of little contrast."""

_SHRUNK = 128  # pixels of the shorter side that the waves are taken from
_CELLS = 8  # a side of the very small picture
_FLAT, _LOW = 0.1, 12.0  # levels that its cells spread by (standard deviation), between which it is kept
_DIGITS = string.digits + string.ascii_letters + "+/"  # one for each of the 64 levels of a cell


@cache
def can_hash() -> bool:
    """Whether the package that hashes is installed; it comes with every extra that brings a counter."""
    return importlib.util.find_spec("imagehash") is not None


def picture_hash(pixels: Pixels) -> str:
    """Return the perceptual hash of a picture and its mean colour: 64 and 6 hex digits; about 2 ms for 1024 x 1024 pixels.

    A picture of little contrast has 68 characters more, which `cells` reads.

    >>> import numpy as np
    >>> picture_hash(np.full((64, 64, 3), 128, np.uint8))[-6:]
    '808080'
    """
    import imagehash

    from countcheck.images.convert import as_image

    image = as_image(pixels)
    step = max(1, min(image.size) // _SHRUNK)
    small = image.reduce(step) if step > 1 else image
    colour = np.asarray(small).reshape(-1, 3).mean(axis=0).round().astype(int)
    return (
        f"{imagehash.phash(small, hash_size=SIDE)}{''.join(f'{level:02x}' for level in colour)}{_small_picture(small)}"
    )


def cells(mark: str) -> Floats | None:
    """Return the very small picture in a hash as (64,) levels of grey above its darkest; ``None`` where there is none."""
    tail = mark[SHORTEST:]
    if len(tail) != _CELLS * _CELLS + 4:
        return None
    levels = np.array([_DIGITS.index(digit) for digit in tail[:-4]], np.float32)
    return levels * np.float32(int(tail[-4:], 16) / 100 / (len(_DIGITS) - 1))


def _small_picture(image: Image.Image) -> str:
    """Write a picture of little contrast very small: a digit a cell, and its range in hundredths of a level."""
    from PIL.Image import Resampling

    # In whole levels a cell would lose what a picture of the night shows.
    small = np.asarray(image.convert("L").convert("F").resize((_CELLS, _CELLS), Resampling.BOX))
    if not _FLAT <= small.std() < _LOW:
        return ""
    least, span = small.min(), small.max() - small.min()
    digits = np.round((small - least) / span * (len(_DIGITS) - 1)).astype(int).ravel()
    return "".join(_DIGITS[digit] for digit in digits) + f"{round(float(span) * 100):04x}"


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
    pairs = zip(*(bytes.fromhex(mark[BITS // 4 : SHORTEST]) for mark in (one, other)), strict=True)
    return max(abs(a - b) for a, b in pairs)
