"""``countcheck compare A B``: two runs, rate by rate, in pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from countcheck.cli.main import app
from countcheck.cli.output import print_json, stdout_console
from countcheck.errors import BadInput


@app.command()
def compare(
    a: Annotated[
        Path, typer.Argument(metavar="A", help="The run to compare with, or what summary --json wrote of it.")
    ],
    b: Annotated[Path, typer.Argument(metavar="B", help="The run in question, likewise; the same run again is fine.")],
    of_a: Annotated[str | None, typer.Option("--a", metavar="GENERATOR", help="Which generator of A.")] = None,
    of_b: Annotated[str | None, typer.Option("--b", metavar="GENERATOR", help="Which generator of B.")] = None,
    level: Annotated[float, typer.Option(help="Confidence level of the intervals.")] = 0.95,
    resamples: Annotated[
        int, typer.Option(min=0, max=100_000, help="Bootstrap the differences with so many resamples (10000, say).")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare two runs in pairs, by prompt and repeat. Says what improved, what regressed, and how sure that is."""
    from countcheck.cli.commands.gate import read_evidence
    from countcheck.metrics.comparison import adjust_p_values
    from countcheck.metrics.comparison import compare as compared
    from countcheck.metrics.sides import match_sides

    if not 0 < level < 1:
        raise BadInput(f"--level is {level}. Give a number between 0 and 1, such as 0.95.")
    sides = [dict(read_evidence(path, level).sides) for path in (a, b)]
    found = [
        compared(left, right, level, resamples=resamples) for left, right in match_sides(sides[0], sides[1], of_a, of_b)
    ]
    found = adjust_p_values(found) if len(found) > 1 else found
    if as_json:
        body = found[0].to_json()
        print_json(body if len(found) == 1 else {**body, "comparisons": [one.to_json() for one in found]})
        return
    from countcheck.reports.terminal.comparison import render_comparisons

    stdout_console().print(render_comparisons(found))
