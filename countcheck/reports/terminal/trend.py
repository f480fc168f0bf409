"""The rate of a training run's checkpoints by step, in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from countcheck.metrics.trend import TrendPoint
from countcheck.reports.format import axis_mark, estimate_text
from countcheck.reports.safe_text import one_line
from countcheck.reports.terminal.tables import plain_table, rate_title, titled


def render_trend(points: Sequence[TrendPoint], rate: str = "exact_rate") -> RenderableType:
    """Return a table with one line a checkpoint: how many pictures, the rate, and its interval on an axis."""
    if not points:
        return Text("no picture was scored yet.")
    table = plain_table()
    for heading in ("step", "pictures", rate_title(rate), "0 to 100 %" if _is_share(points, rate) else ""):
        table.add_column(heading, justify="right" if heading in ("step", "pictures") else "left")
    for point in points:
        counts = point.counts
        lost = counts["planned"] - counts["asked"]
        pictures = f"{counts['asked']} of {counts['planned']}" if lost else str(counts["asked"])
        estimate = point.rates.get(rate)
        table.add_row(
            str(point.step),
            pictures,
            estimate_text(rate, estimate).bracketed,
            axis_mark(estimate) if _is_share(points, rate) else "",
        )
    return titled(f"{rate_title(rate)} by step", table)


def point_sentence(point: TrendPoint, rate: str = "exact_rate") -> str:
    """Say in a line how one checkpoint did."""
    counts = point.counts
    estimate = estimate_text(rate, point.rates.get(rate)).bracketed
    return (
        f"{one_line(point.generator)}: {rate_title(rate)} {estimate}, {counts['asked']} of {counts['planned']} pictures"
    )


def _is_share(points: Sequence[TrendPoint], rate: str) -> bool:
    from countcheck.metrics.rates import find_rate

    found = find_rate(rate)
    return found is not None and found.is_share
