"""Looking as often as one likes must not make false alarms."""

import numpy as np
import pytest

from countcheck.stats.anytime import anytime_bounds, anytime_difference, anytime_rate


def test_bounds_hold_at_every_look_at_once():
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(80):
        values = (rng.random(160) < 0.7).astype(float)
        looks = (anytime_bounds(values[:n]) for n in range(10, 161, 15))
        wrong += any(not low <= 0.7 <= high for low, high in looks)
    assert wrong <= 9  # at most 5 % are allowed; 9 of 80 would come by chance once in a hundred times


def test_bounds_close_in_on_the_mean():
    values = np.tile([1.0, 1.0, 0.0], 400)
    low, high = anytime_bounds(values)
    assert low < 2 / 3 < high and high - low < 0.12


@pytest.mark.parametrize("values", [np.zeros(30), np.ones(30)])
def test_values_that_never_vary_still_have_two_bounds(values):
    low, high = anytime_bounds(values)
    assert low <= values.mean() <= high and 0.1 < high - low < 0.4


def test_capital_does_not_depend_on_the_order():
    values = np.array([1, 0, 0.5, 1, 1, 0.25])
    assert anytime_bounds(values) == anytime_bounds(values[::-1])


def test_a_prompt_is_one_bet_whatever_its_repeats():
    assert anytime_rate([4, 0], [4, 4]).clusters == 2
    assert anytime_rate([], []).value is None
    assert anytime_difference([2, -2], [4, 4]).value == 0
