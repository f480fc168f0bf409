"""The report as one HTML file that opens from disk: it loads nothing from a network and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from countcheck.files import write_text
from countcheck.reports import format, safe_text, sections, wording
from countcheck.reports.headline import headline, losses, rewritings
from countcheck.reports.html import charts, tables
from countcheck.reports.html.packed_rows import pack_rows
from countcheck.reports.html.pictures import PagePictures, PictureId, page_pictures
from countcheck.reports.overlays import Box, Overlay, overlays_of
from countcheck.reports.report import Report, read_report
from countcheck.version import __version__

if TYPE_CHECKING:
    from countcheck.storage.rows import ResultRow
    from countcheck.storage.run_folder import RunFolder

# Anchor, the value without which the section is left out (``None``: always there), title.
CONTENTS: tuple[tuple[str, str | None, str], ...] = (
    ("trend", "trend", "By step"),
    ("models", None, "Models"),
    ("differences", "differences", "Differences"),
    ("matrix", "matrices", "Asked and counted"),
    ("breakdown", "breakdowns", "By tag"),
    ("worst", "worst", "Worst prompts"),
    ("pictures", None, "Every try"),
    ("refusals", "refusals", "Refusals"),
    ("conversations", "conversations", "Conversations"),
    ("price", "prices", "Price"),
    ("made", None, "How it was made"),
)


def write_report(runs: Sequence[RunFolder], target: Path, *, baseline: str | None = None) -> Path:
    """Read the runs and write their report to ``target``; return ``target``. Raises as `read_report` does."""
    return write_html(read_report(runs, baseline=baseline), runs, target)


def write_html(
    report: Report,
    runs: Sequence[RunFolder],
    target: Path,
    *,
    address: Callable[[int, ResultRow], str] | None = None,
) -> Path:
    """Write the report to ``target`` (and, when there are many pictures, a folder beside it); return ``target``.

    Args:
        address: Of a run's index and a row, the address of the whole picture, on a page that a server gives out.
    """
    rows_of = [[row for model in report.models if model.run == i for row in model.rows] for i in range(len(runs))]
    pictures = page_pictures(zip(runs, rows_of, strict=True), target)
    overlays: dict[PictureId, Overlay] = {}
    full: dict[PictureId, str] = {}
    for index, (run, rows) in enumerate(zip(runs, rows_of, strict=True)):
        overlays |= {(index, *place): overlay for place, overlay in overlays_of(run, rows).items()}
        if address is not None:
            full |= {(index, row.key, row.turn): address(index, row) for row in rows if row.picture}
        elif run.path.resolve() == target.parent.resolve():
            full |= {(index, row.key, row.turn): row.picture for row in rows if row.picture}
    return write_text(render_html(report, pictures, overlays, full), target)


def render_html(
    report: Report,
    pictures: PagePictures,
    overlays: Mapping[PictureId, Overlay],
    full: Mapping[PictureId, str] | None = None,
) -> str:
    """Return the page as text.

    Args:
        pictures: Where the page finds each picture.
        overlays: The boxes of each picture.
        full: Addresses of whole picture files, where the page lies beside them.
    """
    style, script = _asset("report.css"), _asset("report.js")
    conversations, conversations_held = sections.conversations(report)
    optional: dict[str, Any] = {
        "trend": tables.trend_chart(report),
        "differences": tables.differences_table(report),
        "matrices": sections.matrices(report),
        "breakdowns": tables.breakdown_charts(report),
        "worst": sections.worst_prompts(report),
        "refusals": sections.refusals(report),
        "conversations": conversations,
        "prices": tables.price_charts(report),
    }
    page: str = (
        _environment(report, pictures, overlays)
        .get_template("report.html")
        .render(
            **optional,
            policy=content_policy(files_beside=bool(pictures.beside)),
            style=tables.safe_markup(style),
            script=tables.safe_markup(script),
            report=report,
            version=__version__,
            headline=headline(report),
            losses=[*losses(report), *rewritings(report)],
            contents=[(anchor, title) for anchor, part, title in CONTENTS if part is None or optional[part]],
            table=tables.models_table(report),
            conversation_rates=tables.conversation_rates(report),
            conversations_held=conversations_held,
            inconsistencies=sections.inconsistencies(report),
            reasons=wording.REASONS,
            rows=pack_rows(report, pictures, overlays, full),
            made=tables.provenance_lists(report),
            bars=sections.outcome_bars(report),
            examples=sections.example_tries(report),
            verdicts=wording.VERDICTS,
            bare=not pictures.inline and not pictures.beside,
        )
    )
    return page


def _environment(report: Report, pictures: PagePictures, overlays: Mapping[PictureId, Overlay]) -> Environment:
    environment = Environment(
        loader=PackageLoader("countcheck.reports.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "visible": safe_text.visible,
        "number": format.number,
        "percent": format.percent,
        "counted_noun": wording.counted_noun,
        "tag_title": wording.tag_title,
        "inert": tables.safe_markup,
        "breakable": _breakable,
    }
    environment.globals |= {
        "quantity": format.quantity,
        "swatch": _swatch,
        "picture": lambda row, model: pictures.address((report.models[model].run, row.key, row.turn)),
        "overlay_of": lambda row, model: overlays.get((report.models[model].run, row.key, row.turn)),
        "box_colours": _box_colours,
    }
    return environment


def content_policy(*, files_beside: bool) -> str:
    """Return the page's Content-Security-Policy: its own style and script, by their hashes, and its own pictures."""
    style, script = _asset("report.css"), _asset("report.js")
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "img-src data: 'self' file:" if files_beside else "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _swatch(index: int) -> Markup:
    """Return the model's mark in its colour, by a class, so that it follows the theme."""
    return Markup('<span class="swatch m{} s{}" aria-hidden="true"></span>').format(
        index % charts.COLOURS, index % len(charts.SHAPES)
    )


def _breakable(name: str) -> Markup:
    """Return a rate's name with places at which a narrow column may break it."""
    return Markup("<wbr>").join(part + "_" for part in name.split("_")[:-1]) + Markup("<wbr>") + name.split("_")[-1]


def _box_colours(boxes: Sequence[Box]) -> dict[str, int]:
    return {noun: index % 6 for index, noun in enumerate(dict.fromkeys(box.noun for box in boxes))}


def _asset(name: str) -> str:
    return (files("countcheck.reports.html") / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
