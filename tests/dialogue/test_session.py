"""Conversations held with generators made for the purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from PIL import Image

from countcheck.counting.verdict import Kind, Verdict
from countcheck.dialogue.script import TurnResult
from countcheck.dialogue.session import (
    CUT_OFF,
    ConversationSession,
    ResumePoint,
    open_dialogue,
    run_conversation,
    turn_result,
)
from countcheck.errors import BadSettings
from countcheck.generators.base import Step, Traits
from countcheck.generators.outcome import Failure, Fault, Picture, Reason, Refusal
from countcheck.suites.samples import Recipe, plan
from countcheck.suites.suite import Conversation, Prompt, Suite, Target, Turn

THREE = (Target(noun="pig", count=3),)
PIXELS = Image.new("RGB", (8, 8))


def talk(repairs=2, on_refusal="continue"):
    turns = tuple(Turn(say=say, targets=THREE) for say in ("Three pigs.", "Noir.", "Rain."))
    return Conversation(id="t", turns=turns, repairs=repairs, on_refusal=on_refusal)


@dataclass
class Judgement:
    verdict: Verdict | None
    counted: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)


def judge(picture, turn):
    n = picture.extra["pigs"]
    kind = Kind.EXACT if n == 3 else Kind.OVER if n > 3 else Kind.UNDER
    return Judgement(Verdict(kind=kind, reason="", leaning=kind), {"pig": (n, n, n)})


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


def sample_of(generator, **settings):
    (sample,) = plan(Suite(name="s", conversations=(talk(**settings),)), generator.recipe)
    return sample


def held(generator, **settings):
    return list(run_conversation(sample_of(generator, **settings), generator, judge))


def test_a_conversation_with_repairs_and_a_refusal():
    turns = held(Scripted(4, 3, "refuse", 2, 2, 2))
    assert [(t.answer.turn, t.step.script, t.step.repair) for t in turns] == [
        (0, 0, 0),
        (1, 0, 1),
        (2, 1, 0),
        (3, 2, 0),
        (4, 2, 1),
        (5, 2, 2),
    ]
    assert [t.closes for t in turns] == [False] * 5 + [True]
    assert [t.outcome.turn for t in turns] == list(range(6))
    assert [t.judgement is not None for t in turns] == [True, True, False, True, True, True]


def test_nothing_is_said_before_the_turn_before_is_taken():
    generator = Scripted(3, 3, 3)
    turns = run_conversation(sample_of(generator), generator, judge)
    next(turns)
    assert generator.said == ["Three pigs."]


def test_rewind_comes_before_the_next_thing_said():
    generator = Scripted(3, "refuse", 3)
    held(generator, on_refusal="rewind")
    assert generator.rewound == [2]


def test_a_failure_closes():
    turns = held(Scripted(3, "fail"))
    assert [t.closes for t in turns] == [False, True]


def test_one_that_can_do_neither_is_told_so():
    with pytest.raises(BadSettings, match="can neither converse nor edit"):
        held(Scripted(converses=False))


def test_a_step_waits_for_the_judgement_of_the_step_before():
    generator = Scripted(4, 3, 3, 3)
    session = ConversationSession(sample_of(generator), generator)
    with pytest.raises(RuntimeError, match="call step"):
        session.conclude(None)
    answer = session.step()
    with pytest.raises(RuntimeError, match="conclude turn 0"):
        session.step()
    session.conclude(judge(answer.outcome, answer.expected))
    assert session.step().step.repair == 1
    assert len(generator.said) == 2


def test_a_closed_session_sends_nothing_more():
    generator = Scripted("fail")
    session = ConversationSession(sample_of(generator), generator)
    session.step()
    assert not session.closed
    session.conclude(None)
    assert session.closed
    with pytest.raises(RuntimeError, match="over"):
        session.step()


def test_a_prompt_is_no_conversation():
    generator = Scripted()
    (sample,) = plan(Suite(name="s", prompts=(Prompt(id="p", text="three pigs", targets=THREE),)), generator.recipe)
    with pytest.raises(TypeError, match="p is a prompt"):
        ConversationSession(sample, generator)


class Restoring(Scripted):
    """Remembers what was said as its state."""

    def state(self):
        return {"said": len(self.said)}

    def restore(self, state, picture):
        if state == "damaged":
            raise ValueError("no such turn")
        self.restored = state


def resume(unjudged=None, state=None, kind=Kind.OVER, pigs=4):
    return ResumePoint(
        turn=0,
        step=Step(script=0, repair=0, text="Three pigs."),
        result=TurnResult(outcome="picture", verdict=kind, counted={"pig": pigs}),
        unjudged=unjudged,
        state={"said": 1} if state is None else state,
        read_picture=lambda turn: PIXELS,
    )


def test_an_interrupted_conversation_continues_with_what_its_last_turn_calls_for():
    generator = Restoring(3, 3, 3)
    session = ConversationSession(sample_of(generator), generator, resume=resume())
    answer = session.step()
    assert generator.restored == {"said": 1}
    assert (answer.turn, answer.step.repair, answer.stored) == (1, 1, False)


def test_a_picture_not_judged_yet_is_judged_before_anything_is_sent():
    generator = Restoring(3)
    picture = Picture(key="k", pixels=PIXELS, extra={"pigs": 3})
    session = ConversationSession(sample_of(generator), generator, resume=resume(unjudged=picture, state={"said": 9}))
    answer = session.step()
    assert answer.stored and answer.outcome is picture and answer.state == {"said": 9}
    assert generator.said == []
    session.conclude(judge(answer.outcome, answer.expected))
    assert (session.step().turn, generator.said) == (1, ["Noir."])


@pytest.mark.parametrize(
    ("generator", "state", "why"),
    [
        (Scripted(), None, "keeps nothing to go on from"),
        (Restoring(), "damaged", "ValueError: no such turn"),
    ],
)
def test_a_conversation_that_cannot_be_restored_is_closed_without_sending_anything(generator, state, why):
    session = ConversationSession(sample_of(generator), generator, resume=resume(state=state))
    answer = session.step()
    session.conclude(None)
    assert (answer.turn, answer.outcome.code, generator.said) == (1, CUT_OFF, [])
    assert why in answer.outcome.message
    assert session.closed


def test_a_picture_without_countable_targets_has_no_verdict():
    picture = Picture(key="k", pixels=PIXELS)
    assert turn_result(picture, None) == TurnResult(outcome="picture")
    assert turn_result(picture, Judgement(None)) == TurnResult(outcome="picture")


def test_an_editing_generator_converses_by_edits():
    generator = Scripted(converses=False, edits=True)
    assert type(open_dialogue(generator, sample_of(generator))).__name__ == "EditingDialogue"
