"""Pictures with known boxes for training the counter, made as fast as they are used.

What counts as one, here and when people label the painter's pictures: *a thing counts as one when about half of it can
be seen and its noun can be told from what is seen. Two that have grown together count as two when the marks of both
(two snouts, two roofs) can be seen. A smear of the right colour without such marks is none.* So a thing of which less
than 40 % can be seen is no longer a thing; between 20 % and 40 % the training asks nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from countcheck.detectors.common.letterbox import PAD
from countcheck.scenes import BACKDROPS, NOUNS, TRANSFORMS, apply_style, compose
from countcheck.scenes.art import Sprite
from countcheck.scenes.pen import grown
from countcheck.scenes.rendering import backdrop, paste
from models.train.art import OWN, WORK, Look, looks, picture

ENOUGH = 0.4  # visible share from which a thing counts
UNSURE = 0.2  # below ENOUGH and above this, nothing is asked

_STYLES = (
    *("plain",) * 6, *("noir",) * 3, *("noir-rain",) * 4, *("rain",) * 2, *("night",) * 2, *("watercolour",) * 2,
    *(name for name in TRANSFORMS if name not in ("plain", "noir", "noir-rain", "rain", "night", "watercolour")),
)  # fmt: skip
_DARK = ("noir", "noir-rain")

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and what is in it.

    Attributes:
        pixels: (size, size, 3) uint8.
        boxes: (n, 4) float32: x1, y1, x2, y2 in pixels.
        nouns: (n,) int64: indices into NOUNS.
        sure: (n,) bool: whether it counts; a thing that is half gone is neither one nor none.
    """

    pixels: NDArray[np.uint8]
    boxes: Floats
    nouns: NDArray[np.int64]
    sure: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is mixed into the pictures.

    Attributes:
        families: Art families, our own (``own``) among them; drawn by weight of their place in the tuple's repeats.
        rough: Share of pictures with cut-off, turned, recoloured, outlined or half-formed things, clutter and odd
            backgrounds; the others are scenes as the scene generator makes them.
        most: Most things in one picture.
        size: Side of the finished pictures in pixels.
        art: Where the fetched families lie.
    """

    families: tuple[str, ...]
    rough: float = 0.6
    most: int = 12
    size: int = 128
    art: Path = WORK / "art"


def make(recipe: Recipe, seed: int) -> Labelled:
    """Make one picture; the same recipe and seed always give the same."""
    dice = random.Random(f"counter {seed}")
    rough = dice.random() < recipe.rough
    side = dice.choice((recipe.size, recipe.size, 96, 112, 160, 192))
    style = dice.choice(_STYLES)
    scene = compose(
        _counts(dice, recipe.most),
        seed=seed,
        overlap=dice.uniform(0, 0.4) if rough else 0.08,
        size=dice.uniform(0.6, 1.25) if rough else dice.uniform(0.85, 1.1),
    )
    canvas = _background(dice, rough, side, style, scene.backdrop, scene.horizon)
    if rough and dice.random() < 0.25:
        _clutter(canvas, dice)
    manner = _Manner.chosen(dice, rough)
    families = [dice.choice(recipe.families)] if dice.random() < 0.7 else list(recipe.families)
    if rough:
        for _ in range(dice.choice((0, 0, 0, 1, 2))):
            _stranger(canvas, dice, recipe, side)
    placed: list[tuple[str, Sprite, int, int, float]] = []
    shift = dice.uniform(-0.12, 0.12) if rough else 0.0
    for thing in scene.things:
        look = _look(dice, families, thing.noun, recipe)
        x = (thing.x + shift) * side
        y = thing.y * side
        fade = dice.choice((0.28, 0.6, 0.75)) if rough and dice.random() < 0.05 else 1.0
        cutting = manner.cut(look, max(6, round(thing.size * side)), thing.flip, dice, recipe.art)
        placed.append((thing.noun, _faded(cutting, fade), *_corner(cutting, x, y), fade))
    owner = np.full((side, side), -1, dtype=np.int16)
    areas: list[float] = []
    for k, (_, drawn, x0, y0, _fade) in enumerate(placed):
        paste(canvas, drawn, x0, y0)
        areas.append(_own(owner, drawn, x0, y0, k))
    if rough and dice.random() < 0.12:
        _smear(canvas, dice, recipe, side)
    pixels = apply_style(np.clip(canvas + 0.5, 0, 255).astype(np.uint8), style, seed)
    if dice.random() < (0.45 if rough else 0.15):
        pixels = _worn(pixels, dice)
    shown = _bars(pixels, owner, dice) if rough and dice.random() < 0.15 else (0, 0, side, side)
    return _labelled(pixels, placed, owner, areas, shown, recipe.size)


def _counts(dice: random.Random, most: int) -> dict[str, int]:
    total = min(most, dice.choice((0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 11, 12)))
    kinds = dice.sample(NOUNS, dice.choice((1, 1, 2, 2, 3, 4)))
    counts: dict[str, int] = {}
    for _ in range(total):
        noun = dice.choice(kinds)
        counts[noun] = counts.get(noun, 0) + 1
    return counts


def _look(dice: random.Random, families: list[str], noun: str, recipe: Recipe) -> Look:
    found = looks(dice.choice(families), noun, recipe.art) or looks(OWN, noun)
    # the first look of a noun is its usual one
    return found[0] if dice.random() < 0.3 else dice.choice(found)


def _corner(drawn: Sprite, x: float, y: float) -> tuple[int, int]:
    h, w = drawn.cover.shape[:2]
    return round(x - w / 2), round(y - h / 2)


def _faded(drawn: Sprite, by: float) -> Sprite:
    return drawn if by == 1.0 else Sprite(drawn.ink * by, drawn.cover * by)


def _own(owner: NDArray[np.int16], drawn: Sprite, x: int, y: int, k: int) -> float:
    """Note which pixels belong to thing ``k`` now; give how many it has in all, outside the picture too."""
    h, w = drawn.cover.shape[:2]
    solid = drawn.cover[..., 0] > drawn.cover.max() * 0.5
    left, top = max(0, -x), max(0, -y)
    right, bottom = min(w, owner.shape[1] - x), min(h, owner.shape[0] - y)
    if right > left and bottom > top:
        owner[y + top : y + bottom, x + left : x + right][solid[top:bottom, left:right]] = k
    return float(solid.sum())


def _labelled(
    pixels: NDArray[np.uint8],
    placed: list[tuple[str, Sprite, int, int, float]],
    owner: NDArray[np.int16],
    areas: list[float],
    shown: tuple[int, int, int, int],
    size: int,
) -> Labelled:
    side = pixels.shape[0]
    visible = np.bincount(owner[owner >= 0].ravel(), minlength=len(placed)) / np.maximum(areas or [1.0], 1)
    left, top, right, bottom = shown
    boxes, nouns, sure = [], [], []
    for k, (noun, drawn, x, y, fade) in enumerate(placed):
        if visible[k] < UNSURE:
            continue
        h, w = drawn.cover.shape[:2]
        boxes.append([max(x, left), max(y, top), min(x + w, right), min(y + h, bottom)])
        nouns.append(NOUNS.index(noun))
        sure.append(bool(visible[k] >= ENOUGH and fade >= 0.5))
    if side != size:
        how = Image.Resampling.BOX if side > size * 1.3 else Image.Resampling.BILINEAR
        pixels = np.array(Image.fromarray(pixels).resize((size, size), how))
    return Labelled(
        pixels,
        np.array(boxes, dtype=np.float32).reshape(-1, 4) * (size / side),
        np.array(nouns, dtype=np.int64),
        np.array(sure, dtype=np.bool_),
    )


@dataclass(frozen=True, slots=True)
class _Manner:
    """How the things of one picture are drawn: turned, recoloured, outlined."""

    turn: float
    colour: str
    ink: str

    @classmethod
    def chosen(cls, dice: random.Random, rough: bool) -> _Manner:
        if not rough:
            return cls(0.0, "own", "none")
        turn = dice.choice((0.0, 0.0, 0.0, 14.0, 28.0))
        colour = dice.choice((*("own",) * 7, "hue", "swap", "grey", "pale", "dark"))
        ink = dice.choice((*("none",) * 5, "outline", *("drawn",) * 4, "line-art", "line-art"))
        return cls(turn, colour, ink)

    def cut(self, look: Look, side: int, flip: bool, dice: random.Random, art: Path) -> Sprite:
        steps = dice.choice((-2, -1, 0, 1, 2))
        stretch = dice.choice((0.85, 1.0, 1.0, 1.0, 1.18)) if self.turn else 1.0
        side = side if side < 24 else side // 2 * 2
        return _cut(look, side, flip, steps * self.turn / 2, stretch, self.colour, self.ink, art)


@lru_cache(maxsize=12000)
def _cut(look: Look, side: int, flip: bool, turn: float, stretch: float, colour: str, ink: str, art: Path) -> Sprite:
    image = _inked(look, colour, ink, art)
    if turn:
        image = image.rotate(turn, expand=True, resample=Image.Resampling.BILINEAR)
        image = image.crop(image.getchannel("A").getbbox())
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale * stretch)), max(1, round(image.height * scale)))
    small = image.convert("RGBa").resize(size, Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BILINEAR)
    pixels = np.array(small, dtype=np.float32)
    if flip:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    return Sprite(pixels[..., :3], pixels[..., 3:] / 255)


@lru_cache(maxsize=3000)
def _inked(look: Look, colour: str, ink: str, art: Path) -> Image.Image:
    """Give a look in other colours and with other lines."""
    plain = picture(look, art)
    image = Image.new("RGBA", (plain.width + 12, plain.height + 12))
    image.paste(plain, (6, 6))
    alpha = image.getchannel("A")
    rgb = image.convert("RGB")
    if colour == "hue":
        hue, saturation, value = rgb.convert("HSV").split()
        turned = hue.point([(level + 40 + 60 * (look.index % 3)) % 256 for level in range(256)])
        rgb = Image.merge("HSV", (turned, saturation, value)).convert("RGB")
    elif colour == "swap":
        r, g, b = rgb.split()
        rgb = Image.merge("RGB", (b, r, g) if look.index % 2 else (g, b, r))
    elif colour == "grey":
        rgb = rgb.convert("L").convert("RGB")
    elif colour == "pale":
        rgb = rgb.point([round(level * 0.6 + 100) for level in range(256)] * 3)
    elif colour == "dark":
        rgb = rgb.point([round(level * 0.6) for level in range(256)] * 3)
    if ink in ("drawn", "line-art"):
        edges = rgb.convert("L").filter(ImageFilter.GaussianBlur(0.8)).filter(ImageFilter.FIND_EDGES)
        lines = edges.point([0 if level < 22 else 255 for level in range(256)]).filter(ImageFilter.MaxFilter(3))
        lines = lines.filter(ImageFilter.GaussianBlur(0.7))
        if ink == "line-art":
            rgb = Image.blend(rgb, Image.new("RGB", rgb.size, (255, 255, 255)), 0.75)
        rgb.paste((12, 12, 16), mask=ImageChops.multiply(lines, alpha))
    if ink != "none":
        wide = grown(alpha, 3 if ink == "outline" else 2).filter(ImageFilter.GaussianBlur(0.8))
        under = Image.new("RGB", rgb.size, (12, 12, 16))
        under.paste(rgb, mask=alpha)
        rgb, alpha = under, wide
    rgb.putalpha(alpha)
    return rgb.crop(alpha.getbbox())


def _background(dice: random.Random, rough: bool, side: int, style: str, name: str, horizon: float) -> Floats:
    dim = 1.0
    if style in _DARK and dice.random() < 0.75:
        dim = dice.uniform(0.25, 0.5) if rough else 0.34
    elif style == "night":
        dim = 0.72
    kind = dice.random() if rough else 0.0
    if kind < 0.4:
        return backdrop(name if name in BACKDROPS else "meadow", round(horizon * 32) / 32, side, dim).copy()
    ends = np.array([[dice.uniform(0, 255) for _ in range(3)] for _ in range(2)], dtype=np.float32) * dim
    if kind < 0.6:
        across = np.linspace(0, 1, side, dtype=np.float32)[:, None, None]
        ramp = ends[0] * (1 - across) + ends[1] * across
        return np.ascontiguousarray(np.broadcast_to(ramp, (side, side, 3)))
    if kind < 0.85:
        cells = dice.choice((3, 5, 9, 16))
        noise = np.random.default_rng(dice.getrandbits(32)).integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        cloud = np.array(Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC), dtype=np.float32)
        strength = dice.uniform(0.1, 0.6)
        return cloud * np.float32(strength * dim) + ends[0] * (1 - strength)
    flat = ends[0] if dice.random() < 0.6 else np.full(3, 246.0, dtype=np.float32) * dim
    return np.ascontiguousarray(np.broadcast_to(flat, (side, side, 3)), dtype=np.float32)


def _clutter(canvas: Floats, dice: random.Random) -> None:
    """Draw boxes, discs and lines that are nothing."""
    side = canvas.shape[0]
    image = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(dice.randint(1, 7)):
        x, y = dice.uniform(0, side), dice.uniform(0, side)
        w, h = dice.uniform(0.03, 0.3) * side, dice.uniform(0.03, 0.3) * side
        colour = (dice.randrange(256), dice.randrange(256), dice.randrange(256))
        shape = dice.random()
        if shape < 0.4:
            draw.rectangle((x, y, x + w, y + h), fill=colour)
        elif shape < 0.7:
            draw.ellipse((x, y, x + w, y + h * dice.uniform(0.2, 0.6)), fill=colour)
        else:
            draw.line((x, y, x + w * 2 - side * 0.3, y + h), fill=colour, width=dice.randint(1, 4))
    canvas[:] = np.asarray(image, dtype=np.float32)


def _stranger(canvas: Floats, dice: random.Random, recipe: Recipe, side: int) -> None:
    """Draw something that is none of the nouns."""
    found = looks(dice.choice(recipe.families), "", recipe.art)
    if not found:
        return
    drawn = _cut(dice.choice(found), round(side * dice.uniform(0.12, 0.4)), False, 0.0, 1.0, "own", "none", recipe.art)
    paste(canvas, drawn, *_corner(drawn, dice.uniform(0, side), dice.uniform(0, side)))


def _smear(canvas: Floats, dice: random.Random, recipe: Recipe, side: int) -> None:
    """Draw the colours of a thing without its shape: a smear, which counts as none."""
    look = looks(OWN, dice.choice(NOUNS))[0]
    drawn = _cut(look, round(side * dice.uniform(0.1, 0.22)), False, 0.0, 1.0, "own", "none", recipe.art)
    mean = drawn.ink.sum((0, 1)) / max(float(drawn.cover.sum()), 1.0)
    h, w = drawn.cover.shape[:2]
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    cover = np.clip(1.3 - 1.3 * np.hypot(x, y), 0, 0.9)[..., None].astype(np.float32)
    paste(canvas, Sprite(cover * mean, cover), *_corner(drawn, dice.uniform(0, side), dice.uniform(0, side)))


def _bars(pixels: NDArray[np.uint8], owner: NDArray[np.int16], dice: random.Random) -> tuple[int, int, int, int]:
    """Leave a strip of the picture, beside it the grey that fills up pictures that are not square; give its edges."""
    side = len(pixels)
    wide = dice.randint(1, side // 5)
    upright = dice.random() < 0.5
    turned, owned = (pixels.swapaxes(0, 1), owner.T) if upright else (pixels, owner)
    for strip in (slice(0, wide), slice(side - wide, side)):
        turned[strip] = PAD
        owned[strip] = -1
    return (wide, 0, side - wide, side) if upright else (0, wide, side, side - wide)


def _worn(pixels: NDArray[np.uint8], dice: random.Random) -> NDArray[np.uint8]:
    """Blur, shrink and stretch, or blotch: what a small decoder or a small file does to a picture."""
    side = pixels.shape[0]
    image = Image.fromarray(pixels)
    kind = dice.random()
    if kind < 0.4:
        image = image.filter(ImageFilter.GaussianBlur(dice.uniform(0.3, 1.3) * side / 128))
    elif kind < 0.7:
        small = round(side * dice.uniform(0.38, 0.8))
        image = image.resize((small, small), Image.Resampling.BOX).resize((side, side), Image.Resampling.BICUBIC)
    if dice.random() < 0.5:
        cells = dice.choice((8, 12, 24))
        noise = np.random.default_rng(dice.getrandbits(32)).standard_normal((cells, cells, 3)) * dice.uniform(4, 16)
        blotch = np.asarray(
            Image.fromarray(np.clip(noise + 128, 0, 255).astype(np.uint8)).resize(
                (side, side), Image.Resampling.BICUBIC
            ),
            dtype=np.float32,
        )
        return np.clip(np.asarray(image, dtype=np.float32) + blotch - 128, 0, 255).astype(np.uint8)
    return np.array(image)
