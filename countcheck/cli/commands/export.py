"""``export``: a run's verdicts for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from countcheck.cli.main import app
from countcheck.cli.output import say


class Format(StrEnum):
    """What can be written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    GENEVAL = "geneval"


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    format: Annotated[Format, typer.Option("--format", "-f", help="How to write.")] = Format.JSONL,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The file; stdout when left out.")] = None,
) -> None:
    """Write one row per sample or turn. It says what was asked, what came, and what was counted."""
    from countcheck.interop.row_export import write_rows
    from countcheck.reports.format import quantity
    from countcheck.storage.run_folder import RunFolder

    with RunFolder.open(run) as opened:
        written = write_rows(opened, str(format), out)
    if out is not None:
        say(f"{quantity(written, 'row')} written to {out}")
