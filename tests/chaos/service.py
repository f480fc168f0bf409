"""A provider on this machine that draws squares for money and keeps its own books."""

from __future__ import annotations

import base64
import collections
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import squares
from loopback import Answer, Loopback

from countcheck.cards import Card
from countcheck.engine.config import RunConfig
from countcheck.images.decode import encode_png

KEY = "CHAOS_SERVICE_KEY"
AT_ONCE = 4


class Service:
    """Counts every drawing by its text; ``drew`` is set at each."""

    def __init__(self, wait: float) -> None:
        self.drawn: collections.Counter[str] = collections.Counter()
        self.drew = threading.Event()
        self._wait = wait

    def __call__(self, request):
        text = request.json["prompt"]
        self.drawn[text] += 1
        self.drew.set()
        picture = base64.b64encode(encode_png(squares.squares(int(text.split()[0]) % 9))).decode()
        return Answer(200, {"data": [{"b64_json": picture}]}, wait=self._wait)


@contextmanager
def serving(wait: float = 0.01) -> Iterator[tuple[Service, str]]:
    """A service and its address."""
    service = Service(wait)
    with Loopback() as server:
        server.answers(service)
        yield service, f"{server.url}/v1"


def config(url: str, path: Path, samples: int) -> RunConfig:
    """A run of that many pictures by the service."""
    settings = {"base_url": url, "key_env": KEY, "concurrency": AT_ONCE, "first_wait": 0.001}
    card = Card(name="openai:squares", family="openai", source="squares", price=0.01, settings=settings)
    texts = [f"{n % 5 + 1} squares, picture {n}" for n in range(samples)]
    return RunConfig(suite=squares.suite(*texts), generators=[card], path=path)
