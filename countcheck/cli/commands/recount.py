"""``recount``: judge a run again, from stored detections when it can."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from countcheck.cli.main import app
from countcheck.cli.output import print_json, say, stdout_console


class RuleName(StrEnum):
    """The rules that there are; see `countcheck.counting.rule_settings.RULES`."""

    COUNTCHECK = "countcheck"
    GENEVAL = "geneval"


@app.command()
def recount(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    counter: Annotated[
        str | None, typer.Option("-d", "--counter", metavar="COUNTER", help="Another counter, or another rule of it.")
    ] = None,
    rule: Annotated[
        RuleName | None, typer.Option(help="geneval is that benchmark's own; the counter's when left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Judge a run again with another counter or rule. Nothing is drawn anew."""
    from countcheck.counting.counter import load_counter
    from countcheck.engine.recount import recount as recount_run
    from countcheck.metrics.summary import summarize
    from countcheck.reports.terminal.summary import render_summary
    from countcheck.storage.run_folder import RunFolder

    with RunFolder.open(run) as opened:
        spec = counter or opened.info.counter.name
        recount_run(opened, load_counter(spec), rule=rule and rule.value, message=say)
        summary = summarize(opened.rows(), opened.info, opened.labels())
        if as_json:
            print_json(summary.to_json())
        else:
            stdout_console().print(render_summary(summary))
