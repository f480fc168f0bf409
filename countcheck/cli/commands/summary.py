"""``countcheck summary RUN``: every rate of a run, with its interval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from countcheck.cli.main import app
from countcheck.cli.output import print_json, say_problems_of_pictures, stdout_console


@app.command()
def summary(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    level: Annotated[float, typer.Option(help="Confidence level of the intervals.")] = 0.95,
    full: Annotated[
        bool, typer.Option("--full", help="Show every rate, every split and the asked × counted matrices.")
    ] = False,
    by: Annotated[
        list[str] | None, typer.Option("--by", metavar="TAG", help="Split the exact rate by this tag; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; keep it as a later gate's baseline.")] = False,
) -> None:
    """Show the rates of a run, with their intervals and denominators."""
    from countcheck.metrics.summary import summarize
    from countcheck.storage.run_folder import RunFolder

    with RunFolder.open(run) as opened:
        rows = opened.rows()
        say_problems_of_pictures(opened, rows)
        result = summarize(rows, opened.info.called(opened.name), opened.labels(), level)
    if as_json:
        print_json(result.to_json())
        return
    from countcheck.reports.terminal.summary import render_summary

    stdout_console().print(render_summary(result, full=full, by=by))
