"""The look that all tables in a terminal share."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from countcheck.metrics.rates import find_rate


def plain_table() -> Table:
    """Return an empty table without lines."""
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def titled(title: str, table: RenderableType) -> RenderableType:
    """Return the table under a bold title."""
    return Group(Text(title, "bold"), table)


def rate_title(name: str) -> str:
    """Return the title of a rate; an unknown rate's own name with spaces."""
    rate = find_rate(name)
    return name.replace("_", " ") if rate is None else rate.title


def rate_cell(name: str) -> Text:
    """Return the title of a rate with the name that policies and JSON use, one under the other."""
    return Text.assemble(rate_title(name), "\n", (name, "dim"))
