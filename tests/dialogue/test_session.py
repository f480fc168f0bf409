"""What to say next, and conversations held with generators made for the purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from PIL import Image

from countcheck.counting.verdict import Kind, Verdict
from countcheck.dialogue.session import (
    REPAIRS,
    Showing,
    first_step,
    next_step,
    run_conversation,
    seen_words,
    wanted_words,
)
from countcheck.errors import BadSettings
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Failure, Fault, Picture, Reason, Refusal
from countcheck.suites.samples import Recipe, plan
from countcheck.suites.suite import Conversation, Relation, Suite, Target, Turn

THREE = (Target(noun="pig", count=3),)
PIXELS = Image.new("RGB", (8, 8))


def talk(repairs=2, on_refusal="continue", turns=3):
    says = ("Three pigs.", "Noir.", "Rain.")[:turns]
    return Conversation(
        id="t", turns=tuple(Turn(say=s, targets=THREE) for s in says), repairs=repairs, on_refusal=on_refusal
    )


def after(step, ended="picture", kind=Kind.EXACT, pigs=3, seed=0, **settings):
    return next_step(talk(**settings), step, Showing(ended=ended, kind=kind, counted={"pig": pigs}), seed=seed)


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


@dataclass
class Found:
    verdict: Verdict | None
    counted: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)


def look(picture, turn):
    n = picture.extra["pigs"]
    kind = Kind.EXACT if n == 3 else Kind.OVER if n > 3 else Kind.UNDER
    return Found(Verdict(kind=kind, reason="", leaning=kind), {"pig": (n, n, n)})


class Scripted:
    """Answers with numbers of pigs, "refuse" or "fail", whether it speaks or edits."""

    name = "scripted"
    recipe = Recipe(name="scripted")

    def __init__(self, *answers, converses=True, edits=False):
        self.traits = Traits(converses=converses, edits=edits)
        self.answers = list(answers)
        self.said = []
        self.rewound = []

    def _answer(self, key, turn):
        answer = self.answers.pop(0)
        if answer == "refuse":
            return Refusal(key=key, turn=turn, reason=Reason.UNEXPLAINED, words="I can't create that.")
        if answer == "fail":
            return Failure(key=key, turn=turn, fault=Fault.TRANSIENT, message="gone.")
        return Picture(key=key, turn=turn, pixels=PIXELS, words="Here are three pigs!", extra={"pigs": answer})

    def generate(self, samples):
        for sample in samples:
            self.said.append(("new", sample.text))
            yield self._answer(sample.key, 0)

    def open(self, sample):
        self.sample = sample
        return self

    def say(self, text, turn, expected):
        self.said.append(text)
        return self._answer(self.sample.key, turn)

    def rewind(self):
        self.rewound.append(len(self.said))

    def edit(self, sample, pixels, instruction, turn, targets):
        self.said.append(("edit", instruction))
        return self._answer(sample.key, turn)


def held(generator, **settings):
    sample = next(iter(plan(Suite(name="s", conversations=(talk(**settings),)), generator.recipe)))
    return list(run_conversation(sample, generator, look))


def test_a_conversation_with_repairs_and_a_refusal():
    spoken = held(Scripted(4, 3, "refuse", 2, 2, 2))
    assert [(s.turn, s.step.script, s.step.repair) for s in spoken] == [
        (0, 0, 0),
        (1, 0, 1),
        (2, 1, 0),
        (3, 2, 0),
        (4, 2, 1),
        (5, 2, 2),
    ]
    assert [s.closes for s in spoken] == [False] * 5 + [True]
    assert [s.claims for s in spoken] == [True, True, False, True, True, True]
    assert [s.outcome.turn for s in spoken] == list(range(6))


def test_nothing_is_said_before_the_turn_before_is_taken():
    generator = Scripted(3, 3, 3)
    sample = next(iter(plan(Suite(name="s", conversations=(talk(),)), generator.recipe)))
    turns = run_conversation(sample, generator, look)
    next(turns)
    assert generator.said == ["Three pigs."]


def test_rewind_comes_before_the_next_thing_said():
    generator = Scripted(3, "refuse", 3)
    held(generator, on_refusal="rewind")
    assert generator.rewound == [2]


def test_a_failure_closes():
    spoken = held(Scripted(3, "fail"))
    assert [s.closes for s in spoken] == [False, True]


def test_an_editor_gets_its_last_picture_with_the_instruction():
    generator = Scripted("refuse", 3, 4, 3, converses=False, edits=True)
    spoken = held(generator)
    assert [kind for kind, _ in generator.said] == ["new", "new", "edit", "edit"]
    assert [s.outcome.turn for s in spoken] == [0, 1, 2, 3]


def test_one_that_can_do_neither_is_told_so():
    with pytest.raises(BadSettings, match="can neither converse nor edit"):
        held(Scripted(converses=False))
