"""Correction by error rates, by hand."""

import pytest

from countcheck.stats.intervals import wilson
from countcheck.stats.rogan_gladen import rogan_gladen


def test_rogan_and_gladen_by_hand():
    found = rogan_gladen(wilson(400, 1000), (90, 100), (170, 200))
    assert found.value == pytest.approx((0.4 + 0.85 - 1) / (0.9 + 0.85 - 1))
    assert found.low < found.value < found.high


def test_rogan_and_gladen_with_a_perfect_counter_changes_nothing_much():
    found = rogan_gladen(wilson(400, 1000), (5000, 5000), (5000, 5000))
    assert (found.value, found.low, found.high) == pytest.approx((0.4, 0.370, 0.431), abs=2e-3)


def test_a_counter_that_tosses_coins_corrects_nothing():
    assert rogan_gladen(wilson(50, 100), (50, 100), (50, 100)).value is None
