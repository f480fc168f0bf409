"""The local page over many runs: list them, watch one being made, open the report of one or of several."""

from __future__ import annotations

import hashlib
import threading
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from countcheck.errors import BadInput
from countcheck.images.thumbnails import make_thumbnail, saved_thumbnail
from countcheck.reports.html.page import content_policy, write_html
from countcheck.reports.report import read_report
from countcheck.storage.picture_store import PictureStore, check_key
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_folder import RunFolder
from countcheck.view.run_index import RunIndex
from countcheck.web.local_server import build_protected_app, error_response, json_response

MAX_RUNS_IN_REPORT = 8
_ASSETS = {"view.css": "text/css", "view.js": "text/javascript"}


def build_app(index: RunIndex, reports: Path, *, port: int, token: str) -> Starlette:
    """Build the application, which answers to ``127.0.0.1:port`` and to whoever has the token.

    Args:
        reports: An existing folder of this server's own, for the reports that it makes.
    """
    pages = _Pages(index, reports)
    routes = [
        Route("/", pages.page),
        Route("/run/{run}", pages.page),
        Route("/asset/{name}", pages.asset),
        Route("/runs.json", pages.runs),
        Route("/runs/{run}.json", pages.run),
        Route("/thumbnail/{run}/{key}/{turn:int}", pages.thumbnail),
        Route("/picture/{run}/{key}/{turn:int}", pages.picture),
        Route("/report", pages.report),
        Route("/reports/{name}/{file:path}", pages.report_file),
    ]
    return build_protected_app(routes, command="view", port=port, token=token)


class _Pages:
    """The handlers of the routes."""

    def __init__(self, index: RunIndex, reports: Path) -> None:
        self._index = index
        self._reports = reports.resolve()
        self._writing = threading.Lock()
        self._opening = threading.Lock()
        self._stores: dict[Path, PictureStore] = {}

    async def page(self, _: Request) -> Response:
        return Response(_template("view.html"), media_type="text/html")

    async def asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _ASSETS:
            return error_response(404, "there is no such file.")
        return Response(_template(name), media_type=_ASSETS[name])

    async def runs(self, _: Request) -> Response:
        return json_response(await run_in_threadpool(self._index.snapshot))

    async def run(self, request: Request) -> Response:
        return json_response(await run_in_threadpool(self._index.run, request.path_params["run"]))

    async def picture(self, request: Request) -> Response:
        _, store, place = self._place(request)
        path = await run_in_threadpool(store.file_of, *place) if place else None
        if path is None:
            return error_response(404, "the run has no such picture, or its file is missing.")
        return FileResponse(path, media_type=store.format.media_type)

    async def thumbnail(self, request: Request) -> Response:
        run, store, place = self._place(request)
        if place and store.url:  # the picture itself need not be fetched
            fetched = await run_in_threadpool(store.thumbnail, store.path_of(*place))
            if fetched is not None:
                return FileResponse(fetched, media_type="image/webp")
        path = await run_in_threadpool(store.file_of, *place) if place else None
        if path is None:
            return error_response(404, "the run has no such picture, or its file is missing.")
        relative = path.relative_to(run.resolve()).as_posix()
        saved = saved_thumbnail(run, relative, path)
        if saved is not None:
            return FileResponse(saved, media_type="image/webp")
        made = await run_in_threadpool(make_thumbnail, path)
        if made is None:
            return error_response(404, "the picture's file is damaged.")
        return Response(made[0], media_type=made[1])

    def _place(self, request: Request) -> tuple[Path, PictureStore, tuple[str, int] | None]:
        """The run of an address, its pictures, and key and turn of the one that is asked for."""
        # The address holds a key, never a path, and only files among the run's pictures are given out.
        run = self._index.path(request.path_params["run"])
        with self._opening:
            if run not in self._stores:
                with RunFolder.open(run, check_suite=False) as folder:
                    self._stores[run] = folder.pictures
            store = self._stores[run]
        try:
            return run, store, (check_key(request.path_params["key"]), request.path_params["turn"])
        except ValueError:
            return run, store, None

    async def report(self, request: Request) -> Response:
        """Make a report over the named runs, or find it; raises BadInput without runs and for too many."""
        runs = list(dict.fromkeys(request.query_params.getlist("run")))
        if not 1 <= len(runs) <= MAX_RUNS_IN_REPORT:
            raise BadInput(f"a report is over 1 to {MAX_RUNS_IN_REPORT} runs. Choose some in the list.")
        name = await run_in_threadpool(self._write_report, runs)
        return RedirectResponse(f"/reports/{name}/report.html", 303)

    def _write_report(self, runs: list[str]) -> str:
        state = repr([(run, self._index.stamp(run)) for run in runs])
        name = hashlib.sha256(state.encode()).hexdigest()[:24]
        target = self._reports / name / "report.html"

        def address(index: int, row: ResultRow) -> str:
            return f"/picture/{runs[index]}/{quote(row.key, safe='')}/{row.turn}"

        with self._writing:
            if not target.is_file():
                target.parent.mkdir(exist_ok=True)
                with ExitStack() as stack:
                    opened = [stack.enter_context(RunFolder.open(self._index.path(run))) for run in runs]
                    write_html(read_report(opened), opened, target, address=address)
        return name

    async def report_file(self, request: Request) -> Response:
        path = (self._reports / request.path_params["name"] / request.path_params["file"]).resolve()
        if not path.is_relative_to(self._reports) or not path.is_file():
            return error_response(404, "there is no such report. Go back to the list and open it again.")
        headers = {}
        if path.suffix == ".html":
            headers["Content-Security-Policy"] = (
                f"{content_policy(pictures_beside=True, rows_beside=True)}; frame-ancestors 'none'"
            )
        return FileResponse(path, headers=headers)


def _template(name: str) -> str:
    return (files("countcheck.view") / "templates" / name).read_text(encoding="utf-8")
