"""Judging the detections of one picture."""

from __future__ import annotations

from dataclasses import replace

import pytest
import squares

from countcheck.counting.judging import judge_detections
from countcheck.counting.verdict import Kind
from countcheck.suites.suite import Noun, Target

THREE = (Target(noun="square", count=3),)


def judge(n, targets=THREE, unsupported=frozenset()):
    counter = squares.counter()
    nouns = [Noun(name="square")]
    (detections,) = counter.detect([squares.squares(n)], nouns)
    return judge_detections(counter, replace(detections, unsupported=unsupported), targets, {}, nouns)


@pytest.mark.parametrize(("n", "kind"), [(3, Kind.EXACT), (4, Kind.OVER), (2, Kind.UNDER), (0, Kind.MISSING)])
def test_a_picture_is_judged_by_what_was_counted(n, kind):
    judgement = judge(n)
    assert judgement.verdict.kind is kind
    assert judgement.counted == {"square": (n, n, n)}


def test_a_noun_without_a_number_makes_the_picture_uncertain():
    judgement = judge(3, unsupported=frozenset({"square"}))
    assert judgement.verdict.kind is Kind.UNCERTAIN
    assert judgement.verdict.reason == "the counter gave no number for square"


def test_without_targets_there_is_no_verdict():
    judgement = judge(3, targets=())
    assert judgement.verdict is None
    assert judgement.counted == {}
