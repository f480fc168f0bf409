"""The tables and charts of the report's page, as values for its templates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from countcheck.metrics.rates import RATES, Family, Unit, of_family
from countcheck.reports.format import (
    EstimateJson,
    EstimateText,
    difference_text,
    estimate_text,
    money,
    p_value,
    seconds,
)
from countcheck.reports.html import charts
from countcheck.reports.provenance import how_it_was_made
from countcheck.reports.report import Report, Source
from countcheck.reports.safe_text import visible
from countcheck.reports.sections import Breakdown, breakdowns, trends
from countcheck.reports.wording import capitalized, label_advice

MAX_STEPS = 60
"""Points in a line by step; of more checkpoints, neighbours are joined."""
TABLE_RATES = (
    "exact_rate",
    "exact_rate_given_picture",
    "refusal_rate",
    "unclear_refusal_rate",
    *of_family(Family.CONSISTENCY),
    *of_family(Family.COSTS),
)
CONVERSATION_RATES = (
    "conversation_exact_rate",
    "turn_exact_rate",
    "kept_rate",
    "repaired_rate",
    "false_claim_rate",
    "turn_refusal_rate",
    "repair_refusal_rate",
    "sticky_refusal_rate",
)
_MAX_CHANGED = 5


def models_table(report: Report) -> dict[str, Any]:
    """Return the columns of the table of models that some model has a value for, and one row of cells a model."""
    columns = [rate for rate in TABLE_RATES if any(_has_value(model.rates.get(rate)) for model in report.models)]
    tops = {rate: 1.0 if RATES[rate].is_share else _top(report, rate) for rate in columns}
    rows = [
        {
            "index": index,
            "model": model,
            "cells": [
                _cell(rate, model.rates.get(rate), model.corrected.get(rate), top=tops[rate], model=index)
                for rate in columns
            ],
        }
        for index, model in enumerate(report.models)
    ]
    axes = [{"rate": RATES[rate], "top": _axis_end(rate, tops[rate])} for rate in columns]
    return {"axes": axes, "rows": rows}


def _cell(
    rate: str, estimate: EstimateJson | None, corrected: EstimateJson | None, *, top: float, model: int
) -> dict[str, Any]:
    mark = (
        charts.interval_mark(estimate, top=top, model=model)
        if estimate and _has_value(estimate) and estimate["low"] is not None
        else ""
    )
    return {
        "title": RATES[rate].title,
        "order": estimate["value"] if estimate and _has_value(estimate) else -1,
        "text": estimate_text(rate, estimate),
        "mark": safe_markup(mark),
        "corrected": None if corrected is None else estimate_text(rate, corrected),
        "n": estimate["n"] if estimate else 0,
        "clusters": estimate["clusters"] if estimate else 0,
        "method": estimate["method"] if estimate else "",
    }


def _has_value(estimate: EstimateJson | None) -> bool:
    return estimate is not None and estimate["value"] is not None


def differences_table(report: Report) -> dict[str, Any] | None:
    """Return every other model against the baseline, rate by rate; ``None`` when none can be compared."""
    compared = {
        index: report.differences[model.label]
        for index, model in enumerate(report.models)
        if model.label in report.differences
    }
    if not compared:
        return None
    columns = [
        rate
        for rate in TABLE_RATES
        if RATES[rate].is_share and any(rate in comparison["rates"] for comparison in compared.values())
    ]
    rows = [
        {
            "index": index,
            "cells": [_difference_cell(rate, comparison["rates"].get(rate), index) for rate in columns],
            "pairs": comparison["pairs"],
            "unpaired": sum(comparison["unpaired"].values()),
            "changed": [
                ("Worse", comparison.get("regressed", ())[:_MAX_CHANGED]),
                ("Better", comparison.get("improved", ())[:_MAX_CHANGED]),
            ],
        }
        for index, comparison in compared.items()
    ]
    warnings = dict.fromkeys(warning for comparison in compared.values() for warning in comparison.get("warnings", ()))
    return {
        "rates": [RATES[rate] for rate in columns],
        "rows": rows,
        "warnings": tuple(map(capitalized, warnings)),
    }


def _difference_cell(rate: str, pair: dict[str, Any] | None, model: int) -> dict[str, Any]:
    if pair is None:
        return {"text": EstimateText(value="–"), "order": -2, "mark": "", "p": "", "test": ""}
    difference = pair["difference"]
    mark = charts.difference_mark(difference, model=model) if difference["low"] is not None else ""
    p = pair.get("p_value")
    return {
        "text": difference_text(rate, difference),
        "order": -2 if difference["value"] is None else difference["value"],
        "mark": safe_markup(mark),
        "p": "" if p is None else f"p\u00a0{'' if p < 0.001 else '= '}{p_value(p)}".replace(" ", "\u00a0"),
        "test": pair.get("test") or "",
    }


def breakdown_charts(report: Report) -> list[dict[str, Any]]:
    """Return a chart and a table for every tag by which the exact rate is split."""
    levels = [
        (index, estimate_text("knower_level", model.rates["knower_level"]))
        for index, model in enumerate(report.models)
        if model.rates.get("knower_level", {}).get("value") is not None
    ]
    return [
        {
            "breakdown": breakdown,
            "chart": safe_markup(_breakdown_chart(breakdown, len(report.models))),
            "lines": [
                (value, [estimate_text("exact_rate", estimate) for estimate in estimates])
                for value, estimates in zip(breakdown.values, breakdown.rates, strict=True)
            ],
            "levels": levels,
        }
        for breakdown in breakdowns(report)
    ]


def _breakdown_chart(breakdown: Breakdown, models: int) -> str:
    points = breakdown.points()
    if breakdown.tag == "number" and all(value.isdecimal() for value in breakdown.values):  # a suite's own may be words
        return charts.by_number([{**point, "asked": int(point["tag"])} for point in points], models=models)
    return charts.by_value(points, models=models, order=[visible(value, 60) for value in breakdown.values])


def trend_chart(report: Report) -> dict[str, Any] | None:
    """Return the chart and the table of checkpoints by step; ``None`` when no run has two of them."""
    lines = trends(report)
    if not lines:
        return None
    joined = math.ceil(max(len(line.points) for line in lines) / MAX_STEPS)
    points = [
        {"run": series, **_joined_points(part)}
        for series, line in enumerate(lines)
        for part in (line.points[start : start + joined] for start in range(0, len(line.points), joined))
    ]
    return {
        "chart": safe_markup(charts.by_step(points, runs=len(lines))),
        "joined": joined,
        "runs": [(series, report.runs[line.run].name) for series, line in enumerate(lines)],
        "lines": [
            (series, step, estimate_text("exact_rate", estimate), estimate["n"])
            for series, line in enumerate(lines)
            for step, _, estimate in line.points
        ],
    }


def _joined_points(points: Sequence[tuple[int, int, EstimateJson]]) -> dict[str, float]:
    """The mean step of neighbouring checkpoints, the mean of their values and of the ends of their intervals."""
    ends = [_ends("value", estimate) for _, _, estimate in points]
    mean = {name: sum(each[name] for each in ends) / len(ends) for name in ("value", "value_low", "value_high")}
    step = sum(step for step, _, _ in points) / len(points)
    return {"step": step, "value": mean["value"], "low": mean["value_low"], "high": mean["value_high"]}


def price_charts(report: Report) -> list[dict[str, Any]]:
    """Return a chart for money and one for time, each where two models or more have a value."""
    plots = []
    for rate, unit in (("cost_per_exact", "US dollars"), ("seconds_per_exact", "seconds")):
        points = []
        for index, model in enumerate(report.models):
            x, y = model.rates.get(rate), model.rates.get("exact_rate")
            if x is not None and y is not None and _has_value(x) and _has_value(y):
                points.append({"model": index, **_ends("x", x), **_ends("y", y)})
        if len(points) > 1:
            known = [point["model"] for point in points]
            plots.append(
                {
                    "unit": unit,
                    "chart": safe_markup(charts.price_plot(points, models=len(report.models), unit=unit)),
                    "known": known,
                    "unknown": [index for index in range(len(report.models)) if index not in known],
                }
            )
    return plots


def _ends(axis: str, estimate: EstimateJson) -> dict[str, float]:
    value = estimate["value"]
    ends = {end: value if estimate[end] is None else estimate[end] for end in ("low", "high")}
    return {axis: value, f"{axis}_low": ends["low"], f"{axis}_high": ends["high"]}


def conversation_rates(report: Report) -> dict[str, Any] | None:
    """Return the rates of conversations, one row a model; ``None`` when there are no conversations."""
    columns = [rate for rate in CONVERSATION_RATES if any(rate in model.rates for model in report.models)]
    rows = [
        {"index": index, "cells": [estimate_text(rate, model.rates.get(rate)) for rate in columns]}
        for index, model in enumerate(report.models)
    ]
    return {"rates": [RATES[rate] for rate in columns], "rows": rows} if columns else None


def provenance_lists(report: Report) -> list[dict[str, Any]]:
    """Return of every run how it was made, and its warnings."""
    return [
        {
            "name": source.name,
            "facts": how_it_was_made(report, index),
            "warnings": [capitalized(warning) for warning in source.summary.get("warnings", ())],
            "advice": _advice(source),
        }
        for index, source in enumerate(report.runs)
    ]


def _advice(source: Source) -> str:
    plan = source.summary.get("next_labels")
    return capitalized(label_advice(plan)) + "." if plan else ""


def _top(report: Report, rate: str) -> float:
    estimates = [model.rates[rate] for model in report.models if _has_value(model.rates.get(rate))]
    # An interval that runs off to infinity must not squeeze every mark to the left edge.
    ends = [
        min(estimate["high"] if estimate["high"] is not None else estimate["value"], 4 * estimate["value"])
        for estimate in estimates
    ]
    return max(ends) * 1.05 or 1.0


def _axis_end(rate: str, top: float) -> str:
    if RATES[rate].is_share:
        return "100 %"
    return money(top) if RATES[rate].unit is Unit.USD else seconds(top)


def safe_markup(text: str) -> Markup:
    """Mark text as safe HTML: our own, in which words of suites and models are escaped."""
    return Markup(text)  # noqa: S704 -- see above
