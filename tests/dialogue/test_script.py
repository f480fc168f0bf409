"""What to say next: scripted turns, repairs and their words."""

from __future__ import annotations

import pytest

from countcheck.counting.verdict import Kind
from countcheck.dialogue.script import REPAIRS, TurnResult, first_step, next_step, seen_words, wanted_words
from countcheck.suites.suite import Conversation, Relation, Target, Turn

THREE = (Target(noun="pig", count=3),)


def talk(repairs=2, on_refusal="continue", turns=3):
    says = ("Three pigs.", "Noir.", "Rain.")[:turns]
    return Conversation(
        id="t", turns=tuple(Turn(say=s, targets=THREE) for s in says), repairs=repairs, on_refusal=on_refusal
    )


def after(step, ended="picture", kind=Kind.EXACT, pigs=3, seed=0, **settings):
    return next_step(talk(**settings), step, TurnResult(outcome=ended, verdict=kind, counted={"pig": pigs}), seed=seed)


START = first_step(talk())


def test_a_right_picture_is_followed_by_the_next_turn():
    step = after(START)
    assert (step.script, step.repair, step.text) == (1, 0, "Noir.")


def test_a_wrong_picture_is_complained_about_with_both_numbers_at_hand():
    step = after(START, kind=Kind.OVER, pigs=4)
    assert (step.script, step.repair) == (0, 1)
    assert "three" in step.text.lower()
    assert set(step.wording) == {"tone", "explicitness"}


def test_repairs_end():
    step = after(START, kind=Kind.OVER, pigs=4)
    step = after(step, kind=Kind.OVER, pigs=4)
    assert (step.script, step.repair) == (0, 2)
    step = after(step, kind=Kind.UNDER, pigs=2)
    assert (step.script, step.repair) == (1, 0)


def test_an_uncertain_picture_is_not_complained_about():
    assert after(START, kind=Kind.UNCERTAIN).script == 1


def test_the_last_turn_ends_the_conversation():
    assert after(first_step(talk(turns=1)), turns=1) is None


def test_a_failure_ends_the_conversation():
    assert after(START, ended="failure", kind=None) is None


@pytest.mark.parametrize(
    ("policy", "goes_on", "rewinds"), [("continue", True, False), ("rewind", True, True), ("stop", False, False)]
)
def test_a_refusal_is_answered_as_the_suite_says(policy, goes_on, rewinds):
    step = after(START, ended="refusal", kind=None, on_refusal=policy)
    assert (step is not None) == goes_on
    assert step is None or (step.script, step.rewind) == (1, rewinds)


def test_repairs_are_seeded_and_differ_within_a_turn():
    first = {after(START, kind=Kind.OVER, pigs=5, seed=seed).text for seed in range(60)}
    assert len(first) > len(REPAIRS) // 2
    again = after(START, kind=Kind.OVER, pigs=5, seed=7)
    assert again == after(START, kind=Kind.OVER, pigs=5, seed=7)
    assert after(again, kind=Kind.OVER, pigs=5, seed=7).text != again.text


def test_every_template_names_what_is_wanted():
    texts = {after(START, kind=Kind.UNDER, pigs=2, seed=seed).text for seed in range(400)}
    assert len(texts) == len(REPAIRS)
    assert all("three" in text.lower() for text in texts)
    assert any("not two, not four" in text.lower() for text in texts)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target(noun="pig", count=3), "exactly three pigs"),
        (Target(noun="pig", count=1), "exactly one pig"),
        (Target(noun="wolf", relation=Relation.NONE), "no wolves"),
        (Target(noun="sheep", relation=Relation.AT_LEAST, count=2), "at least two sheep"),
        (Target(noun="dog", relation=Relation.BETWEEN, count=3, upper=5), "between three and five dogs"),
        (Target(noun="cat", relation=Relation.MORE_THAN, other="dog"), "more cats than dogs"),
        (Target(noun="cat", relation=Relation.AS_MANY_AS, other="dog"), "as many cats as dogs"),
    ],
)
def test_what_is_wanted_in_words(target, words):
    assert wanted_words(target) == words


def test_what_is_seen_in_words():
    assert seen_words(THREE[0], {"pig": 1}) == "there is one pig"
    assert seen_words(THREE[0], {"pig": 0}) == "there are no pigs"
    both = Target(noun="cat", relation=Relation.MORE_THAN, other="dog")
    assert seen_words(both, {"cat": 2, "dog": 4}) == "there are two cats and four dogs"


def repairs_of(target, counted, seeds=120):
    """What is said of one wrong picture, over many seeds."""
    conversation = Conversation(id="t", turns=(Turn(say="Go.", targets=(target,)),), repairs=1)
    result = TurnResult(outcome="picture", verdict=Kind.UNDER, counted=counted)
    return {next_step(conversation, first_step(conversation), result, seed=seed).text for seed in range(seeds)}


@pytest.mark.parametrize(
    ("target", "counted", "contrast"),
    [
        (Target(noun="pig", count=3), {"pig": 0}, "exactly three pigs, not zero"),
        (Target(noun="pig", count=1), {"pig": 0}, "exactly one pig, not zero, not two"),
        (Target(noun="pig", relation=Relation.AT_LEAST, count=2), {"pig": 0}, "at least two pigs, not zero"),
        (Target(noun="wolf", relation=Relation.NONE), {"wolf": 2}, "no wolves, not two"),
        (
            Target(noun="cat", relation=Relation.MORE_THAN, other="dog"),
            {"cat": 0, "dog": 4},
            "more cats than dogs, not zero cats and four dogs",
        ),
    ],
)
def test_a_repair_never_says_not_no(target, counted, contrast):
    said = repairs_of(target, counted)
    assert len(said) == len(REPAIRS)
    assert any(contrast in text for text in said)
    assert not [text for text in said if "not no" in text.lower()]


def test_a_picture_that_is_wrong_though_its_counts_hold_is_complained_about_without_numbers():
    said = repairs_of(Target(noun="pig", count=3), {"pig": 3})
    assert said == {
        template.format(wanted="exactly three pigs", Wanted="Exactly three pigs")
        for _, how, template in REPAIRS
        if how == "wanted"
    }
