"""``demo``: a whole run, offline, on the models that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from countcheck.cli.main import MAKE, app
from countcheck.cli.options import OUTPUT
from countcheck.cli.output import stdout_console


@app.command(rich_help_panel=MAKE)
def demo(
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="RUN", rich_help_panel=OUTPUT, help="Folder of the run.")
    ] = Path("runs/demo"),
) -> None:
    """Try everything on the models that ship, offline.

    Makes small pictures of pigs, cats and cars, counts them, shows the result and writes the report.
    """
    from countcheck.cards import read_generator_card
    from countcheck.cli.running import make_run
    from countcheck.engine.config import RunConfig
    from countcheck.metrics.summary import summarize
    from countcheck.reports.html.page import write_report
    from countcheck.reports.terminal.summary import render_summary
    from countcheck.suites.merge import load_suites

    config = RunConfig(suite=load_suites(["demo"]), generators=[read_generator_card("tiny")], path=out)
    with make_run(config, "tiny") as finished:
        console = stdout_console()
        summary = summarize(finished.table(), finished.info, finished.labels(), path=finished.path)
        console.print(render_summary(summary))
        report = write_report([finished], out / "report.html")
        console.print(f"report: {report}", soft_wrap=True)
