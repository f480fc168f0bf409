"""How close to a provider's limit the program asks, and whether its memory stays flat, beside plain asyncio.

    python -m benchmarks.api_throughput [PROMPTS] [PER_MINUTE] [LATENCY_SECONDS]

A server of its own process answers every request after the latency with a picture of 256 x 256, and more requests
than the limit in any minute with 429. Both askers get the same prompts and the same limit. Goal: 1,000 prompts, 600 a
minute, 2 s: at least 95 % of the limit. A limit cannot be reached before the first and after the last answer, so
the share is of the fastest that the limit and the latency allow.

    python -m benchmarks.api_throughput together [PROMPTS] [PER_MINUTE] [LATENCY_SECONDS]

Three such servers, each with a limit of its own, the slowest with half of it: every one alone in a run, pictures
counted and kept, then the three in one run. Goal: at most 1.1 times the slowest alone.
"""

from __future__ import annotations

import asyncio
import base64
import collections
import contextlib
import json
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
from PIL import Image

from benchmarks.machine import machine
from countcheck.cards import Card
from countcheck.counting.counter import load_counter
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.generators.outcome import Picture
from countcheck.generators.providers.openai import OpenAIGenerator
from countcheck.images.decode import encode_png
from countcheck.suites.samples import plan
from countcheck.suites.suite import Prompt, Suite, Target


def serve(port: Any, per_minute: float, latency: float) -> None:
    """One process: HTTP by hand, because a server's own speed must not matter."""
    picture = base64.b64encode(encode_png(Image.effect_noise((256, 256), 60).convert("RGB"))).decode()
    good = json.dumps({"created": 1, "data": [{"b64_json": picture}]}).encode()
    busy = b'{"error": {"code": "rate_limit_exceeded", "message": "Slow down."}}'
    lately: collections.deque[float] = collections.deque()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.lower().split(b"\r\n")
                        if line.startswith(b"content-length")
                    ),
                    0,
                )
                await reader.readexactly(length)
                now = time.monotonic()
                while lately and lately[0] <= now - 60:
                    lately.popleft()
                if len(lately) >= per_minute:
                    status, body, more = b"429 Too Many Requests", busy, b"retry-after: 1\r\n"
                else:
                    lately.append(now)
                    await asyncio.sleep(latency)
                    status, body, more = b"200 OK", good, b""
                plain = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)
                writer.write(b"HTTP/1.1 " + status + b"\r\n" + more + plain + b"\r\n" + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=2**20, backlog=512)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@contextmanager
def running(per_minute: float, latency: float) -> Iterator[str]:
    """A fresh server, with nothing asked of it in the last minute."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there, per_minute, latency), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


def ours(url: str, prompts: int, per_minute: float, at_once: int) -> dict[str, float]:
    settings = {"base_url": f"{url}/v1", "requests_per_minute": per_minute, "concurrency": at_once}
    generator = OpenAIGenerator(Card(name="openai:x", family="openai", source="x", settings=settings))
    suite = Suite(name="s", prompts=tuple(Prompt(id=f"p{k}", text=f"{k} pigs") for k in range(prompts)))
    samples = list(plan(suite, generator.recipe))
    _ = generator.client
    memory: list[int] = []
    pictures = attempts = 0
    began = time.perf_counter()
    for outcome in generator.generate(samples):
        pictures += isinstance(outcome, Picture)
        attempts += len(outcome.attempts)
        memory.append(psutil.Process().memory_info().rss)
    seconds = time.perf_counter() - began
    generator.close()
    fifth = max(1, len(memory) // 5)
    grown = sum(memory[-fifth:]) / fifth - sum(memory[fifth : 2 * fifth]) / fifth
    return {"pictures": pictures, "requests": attempts, "seconds": seconds, "grown": grown / 2**20}


def plain(url: str, prompts: int, at_once: int) -> dict[str, float]:
    """What is written in an afternoon: a semaphore, and a doubling wait after each 429."""
    requests = 0

    async def one(client: httpx2.AsyncClient, gate: asyncio.Semaphore, k: int) -> bool:
        nonlocal requests
        async with gate:
            for attempt in range(12):
                requests += 1
                answer = await client.post(f"{url}/v1/images/generations", json={"model": "x", "prompt": f"{k} pigs"})
                if answer.status_code == 200:
                    return bool(base64.b64decode(answer.json()["data"][0]["b64_json"]))
                await asyncio.sleep(min(60.0, 2.0**attempt) * random.uniform(0.5, 1.5))
        return False

    async def every() -> int:
        gate = asyncio.Semaphore(at_once)
        async with httpx2.AsyncClient(timeout=300, limits=httpx2.Limits(max_connections=at_once)) as client:
            return sum(await asyncio.gather(*(one(client, gate, k) for k in range(prompts))))

    began = time.perf_counter()
    pictures = asyncio.run(every())
    return {"pictures": pictures, "requests": requests, "seconds": time.perf_counter() - began, "grown": float("nan")}


def run_of(cards: list[Card], prompts: int) -> float:
    """Seconds that a whole run takes: asked, counted, written."""
    suite = Suite(
        name="s",
        prompts=tuple(
            Prompt(id=f"p{k}", text=f"{k} pigs", targets=(Target(noun="pig", count=3),)) for k in range(prompts)
        ),
    )
    counter = load_counter("tiny")
    with tempfile.TemporaryDirectory() as folder:
        config = RunConfig(suite=suite, generators=cards, path=Path(folder) / "run")
        check = engine.prepare_counter
        _, tested = check(counter, suite, lambda sentence: None)
        engine.prepare_counter = lambda counter, *_: (counter, tested)
        try:
            began = time.perf_counter()
            with engine.run(config, counter) as run:
                seconds = time.perf_counter() - began
                assert all(row.outcome == "picture" for row in run.rows())
        finally:
            engine.prepare_counter = check
    return seconds


def together(prompts: int, per_minute: float, latency: float) -> None:
    """Three providers in one run against each of them alone."""
    limits = [per_minute, per_minute, per_minute / 2]

    def card(name: str, url: str, limit: float) -> Card:
        settings = {
            "base_url": f"{url}/v1",
            "requests_per_minute": limit,
            "concurrency": int(limit / 60 * latency * 1.5) + 8,
        }
        return Card(name=name, family="openai", source=name, settings=settings)

    alone = []
    for place, limit in enumerate(limits):
        with running(limit, latency) as url:
            alone.append(run_of([card(f"api-{place}", url, limit)], prompts))
    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(running(limit, latency)) for limit in limits]
        cards = [card(f"api-{k}", url, limit) for k, (url, limit) in enumerate(zip(urls, limits, strict=True))]
        all_three = run_of(cards, prompts)
    print(f"{prompts} prompts of each, {latency:g} s a request; {machine()}")
    for place, (limit, seconds) in enumerate(zip(limits, alone, strict=True)):
        print(f"api-{place} alone, {limit:g} a minute{seconds:>10.1f} s")
    print(f"the three in one run{all_three:>14.1f} s, {all_three / max(alone):.2f} times the slowest alone")


def main() -> None:
    if sys.argv[1:2] == ["together"]:
        numbers = [float(number) for number in sys.argv[2:]]
        together(int(numbers[0]) if numbers else 60, *(numbers[1:] or [240.0, 2.0]))
        return
    prompts = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    per_minute = float(sys.argv[2]) if len(sys.argv) > 2 else 600.0
    latency = float(sys.argv[3]) if len(sys.argv) > 3 else 2.0
    at_once = int(per_minute / 60 * latency * 1.5) + 8
    fastest = (prompts - 1) * 60 / per_minute + latency
    found: dict[str, dict[str, float]] = {}
    with running(per_minute, latency) as url:
        found["countcheck"] = ours(url, prompts, per_minute, at_once)
    with running(per_minute, latency) as url:
        found["plain asyncio"] = plain(url, prompts, at_once)
    print(f"{prompts} prompts, {per_minute:g} a minute allowed, {latency:g} s each, {at_once} at once; {machine()}")
    print(f"{'':<16}{'pictures':>10}{'requests':>10}{'seconds':>10}{'a minute':>10}{'of limit':>10}{'MiB grown':>11}")
    for name, figures in found.items():
        rate = figures["pictures"] / figures["seconds"] * 60
        share = fastest / figures["seconds"] * figures["pictures"] / prompts
        print(
            f"{name:<16}{figures['pictures']:>10.0f}{figures['requests']:>10.0f}{figures['seconds']:>10.1f}"
            f"{rate:>10.1f}{share:>10.1%}{figures['grown']:>11.1f}"
        )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
