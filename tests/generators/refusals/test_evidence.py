"""What a reply says, collected once: codes with their meanings, and the sentence without the prompt it repeats."""

from __future__ import annotations

import pytest

from countcheck.generators.refusals.codes import Sense, code_table
from countcheck.generators.refusals.evidence import evidence_of, without_prompt
from countcheck.generators.remote.reply import Reply, Slot

OWN = code_table(Sense.CLOSED, "too_poor IMAGE*")


def evidence(*codes, **more):
    return evidence_of(Reply(error=True, codes=codes, **more), None, OWN, "")


def test_a_providers_own_table_comes_before_everybodys_and_before_guesses():
    assert evidence("too_poor").first(Sense.CLOSED)[1] == "too_poor"
    assert evidence("image_of_something").first(Sense.CLOSED)[1] == "image_of_something"
    assert evidence("rate_limit_exceeded").first(Sense.TRANSIENT)[1] == "rate_limit_exceeded"
    guessed = evidence("rate_limit_error")
    assert guessed.first(Sense.TRANSIENT) == (None, "")
    assert guessed.first(Sense.TRANSIENT, guessed=True)[1] == "rate_limit_error"


def test_the_codes_of_a_place_come_before_those_of_the_reply():
    slot = Slot(codes=("moderation_blocked",), message="of the place")
    found = evidence_of(Reply(codes=("stop",), message="of the reply"), slot, {}, "")
    assert (found.code, found.message) == ("moderation_blocked", "of the place")


@pytest.mark.parametrize(
    ("codes", "message", "enigmatic"),
    [
        (("X-77",), "what", True),
        (("BadRequestError", "422"), "what", False),
        ((), "what", False),
        ((), "", True),
        (("invalid_value",), "", False),
    ],
)
def test_a_code_that_nothing_is_known_of_is_told_from_statuses_and_class_names(codes, message, enigmatic):
    assert evidence(*codes, message=message).is_enigmatic is enigmatic


@pytest.mark.parametrize(
    ("text", "asked", "left"),
    [
        ("Invalid size for prompt 'a bloody knife'", "", "Invalid size for prompt …"),
        ("no: A Bloody Knife, said you", "a bloody knife", "no: …, said you"),
        ("prompt 'it's the bear's knife' is too long", "", "prompt … is too long"),
        ("The pig's prompt was blocked", "", "The pig's prompt was blocked"),
        ("a pig", "a pig", "a pig"),
    ],
)
def test_a_repeated_prompt_is_left_out(text, asked, left):
    assert without_prompt(text, asked) == left


@pytest.mark.parametrize("text", ["prompt '" * 20_000, 'input "' * 20_000, "prompt '" + "x" * 100_000])
def test_hostile_sentences_are_read_quickly(text):
    without_prompt(text, "three pigs and a wolf")
