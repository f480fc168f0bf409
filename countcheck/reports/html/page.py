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

from countcheck.files import write_text
from countcheck.metrics.rates import RATES, Family, Unit, of_family
from countcheck.reports import safe_text, sections, wording
from countcheck.reports.html import charts
from countcheck.reports.html.evidence import pack
from countcheck.reports.html.pictures import Album, Box, Overlay, Place, make_album, overlays_of
from countcheck.reports.provenance import how_it_was_made
from countcheck.reports.report import Report, headline, losses, read_report
from countcheck.version import __version__

if TYPE_CHECKING:
    from countcheck.storage.run_folder import RunFolder

TABLE_RATES = (
    "exact_rate",
    "exact_rate_given_picture",
    "refusal_rate",
    "unclear_refusal_rate",
    *of_family(Family.CONSISTENCY),
    *of_family(Family.COSTS),
)
CONTENTS: tuple[tuple[str, str | None, str], ...] = (
    ("models", None, "Models"),
    ("differences", "differences", "Differences"),
    ("matrix", "matrices", "Asked and counted"),
    ("breakdown", "breakdown", "Where"),
    ("worst", "worst", "Worst prompts"),
    ("pictures", None, "Every try"),
    ("refusals", "refusals", "Refusals"),
    ("conversations", "talks", "Conversations"),
    ("price", "price", "Price"),
    ("made", None, "How it was made"),
)
TALK_RATES = (
    "conversation_exact_rate",
    "turn_exact_rate",
    "kept_rate",
    "repaired_rate",
    "false_claim_rate",
    "sticky_refusal_rate",
)


def write_report(runs: Sequence[RunFolder], target: Path, *, baseline: str | None = None) -> Path:
    """Read the runs and write their report to ``target``; returns ``target``. Raises as `read_report` does."""
    return write_html(read_report(runs, baseline=baseline), runs, target)


def write_html(report: Report, runs: Sequence[RunFolder], target: Path) -> Path:
    """Write the report to ``target`` (and, when there are many pictures, a folder beside it); returns ``target``."""
    rows_of = [[row for model in report.models if model.run == i for row in model.rows] for i in range(len(runs))]
    album = make_album(zip(runs, rows_of, strict=True), target)
    overlays: dict[Place, Overlay] = {}
    full: dict[Place, str] = {}
    for index, (run, rows) in enumerate(zip(runs, rows_of, strict=True)):
        overlays |= {(index, *of): found for of, found in overlays_of(run, rows).items()}
        if run.path.resolve() == target.parent.resolve():
            full |= {(index, row.key, row.turn): row.picture for row in rows if row.picture}
    return write_text(render_html(report, album, overlays, full), target)


def render_html(
    report: Report, album: Album, overlays: Mapping[Place, Overlay], full: Mapping[Place, str] | None = None
) -> str:
    """The page as text. ``full``: addresses of whole picture files, where the page lies beside them."""
    style, script = _asset("report.css"), _asset("report.js")
    environment = Environment(
        loader=PackageLoader("countcheck.reports.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "visible": safe_text.visible,
        "number": wording.number,
        "percent": wording.percent,
        "things": wording.things,
        "tag_title": wording.tag_title,
        "inert": _ours,
    }
    environment.globals |= {
        "several": wording.several,
        "swatch": _swatch,
        "picture": lambda row, model: album.address((report.models[model].run, row.key, row.turn)),
        "overlay_of": lambda row, model: overlays.get((report.models[model].run, row.key, row.turn)),
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
    talks, talks_in_all = sections.talks(report)
    shown: dict[str, Any] = {
        "differences": _differences(report),
        "matrices": sections.matrices(report),
        "breakdown": _breakdown(report),
        "worst": sections.worst_prompts(report),
        "refusals": sections.refusals(report),
        "talks": talks,
        "price": _price(report),
    }
    return environment.get_template("report.html").render(
        **shown,
        policy=policy,
        style=_ours(style),
        script=_ours(script),
        report=report,
        version=__version__,
        headline=headline(report),
        losses=losses(report),
        contents=[(name, title) for name, part, title in CONTENTS if part is None or shown[part]],
        table=_table(report),
        talk_rates=_talk_rates(report),
        talks_in_all=talks_in_all,
        inconsistencies=sections.inconsistencies(report),
        reasons=wording.REASONS,
        evidence=pack(report, album, overlays, full),
        made=_made(report),
        verdicts=wording.VERDICTS,
        bare=not album.inline and not album.beside,
    )


def _table(report: Report) -> dict[str, Any]:
    """Columns of the table of models that anybody has a value for, and one row of cells a model."""
    columns = [
        rate
        for rate in TABLE_RATES
        if any((model.rates.get(rate) or {}).get("value") is not None for model in report.models)
    ]
    tops = {rate: 1.0 if RATES[rate].is_share else _top(report, rate) for rate in columns}
    rows = []
    for index, model in enumerate(report.models):
        cells = []
        for rate in columns:
            estimate = model.rates.get(rate)
            value, interval = wording.estimate_words(rate, estimate)
            known = estimate is not None and estimate["value"] is not None
            mark = charts.interval_mark(estimate, top=tops[rate], model=index) if known and estimate else ""
            corrected = wording.estimate_words(rate, model.corrected.get(rate))
            cells.append(
                {
                    "title": RATES[rate].title,
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
    axes = [{"title": RATES[rate].title, "top": _axis_end(rate, tops[rate])} for rate in columns]
    return {"axes": axes, "rows": rows}


def _differences(report: Report) -> dict[str, Any] | None:
    """Every other model against the baseline, rate by rate."""
    compared = {
        index: report.differences[m.label] for index, m in enumerate(report.models) if m.label in report.differences
    }
    if not compared:
        return None
    columns = [
        rate for rate in TABLE_RATES if RATES[rate].is_share and any(rate in one["rates"] for one in compared.values())
    ]
    rows = []
    for index, one in compared.items():
        cells = []
        for rate in columns:
            found = one["rates"].get(rate)
            value, interval = wording.points(found["difference"]) if found else ("–", "")
            known = found is not None and found["difference"]["low"] is not None
            p_value = found.get("p_value") if found else None
            cells.append(
                {
                    "value": value,
                    "interval": interval,
                    "mark": _ours(charts.difference_mark(found["difference"], model=index)) if found and known else "",
                    "p": "" if p_value is None else wording.p_words(p_value),
                    "test": found.get("test") or "" if found else "",
                }
            )
        alone = sum(one["unpaired"].values())
        changed = [(title, one.get(name, ())[:5]) for name, title in (("regressed", "Worse"), ("improved", "Better"))]
        rows.append({"index": index, "cells": cells, "pairs": one["pairs"], "unpaired": alone, "changed": changed})
    warnings = dict.fromkeys(sentence for one in compared.values() for sentence in one.get("warnings", ()))
    return {
        "titles": [RATES[rate].title for rate in columns],
        "rows": rows,
        "warnings": tuple(map(wording.sentence, warnings)),
    }


def _breakdown(report: Report) -> list[dict[str, Any]]:
    models = len(report.models)
    found = []
    for part in sections.parts(report):
        points = part.points()
        if part.tag == "number" and all(value.isdecimal() for value in part.values):  # a suite's own may be words
            chart = charts.by_number([{**point, "asked": int(point["tag"])} for point in points], models=models)
        else:
            order = [safe_text.visible(value, 60) for value in part.values]
            chart = charts.by_value(points, models=models, order=order)
        lines = [
            (value, [wording.estimate_words("exact_rate", e) for e in row])
            for value, row in zip(part.values, part.rates, strict=True)
        ]
        knower = [
            (index, *wording.estimate_words("knower_level", model.rates["knower_level"]))
            for index, model in enumerate(report.models)
            if "knower_level" in model.rates
        ]
        found.append({"part": part, "chart": _ours(chart), "lines": lines, "knower": knower})
    return found


def _price(report: Report) -> list[dict[str, Any]]:
    """A plot for money and one for time, each where two models or more have a value."""
    found = []
    for rate, unit in (("cost_per_exact", "US dollars"), ("seconds_per_exact", "seconds")):
        points = []
        for index, model in enumerate(report.models):
            x, y = model.rates.get(rate), model.rates.get("exact_rate")
            if x is None or y is None or x["value"] is None or y["value"] is None:
                continue
            ends = {"x_low": x["low"], "x_high": x["high"], "y_low": y["low"], "y_high": y["high"]}
            ends = {name: (x if name[0] == "x" else y)["value"] if end is None else end for name, end in ends.items()}
            points.append({"model": index, "x": x["value"], "y": y["value"], **ends})
        if len(points) > 1:
            chart = _ours(charts.price_plot(points, models=len(report.models), unit=unit))
            known = [point["model"] for point in points]
            unknown = [index for index in range(len(report.models)) if index not in known]
            found.append({"unit": unit, "chart": chart, "known": known, "unknown": unknown})
    return found


def _talk_rates(report: Report) -> dict[str, Any] | None:
    columns = [rate for rate in TALK_RATES if any(rate in model.rates for model in report.models)]
    rows = [
        {"index": index, "cells": [wording.estimate_words(rate, model.rates.get(rate)) for rate in columns]}
        for index, model in enumerate(report.models)
    ]
    return {"titles": [RATES[rate].title for rate in columns], "rows": rows} if columns else None


def _made(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "name": source.name,
            "facts": how_it_was_made(report, index),
            "warnings": [wording.sentence(one) for one in source.summary.get("warnings", ())],
        }
        for index, source in enumerate(report.runs)
    ]


def _top(report: Report, rate: str) -> float:
    ends = [e for m in report.models if (e := m.rates.get(rate)) and e["value"] is not None]
    # An interval that runs off to infinity must not squeeze every mark to the left edge.
    highest = max(min(e["high"] if e["high"] is not None else e["value"], 4 * e["value"]) for e in ends)
    return highest * 1.05 or 1.0


def _axis_end(rate: str, top: float) -> str:
    if RATES[rate].is_share:
        return "100 %"
    return wording.money(top) if RATES[rate].unit is Unit.USD else wording.seconds(top)


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
    return (files("countcheck.reports.html") / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
