"""Kills a paid run at random instants, and starts it again until it is done."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from chaos.service import KEY, serving
from chaos.tally import Tally

from countcheck.storage.run_folder import RunFolder

_ROOT = Path(__file__).parents[2]
_RUN = """
import sys
from pathlib import Path
import squares
from chaos.service import config
from countcheck.engine.run import run
run(config(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])), squares.counter()).close()
"""


def kills(folder: Path, dice: random.Random, *, times: int, samples: int = 60) -> Tally:
    """Kill one run so many times (``kill -9``); a run that is done is followed by another."""
    tally = Tally(kind="kills")
    number = 0
    while tally.tried < times:
        number += 1
        with serving() as (service, url):
            path = folder / f"killed-{number}"
            stored: set[str] = set()
            while True:
                again = dict(service.drawn)
                child = _start(url, path, samples)
                if tally.tried < times and dice.random() < 0.9:
                    _wait_for(child, service, sum(again.values()) + dice.randrange(1, samples // 3))
                    time.sleep(dice.random() * 0.03)
                    child.kill()
                    tally.tried += 1
                child.wait()
                tally.doubled += sum(service.drawn[text] > again.get(text, 0) for text in stored)
                stored = _stored(path)
                if child.returncode == 0:
                    break
                if child.returncode not in (-9, 0):
                    tally.tracebacks += 1
                    tally.note(f"the run ended with {child.returncode}")
                    break
        tally.lost += samples - len(_stored(path))
    return tally


def _start(url: str, path: Path, samples: int) -> subprocess.Popen[bytes]:
    places = [str(_ROOT), str(_ROOT / "tests"), str(_ROOT / "tests" / "generators")]
    environment = {**os.environ, KEY: "sk-loopback", "PYTHONPATH": os.pathsep.join(places)}
    return subprocess.Popen(
        [sys.executable, "-c", _RUN, url, str(path), str(samples)], env=environment, stderr=subprocess.DEVNULL
    )


def _wait_for(child: subprocess.Popen[bytes], service, drawings: int) -> None:
    while child.poll() is None and service.drawn.total() < drawings:
        service.drew.clear()
        service.drew.wait(0.05)


def _stored(path: Path) -> set[str]:
    """Texts whose answers are in the ledger, counted or not."""
    if not RunFolder.exists(path):
        return set()
    with RunFolder.open(path) as run:
        return {row.text for row in run.rows() if row.outcome == "picture"} | {
            entry.text for entry in run.resume.uncounted()
        }
