"""One outcome for each wanted picture, whatever came for it."""

from __future__ import annotations

import pytest
from loopback import B64, BLACK_B64, CUT_B64, PNG

from countcheck.errors import BadInput
from countcheck.generators.outcome import Failure, Picture, Reason, Refusal
from countcheck.generators.remote.outcomes import Request, outcomes_of_reply
from countcheck.generators.remote.reply import Reply, Slot


def lost(url):
    raise BadInput(f"{url} answered 404 instead of a picture.")


def outcomes(reply, *keys, fetch=lost, **more):
    settled = outcomes_of_reply(reply, Request(keys=keys or ("k",), fetch=fetch, **more))
    return [each.outcome for each in settled]


@pytest.mark.parametrize("data", [PNG, B64, f"data:image/png;base64,{B64}", f"data:image/png;name=a;base64,{B64}\n"])
def test_a_picture_comes_as_bytes_base64_or_a_data_url(data):
    (outcome,) = outcomes(Reply(slots=(Slot(data=data, seed=7, rewritten="three pigs"),)), price=0.01)
    assert isinstance(outcome, Picture)
    assert (outcome.pixels.size, outcome.cost, outcome.extra, outcome.rewritten) == (
        (64, 64),
        0.01,
        {"seed": 7},
        "three pigs",
    )


def test_every_key_gets_one_outcome_and_missing_places_speak_by_the_whole_reply():
    reply = Reply(slots=(Slot(data=PNG), Slot(data=BLACK_B64), Slot(data=CUT_B64)))
    first, second, third, fourth = outcomes(reply, "a", "b", "c", "d")
    assert isinstance(first, Picture)
    assert isinstance(second, Refusal) and (second.reason, second.extra["look"]) == (Reason.SILENT, "blank")
    assert isinstance(third, Failure) and str(third.fault) == "damaged"
    assert isinstance(fourth, Refusal) and fourth.reason is Reason.SILENT
    assert [outcome.key for outcome in (first, second, third, fourth)] == ["a", "b", "c", "d"]


def test_more_places_than_keys_are_left_out():
    assert len(outcomes(Reply(slots=(Slot(data=PNG),) * 3), "a", "b")) == 2


def test_a_picture_that_cannot_be_fetched_is_a_transient_failure_that_says_why():
    (outcome,) = outcomes(Reply(slots=(Slot(url="https://x.example/a.png"),)))
    assert (str(outcome.fault), outcome.message) == (
        "transient",
        "https://x.example/a.png answered 404 instead of a picture.",
    )


def test_seconds_are_shared_and_a_turn_is_kept():
    both = outcomes(Reply(slots=(Slot(data=PNG), Slot(data=PNG))), "a", "b", seconds=3.0, turn=2)
    assert [(outcome.seconds, outcome.turn) for outcome in both] == [(1.5, 2), (1.5, 2)]


def test_a_prompt_that_was_turned_away_is_free_and_a_withheld_picture_is_not():
    refused = Reply(error=True, status=400, codes=("moderation_blocked",), message="Your prompt was blocked.")
    (free,) = outcomes(refused, price=0.04)
    (charged,) = outcomes(Reply(slots=(Slot(data=BLACK_B64),)), price=0.04)
    assert (free.cost, charged.cost) == (0.0, 0.04)


def test_a_failure_ends_in_a_full_stop_and_keeps_its_body():
    (outcome,) = outcomes(Reply(error=True, status=500, message="oh   no", raw={"error": "oh no"}))
    assert (outcome.message, outcome.raw) == ("oh no.", '{"error":"oh no"}')
