"""A power calculation in a terminal: how many pictures a comparison needs, or which loss it can detect."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from countcheck.metrics.power import Design, SampleSize
from countcheck.reports.terminal.tables import plain_table


def render_needs(
    rate: str, design: Design, needs: Sequence[SampleSize], level: float, *, reverse: bool = False
) -> RenderableType:
    """Return the question in one line, and a table of repeats, prompts, pictures, loss and power."""
    first = needs[0]
    word = "fall" if design.higher else "rise"
    how = "the same prompts and repeats on both sides" if design.paired else "different prompts on the two sides"
    question = (
        f"the smallest {word} of {rate} from {100 * design.rate:.0f} % that would be detected"
        if reverse
        else f"to detect that {rate} {word}s by {100 * first.loss:g} points from {100 * design.rate:.0f} %"
    )
    table = plain_table()
    for heading in ("repeats", "prompts", "pictures", "loss", "power"):
        table.add_column(heading, justify="right")
    for need in needs:
        table.add_row(
            str(need.repeats),
            f"{need.prompts:,}",
            f"{need.pictures:,}",
            f"{100 * need.loss:.1f} points",
            f"{100 * need.power:.0f} %",
        )
    foot = f"{how}; correlation of a prompt's repeats {design.icc:.2f}; detected: the {100 * level:g} % interval excludes 0"
    return Group(Text(question, "bold"), table, Text(foot, "dim"))
