"""``merge``: the parts of a run, made with ``run --shard I/N``, joined into one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from countcheck.cli.main import MAKE, app
from countcheck.cli.options import JsonOption
from countcheck.cli.output import note, show_result


@app.command(rich_help_panel=MAKE)
def merge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="The folders of all parts, in any order.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="RUN", help="The folder of the run to make.")],
    as_json: JsonOption = False,
) -> None:
    """Join the parts that run --shard made into one run, like one made in one piece.

    Parts of another suite, counter, setting or version are refused, and so are missing parts.

    Examples:
        countcheck run three-little-pigs -g sdxl-turbo --shard 1/2 -o runs/pigs
        countcheck run three-little-pigs -g sdxl-turbo --shard 2/2 -o runs/pigs
        countcheck merge runs/pigs-shard-* -o runs/pigs
    """
    from countcheck.engine.merge import merge as merge_runs
    from countcheck.metrics.summary import summarize
    from countcheck.reports.terminal.summary import render_summary

    with merge_runs(runs, out, message=note) as merged:
        summary = summarize(merged.table(), merged.info.called(merged.name), merged.labels(), path=merged.path)
    show_result(summary.to_json, lambda: render_summary(summary), as_json=as_json, output=None)
