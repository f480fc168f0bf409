"""Scenes drawn as pictures, with the boxes of their things."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countcheck.scenes.art import Sprite, sprite
from countcheck.scenes.composition import Scene, Thing
from countcheck.scenes.styles import apply_style

_COLOURS = {  # sky, ground
    "meadow": ((200, 228, 244), (164, 206, 132)),
    "beach": ((186, 226, 238), (238, 218, 170)),
    "street": ((214, 218, 228), (164, 164, 172)),
    "room": ((244, 228, 206), (200, 164, 134)),
}
# In the dark the backdrop must sink before the light does, or pale things vanish into it.
_DIM = {"noir": 0.34, "noir-rain": 0.34, "night": 0.72}


def render(scene: Scene, size: int = 96) -> NDArray[np.uint8]:
    """Draw a scene: (size, size, 3) uint8 RGB.

    >>> from countcheck.scenes.composition import compose
    >>> picture = render(compose({"star": 2}, seed=1), size=64)
    >>> picture.shape, str(picture.dtype)
    ((64, 64, 3), 'uint8')
    """
    canvas = backdrop(scene.backdrop, round(scene.horizon * 32) / 32, size, _DIM.get(scene.style, 1.0)).copy()
    for thing in scene.things:
        paste(canvas, *_placed(thing, size))
    picture = np.clip(canvas + 0.5, 0, 255).astype(np.uint8)
    return apply_style(picture, scene.style, scene.seed)


def boxes(scene: Scene, size: int = 96) -> list[tuple[str, float, float, float, float]]:
    """Return (noun, x1, y1, x2, y2) in pixels of the drawn picture for every thing, cut at the picture's edges.

    >>> from countcheck.scenes.composition import compose
    >>> [noun for noun, *_ in boxes(compose({"star": 2}, seed=1), size=64)]
    ['star', 'star']
    """
    placed = []
    for thing in scene.things:
        drawn, x, y = _placed(thing, size)
        h, w = drawn.cover.shape[:2]
        placed.append(
            (thing.noun, float(max(x, 0)), float(max(y, 0)), float(min(x + w, size)), float(min(y + h, size)))
        )
    return placed


def paste(canvas: NDArray[np.floating[Any]], drawn: Sprite, x: int, y: int) -> None:
    """Lay a sprite over the canvas with its top left corner at (x, y), cut at the edges."""
    h, w = drawn.cover.shape[:2]
    left, top = max(0, -x), max(0, -y)
    right, bottom = min(w, canvas.shape[1] - x), min(h, canvas.shape[0] - y)
    if right <= left or bottom <= top:
        return
    part = canvas[y + top : y + bottom, x + left : x + right]
    part *= 1 - drawn.cover[top:bottom, left:right]
    part += drawn.ink[top:bottom, left:right]


@lru_cache(maxsize=512)
def backdrop(name: str, horizon: float, size: int, dim: float = 1.0) -> NDArray[np.floating[Any]]:
    """Return the empty stage: (size, size, 3) float32 in [0, 255], sky above the horizon, ground below."""
    sky, ground = (np.array(colour, dtype=np.float32) * dim for colour in _COLOURS[name])
    rows = ((np.arange(size, dtype=np.float32) + 0.5) / size)[:, None]
    above = sky + (rows / max(horizon, 0.05) - 1) * 14 * dim
    below = ground - (rows - horizon) / (1 - horizon) * 26 * dim
    step = np.clip((rows - horizon) * size + 0.5, 0, 1)
    column = above * (1 - step) + below * step
    return np.broadcast_to(column[:, None, :], (size, size, 3)).copy()


def _placed(thing: Thing, size: int) -> tuple[Sprite, int, int]:
    """Return the thing's sprite and the pixel of its top left corner."""
    drawn = sprite(thing.noun, thing.variant, max(2, round(thing.size * size)), thing.flip)
    h, w = drawn.cover.shape[:2]
    return drawn, round(thing.x * size - w / 2), round(thing.y * size - h / 2)
