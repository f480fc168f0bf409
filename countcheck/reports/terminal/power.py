"""What a number of pictures can see, in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from countcheck.metrics.power import Design, SampleSize
from countcheck.metrics.rates import heading_of


def render_needs(
    rate: str, design: Design, needs: Sequence[SampleSize], level: float, *, reverse: bool = False
) -> RenderableType:
    """One sentence and a table of repeats, prompts, pictures, loss and power."""
    first = needs[0]
    word = "fall" if design.higher else "rise"
    how = "the same prompts and repeats on both sides" if design.paired else "other prompts on either side"
    question = (
        f"what a {word} of {heading_of(rate)} from {100 * design.rate:.0f} % must be to be seen"
        if reverse
        else f"to see {heading_of(rate)} {word} by {100 * first.loss:g} points from {100 * design.rate:.0f} %"
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
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
    foot = f"{how}; repeats of a prompt alike by {design.icc:.2f}; {100 * level:g} % interval excludes no change"
    return Group(Text(question, "bold"), table, Text(foot, "dim"))
