"""The report as one HTML file that opens from disk: no network, nothing that executes but its own script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from countcheck import __version__
from countcheck.reports import charts, sections, wording
from countcheck.reports.pictures import Album, Box, Place, boxes_of, make_album
from countcheck.reports.report import Report, headline, losses, read_report

if TYPE_CHECKING:
    from countcheck.store import Run

TABLE_RATES = (
    ("exact_rate", "Exactly as asked"),
    ("exact_rate_given_picture", "Exact, of pictures"),
    ("refusal_rate", "Refused"),
    ("unclear_refusal_rate", "Refused, unclear why"),
    ("seconds_per_exact", "Seconds per exact picture"),
    ("cost_per_exact", "Cost per exact picture"),
)
SHARES = frozenset(rate for rate, _ in TABLE_RATES[:4])


def write_report(runs: Sequence[Run], target: Path, *, baseline: str | None = None) -> Path:
    """Read the runs and write their report to ``target``; returns ``target``. Raises as `read_report` does."""
    return write_html(read_report(runs, baseline=baseline), runs, target)


def write_html(report: Report, runs: Sequence[Run], target: Path) -> Path:
    """Write the report to ``target`` (and, when there are many pictures, a folder beside it); returns ``target``."""
    rows_of = [[row for model in report.models if model.run == i for row in model.rows] for i in range(len(runs))]
    album = make_album(zip(runs, rows_of, strict=True), target.with_name(f"{target.stem}_pictures"))
    boxes: dict[Place, tuple[Box, ...]] = {}
    for run, rows in zip(runs, rows_of, strict=True):
        boxes |= boxes_of(run, rows)
    page = render_html(report, album, boxes)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.part")
    unfinished.write_text(page, encoding="utf-8")
    unfinished.replace(target)
    return target


def render_html(report: Report, album: Album, boxes: Mapping[Place, Sequence[Box]]) -> str:
    """The page as text."""
    style, script = _asset("report.css"), _asset("report.js")
    environment = Environment(
        loader=PackageLoader("countcheck.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "visible": wording.visible,
        "number": wording.number,
        "percent": wording.percent,
        "seconds": wording.seconds,
    }
    environment.globals |= {
        "several": wording.several,
        "swatch": _swatch,
        "picture": album.address,
        "boxes": lambda row: boxes.get((row.key, row.turn), ()),
        "box_colours": _box_colours,
    }
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "img-src data:" if not album.beside else "img-src data: 'self' file:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return environment.get_template("report.html").render(
        policy=policy,
        style=_ours(style),
        script=_ours(script),
        report=report,
        version=__version__,
        headline=headline(report),
        losses=losses(report),
        table=_table(report),
        matrices=sections.matrices(report),
        worst=sections.worst_prompts(report),
        refusals=sections.refusals(report),
        inconsistencies=sections.inconsistencies(report),
        reasons=wording.REASONS,
    )


def _table(report: Report) -> dict[str, Any]:
    """Columns of the table of models that anybody has a value for, and one row of cells a model."""
    columns = [
        (rate, title)
        for rate, title in TABLE_RATES
        if any((model.rates.get(rate) or {}).get("value") is not None for model in report.models)
    ]
    tops = {rate: 1.0 if rate in SHARES else _top(report, rate) for rate, _ in columns}
    rows = []
    for index, model in enumerate(report.models):
        cells = []
        for rate, title in columns:
            estimate = model.rates.get(rate)
            value, interval = wording.estimate_words(rate, estimate)
            known = estimate is not None and estimate["value"] is not None
            mark = charts.interval_mark(estimate, top=tops[rate], model=index) if known and estimate else ""
            corrected = wording.estimate_words(rate, model.corrected.get(rate))
            cells.append(
                {
                    "title": title,
                    "value": value,
                    "interval": interval,
                    "mark": _ours(mark),
                    "corrected": corrected if rate in model.corrected else None,
                    "n": estimate["n"] if estimate else 0,
                    "clusters": estimate["clusters"] if estimate else 0,
                    "method": estimate["method"] if estimate else "",
                }
            )
        rows.append({"index": index, "model": model, "cells": cells})
    axes = [{"title": title, "top": _axis_end(rate, tops[rate])} for rate, title in columns]
    return {"axes": axes, "rows": rows}


def _top(report: Report, rate: str) -> float:
    ends = [e for m in report.models if (e := m.rates.get(rate)) and e["value"] is not None]
    # An interval that runs off to infinity must not squeeze every mark to the left edge.
    highest = max(min(e["high"] if e["high"] is not None else e["value"], 4 * e["value"]) for e in ends)
    return highest * 1.05 or 1.0


def _axis_end(rate: str, top: float) -> str:
    if rate in SHARES:
        return "100 %"
    return wording.money(top) if rate == "cost_per_exact" else wording.seconds(top)


def _swatch(index: int) -> Markup:
    """The model's mark in its colour; drawn by a class, so that it follows the theme."""
    return Markup('<span class="swatch m{} s{}" aria-hidden="true"></span>').format(
        index % charts.COLOURS, index % len(charts.SHAPES)
    )


def _box_colours(found: Sequence[Box]) -> dict[str, int]:
    return {noun: index % 6 for index, noun in enumerate(dict.fromkeys(box.noun for box in found))}


def _ours(text: str) -> Markup:
    """Text that is our own, or that Vega has escaped, for use as it stands."""
    return Markup(text)  # noqa: S704 -- never given a suite's or a model's words


def _asset(name: str) -> str:
    return (files("countcheck.reports") / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
