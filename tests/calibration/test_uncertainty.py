from __future__ import annotations

from dataclasses import replace

import numpy as np

from countcheck.calibration.fit import calibrate
from countcheck.calibration.uncertainty import Doubt, DoubtTable
from tests.calibration.labelled import RULE, examples, seen


def test_numbers_and_zeros_that_are_never_right_become_uncertain():
    unsure = []
    for k, one in enumerate(examples(0.6, prompts=100, repeats=1)):
        if one.truth == 5:  # two of five are not seen at all
            one = replace(one, detections=seen([0.9] * 3 if k % 2 else [0.9] * 4))
        elif one.truth == 1 and k % 2:  # the one is hardly seen
            one = replace(one, detections=seen([0.08]))
        elif one.truth in (3, 4):
            one = replace(one, detections=seen([0.9] * 2), truth=2)
        unsure.append(one)
    learnt = calibrate(unsure, RULE)
    assert learnt.rule.max_certain_count == 2 and learnt.rule.zero_doubt_score <= 0.06
    assert learnt.certain.value > 0.95 > learnt.agreement.value


def test_the_margin_makes_certain_counts_right():
    dice = np.random.default_rng(3)
    unsure = []
    for one in examples(0.6, prompts=60):
        scores = one.detections.scores.copy()
        if dice.random() < 0.3:  # a real object just below, or a phantom just above
            scores = np.append(scores, np.float32(dice.uniform(0.57, 0.63)))
            one = replace(one, detections=seen(scores), truth=one.truth + int(dice.random() < 0.5))
        unsure.append(one)
    learnt = calibrate(unsure, RULE)
    assert learnt.rule.margin > 0
    assert learnt.certain.value > learnt.agreement.value
    first, *_, last = learnt.stops
    assert first.certain == 1 and last.certain < 1
    assert first.right < last.right


def test_a_doubt_replaces_the_rules_own():
    rule = Doubt(margin=0.1, zero_doubt_score=0.2, max_certain_count=3).on(replace(RULE, margin=0.3, margin_below=0.2))
    assert (rule.margin, rule.margin_below, rule.zero_doubt_score, rule.max_certain_count) == (0.1, None, 0.2, 3)


def test_nothing_is_doubted_when_every_count_is_right():
    certain = examples(0.6)
    table = DoubtTable(certain, [replace(RULE, threshold=0.6)] * len(certain))
    assert table.best(range(len(certain)), 0.6) == Doubt()
