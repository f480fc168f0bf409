"""Charts as SVG, drawn by Vega-Lite when the report is written: nothing is left to run in the reader's browser.

Colours are the page's own CSS variables, so that a chart follows light, dark and print.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from countcheck.reports.wording import EstimateJson

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "triangle-right", "triangle-left")
COLOURS = 8

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
    """The CSS colour of the model with this index."""
    return f"var(--m{index % COLOURS})"


def shape(index: int) -> str:
    """The mark of the model with this index, so that colour is never alone."""
    return SHAPES[index % len(SHAPES)]


def interval_mark(estimate: EstimateJson, *, top: float, model: int) -> str:
    """One estimate on an axis from 0 to ``top``: a line for the interval, a mark for the value."""
    value = estimate["value"]
    low = value if estimate["low"] is None else estimate["low"]
    high = value if estimate["high"] is None else estimate["high"]
    x = {"type": "quantitative", "scale": {"domain": [0, top], "nice": False}, "axis": None}
    spec = {
        "width": 124,
        "height": 18,
        "padding": {"left": 5, "right": 5, "top": 1, "bottom": 1},
        "data": {"values": [{"value": value, "low": min(low, top), "high": min(high, top)}]},
        "layer": [
            _grid([0, top / 2, top], x),
            {
                "mark": {"type": "rule", "stroke": colour(model), "strokeWidth": 3, "strokeCap": "round", "opacity": 0.5},
                "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "shape": shape(model), "filled": True, "size": 62, "opacity": 1,
                         "color": colour(model)},
                "encoding": {"x": {"field": "value", **x}},
            },
        ],
    }  # fmt: skip
    return _draw(spec)


def _grid(places: Sequence[float], x: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "data": {"values": [{"at": place} for place in places]},
        "mark": {"type": "rule", "stroke": "var(--rule)", "strokeWidth": 1},
        "encoding": {"x": {"field": "at", **x}},
    }


def _draw(spec: Mapping[str, Any]) -> str:
    import vl_convert

    whole = {"$schema": SCHEMA, **spec, "config": {**_CONFIG, **spec.get("config", {})}}
    svg: str = vl_convert.vegalite_to_svg(whole)
    return _quiet(svg)


def _quiet(svg: str) -> str:
    # The page names each chart itself; a screen reader would otherwise walk through every mark.
    svg = _SPOKEN.sub("", svg)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
