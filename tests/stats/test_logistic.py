"""Logistic regression against statsmodels, and where it must not run away."""

import numpy as np
import pytest
import statsmodels.api as sm

from countcheck.stats.logistic import fit_logistic


def test_without_a_ridge_it_is_that_of_statsmodels():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 2))
    y = rng.random(4000) < 1 / (1 + np.exp(-(0.5 + x @ [1.0, -2.0])))
    theirs = sm.Logit(y, sm.add_constant(x)).fit(disp=False).predict(sm.add_constant(x))
    assert fit_logistic(x, y, ridge=0.0).probability(x) == pytest.approx(theirs, abs=2e-3)


def test_probabilities_are_calibrated():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6000, 1))
    y = rng.random(6000) < 1 / (1 + np.exp(-2 * x[:, 0]))
    p = fit_logistic(x[:3000], y[:3000]).probability(x[3000:])
    for low in np.arange(0, 1, 0.2):
        inside = (p >= low) & (p < low + 0.2)
        assert y[3000:][inside].mean() == pytest.approx(p[inside].mean(), abs=0.06)


def test_outcomes_that_are_all_alike_or_perfectly_told_apart_stay_finite():
    assert 0.9 < fit_logistic(np.zeros((20, 1)), np.ones(20)).probability([[0.0]])[0] < 1
    apart = fit_logistic(np.arange(10.0)[:, None], np.arange(10) > 4)
    assert np.abs(apart.weights).max() < 10


@pytest.mark.parametrize(("x", "y"), [(np.zeros((0, 1)), []), (np.zeros((3, 1)), [1, 0]), (np.zeros(3), [1, 0, 1])])
def test_what_does_not_fit_together_is_refused(x, y):
    with pytest.raises(ValueError, match="one row of features"):
        fit_logistic(x, y)
