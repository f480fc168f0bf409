"""The local page where people label pictures; `countcheck.web.local_server` says who may open it."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from typing import Any, TypeGuard

import orjson
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from countcheck.errors import BadInput
from countcheck.review.session import LabelSession
from countcheck.review.view import View
from countcheck.web.local_server import build_protected_app, error_response, json_response

MAX_BODY_BYTES = 4096
BODY_SECONDS = 10.0
_ASSETS = {"review.css": "text/css", "review.js": "text/javascript"}


def build_app(session: LabelSession, *, port: int, token: str) -> Starlette:
    """Build the application for one run, which answers to ``127.0.0.1:port`` and to whoever has the token."""
    pages = _Pages(session)
    routes = [
        Route("/", pages.page),
        Route("/asset/{name}", pages.asset),
        Route("/next", pages.upcoming),
        Route("/label", pages.label, methods=["POST"]),
        Route("/undo", pages.undo, methods=["POST"]),
        Route("/skip", pages.skip, methods=["POST"]),
        Route("/note", pages.note, methods=["POST"]),
        Route("/choices", pages.choices),
        Route("/number/{number:int}", pages.number),
        Route("/task/{key}/{turn:int}", pages.task),
        Route("/boxes/{key}/{turn:int}", pages.boxes),
        Route("/agreement", pages.agreement),
        Route("/picture/{key}/{turn:int}", pages.picture),
    ]
    return build_protected_app(routes, command="review", port=port, token=token, keep=("labeller",))


class _Pages:
    """The handlers of the routes."""

    def __init__(self, session: LabelSession) -> None:
        self._session = session

    async def page(self, _: Request) -> Response:
        return Response(_render(self._session), media_type="text/html")

    async def asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _ASSETS:
            return error_response(404, "there is no such file.")
        return Response(_asset(name), media_type=_ASSETS[name])

    async def upcoming(self, request: Request) -> Response:
        view = View.of(request.query_params)
        return json_response(await run_in_threadpool(self._session.upcoming, _name(request), view))

    async def label(self, request: Request) -> Response:
        """Store a label; raises BadInput for a body that is none."""
        body = await _body(request)
        key, turn = _place(body)
        noun, count = body.get("noun"), body.get("count")
        if not isinstance(noun, str) or not (count is None or _is_whole(count)):
            raise BadInput("a label holds key, turn, noun and count.")
        name, view = str(body.get("labeller", "")), _view(body)
        result = await run_in_threadpool(self._session.add_label, name, key, turn, noun, count)
        upcoming = await run_in_threadpool(self._session.upcoming, name, view)
        return json_response({"result": result, **upcoming}, self._reweigh(key, turn))

    async def undo(self, request: Request) -> Response:
        body = await _body(request)
        name, view = str(body.get("labeller", "")), _view(body)
        removed = await run_in_threadpool(self._session.undo, name)
        upcoming = await run_in_threadpool(self._session.upcoming, name, view)
        return json_response(
            {"undone": removed, **upcoming}, self._reweigh(removed["key"], removed["turn"]) if removed else None
        )

    async def skip(self, request: Request) -> Response:
        body = await _body(request)
        name, view = str(body.get("labeller", "")), _view(body)
        await run_in_threadpool(self._session.skip, name, *_place(body))
        return json_response(await run_in_threadpool(self._session.upcoming, name, view))

    async def note(self, request: Request) -> Response:
        """Store a note; raises BadInput for a body that is none."""
        body = await _body(request)
        key, turn = _place(body)
        text = body.get("text")
        if not isinstance(text, str):
            raise BadInput("a note holds key, turn and text.")
        stored = await run_in_threadpool(self._session.add_note, str(body.get("labeller", "")), key, turn, text)
        return json_response({"note": stored})

    async def choices(self, request: Request) -> Response:
        return json_response(self._session.choices(View.of({"kind": request.query_params.get("kind")}).kind))

    async def number(self, request: Request) -> Response:
        kind, number = View.of({"kind": request.query_params.get("kind")}).kind, request.path_params["number"]
        return json_response(await run_in_threadpool(self._session.look_at_number, _name(request), kind, number))

    async def task(self, request: Request) -> Response:
        key, turn = request.path_params["key"], request.path_params["turn"]
        which = request.query_params.get("which", "")
        number = int(which) if which.isdecimal() and len(which) < 4 else 0
        return json_response(await run_in_threadpool(self._session.look, _name(request), key, turn, number))

    async def boxes(self, request: Request) -> Response:
        key, turn = request.path_params["key"], request.path_params["turn"]
        return json_response(await run_in_threadpool(self._session.boxes, _name(request), key, turn))

    async def agreement(self, _: Request) -> Response:
        return json_response(await run_in_threadpool(self._session.agreement))

    async def picture(self, request: Request) -> Response:
        # Only what the ledger names, and only inside the run: the address holds a key, never a path.
        path = self._session.picture_of(request.path_params["key"], request.path_params["turn"])
        if path is None:
            return error_response(404, "the run has no such picture, or its file is missing.")
        return FileResponse(path, media_type=self._session.run.pictures.format.media_type)

    def _reweigh(self, key: str, turn: int) -> BackgroundTask:
        return BackgroundTask(self._session.update_weights, key, turn)


def _name(request: Request) -> str:
    return request.query_params.get("labeller", "")


def _view(body: dict[str, Any]) -> View:
    view = body.get("view") or {}
    if not isinstance(view, dict):
        raise BadInput("view is a JSON object.")
    return View.of(view)


def _place(body: dict[str, Any]) -> tuple[str, int]:
    key, turn = body.get("key"), body.get("turn")
    if not isinstance(key, str) or not _is_whole(turn):
        raise BadInput("a label holds key, turn, noun and count.")
    return key, turn


async def _body(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise BadInput("the request is not JSON.")
    data = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                data += part
                if len(data) > MAX_BODY_BYTES:
                    raise BadInput(f"a label has at most {MAX_BODY_BYTES} bytes.")
    except TimeoutError as error:
        raise BadInput(f"the request did not arrive whole within {BODY_SECONDS:g} seconds.") from error
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadInput("the request is not JSON.") from error
    if not isinstance(body, dict):
        raise BadInput("a label is a JSON object.")
    return body


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _render(session: LabelSession) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from countcheck.reports.safe_text import visible

    environment = Environment(loader=PackageLoader("countcheck.review"), autoescape=True, undefined=StrictUndefined)
    environment.filters["visible"] = visible
    return environment.get_template("review.html").render(
        run=session.run.name, n=len(session.queue.tasks), refusals=len(session.refusals.tasks)
    )


def _asset(name: str) -> str:
    return (files("countcheck.review") / "templates" / name).read_text(encoding="utf-8")
