"""Risk and coverage, by hand and by a slow loop."""

import numpy as np
import pytest

from countcheck.stats.risk_coverage import area, risk_at, risk_coverage


def test_the_curve_is_that_of_a_slow_loop():
    rng = np.random.default_rng(0)
    confidence, right = rng.integers(0, 12, 200) / 12, rng.random(200) < 0.7
    curve = risk_coverage(confidence, right)
    assert len(curve) == len(np.unique(confidence))
    for point in curve:
        kept = confidence >= point.confidence
        assert (point.coverage, point.risk) == (pytest.approx(kept.mean()), pytest.approx(1 - right[kept].mean()))


def test_a_confidence_that_knows_has_the_least_area_and_one_that_knows_nothing_the_mean_risk():
    right = np.array([True] * 80 + [False] * 20)
    knows, tossed = area(risk_coverage(right, right)), area(risk_coverage(np.zeros(100), right))
    assert tossed == pytest.approx(0.2)
    assert knows == pytest.approx(0.2 * 0.2)
    assert area(risk_coverage(~right, right)) > tossed


def test_the_risk_at_a_coverage():
    curve = risk_coverage([0.9, 0.8, 0.2, 0.1], [True, False, True, False])
    assert [risk_at(curve, share) for share in (0.25, 0.5, 0.6, 1.0)] == [0.0, 0.5, pytest.approx(1 / 3), 0.5]
    assert risk_at((), 0.5) is None and risk_coverage([], []) == ()
