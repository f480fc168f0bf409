"""Cuts the power of a simulated disk at random instants: what was not synced may be gone, whole or in part.

The simulation copies a file's bytes when it is synced, and its name when its folder is; of the ledger, the state after
every transaction that ended, since SQLite syncs it then. After a cut, each file that was not safe is there, gone or cut
short, as chance has it.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import squares
from chaos.service import AT_ONCE, KEY, config, serving
from chaos.tally import Tally

from countcheck.engine.run import run
from countcheck.storage.ledger import Ledger
from countcheck.storage.resume import ResumeState
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.verification import check_run


class Cut(BaseException):
    """The power is gone."""


class SimulatedDisk:
    """What of a folder would survive a power cut.

    Args:
        root: The folder.
        steps: After so many syncs the power is cut.
    """

    def __init__(self, root: Path, steps: int) -> None:
        self._root = root
        self._left = steps
        self._lock = threading.RLock()
        self._contents: dict[int, bytes] = {}
        self._names: dict[Path, int] = {}
        self._ledger: dict[Path, bytes] = {}
        self.stored: set[str] = set()  # keys of answers that the program said were stored

    @contextlib.contextmanager
    def plugged_in(self) -> Iterator[None]:
        """Watch every sync until the power is cut."""
        sync, writing, save = os.fsync, Ledger.writing, ResumeState.save_uncounted

        def fsync(descriptor: int) -> None:
            with self._lock:
                self._step()
                sync(descriptor)
                self._synced(Path(f"/proc/self/fd/{descriptor}").readlink(), descriptor)

        @contextlib.contextmanager
        def write(ledger: Ledger):
            with self._lock:
                self._step()
            with writing(ledger) as connection:
                assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
                yield connection
            with self._lock:
                self._step()
                self._ledger = {
                    path: path.read_bytes() for path in ledger.folder.glob("run.sqlite*") if "-shm" not in path.name
                }

        def save_uncounted(resume: ResumeState, entry, state=None) -> None:
            save(resume, entry, state)
            self.stored.add(entry.key)

        with (
            mock.patch.object(os, "fsync", fsync),
            mock.patch.object(Ledger, "writing", write),
            mock.patch.object(ResumeState, "save_uncounted", save_uncounted),
        ):
            yield

    def after_the_cut(self, target: Path, dice: random.Random) -> None:
        """Write what survived to another folder."""
        safe = {path: self._contents.get(inode, b"") for path, inode in self._names.items()} | self._ledger
        for path in self._root.rglob("*"):
            if not path.is_file() or path.name.startswith("run."):
                continue
            data = safe.get(path)
            if data is None:
                data = path.read_bytes()
                fate = dice.randrange(3)
                if fate == 0:
                    continue
                if fate == 1:
                    data = data[: dice.randrange(len(data) + 1)]
            _write(target / path.relative_to(self._root), data)
        for path, data in self._ledger.items():
            _write(target / path.relative_to(self._root), data)

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Cut

    def _synced(self, path: Path, descriptor: int) -> None:
        if path.is_dir():
            for child in path.iterdir():
                if child.is_file():
                    self._names[child] = child.stat().st_ino
        else:
            self._contents[os.fstat(descriptor).st_ino] = path.read_bytes()


def cuts(folder: Path, dice: random.Random, *, times: int, samples: int = 24) -> Tally:
    """Cut the power of a paid run so many times; each time it goes on to its end on what survived."""
    tally = Tally(kind="power cuts")
    with mock.patch.dict(os.environ, {KEY: "sk-loopback"}), serving(wait=0.0) as (service, url):
        for number in range(times):
            service.drawn.clear()
            before, after = folder / f"before-{number}", folder / f"after-{number}"
            disk = SimulatedDisk(before, dice.randrange(3, 4 * samples))
            with disk.plugged_in(), contextlib.suppress(Cut):
                run(config(url, before, samples), squares.counter()).close()
            tally.tried += 1
            disk.after_the_cut(after, dice)
            drawn = service.drawn.total()
            try:
                _go_on(url, after, samples, disk.stored, tally)
            except Exception as error:
                tally.tracebacks += 1
                tally.note(f"cut {number}: {type(error).__name__}: {error}")
            # What was in flight is asked again; what was stored is not.
            again = service.drawn.total() - samples
            tally.doubled += max(0, again - AT_ONCE)
            if again > AT_ONCE:
                tally.note(f"cut {number}: {drawn} drawn, {len(disk.stored)} stored, {again} asked again")
    return tally


def _go_on(url: str, path: Path, samples: int, stored: set[str], tally: Tally) -> None:
    if RunFolder.exists(path):
        with RunFolder.open(path) as there:
            rows = {row.key for row in there.rows() if row.outcome != "missing"}
            lost = stored - rows - {entry.key for entry in there.resume.uncounted()}
    else:
        lost = stored
    tally.lost += len(lost)
    with run(config(url, path, samples), squares.counter()) as done:
        pictures = sum(row.outcome == "picture" for row in done.rows())
    if pictures != samples:
        tally.different += 1
        tally.note(f"{pictures} of {samples} pictures after going on")
    check = check_run(path)
    if not check.healthy or check.stray or check.unfinished:
        tally.different += 1
        tally.note(f"after going on: {check.to_json()}"[:300])


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
