"""How fast rewards are computed: in batches, one at a time, over the server, and against the bare detector.

    python -m benchmarks.reward [PICTURES] [ROUNDS]

Every way scores the same drawn pictures with the counter `tiny`; a round runs each once, in turn, and ratios are taken
within a round: by the clock, and by the time that this process spent on its cores, which others on the machine change less.
The server's clients are a process of their own. The last line compares the rewards themselves.
"""

from __future__ import annotations

import base64
import concurrent.futures
import http.client
import json
import multiprocessing
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

import countcheck as cc
from benchmarks.machine import machine
from countcheck.images.decode import encode_png
from countcheck.scenes import compose, render
from countcheck.serve.app import build_app
from countcheck.serve.batching import JudgingPool
from countcheck.suites.suite import Noun

PROMPT = {"pig": 3, "wolf": "none"}
BATCH = 64
CLIENTS = 4


@contextmanager
def serving() -> Iterator[int]:
    """Serve on a free port of this machine; gives the port."""
    pool = JudgingPool([cc.load_counter("tiny")], batch_size=BATCH)
    server = uvicorn.Server(uvicorn.Config(build_app(pool), log_level="error", lifespan="off"))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()
    pool.close()


def main() -> None:
    pictures = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    images = [encode_png(render(compose({"pig": n % 5, "wolf": n % 2}, seed=n), 256)) for n in range(pictures)]
    counter = cc.load_counter("tiny")
    decoded = [image for image in images]

    def batched() -> list[float | None]:
        return cc.reward(decoded, PROMPT, counter, batch_size=BATCH)

    def one_at_a_time() -> list[float | None]:
        return [reward for image in decoded for reward in cc.reward(image, PROMPT, counter)]

    def bare_detector() -> list[float | None]:
        nouns = [Noun(name="pig"), Noun(name="wolf")]
        from countcheck.images.inputs import load_image

        for start in range(0, pictures, BATCH):
            counter.detect([load_image(image) for image in decoded[start : start + BATCH]], nouns)
        return []

    # The clients are a process of their own, as trainers are, and have their requests ready.
    context = multiprocessing.get_context("spawn")
    clients = concurrent.futures.ProcessPoolExecutor(1, context, _keep, (_bodies(images),))
    with serving() as port, clients:

        def served() -> list[float | None]:
            return clients.submit(_ask_all, port).result()

        ways: dict[str, Callable[[], list[float | None]]] = {
            "cc.reward, batches of 64": batched,
            "cc.reward, one at a time": one_at_a_time,
            "detector alone, batches of 64": bare_detector,
            "server, 4 clients, batches of 64": served,
        }
        seconds, used, rewards = _measure(ways, rounds)
    base = seconds["cc.reward, batches of 64"]
    print(f"{pictures} PNG pictures of 256 x 256, decoded in every way; {rounds} rounds")
    print(f"{'way':<34}{'pictures a second':>18}{'times cc.reward in batches':>30}{'the same by CPU time':>26}")
    for name, times in seconds.items():
        by_clock, by_cpu = _ratio(base, times), _ratio(used["cc.reward, batches of 64"], used[name])
        print(f"{name:<34}{pictures / statistics.median(times):>18.1f}{by_clock:>30}{by_cpu:>26}")
    same = rewards["cc.reward, batches of 64"] == rewards["server, 4 clients, batches of 64"]
    print(f"the server's rewards are those of the call in process: {'yes' if same else 'NO'}")
    print(machine())


def _ratio(ours: list[float], theirs: list[float]) -> str:
    ratios = [own / each for own, each in zip(ours, theirs, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _measure(
    ways: dict[str, Callable[[], list[float | None]]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]], dict[str, list[float | None]]]:
    """Seconds by the clock, seconds of this process on its cores, and the rewards, of every way."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    used: dict[str, list[float]] = {name: [] for name in ways}
    rewards: dict[str, list[float | None]] = {}
    for number in range(rounds + 1):
        for name, way in ways.items():
            began, spent = time.perf_counter(), time.process_time()
            rewards[name] = way()
            if number:  # the first round warms up
                seconds[name].append(time.perf_counter() - began)
                used[name].append(time.process_time() - spent)
    return seconds, used, rewards


def _bodies(images: list[bytes]) -> list[bytes]:
    """The requests of all clients, one a batch."""
    bodies = []
    for start in range(0, len(images), BATCH):
        part = images[start : start + BATCH]
        fields = {
            "prompt": ["three pigs"] * len(part),
            "image": [base64.b64encode(image).decode() for image in part],
            "metadata": [PROMPT] * len(part),
        }
        bodies.append(json.dumps(fields).encode())
    return bodies


_kept: list[bytes] = []


def _keep(bodies: list[bytes]) -> None:
    """Keep the requests in the clients' process."""
    _kept.extend(bodies)


def _ask_all(port: int) -> list[float | None]:
    """Send all requests from several clients at once; the rewards in order."""
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        return [reward for part in clients.map(lambda body: _ask(port, body), _kept) for reward in part]


def _ask(port: int, body: bytes) -> list[float | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/compute", body)
    answer: list[float | None] = json.loads(connection.getresponse().read())["rewards"]
    connection.close()
    return answer


if __name__ == "__main__":
    main()
