"""Intervals against scipy, statsmodels and hand calculation."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from countcheck.stats.distributions import z_quantile
from countcheck.stats.intervals import (
    cluster_mean,
    cluster_rate,
    cluster_ratio,
    paired_difference,
    sums_by_cluster,
    unpaired_difference,
    wilson,
)


@pytest.mark.parametrize(
    ("hits", "n", "level"),
    [
        (h, n, level)
        for h, n in [(0, 12), (12, 12), (1, 1), (3, 7), (61, 100), (499, 500)]
        for level in (0.8, 0.95, 0.99)
    ],
)
def test_wilson_is_that_of_statsmodels_and_scipy(hits, n, level):
    found = wilson(hits, n, level)
    assert (found.low, found.high) == pytest.approx(proportion_confint(hits, n, 1 - level, "wilson"), abs=1e-12)
    theirs = stats.binomtest(hits, n).proportion_ci(level, "wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_nothing_of_twelve_still_has_an_upper_bound():
    found = wilson(0, 12)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.2425, abs=1e-4)


def test_wilson_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="n > 0"):
        wilson(0, 0)


def test_one_outcome_a_prompt_is_plain_wilson():
    found = cluster_rate([1, 0, 1, 1, 0, 1, 1], [1] * 7)
    assert (found.low, found.high) == pytest.approx(proportion_confint(5, 7, method="wilson"), abs=1e-12)
    assert (found.method, found.n, found.clusters, found.design_effect) == ("Wilson", 7, 7, 1.0)


def test_repeats_that_always_agree_count_for_little_more_than_one():
    agreeing = cluster_rate([8, 0] * 30, [8] * 60)
    scattered = cluster_rate([4] * 60, [8] * 60)
    single = wilson(30, 60)
    assert agreeing.design_effect == pytest.approx(8, abs=0.2)
    assert agreeing.high - agreeing.low == pytest.approx(single.high - single.low, rel=0.05)
    assert scattered.design_effect == 1.0


def test_design_effect_approaches_the_linearised_variance_of_survey_sampling():
    rng = np.random.default_rng(0)
    m = rng.integers(1, 9, 4000)
    x = rng.binomial(m, rng.beta(2, 3, 4000))
    p = x.sum() / m.sum()
    by_hand = 4000 / 3999 * ((x - p * m) ** 2).sum() / (m.sum() * p * (1 - p))
    found = cluster_rate(x, m)
    assert found.design_effect == pytest.approx(by_hand, rel=2e-3)
    half = z_quantile(0.95) * math.sqrt(by_hand * p * (1 - p) / m.sum())
    assert found.high - found.low == pytest.approx(2 * half, rel=5e-3)


def test_few_events_are_said_so():
    assert "few events" in cluster_rate([1, 0, 0, 0] * 5, [4] * 20).method
    assert "few events" not in cluster_rate([2] * 40, [4] * 40).method


def test_one_prompt_is_one_outcome_however_often_repeated():
    found = cluster_rate([5], [8])
    assert "one prompt" in found.method
    assert found.high - found.low > 0.75


def test_prompts_without_outcomes_are_left_out_and_nothing_is_estimated_from_nothing():
    assert cluster_rate([1, 0], [1, 0]).clusters == 1
    empty = cluster_rate([], [])
    assert (empty.value, empty.low, empty.high, empty.n) == (None, None, None, 0)


def test_mean_over_prompts_equals_scipy_t_on_the_log_scale():
    values = np.array([0.5, 1, 2, 0, 1, 3, 1, 1, 0, 2])
    found = cluster_mean(values, np.ones(10))
    relative = stats.sem(values) / values.mean() * stats.t.ppf(0.975, 9)
    assert found.value == pytest.approx(1.15)
    assert (found.low, found.high) == pytest.approx((1.15 * math.exp(-relative), 1.15 * math.exp(relative)))


def test_mean_of_values_of_either_sign_is_the_t_interval_of_scipy():
    values = np.array([0.5, -1, 2, 0, 1, -3, 1, 1, 0, 2])
    found = cluster_mean(values, np.ones(10), floor=None)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))


def test_a_mean_of_zeros_is_not_sure_to_be_zero():
    assert cluster_mean(np.zeros(12), np.ones(12)).high == pytest.approx(0.2425, abs=1e-4)


def test_cost_of_an_exact_picture_is_total_over_exact():
    found = cluster_ratio([3.0, 5.0, 4.0, 4.0], [1, 2, 1, 0], 4)
    assert found.value == 4.0
    assert found.low < 4.0 < found.high


def test_cost_when_none_is_exact_has_a_lower_end_only():
    found = cluster_ratio([2.0] * 12, [0] * 12, 12)
    assert (found.value, found.high) == (None, None)
    assert found.low == pytest.approx(2 / 0.2425, rel=1e-3)


def test_a_mean_that_all_prompts_share_is_not_certain():
    found = cluster_mean([1, 2, 1], [1, 2, 1])
    assert found.value == 1 and found.low < 0.7 and found.high > 1.3
    assert cluster_mean([1] * 400, [1] * 400).high < 1.01


@pytest.mark.parametrize(("a", "n", "b", "m"), [(50, 100, 61, 100), (0, 12, 3, 14), (490, 500, 470, 500)])
def test_unpaired_difference_is_newcombes(a, n, b, m):
    found = unpaired_difference(wilson(a, n), wilson(b, m))
    theirs = confint_proportions_2indep(b, m, a, n, method="newcomb", compare="diff")
    assert (found.low, found.high) == pytest.approx(theirs)


def test_paired_difference_of_single_pairs_follows_bonett_and_price():
    won, lost, n = 6, 2, 60
    low, high = (won + 1) / (n + 2), (lost + 1) / (n + 2)
    variance = ((won + 1 + lost + 1) / (n + 2) - (low - high) ** 2) / (n + 1)
    half = stats.t.ppf(0.975, n - 1) * np.sqrt(variance)
    found = paired_difference([1] * won + [-1] * lost + [0] * 52, np.ones(n))
    assert found.value == pytest.approx(4 / 60)
    assert (found.low, found.high) == pytest.approx((low - high - half, low - high + half))


def test_twins_without_any_difference_are_not_certain_to_be_equal():
    found = paired_difference(np.zeros(20), np.ones(20))
    assert found.value == 0
    assert 0.05 < found.high < 0.25 and found.low == -found.high


def test_two_prompts_however_often_drawn_prove_no_difference():
    a, b = cluster_rate([2], [20]), cluster_rate([18], [20])
    assert unpaired_difference(a, b).low < 0


def test_sums_are_of_the_clusters_that_have_outcomes():
    hits, size = sums_by_cluster([5, 2, 5], [True, True, False])
    assert (hits.tolist(), size.tolist()) == ([1, 1], [1, 2])
    assert [sums.tolist() for sums in sums_by_cluster([], [])] == [[], []]


@pytest.mark.parametrize(
    "estimate",
    [
        cluster_ratio([2.0], [1], 1),
        cluster_ratio([2.0, 0.1], [1, 1], 2),
        cluster_ratio([0.001, 900.0, 0.1], [1, 1, 40], 42),
        cluster_mean([2.0], [5]),
        cluster_mean([0.0, 0.2], [5, 5]),
    ],
    ids=["ratio of one", "ratio of two", "ratio of three that differ widely", "mean of one", "mean of two"],
)
def test_a_ratio_or_mean_over_too_few_prompts_has_no_interval_and_says_so(estimate):
    assert estimate.too_few and estimate.low is None and estimate.high is None
    assert estimate.method.startswith("too few to say: ")


def test_three_prompts_that_agree_well_are_enough():
    found = cluster_ratio([2.0, 2.2, 1.9], [1, 1, 1], 3)
    assert not found.too_few and 1.5 < found.low < found.value < found.high < 2.8


def test_a_share_of_one_prompt_keeps_its_wide_interval():
    assert not cluster_rate([3], [3]).too_few
