"""Rates of one generator from its columns; the rates themselves are tested in test_summary.py."""

import numpy as np
import pytest
from verdict_rows import row, rows

from countcheck.errors import UnknownName
from countcheck.metrics.columns import columns_of
from countcheck.metrics.estimate_rates import (
    confusion_matrix,
    error_sizes,
    estimate_costs,
    estimate_rates,
    estimate_share,
    knower_level,
)


def test_a_share_of_chosen_samples_is_that_of_their_rows():
    columns = columns_of(rows("ee eu uu rr"))
    chosen = np.array([True] * 4 + [False] * 4)
    assert estimate_share(columns.samples, "exact_rate", chosen=chosen).value == 0.75
    assert estimate_rates(columns, rows=np.arange(4))["exact_rate"] == estimate_share(
        columns.samples, "exact_rate", chosen=chosen
    )


def test_a_mean_is_no_share():
    with pytest.raises(UnknownName):
        estimate_share(columns_of(rows("e")).samples, "mean_abs_error")


def test_errors_are_absolute_and_of_asked():
    columns = columns_of(
        [row("o", asked=4, counted=6), row("m", "q", asked=2, counted=0), row("o", "z", asked=0, counted=1)]
    )
    assert error_sizes(columns, "mean_abs_error")[1].tolist() == [2, 2, 1]
    assert error_sizes(columns, "weighted_error")[1].tolist() == [0.5, 1]


def test_costs_need_every_price():
    assert set(estimate_costs(columns_of(rows("e e")))) == {"seconds_per_exact"}
    assert estimate_costs(columns_of([row("e", seconds=0.0)])) == {}


def test_no_number_asked_gives_no_knower_level():
    assert knower_level(columns_of([row("e", asked={})])).value is None


def test_asked_against_counted():
    columns = columns_of([row("e", asked=2), row("o", "q", asked=2), row("e", "z", asked=10)])
    assert confusion_matrix(columns) == {"2": {"2": 1, "3": 1}, "10": {"10": 1}}


def test_three_pictures_tell_no_knower_level():
    found = knower_level(columns_of([row("e", f"p{n}", asked=n) for n in (1, 3, 5)]))
    assert found.too_few and found.value is None and found.n == 3


def test_a_number_asked_twice_neither_raises_nor_ends_the_level():
    given = [row("e", f"{n}-{i}", asked=n) for n in (1, 2, 4) for i in range(20)]
    given += [row("u", f"3-{i}", asked=3) for i in range(2)]
    assert knower_level(columns_of(given)).value == 4
    given += [row("e", f"9-{i}", asked=9) for i in range(2)]
    assert knower_level(columns_of(given)).value == 4
