"""The animals, drawn from circles and triangles; each takes its main colour."""

from __future__ import annotations

from countcheck.scenes.pen import INK, WHITE, Colour, Pen, shade


def pig(pen: Pen, tone: Colour) -> None:
    """A round pink face with a snout and two folded ears."""
    dark = shade(tone, 0.78)
    for side in (-1, 1):
        x = 0.5 + side * 0.29
        pen.polygon([(x - side * 0.19, 0.2), (x + side * 0.1, 0.06), (x + side * 0.11, 0.4)], dark)
    pen.ellipse(0.5, 0.54, 0.43, 0.4, tone)
    for side in (-1, 1):
        pen.disc(0.5 + side * 0.29, 0.62, 0.075, shade(tone, 0.88))
    pen.eyes(0.5, 0.42, 0.2, 0.062)
    pen.ellipse(0.5, 0.62, 0.19, 0.145, dark)
    for side in (-1, 1):
        pen.ellipse(0.5 + side * 0.07, 0.62, 0.034, 0.06, shade(tone, 0.38))
    pen.arc(0.5, 0.76, 0.12, 0.07, (20, 160), 0.028, shade(tone, 0.45))


def wolf(pen: Pen, tone: Colour) -> None:
    """A grey face with tall ears, pale ragged cheeks and a long dark muzzle."""
    for side in (-1, 1):
        x = 0.5 + side * 0.27
        pen.polygon([(x - side * 0.2, 0.32), (x + side * 0.07, 0.02), (x + side * 0.14, 0.45)], tone)
        pen.polygon([(x - side * 0.08, 0.28), (x + side * 0.05, 0.12), (x + side * 0.08, 0.36)], INK)
    pen.polygon(
        [
            (0.16, 0.32), (0.84, 0.32), (0.97, 0.66), (0.84, 0.64), (0.86, 0.78), (0.68, 0.76),
            (0.5, 0.97), (0.32, 0.76), (0.14, 0.78), (0.16, 0.64), (0.03, 0.66),
        ],
        tone,
    )  # fmt: skip
    pen.ellipse(0.5, 0.36, 0.34, 0.16, tone)
    pale = (232, 236, 242)
    for side in (-1, 1):
        x = 0.5 + side * 0.25
        pen.polygon([(x - side * 0.2, 0.62), (x + side * 0.16, 0.5), (x + side * 0.1, 0.72)], pale)
    pen.polygon([(0.36, 0.56), (0.64, 0.56), (0.62, 0.8), (0.5, 0.93), (0.38, 0.8)], pale)
    pen.polygon([(0.42, 0.3), (0.58, 0.3), (0.53, 0.62), (0.47, 0.62)], shade(tone, 0.7))
    for side in (-1, 1):
        x = 0.5 + side * 0.18
        pen.polygon([(x - side * 0.1, 0.5), (x + side * 0.1, 0.39), (x + side * 0.04, 0.51)], (250, 205, 60))
        pen.disc(x, 0.465, 0.03, INK)
    pen.ellipse(0.5, 0.7, 0.1, 0.065, INK)
    pen.line([(0.5, 0.74), (0.5, 0.83)], 0.03, INK)


def cat(pen: Pen, tone: Colour) -> None:
    """A wide ginger face with pointed ears, stripes and whiskers."""
    dark = shade(tone, 0.7)
    for side in (-1, 1):
        x = 0.5 + side * 0.28
        pen.polygon([(x - side * 0.2, 0.3), (x + side * 0.11, 0.05), (x + side * 0.14, 0.52)], tone)
        pen.polygon([(x - side * 0.07, 0.27), (x + side * 0.07, 0.14), (x + side * 0.08, 0.36)], (255, 170, 175))
    pen.ellipse(0.5, 0.56, 0.43, 0.36, tone)
    pen.polygon([(0.46, 0.21), (0.54, 0.21), (0.5, 0.38)], dark)
    for side in (-1, 1):
        pen.polygon([(0.5 + side * 0.1, 0.22), (0.5 + side * 0.17, 0.24), (0.5 + side * 0.11, 0.35)], dark)
        pen.ellipse(0.5 + side * 0.095, 0.7, 0.12, 0.095, (255, 244, 228))
    for side in (-1, 1):
        pen.ellipse(0.5 + side * 0.2, 0.5, 0.085, 0.1, (150, 220, 90))
        pen.ellipse(0.5 + side * 0.2, 0.5, 0.038, 0.09, INK)
    pen.polygon([(0.44, 0.62), (0.56, 0.62), (0.5, 0.69)], (235, 90, 120))
    for side in (-1, 1):
        for dy in (-0.035, 0.045):
            pen.line([(0.5 + side * 0.22, 0.7 + dy * 0.3), (0.5 + side * 0.48, 0.69 + dy * 1.7)], 0.02, INK)


def dog(pen: Pen, tone: Colour) -> None:
    """A tall cream face with long hanging brown ears, a black nose and a red tongue."""
    ear = (112, 66, 40)
    pen.ellipse(0.5, 0.48, 0.33, 0.39, tone)
    pen.ellipse(0.5, 0.68, 0.25, 0.22, shade(tone, 1.5))
    pen.ellipse(0.34, 0.4, 0.12, 0.15, shade(ear, 1.25))
    pen.eyes(0.5, 0.4, 0.15, 0.062)
    pen.ellipse(0.5, 0.86, 0.085, 0.11, (232, 72, 86))
    pen.ellipse(0.5, 0.74, 0.16, 0.07, shade(tone, 1.5))
    pen.ellipse(0.5, 0.6, 0.115, 0.08, INK)
    pen.line([(0.5, 0.64), (0.5, 0.76)], 0.03, INK)
    for side in (-1, 1):
        pen.arc(0.5 + side * 0.075, 0.745, 0.075, 0.06, (0, 180), 0.028, INK)
        pen.ellipse(0.5 + side * 0.35, 0.41, 0.115, 0.31, ear, turn=-side * 12)


def sheep(pen: Pen, tone: Colour) -> None:
    """A white woolly cloud with a dark face and dark legs."""
    dark = (64, 54, 62)
    for x in (0.32, 0.46, 0.62, 0.76):
        pen.box(x - 0.045, 0.68, x + 0.045, 0.95, dark, round_by=0.03)
    puffs = [
        (0.3, 0.34, 0.17), (0.5, 0.26, 0.19), (0.71, 0.32, 0.18), (0.83, 0.5, 0.155), (0.74, 0.66, 0.16),
        (0.54, 0.69, 0.17), (0.34, 0.66, 0.17), (0.24, 0.5, 0.16), (0.52, 0.48, 0.28),
    ]  # fmt: skip
    for x, y, r in puffs:
        pen.disc(x, y, r, tone)
    for x, y in ((0.55, 0.36), (0.7, 0.5), (0.52, 0.6)):
        pen.arc(x, y, 0.09, 0.08, (20, 160), 0.025, shade(tone, 0.78))
    pen.ellipse(0.1, 0.4, 0.1, 0.05, dark, turn=20)
    pen.ellipse(0.38, 0.38, 0.1, 0.05, dark, turn=-20)
    pen.ellipse(0.24, 0.48, 0.145, 0.2, dark)
    pen.disc(0.24, 0.27, 0.115, tone)
    for x in (0.18, 0.3):
        pen.disc(x, 0.44, 0.042, WHITE)
        pen.disc(x, 0.45, 0.022, INK)


def frog(pen: Pen, tone: Colour) -> None:
    """A wide green face, two bulging eyes on top and a wide red mouth."""
    for side in (-1, 1):
        x = 0.5 + side * 0.25
        pen.disc(x, 0.25, 0.19, tone)
    pen.ellipse(0.5, 0.58, 0.46, 0.34, tone)
    pen.ellipse(0.5, 0.76, 0.3, 0.14, shade(tone, 1.55))
    for side in (-1, 1):
        x = 0.5 + side * 0.25
        pen.disc(x, 0.24, 0.135, WHITE)
        pen.disc(x, 0.25, 0.075, INK)
        pen.disc(0.5 + side * 0.05, 0.47, 0.02, shade(tone, 0.45))
    pen.slice(0.5, 0.57, 0.34, 0.18, (0, 180), (150, 30, 50))
    pen.line([(0.14, 0.565), (0.86, 0.565)], 0.035, shade(tone, 0.45))


def fish(pen: Pen, tone: Colour) -> None:
    """A blue fish from the side, with a forked tail and pale stripes."""
    dark = shade(tone, 0.65)
    pen.polygon([(0.68, 0.5), (0.97, 0.2), (0.9, 0.5), (0.97, 0.8)], dark)
    pen.polygon([(0.3, 0.28), (0.5, 0.1), (0.68, 0.32)], dark)
    pen.polygon([(0.4, 0.72), (0.52, 0.9), (0.62, 0.7)], dark)
    pen.ellipse(0.42, 0.5, 0.39, 0.27, tone)
    pen.polygon([(0.76, 0.4), (0.86, 0.5), (0.76, 0.6), (0.68, 0.5)], tone)
    for x, half in ((0.42, 0.25), (0.6, 0.21)):
        pen.line([(x, 0.5 - half), (x + 0.04, 0.5), (x, 0.5 + half)], 0.06, shade(tone, 1.75))
    pen.disc(0.21, 0.44, 0.075, WHITE)
    pen.disc(0.2, 0.45, 0.04, INK)
    pen.arc(0.1, 0.56, 0.08, 0.06, (0, 80), 0.03, INK)


def duck(pen: Pen, tone: Colour) -> None:
    """A yellow duck from the side with an orange bill."""
    orange = (244, 120, 30)
    pen.polygon([(0.03, 0.29), (0.26, 0.24), (0.26, 0.42), (0.05, 0.38)], orange)
    pen.polygon([(0.7, 0.5), (0.98, 0.4), (0.9, 0.74)], tone)
    pen.ellipse(0.56, 0.7, 0.37, 0.25, tone)
    pen.disc(0.37, 0.3, 0.215, tone)
    pen.polygon([(0.28, 0.42), (0.52, 0.38), (0.6, 0.6), (0.25, 0.66)], tone)
    pen.ellipse(0.63, 0.67, 0.19, 0.12, shade(tone, 0.8), turn=-12)
    pen.disc(0.33, 0.26, 0.048, INK)
    pen.disc(0.315, 0.245, 0.016, WHITE)
