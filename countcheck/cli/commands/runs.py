"""``runs``: list run folders, and delete one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countcheck.cli.help import App, Group
from countcheck.cli.main import READ, app
from countcheck.cli.options import JsonOption, OutputOption
from countcheck.cli.output import note, show_result
from countcheck.errors import BadInput, CountcheckError
from countcheck.reports.safe_text import one_line

if TYPE_CHECKING:
    from rich.table import Table

runs = App(help="List and delete run folders.", no_args_is_help=True, cls=Group, rich_markup_mode=None)
app.add_typer(runs, name="runs", rich_help_panel=READ)


@runs.command("list")
def list_(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the runs are.")] = Path("runs"),
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """List the runs in a folder, the newest first: suite, generators, samples, size.

    Raises:
        BadInput: When there is no such folder.

    Examples:
        countcheck runs list
        countcheck runs list /data/runs --json
    """
    from countcheck.storage.find_runs import find_runs

    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder. Name the folder that holds the runs.")
    rows = sorted((_describe(path) for path in find_runs(folder)), key=lambda row: row["created"], reverse=True)
    show_result(lambda: rows, lambda: _table(rows), as_json=as_json, output=output)


@runs.command("delete")
def delete(
    paths: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders of the runs.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
) -> None:
    """Delete runs with all their pictures. Asks first.

    Raises:
        BadInput: When a folder is not a run, is being made, or cannot be deleted.
        typer.Exit: With code 2 when the answer is no.

    Examples:
        countcheck runs delete runs/old --yes
    """
    import shutil

    from countcheck.files import exclusive_lock
    from countcheck.reports.format import file_size
    from countcheck.storage.run_folder import RunFolder

    for path in paths:
        if not path.is_dir() or path.is_symlink() or not RunFolder.exists(path):
            raise BadInput(f"{path} is not a run's folder. Nothing was deleted.")
    total = sum(_size(path) for path in paths)
    if not yes:
        names = ", ".join(one_line(str(path), 200) for path in paths)
        if not typer.confirm(f"Delete {names} ({file_size(total)})?", err=True):
            raise typer.Exit(2)
    for path in paths:
        with exclusive_lock(path):
            try:
                shutil.rmtree(path)
            except OSError as error:
                raise BadInput(f"{path} cannot be deleted ({error.strerror}).") from error
        note(f"deleted {path}")


def _describe(path: Path) -> dict[str, Any]:
    from countcheck.storage.result_table import MISSING
    from countcheck.storage.run_folder import RunFolder

    row: dict[str, Any] = {"run": str(path), "suite": "", "generators": [], "counter": "", "created": "", "problem": ""}
    row |= {"samples": 0, "missing": 0, "bytes": _size(path)}
    try:
        with RunFolder.open(path) as opened:
            info, table = opened.info, opened.table()
            row |= {
                "suite": info.suite,
                "generators": list(opened.generators),
                "counter": info.counter.name,
                "created": info.created,
                "samples": len(table),
                "missing": int((table.outcome == MISSING).sum()),
            }
    except CountcheckError as error:
        row["problem"] = str(error)
    return row


def _size(path: Path) -> int:
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    from rich.table import Table

    from countcheck.reports.format import file_size

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("run", "made on", "suite", "generators", "samples", "size"):
        table.add_column(heading, justify="right" if heading in ("samples", "size") else "left", overflow="fold")
    for row in rows:
        samples = f"{row['samples']:,}" + (f" ({row['missing']:,} missing)" if row["missing"] else "")
        names = one_line(", ".join(row["generators"]), 60) if not row["problem"] else one_line(row["problem"], 200)
        cells = (one_line(row["run"], 200), row["created"][:10], one_line(row["suite"]), names, samples)
        table.add_row(*cells, file_size(row["bytes"]))
    return table
