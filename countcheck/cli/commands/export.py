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
    """Formats of the export; the last four are folders, and ``fiftyone`` the name of a dataset."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    GENEVAL = "geneval"
    SOFT_TIFA = "soft-tifa"
    COCO = "coco"
    DATASETS = "datasets"
    EVERY_EVAL_EVER = "every-eval-ever"
    FIFTYONE = "fiftyone"


_FOLDERS = (Format.COCO, Format.DATASETS, Format.EVERY_EVAL_EVER, Format.FIFTYONE)


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
    organization: Annotated[
        str, typer.Option(metavar="NAME", rich_help_panel=OUTPUT, help="Who made the run, for every-eval-ever.")
    ] = "unknown",
) -> None:
    """Write one row per sample or turn: what was asked, what came, what was counted.

    Examples:
        countcheck export runs/demo -f csv -o rows.csv
        countcheck export runs/demo -f geneval -o results.jsonl
        countcheck export runs/demo -f soft-tifa --counting vlm -o scores.jsonl
        countcheck export runs/demo -f coco -o boxes/
        countcheck export runs/demo -f every-eval-ever -o records/
        countcheck export runs/demo -f fiftyone -o dataset-name
    """
    from countcheck.interop.row_export import write_rows
    from countcheck.reports.format import quantity
    from countcheck.storage.run_folder import RunFolder

    with RunFolder.open(run, counting=counting) as opened:
        if format in _FOLDERS:
            written = _write_folder(opened, format, out, organization)
        else:
            written = write_rows(opened, str(format), out)
    if out is not None:
        note(f"{quantity(written, 'row')} written to {out}")


def _write_folder(run: RunFolder, format: Format, out: Path | None, organization: str) -> int:
    from countcheck.errors import BadInput
    from countcheck.interop.coco_export import write_coco
    from countcheck.interop.datasets_export import write_dataset
    from countcheck.interop.every_eval_ever import write_every_eval_ever
    from countcheck.interop.fiftyone import add_to_fiftyone

    if out is None:
        what = "a dataset" if format is Format.FIFTYONE else "a folder"
        raise BadInput(f"{format} is more than rows. Name {what} with -o.")
    match format:
        case Format.COCO:
            return write_coco(run, out)
        case Format.DATASETS:
            return write_dataset(run, out)
        case Format.EVERY_EVAL_EVER:
            return write_every_eval_ever(run, out, organization=organization)
        case _:
            return add_to_fiftyone(run, str(out))
