"""``view``: a local page over many runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from countcheck.cli.main import READ, app
from countcheck.cli.output import note


@app.command(rich_help_panel=READ)
def view(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of the runs, or one run.")] = Path(
        "runs"
    ),
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = False,
) -> None:
    """Serve a page over many runs: list them, open their reports, compare two, watch one being made.

    The page runs on this machine alone and only reads; its address is printed. Ctrl-C ends it.

    Raises:
        BadInput: When there is no such folder, or the port is taken.
        MissingExtra: When the server's packages are not installed.

    Examples:
        countcheck view
        countcheck view /data/runs --port 8080 --browser
    """
    from contextlib import suppress
    from tempfile import TemporaryDirectory

    from countcheck.errors import BadInput, MissingExtra

    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder. Name the folder that holds the runs.")
    try:
        import uvicorn  # noqa: F401

        from countcheck.view.server import build_app
        from countcheck.web.local_server import first_address, listen, new_token, serve_app
    except ImportError as error:
        raise MissingExtra("review", feature="the page over runs") from error
    from countcheck.view.run_index import RunIndex

    token, listening = new_token(), listen(port)
    address = first_address(listening, token, {})
    typer.echo(address)
    note("Ctrl-C ends the page; the runs are only read.")
    if browser:
        import webbrowser

        webbrowser.open(address)
    with TemporaryDirectory(prefix="countcheck-view-") as reports, suppress(KeyboardInterrupt):
        serve_app(build_app(RunIndex(folder), Path(reports), port=listening.getsockname()[1], token=token), listening)
