"""How fast to ask: a limit on requests, pictures and requests under way that gives way when a provider says so.

Knows nothing of networks; the clock is passed in. Evenly spaced requests keep under any window a provider counts by.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# How far behind its schedule the pace may catch up, in seconds: late threads must not lower the rate.
_SLACK = 1.0
_DROP, _LEAST, _CLIMB = 0.7, 0.05, 0.02


class Pace:
    """When the next request may go out.

    Args:
        requests: Most requests a minute; 0 for no limit.
        pictures: Most pictures a minute; 0 for no limit.
        concurrency: Most requests under way at once, 1 or more.
        clock: Seconds, never going back.
    """

    def __init__(
        self,
        *,
        requests: float = 0,
        pictures: float = 0,
        concurrency: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = max(1, concurrency)
        self._limits = (requests, pictures)
        self._clock = clock
        self._ready = threading.Condition()
        self._next = [clock(), clock()]
        self._closed_until = 0.0
        self._under_way = 0
        self._allowed = float(self.most)
        self._share = 1.0
        self._lowered = float("-inf")

    @property
    def share(self) -> float:
        """How much of the limit is used now, 0 to 1: falls when the provider says it is too much, then climbs back."""
        return self._share

    @property
    def allowed(self) -> int:
        """How many requests may be under way now."""
        return max(1, int(self._allowed))

    def enter(self, *, pictures: int = 1, stopped: Callable[[], bool] = lambda: False) -> float | None:
        """Wait for a turn; seconds waited, or ``None`` when ``stopped`` came true first. Pair with `leave`."""
        began = self._clock()
        with self._ready:
            while not stopped():
                now = self._clock()
                wait = self._wait(now, pictures)
                if wait <= 0:
                    self._take(now, pictures)
                    return now - began
                self._ready.wait(min(wait, 0.5))
        return None

    def leave(self) -> None:
        """A request ended, well or badly."""
        with self._ready:
            self._under_way -= 1
            self._ready.notify_all()

    def went_well(self) -> None:
        """An answer came: climb back towards the limit."""
        with self._ready:
            self._share = min(1.0, self._share + _CLIMB)
            self._allowed = min(float(self.most), self._allowed + 1.0 / max(self._allowed, 1.0))

    def too_fast(self, *, sent: float, retry_after: float | None) -> None:
        """The provider said "too many": pause everybody as long as it asked, and go slower.

        ``sent`` is when that request went out (by the same clock): answers to requests sent before the last
        slowing-down say nothing new.
        """
        with self._ready:
            now = self._clock()
            if retry_after is not None:
                self._closed_until = max(self._closed_until, now + retry_after)
            if sent <= self._lowered:
                return
            self._lowered = now
            self._share = max(_LEAST, self._share * _DROP)
            self._allowed = max(1.0, self._allowed * _DROP)
            self._next = [max(at, now) for at in self._next]

    def wake(self) -> None:
        """Let everybody who waits look again, after a stop."""
        with self._ready:
            self._ready.notify_all()

    def now(self) -> float:
        """The time by this pace's clock."""
        return self._clock()

    def _wait(self, now: float, pictures: int) -> float:
        if self._under_way >= self.allowed:
            return 0.5
        wait = self._closed_until - now
        for limit, at in zip(self._limits, self._next, strict=True):
            if limit > 0:
                wait = max(wait, at - now)
        return wait

    def _take(self, now: float, pictures: int) -> None:
        self._under_way += 1
        for place, (limit, amount) in enumerate(zip(self._limits, (1, pictures), strict=True)):
            if limit > 0:
                step = 60.0 * amount / (limit * self._share)
                self._next[place] = max(self._next[place], now - _SLACK) + step
