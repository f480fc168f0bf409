"""``export``: a run's results as rows for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countcheck.cli.main import READ, app
from countcheck.cli.options import OUTPUT, CountingOption, RunArgument
from countcheck.cli.output import note

if TYPE_CHECKING:
    from countcheck.storage.run_folder import RunFolder


class Format(StrEnum):
    """Formats of the export; ``coco`` and ``datasets`` are folders with the pictures."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    GENEVAL = "geneval"
    SOFT_TIFA = "soft-tifa"
    COCO = "coco"
    DATASETS = "datasets"


@app.command(rich_help_panel=READ)
def export(
    run: RunArgument,
    format: Annotated[Format, typer.Option("--format", "-f", help="Format of the rows.")] = Format.JSONL,
    counting: CountingOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", "--output", metavar="FILE", rich_help_panel=OUTPUT, help="Write to FILE instead of printing."
        ),
    ] = None,
) -> None:
    """Write one row per sample or turn: what was asked, what came, what was counted.

    Examples:
        countcheck export runs/demo -f csv -o rows.csv
        countcheck export runs/demo -f geneval -o results.jsonl
        countcheck export runs/demo -f soft-tifa --counting vlm -o scores.jsonl
        countcheck export runs/demo -f coco -o boxes/
    """
    from countcheck.interop.row_export import write_rows
    from countcheck.reports.format import quantity
    from countcheck.storage.run_folder import RunFolder

    with RunFolder.open(run, counting=counting) as opened:
        if format in (Format.COCO, Format.DATASETS):
            written = _write_folder(opened, format, out)
        else:
            written = write_rows(opened, str(format), out)
    if out is not None:
        note(f"{quantity(written, 'row')} written to {out}")


def _write_folder(run: RunFolder, format: Format, out: Path | None) -> int:
    from countcheck.errors import BadInput
    from countcheck.interop.coco_export import write_coco
    from countcheck.interop.datasets_export import write_dataset

    if out is None:
        raise BadInput(f"{format} writes pictures too. Name a folder with -o.")
    return write_coco(run, out) if format is Format.COCO else write_dataset(run, out)
