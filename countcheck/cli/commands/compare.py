"""``countcheck compare A B``: two runs, rate by rate, in pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countcheck.cli.main import app
from countcheck.cli.output import print_json, stdout_console
from countcheck.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from countcheck.metrics.sides import ComparisonSide


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

    if not 0 < level < 1:
        raise BadInput(f"--level is {level}. Give a number between 0 and 1, such as 0.95.")
    sides = [dict(read_evidence(path, level).sides) for path in (a, b)]
    found = [
        compared(left, right, level, resamples=resamples) for left, right in matched(sides[0], sides[1], of_a, of_b)
    ]
    found = adjust_p_values(found) if len(found) > 1 else found
    if as_json:
        body = found[0].to_json()
        print_json(body if len(found) == 1 else {**body, "comparisons": [one.to_json() for one in found]})
        return
    from countcheck.reports.terminal.comparison import render_comparisons

    stdout_console().print(render_comparisons(found))


def matched(
    a: dict[str, ComparisonSide], b: dict[str, ComparisonSide], of_a: str | None = None, of_b: str | None = None
) -> list[tuple[ComparisonSide, ComparisonSide]]:
    """Which generator is compared with which: the named ones; else those of the same name; else one with each.

    Raises:
        UnknownName: For a generator that the run has not.
        BadInput: When it is not plain who is meant.
    """
    left, right = _chosen(a, of_a, "A"), _chosen(b, of_b, "B")
    common = [name for name in left if name in right]
    one_run = {p.run for p in left.values()} == {p.run for p in right.values()}
    if of_a is None and of_b is None and common and not (one_run and len(left) > 1):
        return [(left[name], right[name]) for name in common]
    if len(left) == 1:
        only = next(iter(left.values()))
        others = [party for party in right.values() if not (one_run and party.generator == only.generator)]
        return [(only, party) for party in others or right.values()]
    raise BadInput(
        f"A has {', '.join(left) or 'no generator'} and B has {', '.join(right) or 'no generator'}. "
        "Say which to compare with --a GENERATOR and --b GENERATOR."
    )


def _chosen(parties: dict[str, ComparisonSide], name: str | None, side: str) -> dict[str, ComparisonSide]:
    if name is None:
        return dict(parties)
    if name not in parties:
        raise UnknownName("generator", name, parties, place=side)
    return {name: parties[name]}
