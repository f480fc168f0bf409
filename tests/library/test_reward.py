"""Rewards for training."""

from __future__ import annotations

import pytest

import countcheck as cc
from countcheck.errors import BadSettings
from countcheck.library.reward import target_score
from countcheck.suites.suite import Relation, Target


@pytest.mark.parametrize(
    ("target", "counted", "score"),
    [
        (Target(noun="pig", count=4), 4, 1.0),
        (Target(noun="pig", count=4), 3, 0.75),
        (Target(noun="pig", count=4), 6, 0.5),
        (Target(noun="pig", count=4), 9, 0.0),
        (Target(noun="pig", count=1), 0, 0.0),
        (Target(noun="pig", count=0), 1, 0.0),
        (Target(noun="pig", relation=Relation.NONE), 0, 1.0),
        (Target(noun="pig", relation=Relation.NONE), 2, 0.0),
        (Target(noun="pig", relation=Relation.AT_LEAST, count=3), 7, 1.0),
        (Target(noun="pig", relation=Relation.AT_LEAST, count=4), 1, 0.25),
        (Target(noun="pig", relation=Relation.AT_MOST, count=4), 5, 0.75),
        (Target(noun="pig", relation=Relation.BETWEEN, count=2, upper=4), 3, 1.0),
        (Target(noun="pig", relation=Relation.BETWEEN, count=2, upper=4), 5, 0.75),
        (Target(noun="pig", relation=Relation.MORE_THAN, other="wolf"), 3, 1.0),
        (Target(noun="pig", relation=Relation.MORE_THAN, other="wolf"), 2, pytest.approx(2 / 3)),
        (Target(noun="pig", relation=Relation.AS_MANY_AS, other="wolf"), 1, 0.5),
    ],
)
def test_a_target_scores_by_its_distance(target, counted, score):
    assert target_score(target, {"pig": counted, "wolf": 2}) == score


@pytest.mark.parametrize("asked", range(6))
@pytest.mark.parametrize("relation", [Relation.EXACTLY, Relation.AT_LEAST, Relation.AT_MOST])
def test_the_score_never_rises_on_the_way_from_the_target(asked, relation):
    target = Target(noun="pig", relation=relation, count=asked)
    scores = [target_score(target, {"pig": n}) for n in range(20)]
    met = [n for n in range(20) if target.holds({"pig": n})]
    assert all(0 <= score <= 1 for score in scores)
    assert [n for n, score in enumerate(scores) if score == 1] == met
    assert scores[: met[0] + 1] == sorted(scores[: met[0] + 1])
    assert scores[met[-1] :] == sorted(scores[met[-1] :], reverse=True)


def test_strict_is_one_or_nothing_and_dense_is_the_mean_over_targets(drawn):
    images = [drawn(pig=3, wolf=1), drawn(pig=2, wolf=1)]
    assert cc.reward(images, {"pig": 3, "wolf": 1}, kind="strict") == [1.0, 0.0]
    assert cc.reward(images, {"pig": 3, "wolf": 1}) == [1.0, pytest.approx((2 / 3 + 1) / 2)]


def test_a_forbidden_thing_costs_its_whole_target(drawn):
    assert cc.reward(drawn(pig=2, wolf=1), {"pig": 2, "wolf": "none"}) == [0.5]


def test_nothing_to_say_is_none_and_never_zero(drawn):
    images = [drawn(pig=1), b"no picture", drawn(pig=1)]
    assert cc.reward(images, ["a village", "one pig", "three zeppelins"]) == [None, None, None]


def test_two_counters_pay_only_as_far_as_both_agree(drawn):
    image = drawn(pig=3)
    assert cc.reward(image, "three pigs", second_counter="tiny?threshold=0.999") == [0.0]
    assert cc.reward(image, "three pigs", second_counter="tiny") == [1.0]


def test_an_unknown_kind_is_refused():
    with pytest.raises(BadSettings, match="'harsh'"):
        cc.reward([], [], kind="harsh")
