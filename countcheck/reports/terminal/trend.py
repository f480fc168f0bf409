"""The rate of a training run's checkpoints by step, in a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from countcheck.metrics.trend import TrendPoint
from countcheck.reports.format import axis_mark, estimate_text
from countcheck.reports.safe_text import one_line
from countcheck.reports.terminal.tables import plain_table, rate_title, titled

MAX_LINES = 40


def render_trend(points: Sequence[TrendPoint], rate: str = "exact_rate") -> RenderableType:
    """Return a table with one line a checkpoint: how many pictures, the rate, and its interval on an axis.

    Of more than `MAX_LINES` checkpoints it has every second, third and so on.
    """
    if not points:
        return Text("no picture was scored yet.")
    table = plain_table()
    for heading in ("step", "pictures", rate_title(rate), "0 to 100 %" if _is_share(points, rate) else ""):
        table.add_column(heading, justify="right" if heading in ("step", "pictures") else "left")
    every = math.ceil(len(points) / MAX_LINES)
    for point in points[::-1][::every][::-1]:  # the last one is among them
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
    thinned = f", one in {every} of {len(points)} checkpoints; --json has all" if every > 1 else ""
    return titled(f"{rate_title(rate)} by step{thinned}", table)


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
