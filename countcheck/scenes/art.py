"""The nouns that can be drawn, and their sprites at any size. The art is the package's own; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from countcheck.scenes import animals, things
from countcheck.scenes.pen import Colour, Pen

_ART: dict[str, tuple[Callable[[Pen, Colour], None], tuple[Colour, ...]]] = {
    "pig": (animals.pig, ((252, 164, 178), (246, 148, 170), (255, 178, 182))),
    "wolf": (animals.wolf, ((118, 126, 142), (104, 112, 130), (134, 138, 150))),
    "cat": (animals.cat, ((244, 156, 56), (236, 142, 44), (250, 170, 80))),
    "dog": (animals.dog, ((222, 180, 128), (212, 166, 112), (232, 194, 148))),
    "sheep": (animals.sheep, ((250, 248, 244), (244, 240, 230), (238, 238, 246))),
    "frog": (animals.frog, ((98, 188, 72), (84, 174, 64), (120, 198, 76))),
    "fish": (animals.fish, ((56, 138, 222), (44, 122, 208), (74, 156, 232))),
    "car": (things.car, ((206, 52, 48), (56, 92, 190), (240, 186, 40))),
    "apple": (things.apple, ((214, 40, 44), (198, 34, 48), (226, 58, 46))),
    "star": (things.star, ((255, 206, 40), (255, 196, 30), (255, 216, 66))),
    "balloon": (things.balloon, ((150, 84, 204), (222, 84, 160), (70, 176, 196))),
    "umbrella": (things.umbrella, ((40, 150, 148), (70, 92, 180), (200, 70, 90))),
    "duck": (animals.duck, ((255, 216, 52), (250, 206, 44), (255, 226, 90))),
    "banana": (things.banana, ((255, 222, 70), (250, 212, 56), (244, 222, 90))),
    "flower": (things.flower, ((236, 92, 150), (240, 120, 70), (160, 110, 220))),
    "tree": (things.tree, ((46, 128, 66), (38, 116, 70), (64, 138, 62))),
    "house": (things.house, ((240, 214, 170), (226, 196, 160), (204, 216, 226))),
    "mushroom": (things.mushroom, ((210, 48, 44), (196, 60, 40), (176, 84, 50))),
    "ball": (things.ball, ((222, 62, 60), (60, 150, 90), (240, 120, 40))),
    "cup": (things.cup, ((92, 144, 196), (196, 96, 92), (112, 160, 112))),
}

NOUNS: tuple[str, ...] = tuple(_ART)
PAINTER_NOUNS: tuple[str, ...] = NOUNS[:12]
VARIANTS = 3


class Sprite(NamedTuple):
    """A drawing cut to its own bounds.

    Attributes:
        ink: (h, w, 3) float32 in [0, 255], already multiplied by the cover.
        cover: (h, w, 1) float32 in [0, 1].
    """

    ink: NDArray[np.floating[Any]]
    cover: NDArray[np.floating[Any]]


@lru_cache(maxsize=256)
def drawing(noun: str, variant: int = 0) -> Image.Image:
    """Return the noun's drawing: RGBA, 256 px on its longer side, cut to its bounds."""
    draw, tones = _ART[noun]
    pen = Pen()
    draw(pen, tones[variant % len(tones)])
    image = pen.lift()
    image = image.crop(image.getchannel("A").getbbox())
    scale = 256 / max(image.size)
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)


@lru_cache(maxsize=8192)
def sprite(noun: str, variant: int, side: int, flip: bool) -> Sprite:
    """Return the noun's sprite with its longer side ``side`` pixels long, mirrored if ``flip``."""
    return cut(drawing(noun, variant), side, flip)


def cut(image: Image.Image, side: int, flip: bool = False) -> Sprite:
    """Turn an RGBA picture into a sprite with its longer side ``side`` pixels long."""
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # premultiplied before resizing, so that see-through pixels lend no colour to the edges
    small = image.convert("RGBa").resize(size, Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BILINEAR)
    pixels = np.array(small, dtype=np.float32)
    if flip:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    return Sprite(pixels[..., :3], pixels[..., 3:] / 255)
