"""Targets, prompts and suites as types."""

from dataclasses import replace

import pytest

from countcheck.suites.suite import Prompt, Relation, Suite, Target

PIGS = Target(noun="pig", count=3)
SUITE = Suite(name="pigs", prompts=(Prompt(id="a", text="three pigs", targets=(PIGS,)),))


@pytest.mark.parametrize(
    ("target", "holding", "failing"),
    [
        (PIGS, {"pig": 3}, {"pig": 2.5}),
        (Target(noun="pig", relation=Relation.NONE), {"pig": 0}, {"pig": 1}),
        (Target(noun="pig", relation=Relation.AT_LEAST, count=2), {"pig": 2}, {"pig": 1}),
        (Target(noun="pig", relation=Relation.AT_MOST, count=2), {"pig": 2}, {"pig": 3}),
        (Target(noun="pig", relation=Relation.BETWEEN, count=2, upper=4), {"pig": 4}, {"pig": 5}),
        (Target(noun="pig", relation=Relation.MORE_THAN, other="dog"), {"pig": 2, "dog": 1}, {"pig": 1, "dog": 1}),
        (Target(noun="pig", relation=Relation.AS_MANY_AS, other="dog"), {"pig": 1, "dog": 1}, {"pig": 2, "dog": 1}),
    ],
)
def test_targets_hold_or_do_not(target, holding, failing):
    assert target.holds(holding)
    assert not target.holds(failing)


def test_a_noun_that_was_not_counted_is_never_judged():
    with pytest.raises(KeyError):
        PIGS.holds({"dog": 3})


def test_the_digest_covers_what_is_asked_and_nothing_else():
    prompt = SUITE.prompts[0]
    same = replace(SUITE, description="other", source="x", prompts=(replace(prompt, not_understood=("3 dog",)),))
    assert same.digest == SUITE.digest
    for change in ({"text": "four pigs"}, {"id": "b"}, {"benign": False}, {"tags": {"a": "b"}}, {"targets": ()}):
        assert replace(SUITE, prompts=(replace(prompt, **change),)).digest != SUITE.digest


def test_prompts_not_understood_are_listed():
    prompts = (*SUITE.prompts, Prompt(id="b", text="3 dog", not_understood=("3 dog",)))
    assert [prompt.id for prompt in replace(SUITE, prompts=prompts).not_understood] == ["b"]
