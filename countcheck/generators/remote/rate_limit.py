"""Limit requests per minute, pictures per minute and requests in progress, and slow down when a provider asks for it.

Knows nothing of networks. The clock is an argument. Requests spaced evenly stay under any window a provider counts by.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# How far behind its schedule the limiter may catch up, in seconds: late threads must not lower the rate.
_SLACK = 1.0
# Factor and floor of a slow-down, and how much of the limit one good answer recovers; shares of the limit, 0 to 1.
_DROP, _MIN_SHARE, _CLIMB = 0.7, 0.05, 0.02
_LOOK_AGAIN = 0.5  # seconds after which a waiting thread looks whether it is stopped


class RateLimiter:
    """Decide when the next request may go out.

    Args:
        requests: Largest number of requests a minute; 0 for no limit.
        pictures: Largest number of pictures a minute; 0 for no limit.
        concurrency: Largest number of requests in progress at once, 1 or more.
        clock: Returns seconds and never goes back.

    >>> limiter = RateLimiter(requests=60, clock=lambda: 0.0)
    >>> limiter.wait_needed()
    0.0
    """

    def __init__(
        self,
        *,
        requests: float = 0,
        pictures: float = 0,
        concurrency: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.concurrency = max(1, concurrency)
        self._limits = (requests, pictures)
        self._clock = clock
        self._ready = threading.Condition()
        self._next = [clock(), clock()]
        self._paused_until = 0.0
        self._in_progress = 0
        self._allowed = float(self.concurrency)
        self._share = 1.0
        self._slowed_at = float("-inf")

    @property
    def share(self) -> float:
        """Return the share of the limit in use, 0 to 1. It falls when the provider asks for it, then climbs back."""
        return self._share

    @property
    def allowed(self) -> int:
        """Return how many requests may be in progress now, 1 or more."""
        return max(1, int(self._allowed))

    def wait_needed(self) -> float:
        """Return the seconds until a request may go out, 0.0 or more; ``inf`` while too many are in progress."""
        with self._ready:
            return max(0.0, self._wait(self._clock()))

    def enter(self, *, pictures: int = 1, stopped: Callable[[], bool] = lambda: False) -> float | None:
        """Wait until a request may go out, and count it. Every `enter` that returns a number needs one `leave`.

        Args:
            pictures: How many pictures the request asks for.
            stopped: Looked at while waiting.

        Returns:
            The seconds waited, or ``None`` when ``stopped`` came true first.
        """
        began = self._clock()
        with self._ready:
            while not stopped():
                now = self._clock()
                wait = self._wait(now)
                if wait <= 0:
                    self._take(now, pictures)
                    return now - began
                self._ready.wait(min(wait, _LOOK_AGAIN))
        return None

    def leave(self) -> None:
        """Record that a request ended, well or badly."""
        with self._ready:
            self._in_progress -= 1
            self._ready.notify_all()

    def speed_up(self) -> None:
        """Record an answer: climb back towards the limit."""
        with self._ready:
            self._share = min(1.0, self._share + _CLIMB)
            self._allowed = min(float(self.concurrency), self._allowed + 1.0 / max(self._allowed, 1.0))

    def slow_down(self, *, sent: float, retry_after: float | None) -> bool:
        """Record that the provider said "too many": pause every request as long as it asked, then go slower.

        Args:
            sent: When the request went out, by the limiter's clock. Answers to requests that went out before the last
                slow-down say nothing new.
            retry_after: Seconds the provider asked to wait; ``None`` when it did not say.

        Returns:
            Whether the pause is longer than it was before by a second or more.
        """
        with self._ready:
            now = self._clock()
            longer = retry_after is not None and now + retry_after >= max(self._paused_until, now) + 1.0
            if retry_after is not None:
                self._paused_until = max(self._paused_until, now + retry_after)
            if sent <= self._slowed_at:
                return longer
            self._slowed_at = now
            self._share = max(_MIN_SHARE, self._share * _DROP)
            self._allowed = max(1.0, self._allowed * _DROP)
            self._next = [max(at, now) for at in self._next]
            return longer

    def wake(self) -> None:
        """Let every waiting thread look again, after a stop."""
        with self._ready:
            self._ready.notify_all()

    def now(self) -> float:
        """Return the time by the limiter's clock, in seconds."""
        return self._clock()

    def _wait(self, now: float) -> float:
        if self._in_progress >= self.allowed:
            return float("inf")
        wait = self._paused_until - now
        for limit, at in zip(self._limits, self._next, strict=True):
            if limit > 0:
                wait = max(wait, at - now)
        return wait

    def _take(self, now: float, pictures: int) -> None:
        self._in_progress += 1
        for place, (limit, amount) in enumerate(zip(self._limits, (1, pictures), strict=True)):
            if limit > 0:
                step = 60.0 * amount / (limit * self._share)
                self._next[place] = max(self._next[place], now - _SLACK) + step
