from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from countcheck.calibration.fit import calibrate
from countcheck.detectors.base import Detections
from countcheck.errors import CannotDecide
from tests.calibration.labelled import RULE, examples, seen


def test_a_threshold_is_found_where_it_separates():
    learnt = calibrate(examples(0.6), RULE)
    assert 0.5 <= learnt.rule.threshold <= 0.7
    assert learnt.agreement.value == 1.0
    assert learnt.before.value < 0.6


def test_agreement_is_told_on_pictures_it_was_not_fitted_to():
    # Truth has nothing to do with the boxes: whatever is fitted must not look good.
    noise = [replace(one, truth=int(i * 7919 % 6)) for i, one in enumerate(examples(0.6))]
    learnt = calibrate(noise, RULE)
    assert learnt.agreement.value < 0.35


def test_a_noun_gets_its_own_threshold_only_when_it_helps():
    both = examples(0.7, noun="pig") + examples(0.3, noun="wolf", seed=1)
    learnt = calibrate(both, RULE)
    assert learnt.agreement.value > 0.95
    assert learnt.per_noun
    alike = calibrate(examples(0.6, noun="pig") + examples(0.6, noun="wolf", seed=1), RULE)
    assert alike.per_noun == ()


def test_a_style_gets_its_own_threshold_only_when_it_helps():
    dark = [one for one in examples(0.3, prompts=60, repeats=1) if one.style == "noir"]
    light = [one for one in examples(0.7, prompts=60, repeats=1, seed=1) if one.style == "photo"]
    learnt = calibrate(dark + light, RULE)
    assert learnt.per_style in (("noir",), ("photo",))
    assert learnt.agreement.value > 0.95
    assert calibrate(examples(0.6), RULE).per_style == ()


def test_dim_pictures_are_counted_by_the_share_of_their_best_score():
    dice = np.random.default_rng(5)
    made = []
    for one in examples(0.6, prompts=60, repeats=1):
        light = dice.uniform(0.2, 1)  # scores of things and of shadows fall alike in the dark
        scores = np.append(dice.uniform(0.7, 0.95, one.truth), dice.uniform(0.1, 0.3, 3)) * light
        made.append(replace(one, detections=seen(scores)))
    learnt = calibrate(made, RULE)
    assert learnt.rule.relative_threshold == 0.4
    assert learnt.agreement.value > 0.9


def test_lookalikes_get_no_more_than_their_due():
    confused = []
    for k, one in enumerate(examples(0.6, prompts=60, repeats=1)):
        pigs = seen([0.5] * one.truth)
        boars = seen([0.6 if k % 2 else 0.2] * one.truth, "boar")
        both = Detections(
            boxes=np.concatenate([pigs.boxes, boars.boxes]), scores=np.concatenate([pigs.scores, boars.scores]),
            nouns=pigs.nouns + boars.nouns, size=pigs.size,
        )  # fmt: skip
        confused.append(replace(one, detections=both))
    learnt = calibrate(confused, RULE)
    assert learnt.rule.distractor_score_ratio == 2
    assert learnt.agreement.value == 1.0


def test_overall_keeps_one_threshold():
    both = examples(0.7, noun="pig") + examples(0.3, noun="wolf", seed=1)
    assert calibrate(both, RULE, per_noun=False).rule.thresholds == {}


def test_errors_are_told_by_generator_and_style():
    learnt = calibrate(examples(0.6), RULE)
    assert set(learnt.errors["g"]) == {"noir", "photo"}
    assert sum(errors.n for errors in learnt.errors["g"].values()) == learnt.labelled


@pytest.mark.parametrize(("prompts", "repeats"), [(10, 2), (5, 20)])
def test_too_few_labels_are_said_to_be_too_few(prompts, repeats):
    with pytest.raises(CannotDecide, match="too few to learn"):
        calibrate(examples(0.6, prompts=prompts, repeats=repeats), RULE)
