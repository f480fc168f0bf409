"""Work through the parts of a large run in several processes, forked from this one: nothing of the run is read twice."""

from __future__ import annotations

import gc
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from countcheck.images.read_ahead import usable_cores

if TYPE_CHECKING:
    from countcheck.storage.picture_store import PictureStore

Part = TypeVar("Part")
_MAX_PROCESSES = 8


class OpenRun(Protocol):
    """An open run, as far as it decides whether other processes may read it."""

    @property
    def in_memory(self) -> bool:
        """Whether its ledger is read from a copy in memory."""
        ...

    @property
    def pictures(self) -> PictureStore:
        """Its picture files."""
        ...


def spare_processes(runs: Iterable[OpenRun]) -> int:
    """Return how many processes may read runs: one where a fork would take along what must not be shared."""
    alone = any(run.in_memory or run.pictures.url for run in runs) or threading.active_count() > 1
    return 1 if alone or sys.platform != "linux" else min(_MAX_PROCESSES, usable_cores())


def forked_map(compute: Callable[[int], Part], n: int, processes: int) -> Generator[Part]:
    """Yield what a function computes of 0 to n - 1, in order; in forked processes when there may be more than one.

    Args:
        compute: Any function, what it closes over included; what it returns travels back.
        n: How many parts there are.
        processes: How many compute at a time. Where one is killed, this process goes on alone.

    >>> list(forked_map(lambda part: part * part, 3, processes=2))
    [0, 1, 4]
    """
    done = 0
    if processes > 1:
        for part in _forked(compute, n, processes):
            yield part
            done += 1
    yield from map(compute, range(done, n))


def _forked(compute: Callable[[int], Part], n: int, processes: int) -> Iterator[Part]:
    """Yield parts as `forked_map` does, up to the end or until a process is killed."""
    import multiprocessing  # here, since a small run is summed up in less time than this takes
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    context = multiprocessing.get_context("fork")
    gc.freeze()  # a collector that walks through what is shared would copy it
    try:
        with (
            suppress(BrokenProcessPool),
            ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(compute,)) as pool,
        ):
            with warnings.catch_warnings():
                # Of threads that libraries started: none of them holds a lock that these processes need.
                warnings.simplefilter("ignore", DeprecationWarning)
                parts = pool.map(_part, range(n))
            yield from parts
    finally:
        gc.unfreeze()


_compute: Callable[[int], Any]  # of a forked process


def _begin(compute: Callable[[int], Any]) -> None:
    global _compute
    _compute = compute


def _part(number: int) -> Any:
    return _compute(number)
