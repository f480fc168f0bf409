"""When the next request may go out, by a clock of the test's own."""

from __future__ import annotations

import threading

import pytest

from countcheck.generators.remote.rate_limit import RateLimiter


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def make_request(limiter, clock, pictures=1):
    """Go to the time at which the next request may go out, and send it."""
    clock.now += limiter.wait_needed()
    assert limiter.enter(pictures=pictures) == 0.0
    limiter.leave()


def test_requests_are_spaced_evenly_at_the_limit():
    clock = Clock()
    limiter = RateLimiter(requests=600, concurrency=50, clock=clock)
    for _ in range(601):
        make_request(limiter, clock)
    assert clock.now - 100.0 == pytest.approx(60.0, abs=0.2)


def test_pictures_have_a_limit_of_their_own():
    clock = Clock()
    limiter = RateLimiter(requests=600, pictures=60, concurrency=50, clock=clock)
    for _ in range(11):
        make_request(limiter, clock, pictures=4)
    assert clock.now - 100.0 == pytest.approx(40.0, abs=0.2)


def test_no_limit_is_no_wait():
    clock = Clock()
    limiter = RateLimiter(concurrency=50, clock=clock)
    assert limiter.wait_needed() == 0.0


def test_too_many_requests_pause_everybody_and_slow_down():
    clock = Clock()
    limiter = RateLimiter(requests=600, concurrency=10, clock=clock)
    limiter.slow_down(sent=clock.now - 1, retry_after=7.0)
    assert limiter.wait_needed() == 7.0
    assert (limiter.share, limiter.allowed) == (pytest.approx(0.7), 7)


def test_answers_to_older_requests_say_nothing_new():
    clock = Clock()
    limiter = RateLimiter(requests=600, concurrency=10, clock=clock)
    sent = clock.now
    for _ in range(5):
        limiter.slow_down(sent=sent, retry_after=None)
    assert limiter.share == pytest.approx(0.7)
    clock.now += 5
    limiter.slow_down(sent=clock.now - 1, retry_after=None)
    assert limiter.share == pytest.approx(0.49)


def test_good_answers_climb_back_to_the_limit():
    clock = Clock()
    limiter = RateLimiter(requests=600, concurrency=10, clock=clock)
    limiter.slow_down(sent=clock.now, retry_after=None)
    for _ in range(100):
        limiter.speed_up()
    assert (limiter.share, limiter.allowed) == (1.0, 10)


def test_a_stop_ends_the_wait():
    limiter = RateLimiter(concurrency=1)
    assert limiter.enter() is not None
    stopped = threading.Event()
    waits = []
    waiting = threading.Thread(target=lambda: waits.append(limiter.enter(stopped=stopped.is_set)))
    waiting.start()
    stopped.set()
    limiter.wake()
    waiting.join(timeout=5)
    assert waits == [None]


def test_no_more_requests_are_in_progress_than_allowed():
    limiter = RateLimiter(concurrency=2, clock=Clock())
    assert [limiter.enter(), limiter.enter()] == [0.0, 0.0]
    assert limiter.wait_needed() == float("inf")
    limiter.leave()
    assert limiter.wait_needed() == 0.0


def test_a_request_for_several_pictures_uses_up_that_much_of_the_picture_limit():
    clock = Clock()
    limiter = RateLimiter(pictures=60, concurrency=4, clock=clock)
    make_request(limiter, clock, pictures=10)
    assert limiter.wait_needed() == pytest.approx(9.0, abs=1.01)
