"""Signals end a run cleanly, the second one at once."""

import os
import signal

import pytest

from countcheck.cli.interruption import stopping_on_interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_asks_and_the_second_ends(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), stopping_on_interrupt() as stopping:
        os.kill(os.getpid(), number)
        assert stopping.wait(5) and stopping.interrupted
        os.kill(os.getpid(), number)
        stopping.clear()
        stopping.wait(5)
    assert signal.getsignal(number) is before


def test_nothing_is_stopped_without_a_signal():
    with stopping_on_interrupt() as stopping:
        assert not stopping.is_set() and not stopping.interrupted
