"""Pairs, tests and differences against scipy, statsmodels and hand calculation."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep
from verdict_rows import rows

from countcheck.metrics.outcome_codes import columns_of
from countcheck.metrics.pairing import (
    Sums,
    holm,
    mcnemar,
    pair_up,
    paired_difference,
    side_from_samples,
    side_of,
    sign_flip_p,
    sums_of,
    unpaired_difference,
    unpaired_p,
)
from countcheck.stats.estimate import cluster_rate, t_p, wilson


def paired(a, b):
    return pair_up(side_of(columns_of(rows(a))), side_of(columns_of(rows(b))))


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (1, 0), (5, 0), (3, 9), (10, 10), (40, 61), (12, 1)])
def test_sign_flips_with_one_pair_a_prompt_are_mcnemars_exact_test(lost, won):
    found = sign_flip_p(np.array([-1.0] * lost + [1.0] * won))
    theirs = statsmodels_mcnemar([[0, lost], [won, 0]], exact=True).pvalue
    assert found == pytest.approx(min(1.0, theirs) if lost + won else 1.0)


def test_sign_flips_over_prompts_equal_counting_all_of_them():
    gained = np.array([3, -1, 2, 2, -4, 1, 0, 1])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 8)).reshape(8, -1)
    by_hand = np.mean(np.abs(signs.T @ np.abs(gained)) >= abs(gained.sum()))
    assert sign_flip_p(gained) == pytest.approx(by_hand)


def test_sign_flips_equal_scipys_permutation_test():
    rng = np.random.default_rng(5)
    gained = rng.integers(-3, 4, 11).astype(float)
    theirs = stats.permutation_test(
        (gained,), lambda x, axis: x.sum(axis), permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_p(gained) == pytest.approx(theirs.pvalue)


def test_a_very_large_sum_uses_the_normal_limit():
    gained = np.concatenate([np.ones(11_300), -np.ones(11_000)])
    assert sign_flip_p(gained) == pytest.approx(stats.binomtest(11_000, 22_300).pvalue, rel=1e-3)


@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03, 0.005], [0.5], [0.9, 0.2, 0.2], []])
def test_holm_is_that_of_statsmodels(p_values):
    theirs = multipletests(p_values, method="holm")[1] if p_values else []
    assert holm(p_values) == pytest.approx(list(theirs))


@pytest.mark.parametrize(("a", "n", "b", "m"), [(50, 100, 61, 100), (0, 12, 3, 14), (490, 500, 470, 500)])
def test_unpaired_difference_is_newcombes(a, n, b, m):
    found = unpaired_difference(wilson(a, n), wilson(b, m))
    theirs = confint_proportions_2indep(b, m, a, n, method="newcomb", compare="diff")
    assert (found.low, found.high) == pytest.approx(theirs)


def test_unpaired_p_is_the_pooled_z_test():
    from statsmodels.stats.proportion import proportions_ztest

    assert unpaired_p(wilson(50, 100), wilson(61, 110)) == pytest.approx(proportions_ztest([50, 61], [100, 110])[1])


def test_t_p_is_scipys():
    for t, df in [(0.0, 3), (1.2, 1), (-2.5, 7), (4.0, 300)]:
        assert t_p(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), abs=1e-10)


def test_samples_pair_by_prompt_and_repeat_and_only_when_both_were_scored():
    pairs = paired("eo ee uf", "ee -e uu e")
    assert (len(pairs), pairs.unpaired_a, pairs.unpaired_b) == (4, 1, 2)
    assert mcnemar(pairs, "exact_rate")[:2] == (0, 1)


def test_letters_of_a_summary_pair_like_the_rows_they_came_from():
    found = pair_up(side_from_samples({"p0": "eo", "p1": "e-"}), side_of(columns_of(rows("oe ee"))))
    assert len(found) == 3
    with pytest.raises(ValueError, match="substring"):
        side_from_samples({"p0": "eZ"})


def test_the_difference_is_over_pairs_in_both_denominators():
    sums = sums_of(paired("er eo", "ee ee"), "exact_rate_given_picture")
    assert (sums.a.tolist(), sums.b.tolist(), sums.size.tolist()) == ([1, 1], [1, 2], [1, 2])


def test_paired_difference_of_single_pairs_follows_bonett_and_price():
    won, lost, n = 6, 2, 60
    sums = Sums(
        a=np.array([0] * won + [1] * lost + [1] * 52),
        b=np.array([1] * won + [0] * lost + [1] * 52),
        size=np.ones(n),
    )
    low, high = (won + 1) / (n + 2), (lost + 1) / (n + 2)
    variance = ((won + 1 + lost + 1) / (n + 2) - (low - high) ** 2) / (n + 1)
    half = stats.t.ppf(0.975, n - 1) * np.sqrt(variance)
    found = paired_difference(sums)
    assert found.value == pytest.approx(4 / 60)
    assert (found.low, found.high) == pytest.approx((low - high - half, low - high + half))


def test_twins_without_any_difference_are_not_certain_to_be_equal():
    found = paired_difference(Sums(a=np.ones(20), b=np.ones(20), size=np.ones(20)))
    assert found.value == 0
    assert 0.05 < found.high < 0.25 and found.low == -found.high


def test_two_prompts_however_often_drawn_prove_no_difference():
    a, b = cluster_rate([2], [20]), cluster_rate([18], [20])
    assert unpaired_p(a, b) > 0.05
    assert unpaired_difference(a, b).low < 0
