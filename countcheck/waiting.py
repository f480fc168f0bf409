"""What waits to be counted, and when its turn comes: beside the generator, or in turns with it.

A generator that waits on a network or on a graphics card leaves the cores of this machine to the counter, which then
counts beside it. A generator that computes on these cores itself would only be held up: two nets that share the cores
wait for each other more than they compute.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

from countcheck.generators.base import Pixels
from countcheck.records import Entry
from countcheck.suites.suite import Target

BATCH = 16  # pictures counted at a time
_AHEAD = 64  # outcomes waiting to be counted before the generator has to wait
_AT_STAKE = 4.0  # seconds of a generator's work that may wait uncounted, and would be lost with the power

# What had to hold in a picture: targets, and the tags that tell its style.
Asked: TypeAlias = tuple[Sequence[Target], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An outcome on its way: its entry once its file is written, and a picture's pixels or how to read them."""

    key: str
    asked: Asked
    entry: Future[Entry]
    pixels: Callable[[], Pixels] | None = None
    seconds: float = 0.0


class Beside:
    """Counts in a thread of its own, while the generator goes on.

    Args:
        count: Counts a few and keeps them.
        endless: Take in whatever comes, however many wait, instead of letting the generator wait.
    """

    def __init__(self, count: Callable[[Sequence[Waiting]], None], *, endless: bool) -> None:
        self._count = count
        self._queue: queue.Queue[Waiting | None] = queue.Queue(maxsize=0 if endless else _AHEAD)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._count_all, name="counting", daemon=True)

    @property
    def broken(self) -> bool:
        """Whether counting has failed; what it raised is raised at the end."""
        return self._error is not None

    @property
    def crowded(self) -> bool:
        """Whether so many wait that their pixels had better stay on disk."""
        return self._queue.qsize() >= _AHEAD

    def take(self, one: Waiting) -> None:
        """Count it when its turn comes; waits while too many wait."""
        self._queue.put(one)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def _count_all(self) -> None:
        finished = False
        try:
            while not finished:
                batch: list[Waiting] = []
                item = self._queue.get()
                while item is not None:
                    batch.append(item)
                    if len(batch) >= BATCH:
                        break
                    try:
                        item = self._queue.get_nowait()
                    except queue.Empty:
                        break
                finished = item is None
                if batch:
                    self._count(batch)
        except BaseException as error:
            self._error = error
            while not finished and self._queue.get() is not None:  # let the generator's thread come to its end
                pass


class InTurns:
    """Counts in the generator's own thread, between its pictures: a few at a time, or as soon as much is at stake."""

    broken = False  # what counting raises is raised at once
    crowded = False

    def __init__(self, count: Callable[[Sequence[Waiting]], None]) -> None:
        self._count = count
        self._batch: list[Waiting] = []

    def take(self, one: Waiting) -> None:
        """Count it with those that wait, when there are enough of them or they took long to make."""
        self._batch.append(one)
        if len(self._batch) >= BATCH or sum(each.seconds for each in self._batch) >= _AT_STAKE:
            self._count_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._count_all()

    def _count_all(self) -> None:
        batch, self._batch = self._batch, []
        for one in batch:
            one.entry.result()  # the files first: those who write them are on the cores as well
        if batch:
            self._count(batch)
