"""Read things in threads ahead of their use, in order: decoders let go of the interpreter, so that all cores decode."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_MAX_THREADS = 16
_AHEAD = 4  # things that are read ahead for each thread


def usable_cores() -> int:
    """Return how many cores this process may use, 1 or more."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_ahead(
    items: Iterable[T],
    read: Callable[[T], R],
    *,
    threads: int | None = None,
    weight: Callable[[T], int] = lambda item: 0,
    most: int = 0,
    at_hand: Callable[[T], bool] = lambda item: False,
) -> Iterator[R]:
    """Yield ``read`` of each item, in order, computed in threads some items ahead.

    What ``read`` raises is raised at its item's turn. Items are taken as there is room to read them.

    Args:
        items: What to read.
        read: Reads one; runs in several threads at once.
        threads: How many; one for each core when left out, 2 to 16. Four items for each are read ahead.
        weight: Of an item, such as its pixels.
        most: Weight of all items read ahead; one is read even where it alone weighs more. 0: no bound.
        at_hand: Whether reading an item costs nothing, so that no thread is bothered with it.

    >>> list(read_ahead([3, 1, 2], lambda number: number * 10))
    [30, 10, 20]
    """
    threads = threads or min(_MAX_THREADS, max(2, usable_cores()))
    ahead: deque[tuple[int, Future[R]]] = deque()
    total = 0
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="read-ahead") as pool:
        try:
            for item in items:
                if not ahead and at_hand(item):
                    yield read(item)
                    continue
                weighs = weight(item)
                while ahead and (len(ahead) == _AHEAD * threads or (most and total + weighs > most)):
                    weighed, future = ahead.popleft()
                    total -= weighed
                    yield future.result()
                total += weighs
                ahead.append((weighs, _done(read, item) if at_hand(item) else pool.submit(read, item)))
            while ahead:
                yield ahead.popleft()[1].result()
        finally:
            for _, future in ahead:
                future.cancel()


def _done(read: Callable[[T], R], item: T) -> Future[R]:
    """Read at once, as if a thread had."""
    future: Future[R] = Future()
    try:
        future.set_result(read(item))
    except Exception as error:
        future.set_exception(error)
    return future
