"""``demo``: everything, offline, on the models that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from countcheck.cli.main import app
from countcheck.cli.output import stdout_console


@app.command()
def demo(
    out: Annotated[Path, typer.Option("-o", "--out", metavar="RUN", help="The run's folder.")] = Path("runs/demo"),
) -> None:
    """Try it on the models that ship. Paints pigs, cats and cars, counts them, and writes the report."""
    from countcheck.cards import read_generator_card
    from countcheck.cli.commands.run import carry_out
    from countcheck.engine.config import RunConfig
    from countcheck.metrics.summary import summarize
    from countcheck.reports.html.page import write_report
    from countcheck.reports.terminal.summary import render_summary
    from countcheck.suites.merge import load_suites

    order = RunConfig(suite=load_suites(["demo"]), generators=[read_generator_card("tiny")], path=out)
    with carry_out(order, "tiny") as finished:
        console = stdout_console()
        console.print(render_summary(summarize(finished.rows(), finished.info, finished.labels())))
        report = write_report([finished], out / "report.html")
        console.print(f"report: {report}", soft_wrap=True)
