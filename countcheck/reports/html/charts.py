"""Charts as SVG, drawn when the report is written, so that the page needs no chart script.

Colours are the page's CSS variables, so that a chart follows light, dark and print. The page names each chart itself, so
screen readers pass over the marks.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from countcheck.reports.format import EstimateJson

SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "triangle-right", "triangle-left")
COLOURS = 8

_FONT = 12  # pixels
_LABEL_LIMIT = 160  # pixels
_MAX_STEP_LABELS = 12
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def colour(index: int) -> str:
    """Return the CSS colour of the model with this index."""
    return f"var(--m{index % COLOURS})"


def shape(index: int) -> str:
    """Return the mark of the model with this index; models differ by mark as well as by colour."""
    return SHAPES[index % len(SHAPES)]


def interval_mark(estimate: EstimateJson, *, top: float, model: int) -> str:
    """Draw one estimate on an axis from 0 to ``top``: a line for the interval, a mark for the value."""
    return _interval(estimate, 0.0, top, model)


def difference_mark(estimate: EstimateJson, *, model: int) -> str:
    """Draw one paired difference of shares on an axis from -50 to +50 points, zero in the middle."""
    return _interval(estimate, -0.5, 0.5, model)


def _interval(estimate: EstimateJson, left: float, right: float, model: int) -> str:
    value = estimate["value"]
    ends = (value if estimate[end] is None else estimate[end] for end in ("low", "high"))
    low, high = (min(max(end, left), right) for end in ends)
    x = _scale((left, right), (5, 129))
    parts = [_line(x(place), 1, x(place), 19, rule=True) for place in (left, (left + right) / 2, right)]
    parts += [_whisker(x(low), 10, x(high), 10, model), _mark(x(min(max(value, left), right)), 10, model, area=62)]
    return _svg(134, 20, parts)


def by_number(points: Sequence[Mapping[str, Any]], *, models: int) -> str:
    """Draw the exact rate over the asked number, the models side by side at each number.

    Each point has ``asked``, ``model`` (index), ``value``, ``low`` and ``high``.
    """
    numbers = sorted({point["asked"] for point in points})
    step = min(40, max(9, 540 // ((len(numbers) or 1) * models)))
    band, left, top, height = step * models + max(14, step // 2), 60, 12, 210
    width = band * len(numbers)
    y = _scale((0, 1), (top + height, top))
    parts = []
    for share in _SHARES:
        parts += [
            _line(left, y(share), left + width, y(share), rule=True),
            _text(left - 8, y(share), _percent(share), "end"),
        ]
    for place, number in enumerate(numbers):
        parts.append(_text(left + band * (place + 0.5), top + height + 18, f"{number:g}", "middle"))
    for point in points:
        x = left + band * (numbers.index(point["asked"]) + 0.5) + step * (point["model"] - (models - 1) / 2)
        parts.append(_whisker(x, y(point["low"]), x, y(point["high"]), point["model"]))
        parts.append(_mark(x, y(point["value"]), point["model"], area=58))
    parts.append(_text(left + width, top + height + 38, "number asked for", "end"))
    parts.append(_text(14, top + height / 2, "exactly as asked", "middle", turned=True))
    return _svg(left + width + 10, top + height + 48, parts)


def by_value(points: Sequence[Mapping[str, Any]], *, models: int, order: Sequence[str]) -> str:
    """Draw the exact rate by the values of a tag, one line a value, the models under each other in it.

    Each point has ``tag`` (the value), ``model`` (index), ``value``, ``low`` and ``high``.
    """
    given = {point["tag"] for point in points}
    values = [value for value in order if value in given]
    labels = [_shortened(value) for value in values]
    left = math.ceil(max((_wide(label) for label in labels), default=0)) + 22
    step = max(9, 24 // models)
    band, top, width = step * models + 8, 6, 300
    height = band * len(values)
    x = _scale((0, 1), (left, left + width))
    parts = []
    for share in _SHARES:
        parts += [
            _line(x(share), top, x(share), top + height, rule=True),
            _text(x(share), top + height + 16, _percent(share), "middle"),
        ]
    for place, label in enumerate(labels):
        parts.append(_text(left - 14, top + band * (place + 0.5), label, "end"))
    for point in points:
        if point["tag"] in given and point["tag"] in values:
            y = top + band * (values.index(point["tag"]) + 0.5) + step * (point["model"] - (models - 1) / 2)
            parts.append(_whisker(x(point["low"]), y, x(point["high"]), y, point["model"]))
            parts.append(_mark(x(point["value"]), y, point["model"], area=52))
    parts.append(_text(left + width, top + height + 36, "exactly as asked", "end"))
    return _svg(left + width + 24, top + height + 46, parts)


def price_plot(points: Sequence[Mapping[str, Any]], *, models: int, unit: str) -> str:
    """Draw what an exact picture costs against the exact rate, one mark a model, intervals both ways.

    Each point has ``model``, ``x``, ``x_low``, ``x_high``, ``y``, ``y_low`` and ``y_high``.
    """
    end = max(min(point["x_high"], 4 * point["x"]) for point in points) * 1.05 or 1.0
    left, top, width, height = 60, 10, 400, 240
    x, y = _scale((0, end), (left, left + width)), _scale((0, 1), (top + height, top))
    parts = []
    for share in _SHARES:
        parts += [
            _line(left, y(share), left + width, y(share), rule=True),
            _text(left - 8, y(share), _percent(share), "end"),
        ]
    for tick in _ticks(end):
        parts += [
            _line(x(tick), top + height, x(tick), top + height + 5, rule=True),
            _text(x(tick), top + height + 17, f"{tick:g}", "middle"),
        ]
    for point in points:
        place = x(point["x"]), y(point["y"])
        parts.append(_whisker(x(point["x_low"]), place[1], x(min(point["x_high"], end)), place[1], point["model"]))
        parts.append(_whisker(place[0], y(point["y_low"]), place[0], y(point["y_high"]), point["model"]))
        parts.append(_mark(*place, point["model"], area=90))
    parts.append(_text(left + width, top + height + 38, f"{unit} per exact picture", "end"))
    parts.append(_text(14, top + height / 2, "exactly as asked", "middle", turned=True))
    return _svg(left + width + 24, top + height + 48, parts)


def by_step(points: Sequence[Mapping[str, Any]], *, runs: int) -> str:
    """Draw the exact rate over the training step: a line a run, and its intervals as a band.

    Each point has ``step``, ``run`` (index), ``value``, ``low`` and ``high``; a run's points are in the order of steps.
    """
    steps = sorted({point["step"] for point in points})
    left, top, width, height = 60, 12, 640, 220
    x = _scale((steps[0], max(steps[-1], steps[0] + 1)), (left + 10, left + width - 10))
    y = _scale((0, 1), (top + height, top))
    parts = []
    for share in _SHARES:
        parts += [
            _line(left, y(share), left + width, y(share), rule=True),
            _text(left - 8, y(share), _percent(share), "end"),
        ]
    free = -math.inf
    round_steps = [int(tick) for tick in _ticks(max(steps[-1], 1)) if tick >= steps[0]]
    for step in steps if len(steps) <= _MAX_STEP_LABELS else round_steps:  # the labels that have room
        label = f"{step:,.0f}"
        if x(step) - _wide(label) / 2 > free:
            parts.append(_text(x(step), top + height + 18, label, "middle"))
            free = x(step) + _wide(label) / 2 + 8
    for run in range(runs):
        own = [point for point in points if point["run"] == run]
        ends = [(x(p["step"]), y(p["high"])) for p in own] + [(x(p["step"]), y(p["low"])) for p in reversed(own)]
        parts.append(f'<polygon class="band" points="{_places(ends)}" fill="{colour(run)}" opacity=".18"/>')
        values = _places((x(p["step"]), y(p["value"])) for p in own)
        parts.append(f'<polyline points="{values}" stroke="{colour(run)}" stroke-width="2"/>')
        parts += [_mark(x(p["step"]), y(p["value"]), run, area=50) for p in own]
    parts.append(_text(left + width, top + height + 38, "training step", "end"))
    parts.append(_text(14, top + height / 2, "exactly as asked", "middle", turned=True))
    return _svg(left + width + 24, top + height + 48, parts)


def _places(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in places)


def _ticks(end: float) -> list[float]:
    """Return three to six round numbers from 0 to ``end``, which is above 0.

    >>> _ticks(0.047)
    [0.0, 0.01, 0.02, 0.03, 0.04]
    """
    rough = end / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.75)
    return [round(k * step, 12) for k in range(int(end / step + 1e-9) + 1)]


def _scale(values: tuple[float, float], pixels: tuple[float, float]) -> Callable[[float], float]:
    """Return the function that lays values on pixels."""
    share = (pixels[1] - pixels[0]) / (values[1] - values[0])
    return lambda value: pixels[0] + (value - values[0]) * share


def _wide(text: str) -> float:
    """Estimate a text's width in pixels, rather too wide: fonts differ."""
    return sum(_FONT if unicodedata.east_asian_width(letter) in "WF" else _FONT * 0.56 for letter in text)


def _shortened(text: str) -> str:
    """Shorten a label to `_LABEL_LIMIT` pixels."""
    if _wide(text) <= _LABEL_LIMIT:
        return text
    while text and _wide(text) > _LABEL_LIMIT - _FONT:
        text = text[:-1]
    return text.rstrip() + "…"


def _percent(share: float) -> str:
    return f"{share * 100:.0f}\u00a0%"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _line(x1: float, y1: float, x2: float, y2: float, *, rule: bool = False, extra: str = "") -> str:
    ink = 'stroke="var(--rule)" ' if rule else ""
    return f'<path d="M{_number(x1)},{_number(y1)}L{_number(x2)},{_number(y2)}" {ink}{extra}/>'


def _whisker(x1: float, y1: float, x2: float, y2: float, model: int) -> str:
    extra = f'stroke="{colour(model)}" stroke-width="3" stroke-linecap="round" opacity=".45"'
    return _line(x1, y1, x2, y2, extra=extra)


def _mark(x: float, y: float, model: int, *, area: float) -> str:
    """Draw a model's mark around a point; ``area`` is that of the square around it, in square pixels."""
    r = math.sqrt(area) / 2
    if shape(model) == "circle":
        return f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(r)}" fill="{colour(model)}"/>'
    corners = " ".join(f"{_number(x + dx * r)},{_number(y + dy * r)}" for dx, dy in _corners(shape(model)))
    return f'<polygon points="{corners}" fill="{colour(model)}"/>'


def _corners(name: str) -> Iterable[tuple[float, float]]:
    """Return a mark's corners in a square from -1 to 1."""
    up = ((0.0, -0.87), (-1.0, 0.87), (1.0, 0.87))
    arm = 0.36
    quarter = ((-1.0, -arm), (-arm, -arm), (-arm, -1.0))
    turns = {
        "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        "diamond": ((0.0, -1.15), (1.15, 0.0), (0.0, 1.15), (-1.15, 0.0)),
        "triangle-up": up,
        "triangle-down": tuple((x, -y) for x, y in up),
        "triangle-right": tuple((-y, x) for x, y in up),
        "triangle-left": tuple((y, x) for x, y in up),
        "cross": (*quarter, *((-y, x) for x, y in quarter), *((-x, -y) for x, y in quarter), *((y, -x) for x, y in quarter)),
    }  # fmt: skip
    return turns[name]


def _text(x: float, y: float, words: str, anchor: str, *, turned: bool = False) -> str:
    turn = f' transform="rotate(-90 {_number(x)} {_number(y)})"' if turned else ""
    place = f'x="{_number(x)}" y="{_number(y)}" dy=".35em" text-anchor="{anchor}"'
    return f'<text {place} font-size="{_FONT}" fill="var(--muted)"{turn}>{escape(words)}</text>'


def _svg(width: float, height: float, parts: Iterable[str]) -> str:
    wide, tall = _number(width), _number(height)
    return (
        f'<svg aria-hidden="true" focusable="false" xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{tall}"'
        f' viewBox="0 0 {wide} {tall}" fill="none">{"".join(parts)}</svg>'
    )
