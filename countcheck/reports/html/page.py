"""The report as an HTML file that opens from disk: it loads nothing from a network and runs no script but its own.

It is one file, with a folder beside it for many pictures, and one for many rows.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from countcheck.files import write_text
from countcheck.reports import format, safe_text, sections, wording
from countcheck.reports.headline import headline, losses, rewritings
from countcheck.reports.html import charts, tables
from countcheck.reports.html.packed_rows import Shown, pack_rows
from countcheck.reports.html.pictures import PagePictures, PictureId
from countcheck.reports.html.row_blocks import RowBlocks, blocks_beside, remove_old_blocks
from countcheck.reports.overlays import Box, overlays_of
from countcheck.reports.report import Report, read_report
from countcheck.storage.forked import spare_processes
from countcheck.version import __version__

if TYPE_CHECKING:
    from countcheck.storage.rows import ResultRow
    from countcheck.storage.run_folder import RunFolder

MAX_ROWS_INSIDE = 10_000
"""Most rows that a page holds itself; more lie in a folder beside it."""
MANY = 24
"""Models with a figure of their own in a section; those of more are folded up, so that a page of hundreds opens."""

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
    """Write the report to ``target`` and return it; with folders beside it when there are many pictures or rows.

    Args:
        address: Of a run's index and a row, the address of the whole picture, on a page that a server gives out.

    Raises:
        BadInput, DiskFull: When it cannot be written.
    """
    pictures = PagePictures(runs, target, sum(int(model.rows.table.drawn.sum()) for model in report.models))
    rows = _PageRows(report, runs, pictures, address, target)
    if sum(len(model.rows) for model in report.models) <= MAX_ROWS_INSIDE:
        blocks, folder = RowBlocks(None), ""
        any_picture = pack_rows(report, rows.show, blocks)
    else:
        with blocks_beside(target) as (blocks, folders):
            any_picture = pack_rows(report, rows.show, blocks, processes=spare_processes(runs))
        (folder,) = folders
    write_text(_render(report, rows, blocks, folder, bare=not any_picture), target)
    remove_old_blocks(target, folder)
    return target


class _PageRows:
    """What the page shows of rows: their small pictures, boxes, and links to whole pictures."""

    def __init__(
        self,
        report: Report,
        runs: Sequence[RunFolder],
        pictures: PagePictures,
        address: Callable[[int, ResultRow], str] | None,
        target: Path,
    ) -> None:
        self.pictures = pictures
        self._report, self._runs, self._address = report, runs, address
        self._in_run = [run.path.resolve() == target.parent.resolve() for run in runs]
        self._shown: dict[PictureId, Shown] = {}

    def show(self, run: int, rows: Sequence[ResultRow]) -> list[Shown]:
        """Return what is shown of rows of one run."""
        overlays = overlays_of(self._runs[run], rows)
        return [
            Shown(picture=picture, full=self._full(run, row), overlay=overlays.get((row.key, row.turn)))
            for row, picture in zip(rows, self.pictures.addresses(run, rows), strict=True)
        ]

    def of(self, row: ResultRow, model: int) -> Shown:
        """Return what is shown of one row of a model."""
        place = (self._report.models[model].run, row.key, row.turn)
        if place not in self._shown:
            (self._shown[place],) = self.show(place[0], [row])
        return self._shown[place]

    def _full(self, run: int, row: ResultRow) -> str:
        if not row.picture:
            return ""
        if self._address is not None:
            return self._address(run, row)
        return row.picture if self._in_run[run] else ""


def _render(report: Report, rows: _PageRows, blocks: RowBlocks, folder: str, *, bare: bool) -> str:
    """Return the page as text.

    Args:
        folder: The address of the blocks that are beside it; empty when they are inside.
        bare: Whether it shows no picture.
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
    pictures = rows.pictures
    page: str = (
        _environment(report, rows)
        .get_template("report.html")
        .render(
            **optional,
            policy=content_policy(pictures_beside=not pictures.inside, rows_beside=bool(folder)),
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
            blocks=blocks.texts,
            rows_folder=folder,
            made=tables.provenance_lists(report),
            bars=sections.outcome_bars(report),
            examples=sections.example_tries(report),
            verdicts=wording.VERDICTS,
            bare=bare,
            many=MANY,
        )
    )
    return page


def _environment(report: Report, rows: _PageRows) -> Environment:
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
        "picture": lambda row, model: rows.of(row, model).picture,
        "overlay_of": lambda row, model: rows.of(row, model).overlay,
        "box_colours": _box_colours,
    }
    return environment


def content_policy(*, pictures_beside: bool, rows_beside: bool) -> str:
    """Return the page's Content-Security-Policy: its own style and script, by their hashes, and its own pictures.

    Args:
        pictures_beside: Whether pictures are files.
        rows_beside: Whether its script, and nothing else, may load further ones.
    """
    style, script = _asset("report.css"), _asset("report.js")
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'" + (" 'strict-dynamic'" if rows_beside else ""),
            "img-src data: 'self' file:" if pictures_beside else "img-src data:",
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
