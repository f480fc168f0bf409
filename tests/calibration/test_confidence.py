"""One probability that a count is right."""

from dataclasses import replace

import numpy as np
import pytest

from countcheck.calibration.confidence import bound_of, fitted_columns, thinned, values_of
from countcheck.calibration.examples import Example
from countcheck.calibration.fit import calibrate
from countcheck.counting.probability import FEATURES, FITTED, features_of, probability, spread_of
from countcheck.counting.rule import count, stable_margins
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
    found = dict(
        zip(FEATURES, features_of(example.detections, "pig", 2, threshold=0.3, stable_margin=0.1), strict=True)
    )
    assert found == {
        "stable_margin": 0.1,
        "counted": pytest.approx(np.log(3)),
        "none": 0.0,
        "score_gap": pytest.approx(0.02, abs=1e-6),
        "smallest_box": pytest.approx(10 / np.sqrt(400 * 20)),
        "opinions_differ": 0.0,
        "spread": pytest.approx(np.sqrt(sum(o / (1 + o) ** 2 for o in (27, (5 / 3) ** 3, (28 / 30) ** 3)))),
    }
    assert features_of(seen([]), "pig", 0, threshold=0.3) == (0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0)


def test_the_spread_of_a_count_is_measured_from_the_threshold_that_holds():
    assert spread_of([0.9, 0.36], 0.1, 0.4) == pytest.approx(np.sqrt(0.25 + 15.625 / 16.625**2))
    assert spread_of([0.9, 0.36], 0.1, 0.4) > spread_of([0.9, 0.36], 0.1) > spread_of([0.9], 0.1)
    assert spread_of([], 0.3) == 0.0 and spread_of([0.0, 1.0], 0.0) == pytest.approx(0.0, abs=1e-4)


def test_a_card_of_another_release_that_weighs_the_margin_still_doubts_by_it():
    weights = {"intercept": -1.0, "stable_margin": 10.0}
    by_margin = replace(RULE, probability_weights=weights, min_probability=0.5)
    assert count(seen([0.9, 0.7]), ["pig"], by_margin).uncertain == ()
    assert count(seen([0.9, 0.32]), ["pig"], by_margin).uncertain == ("pig",)


def test_the_stable_margin_is_the_distance_of_the_nearest_score():
    for example in examples(0.3)[:6]:
        margin = stable_margins(example.detections, example.nouns, RULE)["pig"]
        nearest = min(abs(float(score) - RULE.threshold) for score in example.detections.scores)
        assert min(nearest, 0.3) - 0.025 - 1e-6 <= margin <= nearest + 1e-6


def test_the_probability_beats_the_margin_where_a_second_counter_knows_more():
    given = doubtful()
    learnt = calibrate(given, RULE)
    assert area(learnt.confidence.curve) < area(learnt.confidence.margin_curve)
    body = learnt.confidence.to_json()
    assert tuple(body["features"]) == FITTED
    assert body["features"]["opinions_differ"]["weight"] < 0
    all_of_them, most = (risk_at(learnt.confidence.curve, share) for share in (1.0, 0.5))
    assert most < all_of_them / 2


def test_a_curve_is_thinned_over_its_coverage_and_keeps_its_end():
    rng = np.random.default_rng(0)
    curve = risk_coverage(rng.random(500), rng.random(500) < 0.8)
    few = thinned(curve)
    assert len(few) <= 20 and few[-1].coverage == 1.0
    assert thinned(curve[:5]) == curve[:5]


def test_a_new_right_count_lies_under_the_bound_with_a_chance_of_a_tenth_at_most():
    rng = np.random.default_rng(1)
    under = [
        np.mean(rng.random(200) < bound_of(rng.random(n + 1), np.arange(n + 1) < n))
        for n in (9, 12, 57, 96)
        for _ in range(300)
    ]
    assert 0.08 < np.mean(under) <= 0.1
    assert bound_of([0.5], [False]) == bound_of([0.5] * 9, [True] * 8 + [False]) == 0.0


def test_labels_that_are_all_right_teach_no_doubt_by_probability():
    given = [replace(own, truth=own.counted(RULE)) for own in doubtful(100)]
    learnt = calibrate(given, RULE, by_probability=True)
    assert not learnt.rule.doubts_by_probability
    assert bound_of([0.9] * 50, [True] * 50) == 0.0


def test_a_rule_learnt_by_probability_doubts_what_is_likely_wrong_and_few_right_counts():
    given = doubtful(100)
    learnt = calibrate(given, RULE, by_probability=True)
    assert learnt.rule.doubts_by_probability and learnt.rule.margin == 0.0
    assert learnt.certain.value > learnt.agreement.value
    right_doubted = learnt.agreement.value - learnt.certain.value * learnt.certain_share.value
    assert right_doubted / learnt.agreement.value < 0.15  # a tenth where the bound was chosen
    rows = [values_of(example, learnt.rule) for example in given[:10]]
    by_rule = [probability(learnt.rule.probability_weights, row) for row in rows]
    assert by_rule == pytest.approx(learnt.confidence.model.probability(fitted_columns(rows)))
    doubted = [not example.certain(learnt.rule) for example in given[:10]]
    assert doubted == [p < learnt.rule.min_probability for p in by_rule]


def test_an_opinion_weighs_in_the_probability_and_does_not_decide_by_itself():
    heard = replace(seen([0.9, 0.8, 0.7]), opinions={"pig": (4, 3, 3, 3)})
    assert count(heard, ["pig"], RULE).uncertain == ("pig",)
    weights = {"intercept": 2.0, "opinions_differ": -4.0}
    assert count(heard, ["pig"], replace(RULE, probability_weights=weights, min_probability=0.7)).uncertain == ()
    doubted = count(heard, ["pig"], replace(RULE, probability_weights=weights, min_probability=0.75))
    assert (doubted.low, doubted.counts, doubted.high) == ({"pig": 2}, {"pig": 3}, {"pig": 4})


def test_a_rule_without_weights_or_bound_doubts_as_before():
    near = seen([0.9, 0.31])
    plain = count(near, ["pig"], RULE)
    assert count(near, ["pig"], replace(RULE, min_probability=0.9)) == plain
    assert count(near, ["pig"], replace(RULE, probability_weights={"intercept": -9.0})) == plain
