from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import yaml

from countcheck.calibration.fit import Example, calibrate, calibration_to_json, examples_of, write_card
from countcheck.cards import Card, read_card
from countcheck.counting.rule import Rule
from countcheck.detectors.base import Detections
from countcheck.errors import CannotDecide
from countcheck.storage.rows import Label, ResultRow

RULE = Rule(threshold=0.3, floor=0.05)


def seen(scores, noun="pig"):
    n = len(scores)
    left = np.arange(n, dtype=np.float32) * 20
    boxes = np.stack([left, np.zeros(n), left + 10, np.full(n, 10)], axis=1).astype(np.float32)
    return Detections(
        boxes=boxes.reshape(-1, 4), scores=np.array(scores, np.float32), nouns=(noun,) * n, size=(400, 20)
    )


def examples(true_at, *, prompts=40, repeats=2, noun="pig", seed=0):
    """Real objects score above ``true_at``, phantoms below it; a rule with that threshold is always right."""
    dice = np.random.default_rng(seed)
    made = []
    for p in range(prompts):
        for r in range(repeats):
            truth = int(dice.integers(1, 6))
            real = dice.uniform(true_at + 0.06, 0.99, truth)
            phantoms = dice.uniform(0.1, true_at - 0.06, int(dice.integers(1, 4)))
            row = ResultRow(
                key=f"{p:04}{r}{noun}", generator="g", prompt_id=f"{noun}{p}", repeat=r, seed=0, text="", outcome="picture",
                tags={"style": "noir" if p % 2 else "photo"},
            )  # fmt: skip
            made.append(Example(row=row, detections=seen([*real, *phantoms], noun), noun=noun, truth=truth))
    return made


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
    assert learnt.rule.of_best == 0.4
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
    assert learnt.rule.rival_lead == 2
    assert learnt.agreement.value == 1.0


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
    assert learnt.rule.sure_to == 2 and learnt.rule.glimpse <= 0.06
    assert learnt.certain.value > 0.95 > learnt.agreement.value


def test_overall_keeps_one_threshold():
    both = examples(0.7, noun="pig") + examples(0.3, noun="wolf", seed=1)
    assert calibrate(both, RULE, per_noun=False).rule.thresholds == {}


def test_errors_are_told_by_generator_and_style():
    learnt = calibrate(examples(0.6), RULE)
    assert set(learnt.errors["g"]) == {"noir", "photo"}
    assert sum(errors.n for errors in learnt.errors["g"].values()) == learnt.labelled


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


@pytest.mark.parametrize(("prompts", "repeats"), [(10, 2), (5, 20)])
def test_too_few_labels_are_said_to_be_too_few(prompts, repeats):
    with pytest.raises(CannotDecide, match="too few to learn"):
        calibrate(examples(0.6, prompts=prompts, repeats=repeats), RULE)


def test_people_are_joined_by_their_median_and_cannot_tell_is_left_out():
    row = ResultRow(key="k", generator="g", prompt_id="p", repeat=0, seed=0, text="", outcome="picture")
    said = [Label(key="k", noun="pig", count=n, labeller=who) for who, n in (("a", 3), ("b", 4), ("c", 9), ("d", None))]
    (one,) = examples_of([row], [("k", 0, seen([0.9]))], said)
    assert one.truth == 4


def test_the_card_reads_back_with_the_rule_that_was_learnt(tmp_path):
    learnt = calibrate(examples(0.7) + examples(0.3, noun="wolf", seed=1), RULE)
    card = Card(name="tiny", family="tiny", licence="Apache-2.0", settings={"size": 320})
    written = write_card(tmp_path / "counter.yaml", card, learnt, run="r")
    back = read_card(written)
    assert back.rule == learnt.rule
    assert back.settings == {"size": 320}
    measured = yaml.safe_load(written.read_text())["measured"]
    assert measured["agreement"]["n"] == learnt.labelled == calibration_to_json(learnt)["labelled"]
