"""Ctrl-C: the first ends the run cleanly, the second ends it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from countcheck.cli.output import note


class Stopping(threading.Event):
    """Set when the run should end; ``interrupted`` tells whether a person asked for it."""

    interrupted = False


@contextmanager
def stopping_on_interrupt() -> Iterator[Stopping]:
    """Give an event that Ctrl-C, SIGTERM or a closed terminal (SIGHUP) sets; restore the handlers afterwards.

    Raises:
        KeyboardInterrupt: At the second signal.
    """
    stopping = Stopping()

    def stop(number: int, frame: FrameType | None) -> None:
        """Set the event; raises KeyboardInterrupt at the second signal."""
        if stopping.interrupted:
            raise KeyboardInterrupt
        stopping.interrupted = True
        stopping.set()
        note("stopping after the requests in flight; press Ctrl-C again to stop at once")

    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):  # Windows has none
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
