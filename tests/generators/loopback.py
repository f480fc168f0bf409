"""A server on this machine that plays any provider, and the faults that every provider must be asked through.

    with Loopback() as server:
        server.answers(Answer(body={...}), Answer(429, headers={"retry-after": "0"}))
        ...
        server.requests[0].json

`FAULTS` are the troubles that look alike everywhere; `faults_for` adds those whose bodies differ by provider.
`told` puts an outcome into a plain dict, so that a test asserts all of it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

from countcheck.generators.outcome import Failure, Outcome, Picture, Refusal
from countcheck.images.decode import encode_png
from countcheck.suites.samples import plan
from countcheck.suites.suite import Conversation, Prompt, Suite, Turn

PNG = encode_png(Image.effect_noise((64, 64), 60).convert("RGB"))
B64 = base64.b64encode(PNG).decode()
BLACK = encode_png(Image.new("RGB", (64, 64)))
BLACK_B64 = base64.b64encode(BLACK).decode()
# Cut in the middle of the pixels: valid base64, half a picture.
CUT_B64 = B64[: len(B64) // 2 // 4 * 4]
PAGE = "<!DOCTYPE html><html><head><title>Sign in to the proxy</title></head><body>hello</body></html>"


@dataclass
class Answer:
    """What the server says to one request; ``body`` is sent as JSON unless it is text or bytes."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    reset: bool = False  # half of the body, then the connection is reset


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


class Loopback:
    """An HTTP server that answers from a script (the last answer is repeated), or by a function of the request."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.script: list[Answer | Callable[[Request], Answer]] = [Answer(500)]
        self.by_path: dict[str, Answer | Callable[[Request], Answer]] = {}
        self._lock = threading.Lock()
        self._served = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length) if length else b""
                if "chunked" in (self.headers.get("transfer-encoding") or ""):
                    body = self._chunks()
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, body)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self._send(outer.answer_to(request))

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

            def _chunks(self) -> bytes:
                held = b""
                while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                    held += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return held

            def _send(self, answer: Answer) -> None:
                if answer.wait:
                    time.sleep(answer.wait)
                plain = isinstance(answer.body, str | bytes)
                body = answer.body if plain else json.dumps(answer.body).encode()
                body = body.encode() if isinstance(body, str) else body
                kind = "application/json" if not plain else "text/html" if body[:1] == b"<" else "application/json"
                self.send_response(answer.status)
                for name, value in {"content-type": kind, **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if answer.reset:
                    self.wfile.write(body[: len(body) // 2])
                    self.wfile.flush()
                    # Linger 0: closing sends a reset instead of an orderly end.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                    self.connection.close()
                    return
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # clients that hang up are part of the tests

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answers(self, *script: Answer | Callable[[Request], Answer]) -> None:
        self.script, self._served = list(script), 0
        self.requests.clear()

    def answer_to(self, request: Request) -> Answer:
        path = request.path.partition("?")[0]
        with self._lock:
            if path in self.by_path:
                answer = self.by_path[path]
            else:
                self.requests.append(request)
                answer = self.script[min(self._served, len(self.script) - 1)]
                self._served += 1
        return answer(request) if callable(answer) else answer

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Case:
    """One trouble: what the server answers, and what becomes of it (a part of `told`)."""

    name: str
    answers: tuple[Answer, ...]
    becomes: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)


TRANSIENT = {"ended": "failure", "fault": "transient"}


def common_faults(success: Any) -> list[Case]:
    """Troubles that look alike everywhere. ``success`` is a good body, to be damaged here."""
    good = Answer(body=success)
    text = json.dumps(success)
    brief = {"timeout": 0.4, "attempts": 2}
    return [
        Case("429 with Retry-After, then a picture", (Answer(429, {}, {"retry-after": "0"}), good), {"ended": "picture", "statuses": (429, 200)}),
        Case("429 without Retry-After, to the end", (Answer(429, {}),), {**TRANSIENT, "statuses": (429, 429)}, {"attempts": 2}),
        Case("429 that asks for too long a wait", (Answer(429, {}, {"retry-after": "4000"}),), {**TRANSIENT, "statuses": (429,), "retry_after": 4000.0}),
        Case("500, then a picture", (Answer(500, {}), good), {"ended": "picture", "statuses": (500, 200)}),
        Case("a timeout, twice", (Answer(200, success, wait=1.2),), {**TRANSIENT, "attempts": 2}, brief),
        Case("a reset in the middle of the body, then a picture", (Answer(200, text + " " * 200_000, reset=True), good), {"ended": "picture", "attempts": 2}),
        Case("JSON that breaks off", (Answer(200, text[: len(text) // 2]),), {"ended": "failure", "fault": "damaged", "attempts": 1}),
        Case("a web page with 200", (Answer(200, PAGE),), {"ended": "failure", "fault": "unknown", "attempts": 1}),
    ]  # fmt: skip


def told(outcome: Outcome) -> dict[str, Any]:
    """An outcome as a plain dict, without times."""
    plain: dict[str, Any] = {
        "turn": outcome.turn,
        "attempts": len(outcome.attempts),
        "statuses": tuple(attempt.status for attempt in outcome.attempts),
        "cost": outcome.cost,
    }
    match outcome:
        case Picture():
            plain |= {
                "ended": "picture",
                "words": outcome.words,
                "rewritten": outcome.rewritten,
                "size": outcome.pixels.size,
            }
        case Refusal():
            plain |= {
                "ended": "refusal",
                "reason": outcome.reason.value,
                "category": outcome.category,
                "code": outcome.code,
                "words": outcome.words,
                "stage": outcome.stage.value,
                "request_id": outcome.request_id,
                "rewritten": outcome.rewritten,
                "withheld": outcome.pixels is not None,
            }
        case Failure():
            plain |= {
                "ended": "failure",
                "fault": outcome.fault.value,
                "code": outcome.code,
                "message": outcome.message,
                "retry_after": outcome.retry_after,
                "raw": outcome.raw,
                "request_id": outcome.request_id,
            }
    return plain


def check(generator: Any, server: Loopback, case: Case) -> dict[str, Any]:
    """Ask for one picture under the case's answers; asserts what became of it, and that no key was kept."""
    server.answers(*case.answers)
    seen = told(draw(generator)[0])
    assert {name: seen.get(name) for name in case.becomes} == case.becomes, seen
    assert not re.search(r"sk-loopback-[a-z]+", repr(seen))
    return seen


def draw(generator: Any, n: int = 1, *, repeats: int = 1) -> list[Outcome]:
    """Outcomes for n prompts; a generator that closes has said why in its last ones."""
    from countcheck.errors import GeneratorClosed

    suite = Suite(name="s", prompts=tuple(Prompt(id=f"p{i}", text=f"three pigs, take {i}") for i in range(n)))
    outcomes: list[Outcome] = []
    with contextlib.suppress(GeneratorClosed):
        outcomes.extend(generator.generate(list(plan(suite, generator.recipe, repeats=repeats))))
    return outcomes


def sample_of_talk(generator: Any, *says: str) -> Any:
    """A conversation's sample."""
    talk = Conversation(id="talk", turns=tuple(Turn(say=say) for say in says or ("three pigs", "noir")))
    return next(iter(plan(Suite(name="s", conversations=(talk,)), generator.recipe)))
