"""What every page of this machine's own shares: Starlette on 127.0.0.1, for the browser that knows the token.

The printed address carries the token once; the first load turns it into a cookie and leaves the address without it. A
foreign page in the same browser must neither read nor write: the Host must be this server (or a name rebound to it
would do), an Origin must be this server's own, and a browser's request must come from this server's own page.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping
from urllib.parse import urlencode

import orjson
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from countcheck.errors import BadInput, CountcheckError

HOST = "127.0.0.1"
HEADERS = {
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


def build_protected_app(
    routes: Collection[BaseRoute], *, command: str, port: int, token: str, keep: Collection[str] = ()
) -> Starlette:
    """Build an application that answers to ``127.0.0.1:port`` and to whoever has the token.

    Args:
        command: The command that printed the address, such as ``review``; it names the cookie, too.
        keep: Parameters of the first address that stay in it when the token is taken out.
    """
    return Starlette(
        routes=list(routes),
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=_guard(command, port, token, keep))],
        exception_handlers={CountcheckError: _bad_request},
    )


def _guard(
    command: str, port: int, token: str, keep: Collection[str]
) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    names = {f"{HOST}:{port}", f"localhost:{port}"}
    origins = {f"http://{name}" for name in names}
    cookie = f"countcheck_{command}_{port}"  # a browser sends one host's cookies to all its ports

    def known(value: str) -> bool:
        return secrets.compare_digest(value.encode(), token.encode())

    def refusal(request: Request) -> Response | None:
        origin = request.headers.get("origin")
        if request.headers.get("host") not in names:
            return error_response(421, "this server answers to its own address only.")
        if origin is not None and origin not in origins:
            return error_response(403, "another page may not ask here.")
        if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return error_response(403, "another page may not ask here.")
        return None

    async def dispatch(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = refusal(request)
        if response is None and known(request.query_params.get("token", "")) and request.url.path == "/":
            kept = {name: request.query_params[name] for name in keep if request.query_params.get(name)}
            response = RedirectResponse("/" + (f"?{urlencode(kept)}" if kept else ""), 303)
            response.set_cookie(cookie, token, httponly=True, samesite="strict")
        if response is None:
            bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
            if known(request.cookies.get(cookie, "")) or known(bearer):
                response = await answer(request)
            else:
                response = error_response(
                    403, f"the token is missing or wrong. Open the address that `countcheck {command}` printed."
                )
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return dispatch


async def _bad_request(_: Request, error: Exception) -> Response:
    return error_response(400, str(error))


def error_response(status: int, sentence: str) -> Response:
    """Make an answer that says in one sentence what was wrong."""
    return Response(orjson.dumps({"error": sentence}), status, media_type="application/json")


def json_response(body: object, background: BackgroundTask | None = None) -> Response:
    """Make an answer in JSON; ``background`` runs after it was sent."""
    return Response(orjson.dumps(body), media_type="application/json", background=background)


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


def new_token() -> str:
    """Make a token that nobody can guess."""
    return secrets.token_urlsafe(24)


def first_address(listening: socket.socket, token: str, parameters: Mapping[str, str]) -> str:
    """Return the address to print: it carries the token, and is changed for one without it by the first load."""
    return f"http://{HOST}:{listening.getsockname()[1]}/?{urlencode({'token': token, **parameters})}"


def serve_app(app: Starlette, listening: socket.socket) -> None:
    """Serve until interrupted."""
    import uvicorn

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, limit_concurrency=256, timeout_keep_alive=30
    )
    uvicorn.Server(config).run(sockets=[listening])
