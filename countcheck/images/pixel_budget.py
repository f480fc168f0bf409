"""A limit on the pixels that are decoded at the same time: sixteen small files may hold sixteen huge pictures."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class PixelBudget:
    """Let threads decode pictures together while their pixels fit, and one after another where they do not.

    A picture larger than the whole budget is decoded alone.

    Args:
        limit: Width times height of all pictures that are decoded at the same time.

    >>> budget = PixelBudget(100)
    >>> with budget.reserve(80):
    ...     budget.used
    80
    >>> budget.used
    0
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._freed = threading.Condition()

    @contextlib.contextmanager
    def reserve(self, pixels: int) -> Iterator[None]:
        """Wait until the pixels fit beside those of other threads, and hold them until the end of the block."""
        with self._freed:
            self._freed.wait_for(lambda: self.used == 0 or self.used + pixels <= self.limit)
            self.used += pixels
        try:
            yield
        finally:
            with self._freed:
                self.used -= pixels
                self._freed.notify_all()
