"""How a run grows with its workers on a Ray cluster, and what a picture costs the head.

    python -m benchmarks.scale [--workers 1,2,4,8,16] [--each 40] [--raylets 2] [--bytes]

A generator sleeps 0.25 s a picture of 1024², as a GPU would; workers encode and write. All workers run on this machine, on
several raylets, so that their encoders share its cores: what it can encode and write at most, one process a core, is
measured before and after each run. Efficiency is the rate of N workers by N times that of the first line, or by the
machine's limit where that is less (marked with *). Pictures are counted by the time of their files, from when all workers
have brought some to the last one. With ``--bytes`` the workers do not see the run's folder and send their encoded pictures
to the head. The last line kills a raylet midway; what Ray says of that goes to stderr.

The whole ladder takes about three minutes on 16 cores; ``--each 20`` halves its runs.

Goals: 0.9 of each added worker up to the machine's limit, 2 ms of the head's CPU a picture, nothing lost, nothing twice.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import math
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402

from benchmarks.encoding import pictures  # noqa: E402
from benchmarks.machine import machine  # noqa: E402
from benchmarks.sleeper import CARD, SECONDS, load_five_boxes, load_sleeper, suite_of  # noqa: E402
from countcheck.engine.config import RunConfig  # noqa: E402
from countcheck.storage.picture_store import PictureWriter  # noqa: E402


@dataclass
class Watch:
    """Time and CPU of the head when outcomes come, from when all workers have brought some: they start one by one."""

    workers_wanted: int
    then: Callable[[int], None] = lambda done: None
    done: int = 0
    began: tuple[float, float, int] | None = None
    ended: tuple[float, float, int] = (0.0, 0.0, 0)
    names: set[str] = field(default_factory=set)

    def start(self, generator, planned, done):
        pass

    def message(self, sentence):
        print(f"    {sentence}", flush=True)

    def workers(self, generator, made):
        self.names = set(made)

    def advance(self, generator, entry):
        self.done += 1
        now = (time.time(), time.process_time(), self.done)
        if self.began is None and len(self.names) >= self.workers_wanted:
            self.began = now
        self.ended = now
        self.then(self.done)

    def rate(self, images: Path) -> tuple[float, float]:
        """Pictures written a second, and milliseconds of the head's CPU a picture; none where a worker began too late."""
        if self.began is None or self.began[2] == self.ended[2]:
            return float("nan"), float("nan")
        busy, told = (b - a for a, b in zip(self.began[1:], self.ended[1:], strict=True))
        written = [seconds for file in images.rglob("*.png") if (seconds := file.stat().st_mtime) > self.began[0]]
        return len(written) / (max(written) - self.began[0]), 1000 * busy / told


def save_for(seconds: float) -> float:
    """Encode and write pictures for so long, as a worker does; return how many a second."""
    shown = Image.fromarray(pictures(None, 1)[0])
    with tempfile.TemporaryDirectory() as folder:
        writer = PictureWriter(folder)
        began, made = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            stored = writer.write(writer.path_of(f"{made:08x}", 0), writer.encode(shown), shown)
            writer.save_thumbnail(stored, shown)
            made += 1
        return made / (time.perf_counter() - began)


def encoding_limit(pool, cores: int) -> float:
    """Pictures a second that this machine can encode and write at most, on all cores."""
    return sum(pool.map(save_for, [1.5] * cores, chunksize=1))


def make(path: Path, samples: int, workers: int, watch: Watch, *, as_bytes: bool = False):
    from countcheck.engine import ray as engine_ray
    from countcheck.engine.workers.size import WorkerCount

    engine_ray.load_generator, engine_ray.load_counter = load_sleeper, load_five_boxes
    if as_bytes:
        start = engine_ray.start_worker
        engine_ray.start_worker = lambda setup, wanted: start(replace(setup, probe="images/.nowhere"), wanted)
    config = RunConfig(suite=suite_of(samples), generators=[CARD], path=path)
    count = WorkerCount(lowest=workers, highest=workers)
    try:
        return engine_ray.run_on_ray(config, "five-boxes", progress=watch, workers=count)
    finally:
        if as_bytes:
            engine_ray.start_worker = start


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--workers", default="1,2,4,8,16")
    options.add_argument("--each", type=int, default=40, help="pictures of each worker")
    options.add_argument("--raylets", type=int, default=2)
    options.add_argument("--bytes", action="store_true")
    given = options.parse_args()
    numbers = [int(number) for number in given.workers.split(",")]
    cores = len(os.sched_getaffinity(0))
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        pool.map(save_for, [0.1] * cores, chunksize=1)  # imports
        say = functools.partial(print, file=sys.stdout, flush=True)
        with contextlib.redirect_stdout(sys.stderr):  # Ray prints what a lost machine said last
            _climb(numbers, given, lambda: encoding_limit(pool, cores), say)
    print(machine())


def _climb(numbers: list[int], given, measure_limit: Callable[[], float], say: Callable[[str], None]) -> None:
    """Print a line for each number of workers, and one for a raylet that is killed."""
    limits = [measure_limit()]
    say(f"this machine saves {limits[0]:.1f} pictures a second at most; a worker makes {1 / SECONDS:.1f}")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "generators")])
    for name in ("raylet_start_wait_time_s", "worker_register_timeout_seconds"):
        os.environ[f"RAY_{name}"] = "200"
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
    say(f"{'workers':>8}{'pictures/s':>12}{'limit':>8}{'efficiency':>12}{'head ms a picture':>20}")
    alone = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            raylets = min(given.raylets, number)
            nodes = [cluster.add_node(num_cpus=-(-number // raylets)) for _ in range(raylets)]
            watch = Watch(number)
            path = Path(folder) / f"run-{number}"
            make(path, number * given.each, number, watch, as_bytes=given.bytes).close()
            for node in nodes:
                cluster.remove_node(node)
            limits.append(measure_limit())
            limit = sum(limits[-2:]) / 2
            rate, head = watch.rate(path / "images")
            if math.isnan(rate):
                say(f"{number:>8}  a worker began after the last picture: give --each a larger number")
                continue
            alone = alone or rate / number
            ideal = min(limit, number * alone)
            mark = "*" if limit < number * alone else " "
            say(f"{number:>8}{rate:>12.1f}{limit:>8.1f}{rate / ideal:>11.2f}{mark}{head:>20.2f}")
        say(_lose(cluster, Path(folder) / "lost", given.each))
    ray.shutdown()
    cluster.shutdown()


def _lose(cluster, path: Path, each: int) -> str:
    """Kill one of two raylets midway, look for what is lost or there twice, and say it."""
    nodes = [cluster.add_node(num_cpus=2), cluster.add_node(num_cpus=2)]
    samples = 2 * each
    killed = threading.Event()

    def kill(done: int) -> None:
        if done >= samples // 2 and not killed.is_set():
            killed.set()
            threading.Thread(target=lambda: cluster.remove_node(nodes[0], allow_graceful=False)).start()

    with make(path, samples, 4, Watch(4, kill)) as run:
        rows = run.rows()
        missing = [row for row in rows if row.outcome != "picture"]
        changed = run.pictures.problems(rows)
    files = len([file for file in (path / "images").rglob("*.png")])
    return (
        f"one of two raylets killed midway: {samples} samples, {len(rows)} rows, {len(missing)} without a picture, "
        f"{files} files {changed}".rstrip()
    )


if __name__ == "__main__":
    main()
