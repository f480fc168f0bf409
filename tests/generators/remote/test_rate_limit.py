"""How fast to ask, by a clock of the test's own."""

from __future__ import annotations

import threading

import pytest

from countcheck.generators.remote.rate_limit import Pace


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def wait_for(pace, pictures=1):
    """Seconds until the next turn would come."""
    return max(0.0, pace._wait(pace.now(), pictures))


def take(pace, clock, pictures=1):
    clock.now += wait_for(pace, pictures)
    pace._take(clock.now, pictures)
    pace.leave()


def test_requests_are_spaced_evenly_at_the_limit():
    clock = Clock()
    pace = Pace(requests=600, concurrency=50, clock=clock)
    for _ in range(601):
        take(pace, clock)
    assert clock.now - 100.0 == pytest.approx(60.0, abs=0.2)


def test_pictures_have_a_limit_of_their_own():
    clock = Clock()
    pace = Pace(requests=600, pictures=60, concurrency=50, clock=clock)
    for _ in range(11):
        take(pace, clock, pictures=4)
    assert clock.now - 100.0 == pytest.approx(40.0, abs=0.2)


def test_no_limit_is_no_wait():
    clock = Clock()
    pace = Pace(concurrency=50, clock=clock)
    assert wait_for(pace) == 0.0


def test_too_many_requests_pause_everybody_and_slow_down():
    clock = Clock()
    pace = Pace(requests=600, concurrency=10, clock=clock)
    pace.too_fast(sent=clock.now - 1, retry_after=7.0)
    assert wait_for(pace) == 7.0
    assert (pace.share, pace.allowed) == (pytest.approx(0.7), 7)


def test_answers_to_older_requests_say_nothing_new():
    clock = Clock()
    pace = Pace(requests=600, concurrency=10, clock=clock)
    sent = clock.now
    for _ in range(5):
        pace.too_fast(sent=sent, retry_after=None)
    assert pace.share == pytest.approx(0.7)
    clock.now += 5
    pace.too_fast(sent=clock.now - 1, retry_after=None)
    assert pace.share == pytest.approx(0.49)


def test_good_answers_climb_back_to_the_limit():
    clock = Clock()
    pace = Pace(requests=600, concurrency=10, clock=clock)
    pace.too_fast(sent=clock.now, retry_after=None)
    for _ in range(100):
        pace.went_well()
    assert (pace.share, pace.allowed) == (1.0, 10)


def test_a_stop_ends_the_wait():
    pace = Pace(concurrency=1)
    assert pace.enter() is not None
    stopped = threading.Event()
    found = []
    waiting = threading.Thread(target=lambda: found.append(pace.enter(stopped=stopped.is_set)))
    waiting.start()
    stopped.set()
    pace.wake()
    waiting.join(timeout=5)
    assert found == [None]
