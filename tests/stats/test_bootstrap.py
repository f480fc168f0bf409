"""The cluster bootstrap against scipy's."""

import numpy as np
import pytest
from scipy import stats

from countcheck.stats.bootstrap import bootstrap, difference, ratio


def test_a_mean_gets_scipys_bca_interval():
    values = np.random.default_rng(1).exponential(size=40)
    found = bootstrap(np.column_stack([values, np.ones(40)]), ratio, 40, resamples=20_000)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, rng=np.random.default_rng(2)).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_prompts_with_equal_sums_are_resampled_like_any_others():
    rng = np.random.default_rng(3)
    hits = rng.binomial(4, 0.3, 200).astype(float)
    found = bootstrap(np.column_stack([hits, np.full(200, 4.0)]), ratio, 800, resamples=20_000)
    theirs = stats.bootstrap((hits / 4,), np.mean, n_resamples=20_000, rng=rng).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)
    assert found.clusters == 200


def test_the_same_seed_gives_the_same_interval():
    table = np.array([[1, 2, 2, 2], [0, 2, 1, 2], [2, 2, 1, 2]], float)
    assert bootstrap(table, difference, 6, resamples=500) == bootstrap(table, difference, 6, resamples=500)


def test_prompts_that_do_not_differ_give_no_interval():
    found = bootstrap(np.ones((5, 2)), ratio, 5)
    assert (found.value, found.low) == (1.0, None)
