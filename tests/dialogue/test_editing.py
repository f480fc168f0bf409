"""A conversation by edits: the first picture is generated, every later one is the last one changed."""

from __future__ import annotations

import numpy as np
import pytest

from countcheck.dialogue.editing import EditingDialogue
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Fault, Picture, Reason, Refusal
from countcheck.suites.samples import Recipe, plan
from countcheck.suites.suite import Conversation, Suite, Target, Turn

TURN = Turn(say="Three pigs.", targets=(Target(noun="pig", count=3),))


class Editor:
    """Answers from a list: a number is a picture of that brightness, ``None`` a refusal."""

    name = "editor"
    traits = Traits(edits=True)
    recipe = Recipe(name="editor")

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []

    def generate(self, samples):
        if not self.answers:
            return
        for sample in samples:
            self.calls.append(("generate", sample.asked.text))
            yield self._answer(sample.key, 0)

    def edit(self, sample, pixels, instruction, turn, targets):
        self.calls.append(("edit", instruction, int(pixels[0, 0, 0])))
        return self._answer(sample.key, turn)

    def _answer(self, key, turn):
        level = self.answers.pop(0)
        if level is None:
            return Refusal(key=key, turn=turn, reason=Reason.UNEXPLAINED)
        return Picture(key=key, turn=turn, pixels=np.full((2, 2, 3), level, np.uint8))


def dialogue_of(editor):
    (sample,) = plan(Suite(name="s", conversations=(Conversation(id="c", turns=(TURN,)),)), editor.recipe)
    return EditingDialogue(editor, editor, sample)


def test_an_editor_gets_its_last_picture_with_the_instruction():
    editor = Editor(None, 10, 20, None, 30)
    dialogue = dialogue_of(editor)
    outcomes = [dialogue.say(f"message {turn}", turn, TURN) for turn in range(5)]
    assert editor.calls == [
        ("generate", "message 0"),
        ("generate", "message 1"),
        ("edit", "message 2", 10),
        ("edit", "message 3", 20),
        ("edit", "message 4", 20),
    ]
    assert [outcome.turn for outcome in outcomes] == [0, 1, 2, 3, 4]


def test_the_state_is_the_turn_of_the_last_picture():
    dialogue = dialogue_of(Editor(None, 10, None))
    states = []
    for turn in range(3):
        dialogue.say("Go on.", turn, TURN)
        states.append(dialogue.state())
    assert states == [{"drawn": None}, {"drawn": 1}, {"drawn": 1}]


@pytest.mark.parametrize(
    ("state", "call"), [({"drawn": 4}, ("edit", "Go on.", 4)), ({"drawn": None}, ("generate", "Go on."))]
)
def test_restored_it_continues_with_the_picture_of_the_run(state, call):
    editor = Editor(1)
    dialogue = dialogue_of(editor)
    dialogue.restore(state, lambda turn: np.full((2, 2, 3), turn, np.uint8))
    dialogue.say("Go on.", 5, TURN)
    assert editor.calls == [call]


def test_a_generator_stopped_before_its_first_picture_is_interrupted():
    outcome = dialogue_of(Editor()).say("Three pigs.", 0, TURN)
    assert outcome.fault is Fault.INTERRUPTED
