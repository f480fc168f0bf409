"""Collect outcomes into batches for the counter: in a thread beside the generators, or in turns with one of them.

A generator that waits for a network or a GPU leaves the cores of this machine to the counter, which then
counts beside it. A generator that computes on these cores itself would only be slowed down: two networks that share the
cores wait for each other more than they compute.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from countcheck.detectors.base import Detections
from countcheck.images.types import Pixels
from countcheck.storage.records import OutcomeRecord
from countcheck.suites.suite import Target

BATCH = 16  # pictures counted at a time
_AHEAD = 64  # outcomes not counted yet before the generator has to wait
_GATHER = 0.05  # seconds that a batch waits for another outcome: a transaction costs more than writing ten
_AT_STAKE = 2.0  # seconds of a generator's work that may stay uncounted, and would be lost with the power

# What must hold in a picture: targets, and the tags that name its style.
Asked: TypeAlias = tuple[Sequence[Target], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingOutcome:
    """An outcome that is not in the ledger yet.

    Attributes:
        generator: Name of the generator.
        key: The sample's key.
        asked: What must hold in its picture.
        entry: Its entry, once its file is written.
        pixels: Returns a picture's pixels; ``None`` when there is nothing to detect.
        detections: Of a picture that was counted where it was made; ``None`` otherwise.
    """

    generator: str
    key: str
    asked: Asked
    entry: Future[OutcomeRecord]
    pixels: Callable[[], Pixels] | None = None
    detections: Detections | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeJob:
    """An outcome that has just come.

    Attributes:
        seconds: Time it took to make, 0 or more.
        paid: It cost money, so it is accepted at once, however many outcomes wait.
        start: Begins to write its file; its argument says whether many outcomes wait, so that the pixels had better be
            read back from the file than kept in memory.
    """

    seconds: float
    start: Callable[[bool], PendingOutcome]
    paid: bool = False


Count: TypeAlias = Callable[[Sequence[PendingOutcome]], None]


class Batcher(Protocol):
    """Writes and counts outcomes in batches; use it in a ``with``, whose end waits for the last batch."""

    @property
    def broken(self) -> bool:
        """Whether counting has failed; the error is raised at the end."""
        ...

    def take(self, job: OutcomeJob) -> None:
        """Accept one outcome."""
        ...


class BackgroundBatcher:
    """Writes and counts in threads of its own, while the generators go on; several generators may share it.

    Args:
        count: Counts a batch and writes it to the ledger.
    """

    def __init__(self, count: Count) -> None:
        self._count = count
        self._queue: queue.SimpleQueue[tuple[PendingOutcome, bool] | None] = queue.SimpleQueue()
        self._slots = threading.Semaphore(_AHEAD)  # for outcomes that were not paid for
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._count_all, name="counting", daemon=True)

    @property
    def broken(self) -> bool:
        """Whether counting has failed; the error is raised at the end."""
        return self._error is not None

    def take(self, job: OutcomeJob) -> None:
        """Begin to write the outcome now and count it later; waits while too many wait, unless it was paid for."""
        if not job.paid:
            self._slots.acquire()
        crowded = job.paid and self._queue.qsize() >= _AHEAD
        self._queue.put((job.start(crowded), job.paid))

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
                pending = self._next()
                while pending is not None:
                    batch.append(pending)
                    if len(batch) >= BATCH:
                        break
                    try:
                        pending = self._next(_GATHER)
                    except queue.Empty:
                        break
                finished = pending is None
                if batch:
                    self._count(batch)
        except BaseException as error:
            self._error = error
            while not finished and self._next() is not None:  # let the generators come to their end
                pass

    def _next(self, seconds: float | None = None) -> PendingOutcome | None:
        """The next outcome, or ``None`` at the end. Raises `queue.Empty` when there is none within so many seconds."""
        item = self._queue.get(timeout=seconds)
        if item is None:
            return None
        pending, paid = item
        if not paid:
            self._slots.release()
        return pending


class InlineBatcher:
    """Writes and counts in the generator's own thread: several outcomes at once, or as soon as much is at stake.

    Args:
        count: Counts a batch and writes it to the ledger.
    """

    broken = False  # what counting raises is raised at once

    def __init__(self, count: Count) -> None:
        self._count = count
        self._jobs: list[OutcomeJob] = []

    def take(self, job: OutcomeJob) -> None:
        """Keep the outcome; write and count all that are kept when they are many or took long to make."""
        self._jobs.append(job)
        if len(self._jobs) >= BATCH or sum(kept.seconds for kept in self._jobs) >= _AT_STAKE:
            self._count_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._count_all()

    def _count_all(self) -> None:
        jobs, self._jobs = self._jobs, []
        batch = [job.start(False) for job in jobs]
        for pending in batch:
            pending.entry.result()  # the files first: the threads that write them use the cores as well
        if batch:
            self._count(batch)
