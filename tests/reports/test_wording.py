from __future__ import annotations

import pytest

from countcheck.reports.safe_text import visible
from countcheck.reports.wording import estimate_words, money, number, points, seconds, several, wish
from countcheck.suites.suite import Relation, Target


def estimate(value, low=None, high=None):
    return {"value": value, "low": low, "high": high, "level": 0.95, "n": 10, "clusters": 5, "method": "test"}


@pytest.mark.parametrize(
    ("rate", "given", "words"),
    [
        ("exact_rate", estimate(0.624, 0.57, 0.68), ("62\u00a0%", "57 to 68")),
        ("exact_rate", estimate(0.624, 0.61, 0.638), ("62.4\u00a0%", "61.0 to 63.8")),
        ("exact_rate", estimate(None), ("–", "")),
        ("exact_rate", None, ("–", "")),
        ("cost_per_exact", estimate(0.00702, 0.0056, 0.0091), ("$0.0070", "0.0056 to 0.0091")),
        ("seconds_per_exact", estimate(2.13, 1.7, float("inf")), ("2.1\u00a0s", "1.7 to ∞")),
        ("knower_level", estimate(4.0, 3.0, 5.0), ("4", "3 to 5")),
    ],
)
def test_an_estimate_in_words(rate, given, words):
    assert estimate_words(rate, given) == words


def test_a_difference_carries_its_sign():
    assert points(estimate(-0.12, -0.18, 0.06)) == ("−12.0", "−18.0 to +6.0")


def test_control_and_direction_marks_become_visible():
    assert visible("a\u202eb\x00c\x1b[31m\ud800") == "a⟨U+202E⟩b\u2400c\u241b[31m\ufffd"


def test_long_text_is_cut():
    assert visible("x" * 10_000, 20) == "x" * 19 + "…"


@pytest.mark.parametrize(("value", "words"), [(0.0071, "$0.0071"), (1.2, "$1.20"), (1234.0, "$1,234"), (0.0, "$0.00")])
def test_money(value, words):
    assert money(value) == words


def test_durations_and_numbers():
    assert (seconds(0.41), seconds(12.3), seconds(130)) == ("0.41\u00a0s", "12\u00a0s", "2\u00a0min 10\u00a0s")
    assert (number(12345), several(1, "try", "tries"), several(2, "try", "tries")) == (
        "12\u202f345",
        "1 try",
        "2 tries",
    )


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target(noun="wolf", count=3), "exactly 3\u00a0wolves"),
        (Target(noun="pig", count=1), "exactly 1\u00a0pig"),
        (Target(noun="pig", relation=Relation.AT_LEAST, count=2), "at least 2\u00a0pigs"),
        (Target(noun="egg", relation=Relation.BETWEEN, count=3, upper=5), "between 3 and 5\u00a0eggs"),
        (Target(noun="dog", relation=Relation.NONE), "no dogs"),
        (Target(noun="cat", relation=Relation.MORE_THAN, other="dog"), "more cats than dogs"),
        (Target(noun="cat", relation=Relation.AS_MANY_AS, other="sheep"), "as many cats as sheep"),
    ],
)
def test_what_was_asked_is_said_in_grammar(target, words):
    assert wish(target) == words
