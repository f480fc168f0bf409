"""kill -9 at random instants, then the same command again: as if nothing had happened."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import squares

from countcheck.cards import Card
from countcheck.engine import run as engine

TEXTS = [
    f"{n % 6} squares of kind {n}{' +1' if n % 5 == 0 else ''}{' refuse' if n % 11 == 0 else ''}" for n in range(150)
]
KILLS = 30


def make(path: Path) -> None:
    order = engine.RunConfig(
        suite=squares.suite(*TEXTS),
        generators=[Card(name="squares", family="squares", settings={"pause": 0.004})],
        path=path,
    )
    engine.run(order, squares.counter(), load=squares.SquaresGenerator).close()


def contents(path: Path) -> tuple[list[tuple[object, ...]], dict[str, bytes]]:
    """Every row that must be equal, and every picture file."""
    with sqlite3.connect(path / "run.sqlite") as ledger:
        rows = [
            *ledger.execute("SELECT key, generator, prompt_id, repeat, seed, done FROM samples ORDER BY key"),
            *ledger.execute("SELECT key, turn, text, outcome, picture, digest, cost FROM outcomes ORDER BY key"),
            *ledger.execute("SELECT key, turn, counting, body FROM detections ORDER BY key"),
            *ledger.execute("SELECT key, turn, counting, verdict, reason, counted FROM verdicts ORDER BY key"),
            *ledger.execute("SELECT id, counter, controls FROM countings"),
        ]
    return rows, {p.name: p.read_bytes() for p in sorted((path / "images").rglob("*.png"))}


def test_thirty_kills_leave_the_ledger_and_pictures_of_an_undisturbed_run(tmp_path):
    make(tmp_path / "whole")
    dice = random.Random(7)
    fork = multiprocessing.get_context("fork")
    for _ in range(KILLS):
        process = fork.Process(target=make, args=(tmp_path / "killed",))
        process.start()
        time.sleep(dice.uniform(0.01, 0.25))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    make(tmp_path / "killed")
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert len(list((tmp_path / "killed/images").rglob("*"))) == len(list((tmp_path / "whole/images").rglob("*")))
