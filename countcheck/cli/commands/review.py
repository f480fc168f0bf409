"""``review``: label pictures in the browser, or carry labels in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countcheck.cli.main import app
from countcheck.cli.output import say

if TYPE_CHECKING:
    from countcheck.storage.run_folder import RunFolder


@app.command()
def review(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    labeller: Annotated[str, typer.Option(help="Your name, to begin with.")] = "",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write what there is to label: .csv, or .json for Label Studio."),
    ] = None,
    read: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Take in labels from such a file.")
    ] = None,
) -> None:
    """Serve a page where people count what the pictures show. It runs on this machine; its address is printed."""
    from countcheck.storage.run_folder import RunFolder

    with RunFolder.open(run) as opened:
        if read is not None:
            _take_in(opened, read)
        if export is not None:
            _hand_out(opened, export)
        if read is None and export is None:
            _serve(opened, port, labeller, browser)


def _serve(run: RunFolder, port: int, labeller: str, browser: bool) -> None:
    import secrets
    from contextlib import suppress
    from urllib.parse import urlencode

    from countcheck.errors import BadInput, MissingExtra

    try:
        import krippendorff  # noqa: F401
        import uvicorn  # noqa: F401

        from countcheck.review.desk import Desk
        from countcheck.review.server import HOST, listen, serve
    except ImportError as error:
        raise MissingExtra("review", feature="the review page") from error
    desk = Desk(run)
    if not desk.queue.tasks:
        raise BadInput(f"{run.path} holds no picture in which anything is to be counted. Label another run.")
    token = secrets.token_urlsafe(24)
    listening = listen(port)
    query = {"token": token} | ({"labeller": labeller} if labeller else {})
    address = f"http://{HOST}:{listening.getsockname()[1]}/?{urlencode(query)}"
    typer.echo(address)
    say("keys: 0-9 a number, + more, ? cannot tell, u undo, z zoom. Ctrl-C ends; every label is kept at once.")
    if browser:
        import webbrowser

        webbrowser.open(address)
    with suppress(KeyboardInterrupt):  # the way to end it: nothing is left undone
        serve(desk, listening, token)


def _take_in(run: RunFolder, source: Path) -> None:
    from countcheck.reports.wording import several
    from countcheck.review.desk import Desk
    from countcheck.review.exchange import read_labels

    desk = Desk(run)
    kept, strange = desk.take_in(read_labels(source))
    say(f"{several(kept, 'label')} taken in.")
    if strange:
        say(f"left out, for a picture or noun that this run does not have: {several(strange, 'label')}.")


def _hand_out(run: RunFolder, target: Path) -> None:
    from countcheck.reports.wording import several
    from countcheck.review.exchange import LABEL_STUDIO_CONFIG, write_labels
    from countcheck.review.queue import tasks_of

    n = write_labels(tasks_of(run.rows()), run.labels(), target)
    say(f"{several(n, 'line')} written to {target}.")
    if target.suffix.lower() == ".json":
        say(f"Serve {run.path} as Label Studio's local files, and give the project this labelling interface:")
        typer.echo(LABEL_STUDIO_CONFIG)
