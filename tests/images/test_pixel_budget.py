"""Pixels of all threads together stay within the budget."""

from __future__ import annotations

import threading

import pytest

from countcheck.images.pixel_budget import PixelBudget


def test_threads_together_stay_within_the_budget():
    budget, most, lock = PixelBudget(100), [0], threading.Lock()

    def decode(pixels):
        for _ in range(50):
            with budget.reserve(pixels), lock:
                most[0] = max(most[0], budget.used)

    threads = [threading.Thread(target=decode, args=(pixels,)) for pixels in (60, 60, 30, 30, 90)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert 0 < most[0] <= 100 and budget.used == 0


def test_a_picture_larger_than_the_budget_is_decoded_alone():
    budget = PixelBudget(100)
    order = []
    with budget.reserve(60):
        thread = threading.Thread(target=lambda: _record(budget, order))
        thread.start()
        order.append("first")
    thread.join(30)
    assert order == ["first", 500]


def _record(budget, order):
    with budget.reserve(500):
        order.append(budget.used)


def test_what_fails_gives_its_pixels_back():
    budget = PixelBudget(100)
    with pytest.raises(ValueError), budget.reserve(100):
        raise ValueError
    assert budget.used == 0
