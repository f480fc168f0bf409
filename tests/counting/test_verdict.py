"""Asked against counted: every verdict, in a table."""

from __future__ import annotations

import pytest

from countcheck.counting.counts import Count
from countcheck.counting.verdict import Kind, judge
from countcheck.suites.suite import Relation, Target


def pigs(n, relation=Relation.EXACTLY, **more):
    return Target(noun="pig", relation=relation, count=n, **more)


WOLF = Target(noun="wolf", count=1)
NO_WOLF = Target(noun="wolf", relation=Relation.NONE)
MORE = Target(noun="pig", relation=Relation.MORE_THAN, other="wolf")
AS_MANY = Target(noun="pig", relation=Relation.AS_MANY_AS, other="wolf")


def counted(low=None, high=None, **counts):
    return Count(counts=counts, low=low or counts, high=high or counts)


@pytest.mark.parametrize(
    ("targets", "counts", "kind"),
    [
        ([pigs(3)], {"pig": 3}, Kind.EXACT),
        ([pigs(3)], {"pig": 4}, Kind.OVER),
        ([pigs(3)], {"pig": 2}, Kind.UNDER),
        ([pigs(3)], {"pig": 0}, Kind.MISSING),
        ([pigs(0)], {"pig": 0}, Kind.EXACT),
        ([pigs(0)], {"pig": 1}, Kind.OVER),
        ([NO_WOLF], {"wolf": 0}, Kind.EXACT),
        ([NO_WOLF], {"wolf": 2}, Kind.OVER),
        ([pigs(2, Relation.AT_LEAST)], {"pig": 5}, Kind.EXACT),
        ([pigs(2, Relation.AT_LEAST)], {"pig": 1}, Kind.UNDER),
        ([pigs(2, Relation.AT_MOST)], {"pig": 0}, Kind.EXACT),
        ([pigs(2, Relation.AT_MOST)], {"pig": 3}, Kind.OVER),
        ([pigs(2, Relation.BETWEEN, upper=4)], {"pig": 4}, Kind.EXACT),
        ([pigs(2, Relation.BETWEEN, upper=4)], {"pig": 5}, Kind.OVER),
        ([pigs(2, Relation.BETWEEN, upper=4)], {"pig": 1}, Kind.UNDER),
        ([MORE], {"pig": 2, "wolf": 1}, Kind.EXACT),
        ([MORE], {"pig": 1, "wolf": 1}, Kind.UNDER),
        ([MORE], {"pig": 0, "wolf": 1}, Kind.MISSING),
        ([AS_MANY], {"pig": 0, "wolf": 0}, Kind.EXACT),
        ([AS_MANY], {"pig": 3, "wolf": 1}, Kind.OVER),
        ([AS_MANY], {"pig": 1, "wolf": 3}, Kind.UNDER),
        ([pigs(3), WOLF], {"pig": 3, "wolf": 1}, Kind.EXACT),
        ([pigs(3), WOLF], {"pig": 0, "wolf": 1}, Kind.MISSING),
        ([pigs(3), WOLF], {"pig": 4, "wolf": 2}, Kind.OVER),
        ([pigs(3), WOLF], {"pig": 4, "wolf": 0}, Kind.MIXED),
        ([pigs(3), WOLF], {"pig": 2, "wolf": 2}, Kind.MIXED),
        ([], {}, Kind.EXACT),
    ],
)
def test_verdicts(targets, counts, kind):
    assert judge(targets, counted(**counts)).kind is kind


def test_the_reason_names_only_what_failed():
    reason = judge([pigs(3), WOLF], counted(pig=4, wolf=1)).reason
    assert reason == "asked for exactly 3 pig, counted 4 pig"


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [(3, 3, Kind.EXACT), (2, 3, Kind.UNCERTAIN), (3, 4, Kind.UNCERTAIN)],
)
def test_exactness_that_flips_within_the_margin_is_uncertain(low, high, kind):
    verdict = judge([pigs(3)], counted(pig=3, low={"pig": low}, high={"pig": high}))
    assert verdict.kind is kind
    assert verdict.leaning is Kind.EXACT


def test_a_wrong_count_that_stays_wrong_is_not_uncertain():
    assert judge([pigs(3)], counted(pig=6, low={"pig": 5}, high={"pig": 8})).kind is Kind.OVER


def test_a_wrong_count_that_might_be_right_is_uncertain_and_leans():
    verdict = judge([pigs(3)], counted(pig=4, low={"pig": 3}, high={"pig": 4}))
    assert (verdict.kind, verdict.leaning) == (Kind.UNCERTAIN, Kind.OVER)


def test_two_nouns_that_agree_only_by_chance_of_the_margin_are_uncertain():
    count = counted(pig=2, wolf=2, low={"pig": 2, "wolf": 1}, high={"pig": 2, "wolf": 2})
    assert judge([AS_MANY], count).kind is Kind.UNCERTAIN


def test_an_uncounted_noun_is_never_judged():
    with pytest.raises(KeyError):
        judge([pigs(3)], counted(wolf=3))
