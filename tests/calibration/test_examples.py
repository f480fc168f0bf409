from __future__ import annotations

from dataclasses import replace

from countcheck.calibration.examples import examples_of
from countcheck.storage.rows import Label, ResultRow
from tests.calibration.labelled import seen


def test_people_are_joined_by_their_median_and_cannot_tell_is_left_out():
    row = ResultRow(key="k", generator="g", prompt_id="p", repeat=0, seed=0, text="", outcome="picture")
    labels = [
        Label(key="k", noun="pig", count=n, labeller=who) for who, n in (("a", 3), ("b", 4), ("c", 9), ("d", None))
    ]
    (one,) = examples_of([row], [("k", 0, seen([0.9]))], labels)
    assert one.truth == 4


def test_only_pictures_that_were_labelled_and_nouns_that_the_counter_knows_become_examples():
    rows = [
        ResultRow(key=key, generator="g", prompt_id="p", repeat=0, seed=0, text="", outcome=outcome)
        for key, outcome in (("a", "picture"), ("b", "picture"), ("c", "refusal"))
    ]
    detections = [("a", 0, seen([0.9])), ("b", 0, seen([0.9])), ("c", 0, seen([0.9]))]
    labels = [Label(key=key, noun="pig", count=1, labeller="x") for key in "ac"]
    assert [(example.row.key, example.truth) for example in examples_of(rows, detections, labels)] == [("a", 1)]
    unknown = replace(seen([]), unsupported=frozenset({"pig"}))
    assert examples_of(rows, [("a", 0, unknown)], labels) == []
