"""One rate on two sides; what `compare` makes of them is tested in test_comparison.py."""

import pytest
from verdict_rows import row, rows, run_info

from countcheck.metrics.pairing import pair_up
from countcheck.metrics.rate_pairs import (
    corrected_pairs,
    error_pair,
    nouns_pair,
    paired_rates,
    share_pair,
    unpaired_rates,
)
from countcheck.metrics.sides import sides_of_run


def side(given):
    return sides_of_run(given, run_info())["g"]


def pairs_of(a, b):
    return pair_up(a.samples, b.samples)


def test_a_share_is_compared_over_the_pairs_chosen():
    a, b = side(rows("e u e u")), side(rows("e e u u"))
    pairs = pairs_of(a, b)
    assert share_pair(pairs, "exact_rate", 0.95).difference.value == 0
    found = share_pair(pairs, "exact_rate", 0.95, pairs.prompt < 2)
    assert (found.a.value, found.b.value, found.difference.value, found.test) == (0.5, 1.0, 0.5, "exact McNemar")


def test_a_mean_error_is_over_nouns_counted_on_both_sides():
    a = side([row("o", "p", asked=3, counted=5), row("r", "q", asked=3)])
    b = side([row("e", "p", asked=3, counted=3), row("o", "q", asked=3, counted=9)])
    found = error_pair(a.columns, b.columns, pairs_of(a, b), "mean_abs_error", 0.95)
    assert (found.a.value, found.b.value, found.difference.value) == (2.0, 0.0, -2.0)


def test_only_rates_of_scored_samples_pair():
    a, b = side(rows("e u r")), side(rows("e e e"))
    names = [name for name, _ in paired_rates(a, b, pairs_of(a, b), 0.95, 0)]
    assert "exact_rate" in names and "seconds_per_exact" in names
    assert not {"failure_rate", "lost_rate"} & set(names)
    assert {"failure_rate", "lost_rate"} <= {name for name, _ in unpaired_rates(a, b, 0.95)}


def test_a_cost_is_compared_and_never_tested():
    a, b = side(rows("e e")), side(rows("e u"))
    pair = dict(paired_rates(a, b, pairs_of(a, b), 0.95, 0))["seconds_per_exact"]
    assert (pair.difference.value, pair.p_value, pair.test) == (pytest.approx(2.0), None, "not tested")


def test_withheld_values_keep_their_denominators():
    a = side(rows("e u"))
    pair = share_pair(pairs_of(a, a), "exact_rate", 0.95).withheld("blind there")
    assert (pair.a.value, pair.a.method, pair.a.n, pair.p_value) == (None, "blind there", 2, None)


def test_without_labels_nothing_is_corrected():
    assert corrected_pairs(side(rows("e")), side(rows("e"))) == {}


def test_nouns_in_the_right_number_are_compared_over_the_same_nouns():
    a = side([row("e", "p", asked=3, counted=3), row("u", "q", asked=3, counted=2), row("e", "x")])
    b = side([row("u", "p", asked=3, counted=1), row("e", "q", asked=3, counted=3), row("f", "x")])
    pair = nouns_pair(a.columns, b.columns, pairs_of(a, b), 0.95)
    assert (pair.a.value, pair.b.value, pair.difference.value, pair.difference.n) == (0.5, 0.5, 0.0, 2)
    assert "entity_exact_rate" in dict(paired_rates(a, b, pairs_of(a, b), 0.95, 0))
    assert "entity_exact_rate" in dict(unpaired_rates(a, b, 0.95))
