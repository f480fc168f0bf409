"""The local page where people label pictures: Starlette on 127.0.0.1, for the browser that knows the token.

The printed address carries the token once; the first load turns it into a cookie and leaves the address without it. A
foreign page in the same browser must neither read nor label: the Host must be this server (or a name rebound to it
would do), an Origin must be this server's own, and a browser's request must come from this server's own page.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, TypeGuard
from urllib.parse import urlencode

import orjson
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from countcheck.errors import BadInput, CountcheckError
from countcheck.review.session import LabelSession

HOST = "127.0.0.1"
MAX_BODY_BYTES = 4096
BODY_SECONDS = 10.0
_ASSETS = {"review.css": "text/css", "review.js": "text/javascript"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def build_app(session: LabelSession, *, port: int, token: str) -> Starlette:
    """Build the application for one run, which answers to ``127.0.0.1:port`` and to whoever has the token."""
    pages = _Pages(session)
    return Starlette(
        routes=[
            Route("/", pages.page),
            Route("/asset/{name}", pages.asset),
            Route("/next", pages.upcoming),
            Route("/label", pages.label, methods=["POST"]),
            Route("/undo", pages.undo, methods=["POST"]),
            Route("/agreement", pages.agreement),
            Route("/picture/{key}/{turn:int}", pages.picture),
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=_guard(port, token))],
        exception_handlers={CountcheckError: _bad_request},
    )


class _Pages:
    """The handlers of the routes."""

    def __init__(self, session: LabelSession) -> None:
        self._session = session

    async def page(self, _: Request) -> Response:
        return Response(_render(self._session), media_type="text/html")

    async def asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _ASSETS:
            return _error(404, "there is no such file.")
        return Response(_asset(name), media_type=_ASSETS[name])

    async def upcoming(self, request: Request) -> Response:
        return _json(await run_in_threadpool(self._session.upcoming, request.query_params.get("labeller", "")))

    async def label(self, request: Request) -> Response:
        """Store a label; raises BadInput for a body that is none."""
        body = await _body(request)
        key, turn, noun, count = body.get("key"), body.get("turn"), body.get("noun"), body.get("count")
        if (
            not isinstance(key, str)
            or not _is_whole(turn)
            or not isinstance(noun, str)
            or not (count is None or _is_whole(count))
        ):
            raise BadInput("a label holds key, turn, noun and count.")
        name = str(body.get("labeller", ""))
        result = await run_in_threadpool(self._session.add_label, name, key, turn, noun, count)
        upcoming = await run_in_threadpool(self._session.upcoming, name)
        return _json({"result": result, **upcoming}, self._reweigh(key, turn))

    async def undo(self, request: Request) -> Response:
        name = str((await _body(request)).get("labeller", ""))
        removed = await run_in_threadpool(self._session.undo, name)
        upcoming = await run_in_threadpool(self._session.upcoming, name)
        return _json(
            {"undone": removed, **upcoming}, self._reweigh(removed["key"], removed["turn"]) if removed else None
        )

    async def agreement(self, _: Request) -> Response:
        return _json(await run_in_threadpool(self._session.agreement))

    async def picture(self, request: Request) -> Response:
        # Only what the ledger names, and only inside the run: the address holds a key, never a path.
        task = self._session.queue.find(request.path_params["key"], request.path_params["turn"])
        path = self._session.run.pictures.find(task.row) if task else None
        if path is None:
            return _error(404, "the run has no such picture, or its file is missing.")
        return FileResponse(path, media_type="image/png")

    def _reweigh(self, key: str, turn: int) -> BackgroundTask:
        return BackgroundTask(self._session.update_weights, self._session.stratum(key, turn))


def _guard(port: int, token: str) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    names = {f"{HOST}:{port}", f"localhost:{port}"}
    origins = {f"http://{name}" for name in names}
    cookie = f"countcheck_review_{port}"  # a browser sends one host's cookies to all its ports

    def known(value: str) -> bool:
        return secrets.compare_digest(value.encode(), token.encode())

    def refusal(request: Request) -> Response | None:
        origin = request.headers.get("origin")
        if request.headers.get("host") not in names:
            return _error(421, "this server answers to its own address only.")
        if origin is not None and origin not in origins:
            return _error(403, "another page may not ask here.")
        if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return _error(403, "another page may not ask here.")
        return None

    async def dispatch(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = refusal(request)
        if response is None and known(request.query_params.get("token", "")) and request.url.path == "/":
            labeller = request.query_params.get("labeller", "")
            response = RedirectResponse("/" + (f"?{urlencode({'labeller': labeller})}" if labeller else ""), 303)
            response.set_cookie(cookie, token, httponly=True, samesite="strict")
        if response is None:
            bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
            if known(request.cookies.get(cookie, "")) or known(bearer):
                response = await answer(request)
            else:
                response = _error(
                    403, "the token is missing or wrong. Open the address that `countcheck review` printed."
                )
        response.headers.update(_HEADERS)
        return response

    return dispatch


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


async def _bad_request(_: Request, error: Exception) -> Response:
    return _error(400, str(error))


def _error(status: int, sentence: str) -> Response:
    return Response(orjson.dumps({"error": sentence}), status, media_type="application/json")


def _json(body: object, background: BackgroundTask | None = None) -> Response:
    return Response(orjson.dumps(body), media_type="application/json", background=background)


def _render(session: LabelSession) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from countcheck.reports.safe_text import visible

    environment = Environment(loader=PackageLoader("countcheck.review"), autoescape=True, undefined=StrictUndefined)
    environment.filters["visible"] = visible
    return environment.get_template("review.html").render(run=session.run.name, n=len(session.queue.tasks))


def _asset(name: str) -> str:
    return (files("countcheck.review") / "templates" / name).read_text(encoding="utf-8")


def listen(port: int) -> socket.socket:
    """Open a socket on 127.0.0.1; port 0 takes a free one.

    Raises:
        BadInput: When the port cannot be used.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise BadInput(f"port {port} cannot be used ({error.strerror}). Name another with --port.") from error
    return listening


def serve(session: LabelSession, listening: socket.socket, token: str) -> None:
    """Serve until interrupted."""
    import uvicorn

    port = listening.getsockname()[1]
    config = uvicorn.Config(
        build_app(session, port=port, token=token),
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=256,
        timeout_keep_alive=30,
    )
    uvicorn.Server(config).run(sockets=[listening])
