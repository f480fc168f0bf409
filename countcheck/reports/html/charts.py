"""Charts as SVG, made by Vega-Lite when the report is written, so that the page needs no chart script.

Colours are the page's CSS variables, so that a chart follows light, dark and print.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from countcheck.reports.format import EstimateJson

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "triangle-right", "triangle-left")
COLOURS = 8

_LINE: dict[str, Any] = {"type": "rule", "strokeWidth": 3, "strokeCap": "round", "opacity": 0.45}
_POINT: dict[str, Any] = {"type": "point", "filled": True, "opacity": 1}
_SPOKEN = re.compile(r' (?:role|aria-label|aria-roledescription)="[^"]*"')

_CONFIG: dict[str, Any] = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "domainColor": "var(--rule)",
        "gridColor": "var(--rule)",
        "tickColor": "var(--rule)",
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 160,
    },
    "axisX": {"titleAnchor": "end"},
    "title": {"color": "var(--ink)", "fontSize": 13, "fontWeight": "normal", "anchor": "start"},
    "header": {"labelColor": "var(--ink)", "titleColor": "var(--muted)", "labelFontSize": 12},
    "legend": {"disable": True},
}


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
    x = {"type": "quantitative", "scale": {"domain": [left, right], "nice": False}, "axis": None}
    spec = {
        "width": 124,
        "height": 18,
        "padding": {"left": 5, "right": 5, "top": 1, "bottom": 1},
        "data": {"values": [{"value": min(max(value, left), right), "low": low, "high": high}]},
        "layer": [
            {
                "data": {"values": [{"at": place} for place in (left, (left + right) / 2, right)]},
                "mark": {"type": "rule", "stroke": "var(--rule)", "strokeWidth": 1},
                "encoding": {"x": {"field": "at", **x}},
            },
            {
                "mark": {**_LINE, "stroke": colour(model)},
                "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}},
            },
            {
                "mark": {**_POINT, "shape": shape(model), "color": colour(model), "size": 62},
                "encoding": {"x": {"field": "value", **x}},
            },
        ],
    }
    return _draw(spec)


def by_number(points: Sequence[Mapping[str, Any]], *, models: int) -> str:
    """Draw the exact rate over the asked number, the models side by side at each number.

    Each point has ``asked``, ``model`` (index), ``value``, ``low`` and ``high``.
    """
    x = {
        "field": "asked",
        "type": "ordinal",
        "axis": {"labelAngle": 0, "title": "number asked for", "grid": False, "offset": 6},
    }
    offset = {"xOffset": {"field": "model", "type": "nominal", "scale": {"domain": list(range(models))}}}
    y = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": _percent_axis("exactly as asked")}
    numbers = len({point["asked"] for point in points}) or 1
    spec = {
        "width": {"step": min(40, max(9, 540 // (numbers * models)))},
        "height": 210,
        "padding": 5,
        "data": {"values": [dict(point) for point in points]},
        "encoding": {"x": x, **offset},
        "layer": [
            {
                "mark": _LINE,
                "encoding": {"y": {"field": "low", **y}, "y2": {"field": "high"}, "color": _model_colour(models)},
            },
            {
                "mark": {**_POINT, "size": 58},
                "encoding": {
                    "y": {"field": "value", **y},
                    "color": _model_colour(models),
                    "shape": _model_shape(models),
                },
            },
        ],
    }
    return _draw(spec)


def by_value(points: Sequence[Mapping[str, Any]], *, models: int, order: Sequence[str]) -> str:
    """Draw the exact rate by the values of a tag, one line a value, the models under each other in it.

    Each point has ``tag`` (the value), ``model`` (index), ``value``, ``low`` and ``high``.
    """
    x = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": _percent_axis("exactly as asked")}
    spec = {
        "width": 300,
        "height": {"step": max(9, 24 // models)},
        "padding": {"left": 14, "right": 20, "top": 5, "bottom": 5},  # fonts differ: labels may be wider than planned
        "data": {"values": [dict(point) for point in points]},
        "encoding": {
            "y": {"field": "tag", "type": "nominal", "sort": list(order), "axis": {"title": None, "domain": False, "ticks": False, "offset": 8}},
            "yOffset": {"field": "model", "type": "nominal", "scale": {"domain": list(range(models))}},
        },
        "layer": [
            {
                "mark": _LINE,
                "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}, "color": _model_colour(models)},
            },
            {
                "mark": {**_POINT, "size": 52},
                "encoding": {
                    "x": {"field": "value", **x},
                    "color": _model_colour(models),
                    "shape": _model_shape(models),
                },
            },
        ],
    }  # fmt: skip
    return _draw(spec)


def price_plot(points: Sequence[Mapping[str, Any]], *, models: int, unit: str) -> str:
    """Draw what an exact picture costs against the exact rate, one mark a model, intervals both ways.

    Each point has ``model``, ``x``, ``x_low``, ``x_high``, ``y``, ``y_low`` and ``y_high``.
    """
    top = max(min(point["x_high"], 4 * point["x"]) for point in points) * 1.05
    values = [{**point, "x_high": min(point["x_high"], top)} for point in points]
    x = {
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": False},
        "axis": {"title": f"{unit} per exact picture", "tickCount": 4, "grid": False, "format": "~r"},
    }
    y = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": _percent_axis("exactly as asked")}
    spec = {
        "width": 400,
        "height": 240,
        "padding": {"left": 5, "right": 20, "top": 5, "bottom": 5},
        "data": {"values": values},
        "encoding": {"color": _model_colour(models)},
        "layer": [
            {"mark": _LINE, "encoding": {"x": {"field": "x_low", **x}, "x2": {"field": "x_high"}, "y": {"field": "y", **y}}},
            {"mark": _LINE, "encoding": {"x": {"field": "x", **x}, "y": {"field": "y_low", **y}, "y2": {"field": "y_high"}}},
            {
                "mark": {**_POINT, "size": 90},
                "encoding": {"x": {"field": "x", **x}, "y": {"field": "y", **y}, "shape": _model_shape(models)},
            },
        ],
    }  # fmt: skip
    return _draw(spec)


def _percent_axis(title: str) -> dict[str, Any]:
    return {
        "title": title,
        "values": [0, 0.25, 0.5, 0.75, 1],
        "labelExpr": "format(datum.value * 100, '.0f') + '\u00a0%'",
        "labelFlush": False,
        "domain": False,
        "ticks": False,
    }


def _model_colour(models: int) -> dict[str, Any]:
    scale = {"domain": list(range(models)), "range": [colour(index) for index in range(models)]}
    return {"field": "model", "type": "nominal", "scale": scale}


def _model_shape(models: int) -> dict[str, Any]:
    scale = {"domain": list(range(models)), "range": [shape(index) for index in range(models)]}
    return {"field": "model", "type": "nominal", "scale": scale}


def _draw(spec: Mapping[str, Any]) -> str:
    import vl_convert

    full_spec = {"$schema": SCHEMA, **spec, "config": {**_CONFIG, **spec.get("config", {})}}
    svg: str = vl_convert.vegalite_to_svg(full_spec)
    return _quiet(svg)


def _quiet(svg: str) -> str:
    # The page names each chart itself; a screen reader would otherwise walk through every mark.
    svg = _SPOKEN.sub("", svg)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
