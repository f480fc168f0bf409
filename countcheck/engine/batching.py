"""What waits to be counted, and when its turn comes: beside the generator, or in turns with it.

A generator that waits on a network or on a graphics card leaves the cores of this machine to the counter, which then
counts beside it. A generator that computes on these cores itself would only be held up: two nets that share the cores
wait for each other more than they compute.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

from countcheck.engine.context import Asked
from countcheck.generators.outcome import Outcome
from countcheck.images.types import Pixels
from countcheck.storage.records import OutcomeRecord
from countcheck.suites.samples import Sample

BATCH = 16  # pictures counted at a time
_AHEAD = 64  # outcomes waiting to be counted before the generator has to wait
_AT_STAKE = 2.0  # seconds of a generator's work that may wait uncounted, and would be lost with the power


@dataclass(frozen=True, slots=True)
class PendingOutcome:
    """An outcome on its way: its entry once its file is written, and a picture's pixels or how to read them."""

    key: str
    asked: Asked
    entry: Future[OutcomeRecord]
    pixels: Callable[[], Pixels] | None = None


Start: TypeAlias = Callable[[Sample, Outcome, bool], PendingOutcome]
Count: TypeAlias = Callable[[Sequence[PendingOutcome]], None]


class BackgroundBatcher:
    """Writes and counts at once what comes, in threads of their own, while the generator goes on.

    Args:
        start: Has an outcome's file written; told whether its pixels had better stay in the file alone.
        count: Counts a few and keeps them.
        endless: Take in whatever comes, however many wait, instead of letting the generator wait.
    """

    def __init__(self, start: Start, count: Count, *, endless: bool) -> None:
        self._start, self._count, self._endless = start, count, endless
        self._queue: queue.Queue[PendingOutcome | None] = queue.Queue(maxsize=0 if endless else _AHEAD)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._count_all, name="counting", daemon=True)

    @property
    def broken(self) -> bool:
        """Whether counting has failed; what it raised is raised at the end."""
        return self._error is not None

    def take(self, sample: Sample, outcome: Outcome) -> None:
        """Write it now and count it when its turn comes; waits while too many wait."""
        crowded = self._endless and self._queue.qsize() >= _AHEAD
        self._queue.put(self._start(sample, outcome, crowded))

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
                batch: list[PendingOutcome] = []
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


class InlineBatcher:
    """Writes and counts in the generator's own time: a few outcomes at once, or as soon as much is at stake.

    Args:
        start: Has an outcome's file written.
        count: Counts a few and keeps them.
    """

    broken = False  # what counting raises is raised at once

    def __init__(self, start: Start, count: Count) -> None:
        self._start, self._count = start, count
        self._held: list[tuple[Sample, Outcome]] = []

    def take(self, sample: Sample, outcome: Outcome) -> None:
        """Write and count it with those that wait, when there are enough of them or they took long to make."""
        self._held.append((sample, outcome))
        if len(self._held) >= BATCH or sum(one.seconds for _, one in self._held) >= _AT_STAKE:
            self._count_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._count_all()

    def _count_all(self) -> None:
        held, self._held = self._held, []
        batch = [self._start(sample, outcome, False) for sample, outcome in held]
        for one in batch:
            one.entry.result()  # the files first: those who write them are on the cores as well
        if batch:
            self._count(batch)
