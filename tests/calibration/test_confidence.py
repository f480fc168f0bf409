"""One probability that a count is right."""

from dataclasses import replace

import numpy as np
import pytest

from countcheck.calibration.confidence import FEATURES, features_of, stable_margins, thinned
from countcheck.calibration.examples import Example
from countcheck.calibration.fit import calibrate
from countcheck.calibration.uncertainty import DoubtTable
from countcheck.stats.risk_coverage import area, risk_at, risk_coverage
from tests.calibration.labelled import RULE, examples, seen


def doubtful(n=240, seed=3):
    """Counts that are wrong when an object's score falls near the threshold, or when a second counter differs."""
    dice = np.random.default_rng(seed)
    made = []
    for i, own in enumerate(examples(0.3, prompts=n // 2)):
        near, differs = dice.random() < 0.25, dice.random() < 0.25
        scores = [0.9, 0.8, 0.31 if near else 0.7]
        wrong = dice.random() < (0.6 if near else 0.02) + (0.3 if differs else 0.0)
        detections = replace(seen(scores), opinions={"pig": (4 if differs else 3, 3)})
        made.append(
            Example(row=replace(own.row, key=f"{i}"), detections=detections, noun="pig", truth=2 if wrong else 3)
        )
    return made


def test_features_of_one_count_by_hand():
    example = Example(row=examples(0.3)[0].row, detections=seen([0.9, 0.5, 0.28]), noun="pig", truth=2)
    found = dict(zip(FEATURES, features_of(example, RULE, 0.1), strict=True))
    assert found == {
        "stable_margin": 0.1,
        "counted": pytest.approx(np.log(3)),
        "none": 0.0,
        "score_gap": pytest.approx(0.02, abs=1e-6),
        "smallest_box": pytest.approx(10 / np.sqrt(400 * 20)),
        "opinions_differ": 0.0,
    }
    nothing = Example(row=example.row, detections=seen([]), noun="pig", truth=0)
    assert features_of(nothing, RULE, 0.0) == (0.0, 0.0, 1.0, 1.0, 0.0, 0.0)


def test_the_stable_margin_is_the_distance_of_the_nearest_score():
    given = examples(0.3)[:6]
    doubts = DoubtTable(given, [RULE] * 6)
    for example, margin in zip(given, stable_margins(doubts), strict=True):
        nearest = min(abs(float(score) - RULE.threshold) for score in example.detections.scores)
        assert margin <= nearest + 1e-6


def test_the_probability_beats_the_margin_where_a_second_counter_knows_more():
    given = doubtful()
    learnt = calibrate(given, RULE)
    assert area(learnt.confidence.curve) < area(learnt.confidence.margin_curve)
    body = learnt.confidence.to_json()
    assert body["features"]["opinions_differ"]["weight"] < 0
    all_of_them, most = (risk_at(learnt.confidence.curve, share) for share in (1.0, 0.5))
    assert most < all_of_them / 2


def test_a_curve_is_thinned_over_its_coverage_and_keeps_its_end():
    rng = np.random.default_rng(0)
    curve = risk_coverage(rng.random(500), rng.random(500) < 0.8)
    few = thinned(curve)
    assert len(few) <= 20 and few[-1].coverage == 1.0
    assert thinned(curve[:5]) == curve[:5]
