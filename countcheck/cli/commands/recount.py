"""``recount``: judge a run again, from stored detections where possible."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from countcheck.cli.main import MAKE, app
from countcheck.cli.options import JsonOption, OutputOption, RunArgument
from countcheck.cli.output import note, show_result


class RuleName(StrEnum):
    """Counting rules; see `countcheck.counting.rule`."""

    COUNTCHECK = "countcheck"
    GENEVAL = "geneval"


@app.command(rich_help_panel=MAKE)
def recount(
    run: RunArgument,
    counter: Annotated[
        str | None,
        typer.Option("-d", "--counter", metavar="COUNTER", help="Another counter, or the same with other settings."),
    ] = None,
    rule: Annotated[
        RuleName | None, typer.Option(help="Another counting rule; geneval is that benchmark's own.")
    ] = None,
    make_default: Annotated[
        bool, typer.Option("--make-default", help="Show this counting from now on, instead of the one before.")
    ] = False,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Judge the pictures of a run again with another counter or rule, beside the first counting.

    No picture is made again. The first counting stays the one that every command shows.

    Examples:
        countcheck recount runs/demo -d owlv2
        countcheck recount runs/demo -d 'tiny?threshold=0.5'
        countcheck recount runs/demo --rule geneval
        countcheck summary runs/demo --counting tiny-geneval

    Exit codes:
        0 done · 2 bad usage, settings or input · 3 the counter failed its self-test · 4 bug · 130 interrupted
    """
    from countcheck.counting.counter import load_counter
    from countcheck.engine.recount import recount as recount_run
    from countcheck.metrics.summary import summarize
    from countcheck.reports.terminal.summary import render_summary
    from countcheck.storage.run_folder import RunFolder

    with RunFolder.open(run) as opened:
        spec = counter or opened.info.counter.name
        default = opened.info.counting_name
        name = recount_run(
            opened, load_counter(spec), rule=rule and rule.value, make_default=make_default, message=note
        )
        opened.show_counting(name)
        summary = summarize(opened.table(), opened.info, opened.labels(), path=opened.path)
    show_result(
        summary.to_json, lambda: render_summary(summary, name=run.resolve().name), as_json=as_json, output=output
    )
    if make_default:
        note(f"every command shows the counting {name} from now on")
    elif name != default:
        note(
            f"kept beside {default} as the counting {name}: see `summary --counting {name}`; recount with --make-default "
            "to show it everywhere"
        )
