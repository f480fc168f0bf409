"""An HTTP server on the loopback that answers as told, faults of the wire included, and remembers what it was asked."""

from __future__ import annotations

import base64
import io
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

from countcheck.images.decode import encode_png

GOOD = encode_png(Image.effect_noise((64, 64), 60).convert("RGB"))
BLACK = encode_png(Image.new("RGB", (64, 64)))
B64, BLACK_B64 = base64.b64encode(GOOD).decode(), base64.b64encode(BLACK).decode()
CUT_B64 = B64[: len(B64) // 8 * 4 + 2]  # never whole groups of four, however the encoder packs
PAGE = "<!DOCTYPE html><html><head><title>Bad day</title></head><body>Down for maintenance</body></html>"


@dataclass(frozen=True)
class Says:
    """One answer. A dict or list is sent as JSON, bytes as PNG, text as it is.

    ``seconds`` is how long the server thinks first; ``cut`` sends half the body and resets the connection.
    """

    body: Any = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    cut: bool = False


@dataclass(frozen=True)
class Asked:
    """One request: ``body`` is JSON when it is JSON, else bytes."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Server:
    """Where it listens, and what it was asked."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


Answering = Callable[[Asked, int], Says]


def by_path(**routes: Says | list[Says]) -> Answering:
    """Answers by the words in a request's path, the longest word first, ``rest`` last; a list is worked off, its last answer repeats."""
    counts: dict[str, int] = {}

    def answer(asked: Asked, _: int) -> Says:
        for word in sorted(routes, key=lambda word: (word != "rest", len(word)), reverse=True):
            if word == "rest" or word in asked.path:
                listed = routes[word]
                if isinstance(listed, Says):
                    return listed
                counts[word] = counts.get(word, 0) + 1
                return listed[min(counts[word], len(listed)) - 1]
        return Says(f"nothing at {asked.path}", status=404)

    return answer


@contextmanager
def serve(answer: Answering | Says | list[Says]) -> Iterator[Server]:
    """A server that answers by a function, or by a list of answers whose last one repeats."""
    server = Server()
    listed = answer if isinstance(answer, list) else [answer]
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            data = self.rfile.read(length)
            try:
                body: Any = json.loads(data)
            except ValueError:
                body = data
            asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            with lock:
                server.asked.append(asked)
                count = len(server.asked)
                says = answer(asked, count) if callable(answer) else listed[min(count, len(listed)) - 1]
            self.send(says)

        do_GET = do_POST = do_PUT = handle_any

        def send(self, says: Says) -> None:
            assert isinstance(says, Says)
            if says.seconds and server.closing.wait(says.seconds):
                self.close_connection = True
                return
            kind = "text/html" if says.body is PAGE else "application/json"
            data = says.body
            if isinstance(data, bytes):
                kind = "image/png"
            elif not isinstance(data, str):
                data = json.dumps(data)
            data = data if isinstance(data, bytes) else data.encode()
            try:
                self.send_response(says.status)
                for name, value in {"content-type": kind, **says.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if says.cut else data)
                self.wfile.flush()
            except OSError:  # the client would not wait
                self.close_connection = True
                return
            if says.cut:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.rfile, self.wfile = io.BytesIO(), io.BytesIO()
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    http.block_on_close = False
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        http.shutdown()
        http.server_close()
        thread.join()
