"""A remote conversation's state survives the process, without the key."""

from __future__ import annotations

import pytest
from example_adapter import Example, bad, good, samples_for

from countcheck.generators.remote.reply import Reply
from countcheck.suites.suite import Turn


def say(dialogue, turn):
    return dialogue.say(f"turn {turn}", turn, Turn(say=f"turn {turn}"))


def test_another_process_goes_on_with_the_same_history_and_the_same_place_to_rewind_to():
    first = Example(good(history=["a"]), Reply(words="I can't create that image.", history=["a", "b"]))
    dialogue = first.open(samples_for(first)[0])
    say(dialogue, 0)
    say(dialogue, 1)
    second = Example(good(history=["c"]))
    restored = second.open(samples_for(second)[0])
    restored.restore(dialogue.state(), lambda turn: pytest.fail("no picture is needed"))
    assert restored.state() == dialogue.state()
    say(restored, 2)
    restored.restore(dialogue.state(), lambda turn: pytest.fail("no picture is needed"))
    restored.rewind()
    say(restored, 2)
    assert [ask.history for ask in second.asked] == [["a", "b"], ["a"]]


def test_a_failure_leaves_the_state_as_it_was():
    generator = Example(good(history=["a"]), bad(400, "invalid_value"))
    dialogue = generator.open(samples_for(generator)[0])
    say(dialogue, 0)
    before = dialogue.state()
    say(dialogue, 1)
    assert dialogue.state() == before == {"history": ["a"], "good": ["a"]}


def test_a_history_that_is_not_plain_is_packed_by_the_generator():
    class Packing(Example):
        def pack(self, history):
            return {"packed": history}

        def unpack(self, packed):
            return packed["packed"]

    generator = Packing(good(history=["a"]))
    dialogue = generator.open(samples_for(generator)[0])
    say(dialogue, 0)
    assert dialogue.state() == {"history": {"packed": ["a"]}, "good": {"packed": ["a"]}}
    again = generator.open(samples_for(generator)[0])
    again.restore(dialogue.state(), lambda turn: None)
    say(again, 1)
    assert generator.asked[-1].history == ["a"]
