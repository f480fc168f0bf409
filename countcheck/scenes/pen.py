"""A pen that draws flat shapes on a unit square: (0, 0) is the top left, (1, 1) the bottom right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Point = tuple[float, float]

INK: Colour = (46, 34, 44)
WHITE: Colour = (255, 255, 255)

_MASTER = 256  # pixels a side of a finished drawing
_FINE = 2  # drawn this many times larger, for smooth edges
_OUTLINE = 0.022  # width of the outline, as a share of the side


def shade(colour: Colour, factor: float) -> Colour:
    """Return ``colour`` darkened (factor below 1) or lightened towards white (above 1)."""
    if factor <= 1:
        r, g, b = (round(channel * factor) for channel in colour)
    else:
        r, g, b = (round(channel + (255 - channel) * (factor - 1)) for channel in colour)
    return r, g, b


def grown(mask: Image.Image, radius: int) -> Image.Image:
    """Return the mask with every spot grown into a square ``radius`` pixels further each way."""
    levels = np.pad(np.asarray(mask), radius)
    for axis in (0, 1):
        levels = sliding_window_view(levels, 2 * radius + 1, axis=axis).max(axis=-1)
    return Image.fromarray(np.ascontiguousarray(levels))


class Pen:
    """Draws shapes in unit coordinates; :meth:`lift` gives the finished RGBA drawing."""

    def __init__(self) -> None:
        self._side = _MASTER * _FINE
        self._image = Image.new("RGBA", (self._side, self._side), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self._image)

    def _scale(self, points: Iterable[Point]) -> list[Point]:
        return [(x * self._side, y * self._side) for x, y in points]

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Colour, *, turn: float = 0.0) -> None:
        """Fill the ellipse around (x, y) with the two radii, turned clockwise by ``turn`` degrees."""
        if not turn:
            self._draw.ellipse(self._scale([(x - rx, y - ry), (x + rx, y + ry)]), fill=fill)
            return
        layer = Image.new("L", self._image.size, 0)
        ImageDraw.Draw(layer).ellipse(self._scale([(x - rx, y - ry), (x + rx, y + ry)]), fill=255)
        centre = (x * self._side, y * self._side)
        self._image.paste((*fill, 255), mask=layer.rotate(-turn, center=centre))

    def disc(self, x: float, y: float, r: float, fill: Colour) -> None:
        """Fill the circle around (x, y)."""
        self.ellipse(x, y, r, r, fill)

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        """Fill the polygon."""
        self._draw.polygon(self._scale(points), fill=fill)

    def box(self, x1: float, y1: float, x2: float, y2: float, fill: Colour, *, round_by: float = 0.0) -> None:
        """Fill the upright rectangle, its corners rounded by a radius."""
        self._draw.rounded_rectangle(self._scale([(x1, y1), (x2, y2)]), radius=round_by * self._side, fill=fill)

    def line(self, points: Sequence[Point], width: float, fill: Colour) -> None:
        """Draw a line with round ends and joints through the points."""
        self._draw.line(self._scale(points), fill=fill, width=round(width * self._side), joint="curve")
        for x, y in points:
            self.disc(x, y, width / 2, fill)

    def arc(
        self, x: float, y: float, rx: float, ry: float, span: tuple[float, float], width: float, fill: Colour
    ) -> None:
        """Draw the part of the ellipse's edge between two angles, in degrees clockwise from the right."""
        self._draw.arc(
            self._scale([(x - rx, y - ry), (x + rx, y + ry)]),
            *span,
            fill=fill,
            width=round(width * self._side),
        )

    def slice(self, x: float, y: float, rx: float, ry: float, span: tuple[float, float], fill: Colour) -> None:
        """Fill the part of the ellipse between two angles, closed by its chord."""
        self._draw.chord(self._scale([(x - rx, y - ry), (x + rx, y + ry)]), *span, fill=fill)

    def erase(self, x: float, y: float, rx: float, ry: float) -> None:
        """Make the ellipse around (x, y) see-through again."""
        self._draw.ellipse(self._scale([(x - rx, y - ry), (x + rx, y + ry)]), fill=(0, 0, 0, 0))

    def eyes(self, x: float, y: float, apart: float, r: float, *, kind: Literal["dot", "round"] = "dot") -> None:
        """Draw a pair of eyes, ``apart`` to each side of x."""
        for side in (-apart, apart):
            if kind == "round":
                self.disc(x + side, y, r * 1.55, WHITE)
            self.disc(x + side, y, r, INK)
            self.disc(x + side - r * 0.3, y - r * 0.35, r * 0.33, WHITE)

    def lift(self) -> Image.Image:
        """Return the finished drawing: RGBA, 256 px a side, with a dark outline around its silhouette."""
        image = self._image.resize((_MASTER, _MASTER), Image.Resampling.LANCZOS)
        edge = grown(image.getchannel("A"), round(_OUTLINE * _MASTER)).filter(ImageFilter.GaussianBlur(0.8))
        under = Image.new("RGBA", image.size, (*INK, 0))
        under.putalpha(edge)
        return Image.alpha_composite(under, image)
