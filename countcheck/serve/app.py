"""The reward server: trainers send images with prompts over HTTP and get scores back."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from countcheck.errors import BadInput, BadSettings, CountcheckError
from countcheck.library.reward import RewardKind
from countcheck.serve.batching import JudgingPool, QueueFull
from countcheck.serve.wires import PLAIN_WIRES, WIRES, Wire

TOKEN_VARIABLE = "COUNTCHECK_SERVE_TOKEN"  # noqa: S105 - its name, not its value
MAX_BODY = 512 * 1024 * 1024
RETRY_AFTER = 2  # seconds

logger = logging.getLogger("countcheck.serve")


class BodyTooLarge(CountcheckError):
    """A request body over the limit."""


def build_app(
    pool: JudgingPool,
    *,
    wires: Sequence[str] = PLAIN_WIRES,
    kind: RewardKind = "dense",
    max_body: int = MAX_BODY,
    token: str | None = None,
) -> Starlette:
    """Build the application.

    Args:
        pool: Judges the images.
        wires: Names of the formats to serve; see `countcheck.serve.wires.WIRES`.
        kind: The reward that a wire without a choice of its own gives.
        max_body: Bytes of a request body at most.
        token: Bearer token that requests must carry; the environment's ``COUNTCHECK_SERVE_TOKEN`` when left out.

    Raises:
        BadSettings: For an unknown wire, or two that share a route.
    """
    chosen = _chosen(wires)
    token = os.environ.get(TOKEN_VARIABLE, "") if token is None else token
    began = time.time()

    async def health(_: Request) -> Response:
        body = {"status": "ok", "wires": [wire.name for wire in chosen], "queued": pool.queued}
        return Response(orjson.dumps(body), media_type="application/json")

    async def metrics(_: Request) -> Response:
        return Response(_metrics(pool, began), media_type="text/plain; version=0.0.4")

    routes = [Route("/health", health), Route("/metrics", metrics)]
    routes += [Route(wire.route, _endpoint(wire, pool, kind, max_body), methods=["POST"]) for wire in chosen]
    return Starlette(routes=routes, middleware=[Middleware(_Guard, token=token)])


def _chosen(names: Sequence[str]) -> list[Wire]:
    chosen: dict[str, Wire] = {}
    for name in names:
        if name not in WIRES:
            raise BadSettings(f"no format of requests is named {name!r}. Known: {', '.join(WIRES)}.")
        wire = WIRES[name]
        if wire.route in chosen and chosen[wire.route] is not wire:
            raise BadSettings(
                f"the formats {chosen[wire.route].name} and {name} share the route {wire.route}. Serve one of them."
            )
        chosen[wire.route] = wire
    return list(chosen.values())


def _endpoint(
    wire: Wire, pool: JudgingPool, kind: RewardKind, max_body: int
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = await _body(request, max_body)
            requests, context = await run_in_threadpool(wire.parse, body)
            futures = pool.submit(requests)
        except ClientDisconnect:
            return Response(status_code=499)
        except BodyTooLarge as error:
            return _error(413, str(error))
        except QueueFull as error:
            return _error(503, str(error), {"Retry-After": str(RETRY_AFTER)})
        except BadInput as error:
            logger.warning("a request for %s was refused: %s", wire.route, error)
            return _error(400, str(error))
        try:
            judgements = await asyncio.gather(*(asyncio.wrap_future(future) for future in futures))
        except CountcheckError as error:
            return _error(400, str(error))
        except asyncio.CancelledError:  # the client has gone: what is not judged yet need not be
            for future in futures:
                future.cancel()
            raise
        return Response(wire.render(judgements, context, kind), media_type=wire.media_type)

    return endpoint


async def _body(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge(f"the body has {declared} bytes, more than {limit}. Send fewer images at once.")
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > limit:
            raise BodyTooLarge(f"the body has more than {limit} bytes. Send fewer images at once.")
    return b"".join(parts)


class _Guard:
    """Asks for the token and marks answers. It passes bodies through untouched: they are large, and come in many parts."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Content-Type-Options"] = "nosniff"
            await send(message)

        given = Headers(scope=scope).get("authorization", "").removeprefix("Bearer ")
        known = secrets.compare_digest(given.encode(), self._token.encode())
        if self._token and scope["path"] != "/health" and not known:
            refusal = _error(401, "the bearer token is missing or wrong.", {"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send_marked)
        else:
            await self._app(scope, receive, send_marked)


def _error(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps({"error": sentence}), status, headers, media_type="application/json")


def _metrics(pool: JudgingPool, began: float) -> bytes:
    from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

    registry = CollectorRegistry()
    for name, text, value in (
        ("countcheck_images", "Images judged.", pool.tally.images),
        ("countcheck_batches", "Batches judged.", pool.tally.batches),
        ("countcheck_judging_seconds", "Seconds spent judging.", pool.tally.seconds),
    ):
        Counter(name, text, registry=registry).inc(value)
    for name, text, level in (
        ("countcheck_queued_images", "Images that wait or are being judged.", pool.queued),
        ("countcheck_max_queued_images", "Images that may wait.", pool.max_queued),
        ("countcheck_uptime_seconds", "Seconds since the server began.", time.time() - began),
    ):
        Gauge(name, text, registry=registry).set(level)
    return generate_latest(registry)
