from __future__ import annotations

import pytest

from countcheck.reports.format import (
    axis_mark,
    difference_text,
    estimate_text,
    money,
    number,
    p_value,
    quantity,
    seconds,
)
from countcheck.stats.intervals import cluster_ratio, wilson


def estimate(value, low=None, high=None):
    return {"value": value, "low": low, "high": high, "level": 0.95, "n": 10, "clusters": 5, "method": "test"}


@pytest.mark.parametrize(
    ("rate", "given", "value", "interval"),
    [
        ("exact_rate", estimate(0.624, 0.57, 0.68), "62\u00a0%", "57 to 68"),
        ("exact_rate", estimate(0.624, 0.61, 0.638), "62.4\u00a0%", "61.0 to 63.8"),
        ("refusal_rate", estimate(0.002, 0.0003, 0.05), "0.2\u00a0%", "0.0 to 5.0"),
        ("refusal_rate", estimate(0.0, 0.0, 0.0), "0\u00a0%", "0 to 0"),
        ("exact_rate", estimate(None), "–", ""),
        ("exact_rate", None, "–", ""),
        ("cost_per_exact", estimate(0.00702, 0.0056, 0.0091), "$0.0070", "0.0056 to 0.0091"),
        ("cost_per_exact", estimate(None, 0.5), "over $0.50", ""),
        ("seconds_per_exact", estimate(2.13, 1.7, float("inf")), "2.1\u00a0s", "1.7 to ∞"),
        ("mean_abs_error", estimate(0.5, 0.25, 1.125), "0.50", "0.25 to 1.12"),
        ("knower_level", estimate(4.0, 3.0, 5.0), "4", "3 to 5"),
    ],
)
def test_an_estimate_is_written_in_the_unit_of_its_rate(rate, given, value, interval):
    text = estimate_text(rate, given)
    assert (text.value, text.interval) == (value, interval)


def test_a_terminal_gets_brackets_and_prose_gets_words():
    text = estimate_text("exact_rate", wilson(61, 100))
    assert text.bracketed == "61 % [51, 70]"
    assert str(text) == "61\u00a0% (51 to 70)"
    assert estimate_text("exact_rate", None).bracketed == str(estimate_text("exact_rate", None)) == "–"


@pytest.mark.parametrize(
    ("rate", "given", "bracketed"),
    [
        ("exact_rate", estimate(-0.12, -0.18, 0.06), "−12 [−18, +6]"),
        ("exact_rate", estimate(-0.012, -0.06, 0.036), "−1.2 [−6.0, +3.6]"),
        ("exact_rate", estimate(-0.0001, -0.09, 0.09), "+0.0 [−9.0, +9.0]"),
        ("mean_abs_error", estimate(0.5, -0.25, 1.25), "+0.50 [−0.25, +1.25]"),
        ("exact_rate", estimate(None), "–"),
    ],
)
def test_a_difference_carries_its_sign(rate, given, bracketed):
    assert difference_text(rate, given).bracketed == bracketed


def test_an_interval_is_drawn_on_an_axis():
    assert axis_mark(wilson(5, 10), 10) == "··├──●─┤··"
    assert len(axis_mark(wilson(1, 9), 20)) == 20
    assert axis_mark(None, 4) == "    "


@pytest.mark.parametrize(("value", "text"), [(0.0071, "$0.0071"), (1.2, "$1.20"), (1234.0, "$1,234"), (0.0, "$0.00")])
def test_money(value, text):
    assert money(value) == text


def test_durations_numbers_and_quantities():
    assert (seconds(0.41), seconds(12.3), seconds(130)) == ("0.41\u00a0s", "12\u00a0s", "2\u00a0min 10\u00a0s")
    assert number(12345) == "12\u202f345"
    assert (quantity(1, "try", "tries"), quantity(2, "try", "tries")) == ("1 try", "2 tries")


@pytest.mark.parametrize(("value", "text"), [(0.0001, "<0.001"), (0.004, "0.004"), (0.25, "0.25"), (None, "–")])
def test_p_values(value, text):
    assert p_value(value) == text


def test_an_estimate_of_too_few_prompts_is_not_shown_as_a_number():
    found = cluster_ratio([0.0003, 3.1], [1, 40], 41)
    assert estimate_text("cost_per_exact", found).bracketed == "too few to say"
    assert str(estimate_text("cost_per_exact", found.to_json())) == "too few to say"
