"""``review``: label pictures in the browser, or carry labels in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countcheck.cli.main import READ, app
from countcheck.cli.output import note

if TYPE_CHECKING:
    from countcheck.storage.run_folder import RunFolder


@app.command(rich_help_panel=READ)
def review(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 0,
    labeller: Annotated[str, typer.Option(metavar="NAME", help="Your name; the page asks for it otherwise.")] = "",
    sample: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Offer N pictures only: those that make the exact rate surest."),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="Write the pictures to label, and the labels so far, to FILE instead: .csv, or .json for Label Studio.",
        ),
    ] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Read labels from such a file instead.")
    ] = None,
) -> None:
    """Serve a page where people count what the pictures show, and say which answers are refusals.

    The page runs on this machine alone; its address is printed. Every label is stored at once; Ctrl-C ends it.
    """
    from countcheck.storage.run_folder import RunFolder

    with RunFolder.open(run) as opened:
        if import_ is not None:
            _import(opened, import_)
        if export is not None:
            _export(opened, export)
        if import_ is None and export is None:
            _serve(opened, port, labeller, browser, sample)


def _serve(run: RunFolder, port: int, labeller: str, browser: bool, sample: int | None) -> None:
    from contextlib import suppress

    from countcheck.errors import BadInput, MissingExtra

    try:
        import uvicorn  # noqa: F401

        from countcheck.review.server import build_app
        from countcheck.web.local_server import first_address, listen, new_token, serve_app
    except ImportError as error:
        raise MissingExtra("review", feature="the review page") from error
    from countcheck.review.session import LabelSession

    session = LabelSession(run, sample)
    if not session.queue.tasks and not session.refusals.tasks:
        raise BadInput(
            f"{run.path} holds no picture in which anything is to be counted, and no refusal. Label another run."
        )
    token = new_token()
    listening = listen(port)
    address = first_address(listening, token, {"labeller": labeller} if labeller else {})
    typer.echo(address)
    note(
        "keys: 0-9 a count, + a larger count, ? cannot tell, s skip, u undo, left arrow back, b boxes, z zoom. Ctrl-C ends; "
        "every label is stored at once."
    )
    if browser:
        import webbrowser

        webbrowser.open(address)
    with suppress(KeyboardInterrupt):  # the way to end it: nothing is left undone
        serve_app(build_app(session, port=listening.getsockname()[1], token=token), listening)


def _import(run: RunFolder, source: Path) -> None:
    from countcheck.reports.format import quantity
    from countcheck.review.label_files import read_labels, read_notes
    from countcheck.review.session import LabelSession

    session = LabelSession(run)
    labels, remarks = read_labels(source), read_notes(source)
    stored, unknown = session.import_labels(labels)
    notes = session.import_notes(remarks)
    beside = f" and {quantity(notes, 'note')}" if notes else ""
    note(f"{quantity(stored, 'label')}{beside} stored.")
    if unknown:
        note(f"left out, because the run has no such picture or noun: {quantity(unknown, 'label')}.")


def _export(run: RunFolder, target: Path) -> None:
    from countcheck.reports.format import quantity
    from countcheck.review.label_files import LABEL_STUDIO_CONFIG, write_labels
    from countcheck.review.queue import refusal_tasks_of, tasks_of

    rows = list(run.rows())
    n = write_labels([*tasks_of(rows), *refusal_tasks_of(rows)], run.labels(), target, run.label_store.read_notes())
    note(f"{quantity(n, 'line')} written to {target}.")
    if target.suffix.lower() == ".json":
        note(f"Serve {run.path} as Label Studio's local files, and give the project this labelling interface:")
        typer.echo(LABEL_STUDIO_CONFIG)
