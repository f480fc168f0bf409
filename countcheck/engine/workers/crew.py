"""The workers of one generator: started as work calls for them, replaced when they are lost, ended when idle."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from countcheck import errors
from countcheck.detectors.common.devices import OutOfDeviceMemory
from countcheck.engine.workers.worker import WorkerError, WorkerReport
from countcheck.errors import CountcheckError, RunMismatch
from countcheck.version import __version__

_MAX_FAILED_STARTS = 3  # in a row, before no other worker is started
_MAX_LOST_MACHINES = 12  # likewise, of machines that were lost while a worker started there


class WorkerLost(Exception):
    """A worker is gone: its process, or its whole machine."""


class MachineLost(WorkerLost):
    """A worker is gone with its machine, which says nothing of what it would have done."""


class CallFailed(Exception):
    """A call raised what no generator or counter should; the worker is still there."""


class WorkerHandle(Protocol):
    """One worker, as the head holds it."""

    name: str

    def call(self, method: str, *arguments: Any) -> Future[Any]:
        """Call a method of the worker; the future may raise `WorkerLost` or `CallFailed`."""
        ...

    def end(self) -> None:
        """End the worker at once; what it has in progress is lost."""
        ...


class Crew:
    """The workers of one generator. Safe to use from several threads.

    Args:
        start: Starts one worker and returns at once.
        lowest: Workers that are kept while there is work, 1 or more.
        highest: Most workers at a time.
        message: Receives sentences for the user.

    Attributes:
        starting: The first call of every worker that is not loaded yet.
        ready: Workers that are loaded.
        loss: Why a worker was lost last.
    """

    def __init__(
        self, start: Callable[[], WorkerHandle], *, lowest: int, highest: int, message: Callable[[str], None]
    ) -> None:
        self._start = start
        self._lowest, self._highest = lowest, highest
        self._message = message
        self._failed_starts = self._lost_machines = 0
        self._next = 0
        self._lock = threading.RLock()
        self._told_of_bytes = False
        self.starting: dict[Future[Any], WorkerHandle] = {}
        self.ready: list[WorkerHandle] = []
        self.loss = ""

    def fit(self, wanted: int) -> None:
        """Start workers until there are as many as are wanted, within the limits.

        Args:
            wanted: Workers that there is work for.
        """
        with self._lock:
            number = max(self._lowest, min(wanted, self._highest))
            while self._may_start() and len(self.ready) + len(self.starting) < number:
                worker = self._start()
                self.starting[worker.call("hello")] = worker

    def _may_start(self) -> bool:
        return self._failed_starts < _MAX_FAILED_STARTS and self._lost_machines < _MAX_LOST_MACHINES

    def release(self, idle: WorkerHandle) -> None:
        """End a worker that there is no work for, unless it is one of those that are kept."""
        with self._lock:
            if len(self.ready) > self._lowest and idle in self.ready:
                self.ready.remove(idle)
                idle.end()

    def welcome(self, first_call: Future[Any]) -> None:
        """Take in a worker whose first call is done.

        Raises:
            CountcheckError: What the worker cannot load, in its own words.
            RunMismatch: When its machine has another countcheck.
        """
        with self._lock:
            worker = self.starting.pop(first_call, None)
            if worker is None:
                return
            try:
                report: WorkerReport = first_call.result()
            except (WorkerLost, CallFailed) as lost:
                if isinstance(lost, MachineLost):
                    self._lost_machines += 1
                else:
                    self._failed_starts += 1
                self.loss = str(lost)
                worker.end()
                return
            worker.name = worker.name or self._free_name(report.host)
            if report.version != __version__:
                worker.end()
                raise RunMismatch(
                    f"the worker on {report.host} has countcheck {report.version}, this machine {__version__}. "
                    "Install the same version on all machines."
                )
            if report.error is not None:
                if not report.error.only_here:
                    worker.end()
                    raise rebuilt(report.error)
                self.starting[first_call] = worker
                self.retire(worker, report.error)
                return
            self._failed_starts = self._lost_machines = 0
            self.ready.append(worker)
            if not report.saves and not self._told_of_bytes:
                self._told_of_bytes = True
                self._message(
                    f"{report.host} does not see the run's folder, so its pictures travel to this machine. Put the run "
                    "on a folder that all machines share, or give --pictures URL"
                )

    def _free_name(self, host: str) -> str:
        """The machine's name, with a number where it has other workers."""
        taken = {worker.name for worker in self.ready}
        names = itertools.chain([host], (f"{host} #{number}" for number in itertools.count(2)))
        return next(name for name in names if name not in taken)

    def drop(self, worker: WorkerHandle, reason: str) -> bool:
        """Forget a worker that was lost, and return whether that was news; another takes its place while there is work."""
        with self._lock:
            self.loss = reason
            if worker not in self.ready:
                return False
            self.ready.remove(worker)
            worker.end()
            self._message(f"worker {worker.name} was lost ({reason}): its samples are given out again")
            return True

    def retire(self, worker: WorkerHandle, error: WorkerError) -> None:
        """End a worker that cannot go on where it is, and let the others do its work.

        Raises:
            CountcheckError: The error, when there is no other.
        """
        with self._lock:
            held = [future for future, other in self.starting.items() if other is worker]
            if worker not in self.ready and not held:
                return
            for future in held:
                del self.starting[future]
            if worker in self.ready:
                self.ready.remove(worker)
            worker.end()
            self._highest -= 1
            self._lowest = min(self._lowest, self._highest)
            if self._highest < 1:
                raise rebuilt(error)
            self._message(f"worker {worker.name} has no memory left, so the others do its work: {error.message}")

    def in_turn(self) -> list[WorkerHandle]:
        """The workers that are loaded, another one first every time."""
        with self._lock:
            if not self.ready:
                return []
            self._next = (self._next + 1) % len(self.ready)
            return self.ready[self._next :] + self.ready[: self._next]

    def end(self) -> None:
        """End all workers; others may be started afterwards."""
        with self._lock:
            for worker in (*self.ready, *self.starting.values()):
                worker.end()
            self.ready, self.starting = [], {}
            self._failed_starts = self._lost_machines = 0


def rebuilt(error: WorkerError) -> CountcheckError:
    """Return a worker's error, of its own class where that can be made from a message alone."""
    if error.kind == OutOfDeviceMemory.__name__:
        return CountcheckError(f"no worker has memory for a single picture: {error.message.rstrip('.')}.")
    kind = getattr(errors, error.kind, CountcheckError)
    plain = isinstance(kind, type) and issubclass(kind, CountcheckError) and kind.__init__ is CountcheckError.__init__
    return kind(error.message) if plain else CountcheckError(error.message)
