"""``countcheck report``: one page over one or more runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from countcheck.cli import app


@app.command()
def report(
    run: Annotated[list[Path], typer.Argument(help="Run folders; every model in them is shown side by side.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; RUN/report.html when left out.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="The model or run the others are compared with; the first when left out.")
    ] = None,
) -> None:
    """Write one HTML file over one or more runs and print its path."""
    from contextlib import ExitStack

    from countcheck.reports.html import write_html
    from countcheck.reports.report import read_report
    from countcheck.store import Run

    with ExitStack() as stack:
        runs = [stack.enter_context(Run.open(path)) for path in run]
        told = read_report(runs, baseline=baseline)
        written = write_html(told, runs, output or run[0] / "report.html")
    typer.echo(written)
