"""Means over the same prompts, against scipy and by hand."""

import numpy as np
import pytest
from scipy import stats

from countcheck.stats.paired_means import paired_means


def test_with_one_value_a_prompt_it_is_the_paired_t_test():
    rng = np.random.default_rng(2)
    a, b = rng.poisson(2, 30).astype(float), rng.poisson(3, 30).astype(float)
    ones = np.ones(30)
    found = paired_means(a, ones, b, ones)
    theirs = stats.ttest_rel(b, a)
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-6)
    ends = theirs.confidence_interval(0.95)
    assert (found.difference.low, found.difference.high) == pytest.approx((ends.low, ends.high))


def test_prompts_that_all_changed_alike_are_not_certain():
    found = paired_means([1.0] * 8, [1] * 8, [2.0] * 8, [1] * 8)
    assert found.difference.value == 1 and 0 < found.difference.low < 1 < found.difference.high
    assert found.p_value == pytest.approx(2 / 2**8)


def test_one_prompt_has_no_interval_and_no_test():
    found = paired_means([1.0], [2], [3.0], [2])
    assert (found.difference.value, found.difference.low, found.p_value) == (1.0, None, None)


def test_no_pairs():
    found = paired_means([], [], [], [])
    assert (found.a.value, found.difference.n, found.p_value) == (None, 0, None)
