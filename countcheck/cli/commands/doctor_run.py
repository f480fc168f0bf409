"""``doctor RUN``: verify a run on disk, and fix what is derived."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from countcheck.cli.output import note, print_json, stderr_console, stdout_console
from countcheck.reports.format import quantity
from countcheck.reports.safe_text import terminal_text

if TYPE_CHECKING:
    from countcheck.storage.verification import RunCheck

_MAX_NAMED = 10  # files of a kind that are named


def verify(run: Path, *, pictures: bool, repair: bool, as_json: bool) -> None:
    """Verify a run and print what was found.

    Raises:
        BadInput: When there is no run, or its ledger cannot be opened at all.
        RunMismatch: When a newer program wrote it.
        typer.Exit: With 2 when something of the run is damaged or gone.
    """
    from countcheck.engine.rejudge import rejudge
    from countcheck.errors import BadInput
    from countcheck.storage.verification import check_run, repair_run

    if not (run / "run.sqlite").is_file():
        raise BadInput(f"{run} is not a run: there is no run.sqlite in it. Name the folder that `run` wrote.")
    fixed: list[str] = []
    with stderr_console().status("") as status:

        def show(part: str, done: int, total: int) -> None:
            status.update(f"verifying the {part}: {done:,} of {total:,}")

        check = check_run(run, pictures=pictures, progress=show)
        if repair:
            fixed = repair_run(run, check)
            if check.only_verdicts:
                fixed.append(f"{quantity(rejudge(run), 'verdict')} were derived again from the stored detections")
            check = check_run(run, pictures=pictures, progress=show) if fixed else check
    if as_json:
        print_json({**check.to_json(), "fixed": fixed})
    else:
        _print(check, pictures)
    for sentence in fixed:
        note(sentence)
    if not check.healthy:
        raise typer.Exit(2)


def _print(check: RunCheck, read: bool) -> None:
    console = stdout_console()
    for sentence in check.ledger:
        console.print(f"ledger: {terminal_text(sentence)}", soft_wrap=True)
    kinds = (
        ("gone", check.missing),
        ("not the picture that was made", check.changed),
        ("not named by the ledger", check.stray),
        ("half written", check.unfinished),
        ("a thumbnail that is damaged or has no picture", check.thumbnails),
    )
    for kind, paths in kinds:
        for path in paths[:_MAX_NAMED]:
            console.print(f"{terminal_text(path)}: {kind}", soft_wrap=True)
        if len(paths) > _MAX_NAMED:
            console.print(f"... {quantity(len(paths) - _MAX_NAMED, 'more file')}: {kind}", soft_wrap=True)
    state = "is whole" if check.healthy else "is DAMAGED"
    digests = "their digests compared" if read else "their digests not compared"
    console.print(
        f"{terminal_text(str(check.run))} {state}: {quantity(check.pictures, 'picture')}, {digests}", soft_wrap=True
    )
    if check.missing or check.changed:
        console.print("Restore the files from a copy: what they show cannot be made again.", soft_wrap=True)
