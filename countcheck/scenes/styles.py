"""Styles: transforms of a picture's look that leave what there is to count in it.

Every transform takes an (H, W, 3) uint8 picture of any size and a seed, and returns a new one of that shape. Streaks,
flakes and grains scale with the picture, so that a style looks the same at 96 and at 1,024 pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Picture = NDArray[np.uint8]
Floats = NDArray[np.floating[Any]]

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def apply_style(picture: Picture, style: str, seed: int) -> Picture:
    """Return the picture in another style.

    Args:
        picture: (H, W, 3) uint8 RGB; it stays as it is.
        style: One of `TRANSFORMS`.
        seed: Seed of the rain, the grain and the paper.

    Raises:
        ValueError: If there is no such style.

    >>> import numpy as np
    >>> apply_style(np.full((1, 1, 3), 100, np.uint8), "low-contrast", seed=0).tolist()
    [[[119, 119, 119]]]
    """
    try:
        transform = TRANSFORMS[style]
    except KeyError:
        raise ValueError(f"no style {style!r}; there are {', '.join(TRANSFORMS)}") from None
    return transform(picture, seed)


def plain(picture: Picture, seed: int = 0) -> Picture:
    """Return the picture as it is."""
    return picture.copy()


def greyscale(picture: Picture, seed: int = 0) -> Picture:
    """Take the colour away."""
    return _bytes(np.repeat(_grey(picture)[..., None], 3, axis=2))


def noir(picture: Picture, seed: int = 0) -> Picture:
    """Make it black and white, hard in contrast, dark towards the corners, a little grainy."""
    grey = _grey(picture)
    low, high = np.percentile(grey[::2, ::2], (3, 97))
    level = np.clip((grey - low) / max(float(high - low), 24.0), 0, 1)
    level **= 0.75  # dark things must stay apart from the dark behind them
    curved = level * level * (3 - 2 * level) * 0.85 + level * 0.15
    dark = curved * (1 - 0.35 * _from_centre(grey.shape)) * 245 + 6
    dark += _noise(grey.shape, seed, 7.0)
    return _bytes(np.repeat(dark[..., None], 3, axis=2))


def rain(picture: Picture, seed: int = 0) -> Picture:
    """Dull the light and draw slanted streaks of rain across."""
    pixels = picture.astype(np.float32)
    grey = _grey(picture)[..., None]
    wet = (pixels * 0.6 + grey * 0.4) * 0.78 * np.array([0.92, 0.98, 1.06], dtype=np.float32) + 10
    return _bytes(_streaked(wet, seed, 0.5))


def noir_rain(picture: Picture, seed: int = 0) -> Picture:
    """Make it noir, in the rain."""
    return _bytes(_streaked(noir(picture, seed).astype(np.float32), seed, 0.42))


def night(picture: Picture, seed: int = 0) -> Picture:
    """Turn day into a blue night."""
    pixels = picture.astype(np.float32)
    grey = _grey(picture)[..., None]
    blue = (pixels * 0.62 + grey * 0.38) * np.array([0.5, 0.58, 0.82], dtype=np.float32)
    shadow = 1 - 0.3 * _from_centre(grey.shape[:2])[..., None]
    return _bytes(blue * shadow + np.array([4, 8, 26], dtype=np.float32))


def watercolour(picture: Picture, seed: int = 0) -> Picture:
    """Wash the colours out into soft patches with darker edges, on rough paper."""
    size = max(picture.shape[:2])
    image = Image.fromarray(picture)
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(size / 150)), dtype=np.float32)
    edge = np.abs(_grey(np.asarray(image.filter(ImageFilter.GaussianBlur(size / 80)))) - _grey(soft))[..., None]
    level = soft / 255
    patches = np.round(level * 7) / 7 * 0.5 + level * 0.5
    washed = 1 - (1 - patches) * 0.72
    blot = 1 + 0.07 * _clouds(picture.shape[:2], seed)[..., None]
    paper = _noise(picture.shape[:2], seed, 5.0)[..., None]
    return _bytes(washed * 255 * blot - edge * 1.1 + paper)


def fog(picture: Picture, seed: int = 0) -> Picture:
    """Let drifting fog take half of the contrast."""
    cover = np.clip(0.5 + 0.14 * _clouds(picture.shape[:2], seed)[..., None], 0.3, 0.68)
    return _bytes(picture * (1 - cover) + np.array([206, 210, 214], dtype=np.float32) * cover)


def snow(picture: Picture, seed: int = 0) -> Picture:
    """Make it paler and let white flakes fall."""
    height, width = picture.shape[:2]
    dice = np.random.default_rng(seed)
    size = max(height, width)
    layer = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(layer)
    for x, y, r in dice.random((110, 3)):
        radius = size * (0.004 + 0.007 * r)
        draw.ellipse(
            (x * width - radius, y * height - radius, x * width + radius, y * height + radius),
            fill=round(120 + 120 * r),
        )
    flakes = np.asarray(layer.filter(ImageFilter.GaussianBlur(size / 300)), dtype=np.float32)[..., None] / 255
    pale = picture.astype(np.float32) * 0.86 + 28
    return _bytes(pale * (1 - flakes) + 250 * flakes)


def low_contrast(picture: Picture, seed: int = 0) -> Picture:
    """Squeeze the levels to about a third of their range."""
    return _bytes(picture.astype(np.float32) * 0.35 + 84)


def sketch(picture: Picture, seed: int = 0) -> Picture:
    """Draw it in pencil: light shading and dark edges on white."""
    size = max(picture.shape[:2])
    grey = Image.fromarray(_bytes(_grey(picture)))
    blurred = np.asarray(grey.filter(ImageFilter.GaussianBlur(size / 48)), dtype=np.float32)
    sharp = np.asarray(grey.filter(ImageFilter.GaussianBlur(size / 300)), dtype=np.float32)
    # "dodge": paper white where nothing changes, dark along the darker side of every edge
    dodge = np.clip(sharp * 255 / np.maximum(blurred, 1.0), 0, 255)
    drawn = 255 * (dodge / 255) ** 1.6 * 0.72 + 0.28 * (120 + sharp * 0.5) + _noise(sharp.shape, seed, 6.0)
    return _bytes(np.repeat(drawn[..., None], 3, axis=2))


def grain(picture: Picture, seed: int = 0) -> Picture:
    """Add the heavy grain of a fast film."""
    rough = _noise(picture.shape[:2], seed, 30.0)[..., None]
    return _bytes(picture.astype(np.float32) + rough)


TRANSFORMS: dict[str, Callable[[Picture, int], Picture]] = {
    "plain": plain,
    "noir": noir,
    "rain": rain,
    "night": night,
    "watercolour": watercolour,
    "noir-rain": noir_rain,
    "greyscale": greyscale,
    "fog": fog,
    "snow": snow,
    "low-contrast": low_contrast,
    "sketch": sketch,
    "grain": grain,
}

# The styles that the shipped painter knows; scenes can be drawn in every look of TRANSFORMS.
STYLES: tuple[str, ...] = ("plain", "noir", "rain", "night", "watercolour", "noir-rain")


def _grey(picture: NDArray[np.generic]) -> Floats:
    return (picture.astype(np.float32) @ _LUMA).astype(np.float32)


def _bytes(pixels: Floats) -> Picture:
    return np.clip(pixels + 0.5, 0, 255).astype(np.uint8)


@lru_cache(maxsize=16)
def _from_centre(shape: tuple[int, ...]) -> Floats:
    """Return 0 in the middle, 1 in the corners."""
    height, width = shape
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    return ((x * x + y * y) / 2).astype(np.float32)


def _noise(shape: tuple[int, ...], seed: int, strength: float) -> Floats:
    """Return film grain of about the given standard deviation; a grain is 1/128 of the picture."""
    height, width = shape
    step = max(1, round(max(shape) / 128))
    coarse = np.random.default_rng([seed, 7]).standard_normal((-(-height // step), -(-width // step)), dtype=np.float32)
    fine = coarse.repeat(step, axis=0).repeat(step, axis=1)[:height, :width] if step > 1 else coarse
    return fine * np.float32(strength)


def _clouds(shape: tuple[int, ...], seed: int) -> Floats:
    """Return smooth noise, about -2 to 2, that changes over a fifth of the picture."""
    height, width = shape
    coarse = np.random.default_rng([seed, 5]).standard_normal((6, 6)).astype(np.float32)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32)


def _streaked(pixels: Floats, seed: int, strength: float) -> Floats:
    """Lay streaks of rain over the picture."""
    height, width = pixels.shape[:2]
    dice = np.random.default_rng([seed, 3])
    size = max(height, width)
    slant = dice.uniform(-0.35, 0.35)
    layer = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(layer)
    for x, y, length, light in dice.random((46, 4)):
        run = size * (0.07 + 0.09 * length)
        start = (x * (width + size * 0.3) - size * 0.15, y * (height + run) - run)
        end = (start[0] + slant * run, start[1] + run)
        draw.line((*start, *end), fill=round(140 + 115 * light), width=max(1, round(size / 110)))
    cover = np.asarray(layer, dtype=np.float32)[..., None] / 255 * strength
    return (pixels * (1 - cover) + np.array([214, 222, 232], dtype=np.float32) * cover).astype(np.float32)
