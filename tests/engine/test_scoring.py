"""From an outcome and its detections to the ledger's entry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import squares

from countcheck.counting.judging import judge_detections
from countcheck.counting.verdict import Kind
from countcheck.engine.scoring import (
    cost_of,
    detail_of,
    nouns_of,
    outcome_record,
    with_judgement,
)
from countcheck.generators.outcome import Attempt, Failure, Fault, Picture, Reason, Refusal, Stage
from countcheck.suites.suite import Noun, Prompt, Suite, Target

PICTURE = Picture(key="k", pixels=squares.squares(3), seconds=1.5, words="Here are three squares!")
REFUSAL = Refusal(key="k", reason=Reason.STATED, category="violence", code="blocked", stage=Stage.PROMPT, words="No.")
FAILURE = Failure(key="k", fault=Fault.TRANSIENT, message="gone.", code="503", raw="busy", request_id="r1")
THREE = (Target(noun="square", count=3),)


def test_nouns_keep_what_the_suite_says_of_them_and_else_the_words_of_the_prompt():
    pig = Noun(name="pig", phrase="little pig", synonyms=("piglet",))
    prompt = Prompt(
        id="p", text="", targets=(Target(noun="pig", count=3), Target(noun="wolf", count=1, phrase="big bad wolf"))
    )
    nouns = {noun.name: noun for noun in nouns_of(Suite(name="s", prompts=(prompt,), nouns={"pig": pig}))}
    assert nouns["pig"] == pig
    assert nouns["wolf"].phrase == "big bad wolf"


@pytest.mark.parametrize(
    ("outcome", "price", "cost"),
    [
        (PICTURE, 0.04, 0.04),
        (PICTURE, None, None),
        (replace(PICTURE, cost=0.01), 0.04, 0.01),
        (replace(PICTURE, cost=0.0), 0.04, 0.0),
        (REFUSAL, 0.04, None),
        (replace(REFUSAL, cost=0.02), 0.04, 0.02),
        (FAILURE, 0.04, None),
    ],
)
def test_a_picture_costs_its_price_unless_the_provider_says_its_cost(outcome, price, cost):
    assert cost_of(outcome, price) == cost


def test_a_record_of_a_picture_has_no_verdict_yet():
    record = outcome_record(PICTURE, 0.04, text="three squares", picture="images/k.png", digest="d")
    assert (record.outcome, record.picture, record.digest, record.verdict) == ("picture", "images/k.png", "d", None)
    assert (record.seconds, record.cost, record.text) == (1.5, 0.04, "three squares")


@pytest.mark.parametrize(
    ("outcome", "kind", "reason"),
    [(REFUSAL, Kind.REFUSED, "refused, stated (violence)"), (FAILURE, Kind.FAILED, "gone.")],
)
def test_refusals_and_failures_have_their_verdict_at_once(outcome, kind, reason):
    record = outcome_record(outcome, None, text="three squares")
    assert (record.verdict, record.leaning, record.reason) == (kind, kind, reason)


def test_the_detail_holds_what_was_said_and_leaves_out_what_is_empty():
    assert detail_of(PICTURE) == {"words": "Here are three squares!", "claims": True}
    assert detail_of(REFUSAL) == {
        "reason": "stated",
        "category": "violence",
        "code": "blocked",
        "stage": "prompt",
        "words": "No.",
    }
    assert detail_of(FAILURE) == {
        "fault": "transient",
        "message": "gone.",
        "code": "503",
        "raw": "busy",
        "request_id": "r1",
    }


def test_a_refusal_can_claim_success_and_a_failure_cannot():
    assert detail_of(replace(REFUSAL, words="Sure, here are three squares!"))["claims"] is True
    assert "claims" not in detail_of(replace(FAILURE, message="Here are three squares!"))


def test_attempts_and_extra_are_kept():
    attempt = Attempt(seconds=0.5, what="429", status=429, waited=1.0)
    detail = detail_of(replace(PICTURE, words="", attempts=(attempt,), extra={"seed": 3}))
    assert detail["seed"] == 3
    assert detail["attempts"] == [{"seconds": 0.5, "what": "429", "status": 429, "request_id": "", "waited": 1.0}]


def judge(n, targets=THREE, unsupported=frozenset()):
    counter = squares.counter()
    nouns = [Noun(name="square")]
    (detections,) = counter.detect([squares.squares(n)], nouns)
    return judge_detections(counter, replace(detections, unsupported=unsupported), targets, {}, nouns)


def test_without_targets_there_is_no_verdict_and_the_detections_are_kept():
    judgement = judge(3, targets=())
    assert judgement.verdict is None
    record = with_judgement(outcome_record(PICTURE, None, text=""), judgement)
    assert record.verdict is None
    assert len(record.detections.boxes) == 3


def test_only_a_picture_takes_a_judgement():
    record = with_judgement(outcome_record(PICTURE, None, text=""), judge(4))
    assert (record.verdict, record.counted) == (Kind.OVER, {"square": (4, 4, 4)})
    assert np.array_equal(record.detections.scores, judge(4).detections.scores)
    refused = outcome_record(REFUSAL, None, text="")
    assert with_judgement(refused, judge(4)) == refused
