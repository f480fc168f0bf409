"""Kills (``kill -9``) workers, heads and whole machines of a run at random instants: the run is that of one process."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import painters
import psutil
import squares
from chaos.tally import Tally

from countcheck.cards import Card, read_generator_card
from countcheck.counting.counter import load_counter
from countcheck.engine.config import RunConfig
from countcheck.engine.run import load_generator, run
from countcheck.errors import GeneratorClosed
from countcheck.storage.rows import row_to_json
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.catalog import load_suite

_ROOT = Path(__file__).parents[2]
_COMMANDS = 5  # that are given again at most where a run ends because no worker lived long enough to start
_NO_WORKER = 3  # exit code of such a run
_PATIENCE = 120  # seconds for a worker to notice that its head is gone, on the busiest machine
_TEXTS = [f"{n % 6} squares of kind {n}{' refuse' if n % 11 == 0 else ''}" for n in range(60)]
_RUN = """
import sys
from pathlib import Path
from chaos.worker_kills import config, loaders
from countcheck.engine.workers import processes
from countcheck.errors import GeneratorClosed
if __name__ == "__main__":
    kind, path = sys.argv[1], Path(sys.argv[2])
    processes.load_generator, processes.load_counter, counter = loaders(kind)
    try:
        processes.run_on_devices(config(kind, path), counter, "cpu,cpu").close()
    except GeneratorClosed:
        sys.exit(3)
"""


def config(kind: str, path: Path) -> RunConfig:
    """A run of ``squares`` or of ``scenes``."""
    if kind == "scenes":
        return RunConfig(suite=load_suite("demo"), generators=[read_generator_card("scenes")], path=path, repeats=4)
    card = Card(name="squares", family="squares", settings={"pause": 0.02})
    return RunConfig(suite=squares.suite(*_TEXTS), generators=[card], path=path)


def loaders(kind: str):
    """What loads the generator and the counter, and the counter's spec."""
    if kind == "scenes":
        return load_generator, load_counter, "tiny"
    return painters.load_painter, painters.load_counter, "squares"


def whole(kind: str, path: Path) -> list[dict[str, object]]:
    """The rows of an undisturbed run in one process."""
    load, counter, spec = loaders(kind)
    with run(config(kind, path), counter(spec), load=load) as folder:
        return rows_of(folder)


def rows_of(folder: RunFolder) -> list[dict[str, object]]:
    """Every row of the export but for seconds, with the picture's digest."""
    return [{**row_to_json(row), "seconds": None, "digest": row.digest} for row in folder.rows()]


def worker_kills(folder: Path, dice: random.Random, *, times: int, kind: str = "squares") -> Tally:
    """Kill so many workers of runs on two devices; every run goes on by itself.

    Where workers die faster than they start, the run ends and the same command is given again.
    """
    tally = Tally(kind="worker kills")
    expected = whole(kind, folder / "whole")
    while tally.tried < times:
        path = folder / f"workers-{tally.tried}"
        head = _start(kind, path)
        while head.poll() is None and tally.tried < times:
            time.sleep(dice.uniform(0.5, 3.0))
            workers = _workers_of(head)
            if workers and dice.random() < 0.8:
                with contextlib.suppress(psutil.NoSuchProcess):
                    dice.choice(workers).kill()
                    tally.tried += 1
        _compare(tally, kind, head, path, expected)
    return tally


def head_kills(folder: Path, dice: random.Random, *, times: int, kind: str = "squares") -> Tally:
    """Kill so many heads; the same command goes on each time, and no worker outlives its head."""
    tally = Tally(kind="head kills")
    expected = whole(kind, folder / "whole")
    while tally.tried < times:
        path = folder / f"heads-{tally.tried}"
        for _ in range(min(3, times - tally.tried)):
            head = _start(kind, path)
            time.sleep(dice.uniform(1.0, 5.0))
            workers = _workers_of(head)
            if head.poll() is None:
                head.kill()
                tally.tried += 1
            head.wait()
            if psutil.wait_procs(workers, timeout=_PATIENCE)[1]:
                tally.different += 1
                tally.note("a worker outlived its head")
        _compare(tally, kind, _start(kind, path), path, expected)
    return tally


def machine_kills(folder: Path, dice: random.Random, cluster, *, times: int, kind: str = "squares") -> Tally:
    """Kill so many machines (raylets) of a Ray cluster during runs; another machine joins after each.

    Where machines die faster than a worker starts, the run ends and the same command is given again.
    """
    from countcheck.engine import ray as engine_ray

    engine_ray.load_generator, engine_ray.load_counter, counter = loaders(kind)
    tally = Tally(kind="machine kills")
    expected = whole(kind, folder / "whole")
    while tally.tried < times:
        path = folder / f"machines-{tally.tried}"
        nodes = [cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)]
        finished = threading.Event()

        def make(path=path, finished=finished) -> None:
            try:
                for _ in range(_COMMANDS):
                    with contextlib.suppress(GeneratorClosed):
                        engine_ray.run_on_ray(config(kind, path), counter, workers=2).close()
                        break
            finally:
                finished.set()

        thread = threading.Thread(target=make, name="run")
        thread.start()
        while not finished.wait(dice.uniform(2.0, 6.0)) and tally.tried < times:
            cluster.remove_node(nodes.pop(dice.randrange(len(nodes))), allow_graceful=False)
            tally.tried += 1
            nodes.append(cluster.add_node(num_cpus=1))
        thread.join()
        for node in nodes:
            cluster.remove_node(node)
        with RunFolder.open(path) as made:
            _count_differences(tally, rows_of(made), expected)
    return tally


def _start(kind: str, path: Path) -> subprocess.Popen[bytes]:
    places = [str(_ROOT), str(_ROOT / "tests"), str(_ROOT / "tests" / "generators")]
    script = path.with_suffix(".py")
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(_RUN)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    return subprocess.Popen([sys.executable, str(script), kind, str(path)], env=environment, stderr=subprocess.DEVNULL)


def _workers_of(head: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The worker processes of a head; the one that Python itself keeps is none."""
    with contextlib.suppress(psutil.Error):
        return [child for child in psutil.Process(head.pid).children() if "spawn_main" in " ".join(child.cmdline())]
    return []


def _compare(
    tally: Tally, kind: str, head: subprocess.Popen[bytes], path: Path, expected: list[dict[str, object]]
) -> None:
    for _ in range(_COMMANDS):
        if head.wait() != _NO_WORKER:
            break
        head = _start(kind, path)
    if head.wait() != 0:
        tally.tracebacks += 1
        how = signal.Signals(-head.returncode).name if head.returncode < 0 else str(head.returncode)
        tally.note(f"the run ended with {how}")
        return
    with RunFolder.open(path) as made:
        _count_differences(tally, rows_of(made), expected)
    files = [name for name in (path / "images").rglob("*") if name.is_file()]
    if len(files) != len([row for row in expected if row["picture"]]):
        tally.different += 1
        tally.note(f"{path.name}: {len(files)} files")


def _count_differences(tally: Tally, rows: list[dict[str, object]], expected: list[dict[str, object]]) -> None:
    if rows == expected:
        return
    tally.lost += sum(row["outcome"] == "missing" for row in rows)
    tally.different += 1
    tally.note(next((f"{a} instead of {b}" for a, b in zip(rows, expected, strict=False) if a != b), "other rows"))
