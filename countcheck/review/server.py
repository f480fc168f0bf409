"""The local page where people label pictures: Starlette on 127.0.0.1, a token in the address, nothing else let in.

A foreign page in the same browser must neither read nor label: the Host must be this server (or a name rebound to it
would do), an Origin must be this server's own, and every address carries the token.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, TypeGuard

import orjson
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from countcheck.errors import BadInput, CountcheckError
from countcheck.review.desk import Desk

HOST = "127.0.0.1"
_MAX_BODY = 4096
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def build_app(desk: Desk, *, port: int, token: str) -> Starlette:
    """The application for one run."""

    async def page(_: Request) -> Response:
        return Response(_render(desk, token), media_type="text/html")

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        kinds = {"review.css": "text/css", "review.js": "text/javascript"}
        if name not in kinds:
            return _said(404, "there is no such file.")
        return Response(_asset(name), media_type=kinds[name])

    async def upcoming(request: Request) -> Response:
        return _json(await run_in_threadpool(desk.upcoming, request.query_params.get("labeller", "")))

    async def label(request: Request) -> Response:
        body = await _body(request)
        key, turn, noun, count = body.get("key"), body.get("turn"), body.get("noun"), body.get("count")
        if (
            not isinstance(key, str)
            or not _whole(turn)
            or not isinstance(noun, str)
            or not (count is None or _whole(count))
        ):
            raise BadInput("a label holds key, turn, noun and count.")
        name = str(body.get("labeller", ""))
        said = await run_in_threadpool(desk.label, name, key, turn, noun, count)
        ahead = await run_in_threadpool(desk.upcoming, name)
        return _json({"said": said, **ahead}, BackgroundTask(desk.reweigh, desk.stratum(key, turn)))

    async def undo(request: Request) -> Response:
        name = str((await _body(request)).get("labeller", ""))
        taken = await run_in_threadpool(desk.undo, name)
        ahead = await run_in_threadpool(desk.upcoming, name)
        after = BackgroundTask(desk.reweigh, desk.stratum(taken["key"], taken["turn"])) if taken else None
        return _json({"undone": taken, **ahead}, after)

    async def agreement(_: Request) -> Response:
        return _json(await run_in_threadpool(desk.agreement))

    async def picture(request: Request) -> Response:
        # Only what the ledger names, and only inside the run: the address holds a key, never a path.
        task = desk.queue.find(request.path_params["key"], request.path_params["turn"])
        path = desk.run.picture(task.row) if task else None
        if path is None:
            return _said(404, "the run has no such picture, or its file is gone.")
        return FileResponse(path, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})

    return Starlette(
        routes=[
            Route("/", page),
            Route("/asset/{name}", asset),
            Route("/next", upcoming),
            Route("/label", label, methods=["POST"]),
            Route("/undo", undo, methods=["POST"]),
            Route("/agreement", agreement),
            Route("/picture/{key}/{turn:int}", picture),
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=_guard(port, token))],
        exception_handlers={CountcheckError: _explain},
    )


def _guard(port: int, token: str) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    names = {f"{HOST}:{port}", f"localhost:{port}"}
    origins = {f"http://{name}" for name in names}

    async def dispatch(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        origin = request.headers.get("origin")
        if request.headers.get("host") not in names:
            response = _said(421, "this server answers to its own address only.")
        elif (origin is not None and origin not in origins) or request.headers.get("sec-fetch-site") == "cross-site":
            response = _said(403, "another page may not ask here.")
        elif not secrets.compare_digest(request.query_params.get("token", "").encode(), token.encode()):
            response = _said(403, "the token is missing or wrong. Open the address that `countcheck review` printed.")
        else:
            response = await answer(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    return dispatch


async def _body(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise BadInput("send JSON.")
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > _MAX_BODY:
            raise BadInput("that is too long for a label.")
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadInput("that is not JSON.") from error
    if not isinstance(body, dict):
        raise BadInput("that is not a label.")
    return body


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


async def _explain(_: Request, error: Exception) -> Response:
    return _said(400, str(error))


def _said(status: int, sentence: str) -> Response:
    return Response(orjson.dumps({"error": sentence}), status, media_type="application/json")


def _json(body: object, after: BackgroundTask | None = None) -> Response:
    return Response(orjson.dumps(body), media_type="application/json", background=after)


def _render(desk: Desk, token: str) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from countcheck.reports.safe_text import visible

    environment = Environment(loader=PackageLoader("countcheck.review"), autoescape=True, undefined=StrictUndefined)
    environment.filters["visible"] = visible
    return environment.get_template("review.html").render(run=desk.run.name, token=token, n=len(desk.queue.tasks))


def _asset(name: str) -> str:
    return (files("countcheck.review") / "templates" / name).read_text(encoding="utf-8")


def listen(port: int) -> socket.socket:
    """A socket on loopback; port 0 takes a free one. Raises `BadInput` when the port is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
    except OSError as error:
        found.close()
        raise BadInput(f"port {port} cannot be used ({error.strerror}). Name another with --port.") from error
    return found


def serve(desk: Desk, listening: socket.socket, token: str) -> None:
    """Serve until interrupted."""
    import uvicorn

    port = listening.getsockname()[1]
    config = uvicorn.Config(
        build_app(desk, port=port, token=token), log_level="warning", access_log=False, server_header=False
    )
    uvicorn.Server(config).run(sockets=[listening])
