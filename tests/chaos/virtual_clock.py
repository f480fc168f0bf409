"""A clock for a whole process that runs faster than the real one, waits included."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from countcheck.generators.remote.rate_limit import RateLimiter


@contextmanager
def faster(speed: float) -> Iterator[None]:
    """Make every second of this process last 1/speed of a second, for clocks, sleeps and waits with a timeout."""
    began, monotonic, wall, sleep, wait = (
        time.monotonic(),
        time.monotonic,
        time.time,
        time.sleep,
        threading.Condition.wait,
    )
    began_at = wall()

    def fast_monotonic() -> float:
        return began + (monotonic() - began) * speed

    def fast_wall() -> float:
        return began_at + (wall() - began_at) * speed

    def fast_wait(condition: threading.Condition, timeout: float | None = None) -> bool:
        return wait(condition, None if timeout is None else timeout / speed)

    with (
        mock.patch.object(time, "monotonic", fast_monotonic),
        mock.patch.object(time, "time", fast_wall),
        mock.patch.object(time, "sleep", lambda seconds: sleep(seconds / speed)),
        mock.patch.object(threading.Condition, "wait", fast_wait),
        mock.patch.dict(RateLimiter.__init__.__kwdefaults__, clock=fast_monotonic),
    ):
        yield
