"""Fruit, plants, toys and buildings, drawn from circles and polygons; each takes its main colour."""

from __future__ import annotations

import math

from countcheck.scenes.pen import INK, WHITE, Colour, Pen, shade

_LEAF: Colour = (76, 170, 68)
_WOOD: Colour = (128, 82, 48)


def car(pen: Pen, tone: Colour) -> None:
    """A car from the side, with two windows and two dark wheels."""
    pen.polygon([(0.2, 0.5), (0.32, 0.25), (0.68, 0.25), (0.83, 0.5)], tone)
    pen.box(0.03, 0.46, 0.97, 0.72, tone, round_by=0.09)
    glass = (190, 228, 245)
    pen.polygon([(0.29, 0.48), (0.37, 0.31), (0.48, 0.31), (0.48, 0.48)], glass)
    pen.polygon([(0.54, 0.48), (0.54, 0.31), (0.65, 0.31), (0.74, 0.48)], glass)
    pen.disc(0.08, 0.55, 0.045, (255, 236, 130))
    pen.box(0.03, 0.62, 0.97, 0.67, shade(tone, 0.7))
    for x in (0.26, 0.74):
        pen.disc(x, 0.71, 0.135, INK)
        pen.disc(x, 0.71, 0.06, (205, 208, 214))


def apple(pen: Pen, tone: Colour) -> None:
    """A red apple with a stalk, a leaf and a shine."""
    for side in (-1, 1):
        pen.ellipse(0.5 + side * 0.17, 0.55, 0.27, 0.33, tone)
    pen.ellipse(0.5, 0.66, 0.29, 0.29, tone)
    pen.polygon([(0.38, 0.2), (0.62, 0.2), (0.5, 0.34)], shade(tone, 0.6))
    pen.line([(0.5, 0.33), (0.53, 0.09)], 0.055, _WOOD)
    pen.ellipse(0.69, 0.15, 0.17, 0.085, _LEAF, turn=-20)
    pen.ellipse(0.31, 0.46, 0.06, 0.11, shade(tone, 1.6), turn=15)


def star(pen: Pen, tone: Colour) -> None:
    """A five-pointed yellow star."""
    points = []
    for k in range(10):
        r = 0.49 if k % 2 == 0 else 0.225
        angle = math.radians(-90 + 36 * k)
        points.append((0.5 + r * math.cos(angle), 0.53 + r * math.sin(angle)))
    pen.polygon(points, tone)
    inner = [(0.5 + (x - 0.5) * 0.55, 0.53 + (y - 0.53) * 0.55) for x, y in points]
    pen.polygon(inner, shade(tone, 1.45))


def balloon(pen: Pen, tone: Colour) -> None:
    """An upright oval balloon with a shine, a knot and a long string."""
    pen.line([(0.5, 0.7), (0.45, 0.8), (0.54, 0.88), (0.5, 0.98)], 0.03, (90, 84, 96))
    pen.polygon([(0.5, 0.62), (0.42, 0.75), (0.58, 0.75)], shade(tone, 0.75))
    pen.ellipse(0.5, 0.36, 0.27, 0.34, tone)
    pen.ellipse(0.39, 0.24, 0.06, 0.11, shade(tone, 1.7), turn=20)


def umbrella(pen: Pen, tone: Colour) -> None:
    """An open umbrella in two alternating colours, with a hooked handle."""
    pen.line([(0.5, 0.1), (0.5, 0.86)], 0.045, _WOOD)
    pen.arc(0.585, 0.85, 0.105, 0.1, (0, 180), 0.05, _WOOD)
    pen.line([(0.5, 0.05), (0.5, 0.15)], 0.045, INK)
    pen.slice(0.5, 0.54, 0.47, 0.44, (180, 360), tone)
    pen.slice(0.5, 0.54, 0.2, 0.44, (180, 360), shade(tone, 1.62))
    for x in (0.16, 0.39, 0.61, 0.84):
        pen.erase(x, 0.56, 0.118, 0.05)
    pen.line([(0.5, 0.5), (0.5, 0.64)], 0.045, _WOOD)


def banana(pen: Pen, tone: Colour) -> None:
    """One yellow banana, bent upwards, with dark ends."""
    pen.slice(0.5, 0.3, 0.46, 0.55, (8, 172), tone)
    pen.erase(0.5, 0.2, 0.42, 0.37)
    pen.arc(0.5, 0.26, 0.43, 0.5, (25, 155), 0.03, shade(tone, 0.8))
    pen.line([(0.06, 0.35), (0.1, 0.22)], 0.085, _WOOD)
    pen.line([(0.94, 0.35), (0.92, 0.27)], 0.07, _WOOD)


def flower(pen: Pen, tone: Colour) -> None:
    """A flower with six petals, a yellow heart, a stalk and two leaves."""
    pen.line([(0.5, 0.4), (0.5, 0.97)], 0.06, shade(_LEAF, 0.85))
    pen.ellipse(0.34, 0.8, 0.16, 0.07, _LEAF, turn=25)
    pen.ellipse(0.66, 0.8, 0.16, 0.07, _LEAF, turn=-25)
    for k in range(6):
        angle = math.radians(60 * k + 30)
        pen.disc(0.5 + 0.2 * math.cos(angle), 0.34 + 0.2 * math.sin(angle), 0.125, tone)
    pen.disc(0.5, 0.34, 0.12, (255, 206, 50))


def tree(pen: Pen, tone: Colour) -> None:
    """A fir of three tiers on a brown trunk."""
    pen.box(0.42, 0.76, 0.58, 0.97, _WOOD)
    for k, (top, bottom, half) in enumerate(((0.42, 0.82, 0.4), (0.22, 0.6, 0.32), (0.03, 0.38, 0.23))):
        pen.polygon([(0.5, top), (0.5 - half, bottom), (0.5 + half, bottom)], shade(tone, 0.8 + 0.2 * k))


def house(pen: Pen, tone: Colour) -> None:
    """A house front with a pitched roof, a door, two windows and a chimney."""
    roof = (150, 62, 50)
    pen.box(0.7, 0.1, 0.8, 0.34, shade(roof, 0.75))
    pen.box(0.14, 0.44, 0.86, 0.95, tone)
    pen.polygon([(0.02, 0.49), (0.5, 0.06), (0.98, 0.49)], roof)
    pen.box(0.42, 0.66, 0.58, 0.95, (96, 60, 44))
    for x in (0.2, 0.65):
        pen.box(x, 0.58, x + 0.15, 0.74, (150, 210, 245))


def mushroom(pen: Pen, tone: Colour) -> None:
    """A toadstool: a red cap with white dots on a pale stem."""
    pen.polygon([(0.38, 0.5), (0.62, 0.5), (0.7, 0.94), (0.3, 0.94)], (244, 232, 206))
    pen.ellipse(0.5, 0.92, 0.2, 0.05, (244, 232, 206))
    pen.slice(0.5, 0.56, 0.46, 0.5, (180, 360), tone)
    pen.ellipse(0.5, 0.56, 0.46, 0.07, shade(tone, 0.75))
    for x, y, r in ((0.5, 0.22, 0.09), (0.26, 0.38, 0.08), (0.74, 0.38, 0.08), (0.5, 0.46, 0.06)):
        pen.disc(x, y, r, WHITE)


def ball(pen: Pen, tone: Colour) -> None:
    """A beach ball in six coloured segments around a white button."""
    others = (WHITE, (250, 210, 60), WHITE, tone, WHITE)
    pen.disc(0.5, 0.5, 0.46, tone)
    for k, colour in enumerate(others):
        a = [math.radians(60 * (k + 1) + step) for step in range(0, 61, 6)]
        pen.polygon([(0.5, 0.5), *((0.5 + 0.46 * math.cos(t), 0.5 + 0.46 * math.sin(t)) for t in a)], colour)
    pen.disc(0.5, 0.5, 0.1, (60, 110, 200))


def cup(pen: Pen, tone: Colour) -> None:
    """A straight mug with a band and a handle, and steam above."""
    pen.arc(0.76, 0.6, 0.19, 0.17, (-100, 100), 0.075, shade(tone, 0.85))
    pen.box(0.12, 0.36, 0.72, 0.93, tone, round_by=0.08)
    pen.box(0.12, 0.6, 0.72, 0.72, shade(tone, 1.7))
    pen.ellipse(0.42, 0.38, 0.3, 0.075, (94, 56, 36))
    for x in (0.3, 0.52):
        pen.line([(x, 0.25), (x + 0.05, 0.17), (x, 0.1), (x + 0.05, 0.04)], 0.035, (205, 205, 212))
