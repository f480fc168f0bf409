"""Asks a moody provider for a whole day on a fast clock, and watches memory, descriptors and threads."""

from __future__ import annotations

import base64
import collections
import gc
import json
import multiprocessing
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import squares
from chaos.service import KEY
from chaos.tally import Tally
from chaos.virtual_clock import faster

from countcheck.cards import Card
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.images.decode import encode_png

OUTAGE = (0.4, 0.42)  # share of the time in which the service is down
RETRY_AFTER = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The process at one moment of the soak.

    Attributes:
        hour: By the fast clock.
        answered: Samples that are done.
        mebibytes: Of memory in use (RSS).
        descriptors, threads: Open in this process.
    """

    hour: float
    answered: int
    mebibytes: float
    descriptors: int
    threads: int


@dataclass(slots=True, kw_only=True)
class Soak:
    """What a soak found."""

    tally: Tally
    readings: list[Reading] = field(default_factory=list)
    limited: int = 0
    broken: int = 0

    @property
    def growth(self) -> float:
        """Mebibytes by which the last quarter of the time is above the second, by medians."""
        quarter = max(1, len(self.readings) // 4)
        sizes = [reading.mebibytes for reading in self.readings]
        return _median(sizes[-quarter:]) - _median(sizes[quarter : 2 * quarter] or sizes[:quarter])


def _median(numbers: list[float]) -> float:
    return sorted(numbers)[len(numbers) // 2]


def soak(folder: Path, *, hours: float, per_minute: float, speed: float, readings: int = 48) -> Soak:
    """Ask so many times a minute for so many hours, both by a clock that runs ``speed`` times as fast."""
    samples = round(hours * 60 * per_minute)
    texts = [f"{n % 5 + 1} squares, picture {n}" for n in range(samples)]
    with _service(speed, hours * 3600) as (url, books), mock.patch.dict("os.environ", {KEY: "sk-loopback"}):
        settings = {"base_url": url, "key_env": KEY, "concurrency": 4, "requests_per_minute": per_minute}
        card = Card(name="openai:squares", family="openai", source="squares", price=0.01, settings=settings)
        config = RunConfig(suite=squares.suite(*texts), generators=[card], path=folder / "soak")
        found = Soak(tally=Tally(kind="soak", tried=samples))
        watch = _Watch(found, samples, readings)
        with faster(speed), engine.run(config, squares.counter(), progress=watch) as run:
            outcomes = collections.Counter(row.outcome for row in run.rows())
        drawn, found.limited, found.broken = books()
    found.tally.lost = samples - outcomes["picture"] - outcomes["refusal"]
    found.tally.doubled = sum(times > 1 for times in drawn.values())
    if outcomes["failure"]:
        found.tally.note(f"{outcomes['failure']} samples failed")
    return found


class _Watch:
    """Progress of the run: takes a reading now and then."""

    def __init__(self, found: Soak, samples: int, readings: int) -> None:
        self._found = found
        self._every = max(1, samples // readings)
        self._done = 0
        self._began = time.monotonic()
        self._process = psutil.Process()

    def start(self, generator: str, planned: int, done: int) -> None:
        self._began = time.monotonic()

    def advance(self, generator: str, entry: Any) -> None:
        self._done += 1
        if self._done % self._every:
            return
        gc.collect()
        self._found.readings.append(
            Reading(
                hour=(time.monotonic() - self._began) / 3600,
                answered=self._done,
                mebibytes=self._process.memory_info().rss / 2**20,
                descriptors=self._process.num_fds(),
                threads=threading.active_count(),
            )
        )

    def message(self, sentence: str) -> None:
        pass

    def wait(self, generator: str, reason: str, seconds: float) -> None:
        pass


@contextmanager
def _service(speed: float, seconds: float) -> Iterator[tuple[str, Any]]:
    """A service in a process of its own; ``books`` ends it and returns what it drew, limited and broke."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_serve, args=(there, speed, seconds), daemon=True)
    child.start()
    port = here.recv()

    def books() -> Any:
        here.send(None)
        return here.recv()

    try:
        yield f"http://127.0.0.1:{port}/v1", books
    finally:
        child.terminate()
        child.join()


def _serve(pipe: Any, speed: float, seconds: float) -> None:
    drawn: collections.Counter[str] = collections.Counter()
    asked: collections.Counter[str] = collections.Counter()
    moods: collections.Counter[str] = collections.Counter()
    lock = threading.Lock()
    began = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            text = body["prompt"]
            with lock:
                asked[text] += 1
                mood = _mood(text, asked[text], (time.monotonic() - began) * speed / seconds)
                moods[mood] += 1
                drawn[text] += mood == "good"
            if mood == "cut":
                self.close_connection = True
                return
            time.sleep(2 / speed)
            match mood:
                case "limited":
                    self._answer(429, {"error": {"code": "rate_limit_exceeded", "message": "Slow down."}})
                case "down":
                    self._answer(503, {"error": {"message": "The service is overloaded."}})
                case "refused":
                    error = {"code": "moderation_blocked", "message": "Your request was rejected by the safety system."}
                    self._answer(400, {"error": error})
                case _:
                    picture = encode_png(squares.squares(int(text.split()[0]), len(text)))
                    self._answer(200, {"created": 1, "data": [{"b64_json": base64.b64encode(picture).decode()}]})

        def _answer(self, status: int, body: object) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            if status in (429, 503):
                self.send_header("retry-after", str(RETRY_AFTER))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send(server.server_address[1])
    pipe.recv()
    pipe.send((dict(drawn), moods["limited"] + moods["down"], moods["cut"]))


def _mood(text: str, times: int, share: float) -> str:
    """What the service does with a request: the same for the same text and try, but for its outage."""
    if OUTAGE[0] < share < OUTAGE[1]:
        return "down"
    chance = random.Random(f"{text} {times}").random()
    for mood, limit in (("limited", 0.03), ("down", 0.05), ("cut", 0.06)):
        if times < 3 and chance < limit:
            return mood
    return "refused" if random.Random(text).random() < 0.01 else "good"
