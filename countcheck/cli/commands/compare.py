"""``compare``: two runs, rate by rate, in pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from countcheck.cli.main import READ, app
from countcheck.cli.options import OUTPUT, JsonOption, LevelOption, OutputOption
from countcheck.cli.output import note, show_result
from countcheck.errors import BadInput

_A: TypeAlias = Annotated[Path, typer.Argument(metavar="A", help="The run to compare with, or its summary in JSON.")]
_B: TypeAlias = Annotated[
    Path, typer.Argument(metavar="B", help="The run in question, or its summary in JSON; may be A again.")
]
_OfA: TypeAlias = Annotated[str | None, typer.Option("--a", metavar="GENERATOR", help="Which generator of A.")]
_OfB: TypeAlias = Annotated[str | None, typer.Option("--b", metavar="GENERATOR", help="Which generator of B.")]
_Resamples: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        max=100_000,
        help="Bootstrap the differences with N resamples, such as 10000; 0: no bootstrap.",
    ),
]
_Markdown: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", rich_help_panel=OUTPUT, help="Also write tables in Markdown, for a pull request."),
]


@app.command(rich_help_panel=READ)
def compare(
    a: _A,
    b: _B,
    of_a: _OfA = None,
    of_b: _OfB = None,
    level: LevelOption = 0.95,
    resamples: _Resamples = 0,
    markdown: _Markdown = None,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Compare two runs in pairs, by prompt and repeat.

    Shows what improved, what regressed, and the interval of every difference.

    Raises:
        BadInput: When the level is not between 0 and 1.

    Examples:
        countcheck compare runs/before runs/after
        countcheck compare runs/both runs/both --a sdxl-turbo --b flux-schnell
    """
    from countcheck.cli.evidence import read_evidence
    from countcheck.metrics.comparison import adjust_p_values
    from countcheck.metrics.comparison import compare as compare_sides
    from countcheck.metrics.sides import match_sides
    from countcheck.reports.terminal.comparison import render_comparisons

    if not 0 < level < 1:
        raise BadInput(f"--level is {level}. Give a number between 0 and 1, such as 0.95.")
    sides_a, sides_b = (dict(read_evidence(path, level).sides) for path in (a, b))
    comparisons = [
        compare_sides(left, right, level, resamples=resamples)
        for left, right in match_sides(sides_a, sides_b, of_a, of_b)
    ]
    if len(comparisons) > 1:
        comparisons = adjust_p_values(comparisons)

    def body() -> dict[str, Any]:
        first = comparisons[0].to_json()
        if len(comparisons) == 1:
            return first
        return {**first, "comparisons": [comparison.to_json() for comparison in comparisons]}

    if markdown is not None:
        from countcheck.files import write_text
        from countcheck.reports.text.comparison_markdown import comparison_markdown

        write_text(comparison_markdown(comparisons), markdown)
        note(f"written to {markdown}")
    show_result(body, lambda: render_comparisons(comparisons), as_json=as_json, output=output)
