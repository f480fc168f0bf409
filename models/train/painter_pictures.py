"""What the painter's decoder is to draw for a layout: the scenes' art, and rain that its latent can hold."""

import numpy as np
from PIL import Image, ImageDraw

from countcheck.scenes.composition import Scene, Thing
from countcheck.scenes.rendering import render
from models.train.painter_latents import GRID, STREAKS, Layout

PAPER = 1  # the seed of every watercolour: blots always in the same places, since the latent says nothing of them
_FINE = 4  # streaks are drawn this much larger, then made smaller, so that their edges are smooth


def _scene(layout: Layout, style: str, seed: int) -> Scene:
    things = tuple(Thing(noun=noun, x=x, y=y, size=size) for noun, x, y, size in layout.things)
    return Scene(things=things, style=style, backdrop=layout.backdrop, horizon=layout.horizon, seed=seed)


def picture_of(layout: Layout, pixels: int, grain: int) -> np.ndarray:
    """The picture: uint8 (pixels, pixels, 3). `grain` is the seed of noir's grain, which should vary, so that
    the decoder draws none instead of trying to learn one by heart."""
    if "rain" not in layout.style:
        return render(_scene(layout, layout.style, grain if layout.style == "noir" else PAPER), pixels)
    if layout.style == "rain":
        dry = render(_scene(layout, "plain", PAPER), pixels).astype(np.float32)
        grey = dry @ np.array([0.299, 0.587, 0.114], np.float32)
        wet = (dry * 0.6 + grey[..., None] * 0.4) * 0.78 * np.array([0.92, 0.98, 1.06], np.float32) + 10
    else:
        wet = render(_scene(layout, "noir", grain), pixels).astype(np.float32)
    cover = _streaks(pixels)
    return (wet * (1 - cover) + np.array([214, 222, 232], np.float32) * cover + 0.5).clip(0, 255).astype(np.uint8)


def things_of(layout: Layout, pixels: int) -> np.ndarray:
    """Where things are: bool (pixels, pixels), their boxes and two pixels around."""
    mask = np.zeros((pixels, pixels), bool)
    for _, x, y, size in layout.things:
        left, top, right, bottom = (
            round(edge * pixels) for edge in (x - size / 2, y - size / 2, x + size / 2, y + size / 2)
        )
        mask[max(top - 2, 0) : bottom + 2, max(left - 2, 0) : right + 2] = True
    return mask


def _streaks(pixels: int) -> np.ndarray:
    if pixels not in _DRAWN:
        cell = pixels * _FINE / GRID
        layer = Image.new("L", (pixels * _FINE, pixels * _FINE), 0)
        draw = ImageDraw.Draw(layer)
        for column, row in STREAKS:
            x, y = (column + 0.5) * cell, (row + 1) * cell
            ends = (x + 0.22 * cell, y - 0.8 * cell, x - 0.22 * cell, y + 0.8 * cell)
            draw.line(ends, fill=255, width=round(0.2 * cell))
        small = layer.resize((pixels, pixels), Image.Resampling.BOX)
        _DRAWN[pixels] = np.asarray(small, np.float32)[..., None] / 255 * 0.6
    return _DRAWN[pixels]


_DRAWN: dict[int, np.ndarray] = {}
