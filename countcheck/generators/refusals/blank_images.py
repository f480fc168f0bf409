"""Tell pictures from what is sent in their place: blank, blurred or pixelated images and placeholders. Pure.

A dark picture is not blank, nor is fog, snow or a dot on white. No test here looks at brightness; each looks for what
image models do not make: flat to the last level, or without an edge anywhere.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from countcheck.images.types import Pixels

if TYPE_CHECKING:
    from PIL import Image

Floats = np.ndarray[Any, np.dtype[np.float32]]


class Look(StrEnum):
    """Kind of a picture, whatever it shows. Only ``FINE`` and ``SPARSE`` pictures are counted."""

    FINE = "fine"
    SPARSE = "sparse"
    BLANK = "blank"
    BLURRED = "blurred"
    MOSAIC = "mosaic"
    PLACEHOLDER = "placeholder"


WITHHELD = frozenset({Look.BLANK, Look.BLURRED, Look.MOSAIC, Look.PLACEHOLDER})

# Levels are 0-255 throughout. Each figure is set by benchmarks/blankness.py on pictures made to be mistaken.
_FLAT_RANGE = 2
_SPARSE_SHARE = 0.995
_SOFTEST_EDGE = 8.0
_LEAST_RANGE = 48.0
_GRAIN = 0.75
_MOSAIC_SHARE = 0.97
_SIDE = 128


def classify_image(pixels: Pixels) -> Look:
    """Classify a picture. Takes under 5 ms for 1024 x 1024 pixels."""
    from countcheck.images.convert import as_image

    image = as_image(pixels)
    small = _small(image)
    if max(float(np.ptp(small[..., k])) for k in range(3)) <= _FLAT_RANGE and _is_flat(image):
        return Look.BLANK
    share, ground = _ground(small)
    if _is_placeholder(small, share, ground):
        return Look.PLACEHOLDER
    # Green is nearest to what the eye calls brightness, and one colour is quicker to look at than three.
    if share < _SPARSE_SHARE and _is_mosaic(image):
        return Look.MOSAIC
    if _is_blurred(image, small[..., 1]):
        return Look.BLURRED
    return Look.SPARSE if share >= _SPARSE_SHARE else Look.FINE


def _is_flat(image: Image.Image) -> bool:
    """Tell whether a picture is one colour, but for coding noise."""
    wide, high = image.size
    # Row by row, so that the processor compares many bytes at once; Pillow's own extrema take three times as long.
    rows = np.frombuffer(image.tobytes(), np.uint8).reshape(high, 3 * wide)
    lowest = rows.min(axis=0).reshape(wide, 3).min(axis=0)
    highest = rows.max(axis=0).reshape(wide, 3).max(axis=0)
    return bool((highest - lowest <= _FLAT_RANGE).all())


def _small(image: Image.Image) -> Floats:
    step = max(1, min(image.size) // _SIDE)
    return np.asarray(image.reduce(step) if step > 1 else image, dtype=np.float32)


def _ground(small: Floats) -> tuple[float, Floats]:
    """Return the share of pixels (0 to 1) within 3 levels of the commonest colour, and that colour."""
    eighth = small.astype(np.int32) >> 3
    rough = (eighth[..., 0] << 10) | (eighth[..., 1] << 5) | eighth[..., 2]
    common = np.bincount(rough.ravel()).argmax()
    colour = small[rough == common].mean(axis=0)
    return 1 - float(_away(small, colour, 3).mean()), colour


def _away(small: Floats, colour: Floats, levels: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Mark pixels where some channel differs by more than ``levels``. Reducing over an axis of three would be slow."""
    red, green, blue = (np.abs(small[..., k] - colour[k]) > levels for k in range(3))
    return red | green | blue


def _is_placeholder(small: Floats, share: float, ground: Floats) -> bool:
    """Tell whether a picture is a flat grey card with a little grey text or an icon in its middle, without colour."""
    if share < 0.93 or not 40 <= float(ground.mean()) <= 225 or float(np.ptp(ground)) > 6:
        return False
    away = _away(small, ground, 12)
    if not away.any() or float(np.ptp(small[away], axis=1).mean()) > 12:
        return False
    high, wide = away.shape
    rows, columns = np.flatnonzero(away.any(axis=1)), np.flatnonzero(away.any(axis=0))
    middle_y, middle_x = (rows[0] + rows[-1]) / 2 / high, (columns[0] + columns[-1]) / 2 / wide
    tall, broad = (rows[-1] - rows[0]) / high, (columns[-1] - columns[0]) / wide
    return bool(abs(middle_y - 0.5) < 0.08 and abs(middle_x - 0.5) < 0.03 and tall < 0.45 and broad < 0.7)


def _is_blurred(full: Image.Image, small: Floats) -> bool:
    """Tell whether a picture has no edge and no grain although light and dark are far apart: what a heavy blur leaves."""
    low, high = np.percentile(small[::2, ::2], (1, 99))
    if high - low < _LEAST_RANGE:
        return False
    across, down = np.abs(np.diff(small, axis=1)), np.abs(np.diff(small, axis=0))
    scale = max(small.shape) / 256
    steepest = max(_steepest(across), _steepest(down)) * scale
    return steepest < _SOFTEST_EDGE and _grain(full) < _GRAIN and not _is_ramp(small)


def _steepest(steps: Floats) -> float:
    """Return the step between neighbours that one in a thousand exceeds."""
    place = int(steps.size * 0.999)
    return float(np.partition(steps.ravel(), place)[place])


def _grain(full: Image.Image) -> float:
    """Measure the roughness of neighbouring pixels at full size, in levels: near 0 after a blur, 1 and more otherwise."""
    wide, high = full.size
    middle = full.crop((wide // 4, high // 4, wide - wide // 4, high - high // 4))
    values = np.asarray(middle.getchannel(1), dtype=np.float32)
    if values.size == 0 or values.shape[1] < 3:
        return 0.0
    return float(np.abs(values[:, :-2] - 2 * values[:, 1:-1] + values[:, 2:]).mean())


def _is_ramp(grey: Floats) -> bool:
    """Tell whether a picture is one smooth gradient: an empty sky, not a blurred scene."""
    high, wide = grey.shape
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32) / max(high, wide)
    columns = [np.ones_like(x), x, y, x * x, y * y, x * y]
    basis = np.stack([column[::2, ::2].ravel() for column in columns], axis=1)
    wanted = grey[::2, ::2].ravel()
    found = np.linalg.lstsq(basis, wanted, rcond=None)[0]
    rest = wanted - basis @ found
    return float(rest.var()) < 0.08 * float(wanted.var())


def _is_mosaic(full: Image.Image) -> bool:
    """Tell whether a picture is square blocks of one colour each, larger than 1/80 of it, unlike their neighbours."""
    from PIL import Image

    wide, high = full.size
    # Some rows and some columns tell as much as all of them.
    rows = _green(full.resize((wide, min(high, 64)), Image.Resampling.NEAREST))
    if not _has_blocks(np.abs(np.diff(rows, axis=1)).mean(axis=0)):
        return False
    columns = _green(full.resize((min(wide, 64), high), Image.Resampling.NEAREST))
    return _has_blocks(np.abs(np.diff(columns, axis=0)).mean(axis=1))


def _green(image: Image.Image) -> Floats:
    return np.asarray(image.getchannel(1), dtype=np.float32)


def _has_blocks(profile: Floats) -> bool:
    """Tell whether all change happens at even steps, and at almost every one of them."""
    steps = np.flatnonzero(profile > max(0.5, float(profile.max()) * 0.08))
    total = float(profile.sum())
    if len(steps) < 4 or total <= 0 or float(profile[steps].sum()) < _MOSAIC_SHARE * total:
        return False
    gaps = np.diff(steps)
    side = int(np.median(gaps))
    if side < max(6, (len(profile) + 1) / 80):
        return False
    even = np.abs(gaps - side) <= 1
    return bool(even.mean() > 0.9)
