"""Ctrl-C: the first asks the run to end cleanly, the second ends it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from countcheck.cli.output import say


class Stopping(threading.Event):
    """Set when the run should end; ``interrupted`` tells whether a person asked for it."""

    interrupted = False


@contextmanager
def stopping_on_interrupt() -> Iterator[Stopping]:
    """An event that Ctrl-C (or SIGTERM) sets; the handlers are put back afterwards."""
    stopping = Stopping()

    def stop(number: int, frame: FrameType | None) -> None:
        if stopping.interrupted:
            raise KeyboardInterrupt
        stopping.interrupted = True
        stopping.set()
        say("stopping after what is under way; again to stop at once")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
