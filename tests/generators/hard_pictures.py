"""Pictures made to be mistaken: real ones that look like nothing, and withheld ones that look like something."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from countcheck.scenes.composition import compose
from countcheck.scenes.rendering import render

STYLES = (
    "plain",
    "greyscale",
    "noir",
    "rain",
    "noir-rain",
    "night",
    "watercolour",
    "fog",
    "snow",
    "low-contrast",
    "sketch",
    "grain",
)


def scene(style: str, seed: int, size: int = 512, n: int = 3) -> Image.Image:
    return Image.fromarray(render(compose({"pig": n}, style=style, seed=seed), size))


def real(seed: int, size: int = 512) -> Iterator[tuple[str, Image.Image]]:
    """Pictures that must be counted, by kind."""
    dice = np.random.default_rng(seed)
    for style in STYLES:
        yield f"scene {style}", scene(style, seed, size)
    yield "one star in the night", scene("night", seed, size, n=1)
    yield "black night, one lit window", _lit(dice, size, level=2, light=160)
    yield "black on black", _lit(dice, size, level=4, light=14)
    yield "white on white", _lit(dice, size, level=251, light=241)
    yield "dense fog, shapes hardly seen", _fog(dice, size, strength=18)
    yield "snow storm", _snow(dice, size)
    yield "a dot on white", _dots(dice, size, 1, ground=(255, 255, 255))
    yield "three dots on colour", _dots(dice, size, 3, ground=(235, 220, 190))
    yield "one line", _line(dice, size)
    yield "a sun over a smooth sky", _sun(dice, size)
    yield "pixel art", _pixel_art(dice, size)
    yield "soft focus, one sharp edge", _soft(dice, size)
    yield "flat posters", _poster(dice, size)
    yield "ink on grey paper", _ink(dice, size)


def withheld(seed: int, size: int = 512) -> Iterator[tuple[str, Image.Image]]:
    """Pictures that providers send instead, by kind."""
    dice = np.random.default_rng(1000 + seed)
    whole = scene(STYLES[seed % len(STYLES)], seed, size, n=4)
    lively = scene(("plain", "rain", "grain", "snow")[seed % 4], seed, size, n=4)
    yield "black", Image.new("RGB", (size, size))
    yield "white", Image.new("RGB", (size, size), (255, 255, 255))
    yield "grey", Image.new("RGB", (size, size), (int(dice.integers(30, 220)),) * 3)
    yield "black with coding noise", Image.fromarray(dice.integers(0, 3, (size, size, 3), dtype=np.uint8))
    yield "blurred", lively.filter(ImageFilter.GaussianBlur(size / int(dice.integers(14, 24))))
    yield (
        "box-blurred",
        lively.filter(ImageFilter.BoxBlur(size / 16))
        .filter(ImageFilter.BoxBlur(size / 16))
        .filter(ImageFilter.BoxBlur(size / 20)),
    )
    side = size // int(dice.integers(10, 40))
    small = whole.resize((max(4, size // side),) * 2, Image.Resampling.BOX)
    yield "mosaic", small.resize((small.width * side,) * 2, Image.Resampling.NEAREST)
    yield "placeholder", _placeholder(dice, size)


def _lit(dice, size, level, light):
    image = np.full((size, size, 3), level, np.float64) + dice.normal(0, 0.6, (size, size, 3))
    y, x = (int(v) for v in dice.integers(size // 8, size * 6 // 8, 2))
    image[y : y + size // 12, x : x + size // 16] = light
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))


def _fog(dice, size, strength):
    shapes = Image.new("L", (size, size), 200)
    pen = ImageDraw.Draw(shapes)
    for _ in range(3):
        x, y = (int(v) for v in dice.integers(0, size * 3 // 4, 2))
        pen.ellipse((x, y, x + size // 5, y + size // 6), fill=200 - strength)
    soft = np.asarray(shapes.filter(ImageFilter.GaussianBlur(size / 100)), np.float64)
    noisy = soft[..., None] + dice.normal(0, 1.0, (size, size, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def _snow(dice, size):
    image = np.full((size, size, 3), 228.0) + dice.normal(0, 2, (size, size, 3))
    flakes = dice.random((size, size)) > 0.985
    image[flakes] = 255
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1))


def _dots(dice, size, n, ground):
    image = Image.new("RGB", (size, size), ground)
    pen = ImageDraw.Draw(image)
    for _ in range(n):
        x, y = (int(v) for v in dice.integers(size // 10, size * 8 // 10, 2))
        r = size // int(dice.integers(18, 50))
        pen.ellipse((x, y, x + r, y + r), fill=tuple(int(v) for v in dice.integers(0, 160, 3)))
    return image


def _line(dice, size):
    image = Image.new("RGB", (size, size), (250, 248, 240))
    a, b = dice.integers(0, size, 2)
    ImageDraw.Draw(image).line((0, int(a), size, int(b)), fill=(20, 20, 20), width=max(2, size // 200))
    return image


def _sun(dice, size):
    y = np.linspace(0, 1, size)[:, None, None]
    sky = np.array([250, 190, 120]) * (1 - y) + np.array([60, 60, 140]) * y
    image = Image.fromarray(np.broadcast_to(sky, (size, size, 3)).astype(np.uint8).copy())
    x = int(dice.integers(size // 5, size * 3 // 5))
    ImageDraw.Draw(image).ellipse((x, size // 2, x + size // 8, size // 2 + size // 8), fill=(255, 240, 210))
    return image


def _pixel_art(dice, size):
    n = int(dice.choice([16, 24, 32, 48]))
    cells = np.zeros((n, n, 3), np.uint8) + np.array([120, 180, 230], np.uint8)
    for _ in range(3):
        y, x = dice.integers(0, n * 3 // 4, 2)
        cells[y : y + n // 4, x : x + n // 4] = dice.integers(0, 255, 3)
        cells[y + 1, x + 1] = 0
    side = size // n
    return Image.fromarray(cells).resize((n * side, n * side), Image.Resampling.NEAREST)


def _soft(dice, size):
    image = scene("plain", int(dice.integers(0, 999)), size).filter(ImageFilter.GaussianBlur(size / 24))
    x = int(dice.integers(size // 4, size // 2))
    ImageDraw.Draw(image).ellipse(
        (x, x, x + size // 6, x + size // 6), fill=(230, 120, 140), outline=(40, 20, 20), width=3
    )
    return image


def _poster(dice, size):
    image = Image.new("RGB", (size, size), tuple(int(v) for v in dice.integers(0, 255, 3)))
    pen = ImageDraw.Draw(image)
    for k in range(3):
        pen.rectangle(
            (size * k // 3 + 8, size // 3, size * (k + 1) // 3 - 8, size * 2 // 3),
            fill=tuple(int(v) for v in dice.integers(0, 255, 3)),
        )
    return image


def _ink(dice, size):
    image = Image.new("RGB", (size, size), (205, 205, 205))
    pen = ImageDraw.Draw(image)
    for _ in range(3):
        x, y = (int(v) for v in dice.integers(0, size * 3 // 4, 2))
        pen.ellipse((x, y, x + size // 6, y + size // 8), outline=(25, 25, 25), width=max(2, size // 160))
    return image


def _placeholder(dice, size):
    level = int(dice.integers(60, 215))
    image = Image.new("RGB", (size, size), (level,) * 3)
    pen = ImageDraw.Draw(image)
    ink = (level - 45,) * 3 if level > 120 else (level + 60,) * 3
    r = size // 12
    pen.ellipse(
        (size // 2 - r, size // 2 - r - size // 20, size // 2 + r, size // 2 + r - size // 20),
        outline=ink,
        width=max(3, size // 80),
    )
    text = "Content not available"
    wide = pen.textlength(text)
    pen.text((size / 2 - wide / 2, size // 2 + r), text, fill=ink)
    return image
