"""``summary``: the rates of a run, with their intervals."""

from __future__ import annotations

from typing import Annotated

import typer

from countcheck.cli.main import READ, app
from countcheck.cli.options import CountingOption, JsonOption, LevelOption, OutputOption, RunArgument
from countcheck.cli.output import note_problems_of_pictures, show_result


@app.command(rich_help_panel=READ)
def summary(
    run: RunArgument,
    full: Annotated[
        bool, typer.Option("--full", help="Show every rate, every split and the asked × counted matrices.")
    ] = False,
    by: Annotated[
        list[str] | None, typer.Option("--by", metavar="TAG", help="Split the exact rate by this tag, such as number.")
    ] = None,
    counting: CountingOption = None,
    level: LevelOption = 0.95,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Show the result of a run in a few lines, or every rate with its interval.

    A summary in JSON can serve as the baseline of a later gate or comparison.

    Examples:
        countcheck summary runs/demo
        countcheck summary runs/demo --by number --by style
        countcheck summary runs/demo -o baseline.json
    """
    from countcheck.metrics.summary import summarize
    from countcheck.reports.terminal.summary import render_summary
    from countcheck.storage.run_folder import RunFolder

    with RunFolder.open(run, counting=counting) as opened:
        note_problems_of_pictures(opened)
        result = summarize(opened.table(), opened.info, opened.labels(), level, path=opened.path)
    show_result(
        result.to_json,
        lambda: render_summary(result, name=run.resolve().name, full=full or (output is not None and not by), by=by),
        as_json=as_json,
        output=output,
    )
