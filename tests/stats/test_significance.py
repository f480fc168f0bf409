"""P-values against scipy, statsmodels and counting all cases."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

from countcheck.stats.intervals import cluster_rate, wilson
from countcheck.stats.significance import holm, mcnemar_p_value, sign_flip_p_value, unpaired_p_value


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (1, 0), (5, 0), (3, 9), (10, 10), (40, 61), (12, 1)])
def test_sign_flips_with_one_pair_a_prompt_are_mcnemars_exact_test(lost, won):
    found = sign_flip_p_value(np.array([-1.0] * lost + [1.0] * won))
    theirs = statsmodels_mcnemar([[0, lost], [won, 0]], exact=True).pvalue
    assert found == pytest.approx(min(1.0, theirs) if lost + won else 1.0)
    assert mcnemar_p_value(lost, won) == found


def test_sign_flips_over_prompts_equal_counting_all_of_them():
    gained = np.array([3, -1, 2, 2, -4, 1, 0, 1])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 8)).reshape(8, -1)
    by_hand = np.mean(np.abs(signs.T @ np.abs(gained)) >= abs(gained.sum()))
    assert sign_flip_p_value(gained) == pytest.approx(by_hand)


def test_sign_flips_equal_scipys_permutation_test():
    rng = np.random.default_rng(5)
    gained = rng.integers(-3, 4, 11).astype(float)
    theirs = stats.permutation_test(
        (gained,), lambda x, axis: x.sum(axis), permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_p_value(gained) == pytest.approx(theirs.pvalue)


def test_a_very_large_sum_uses_the_normal_limit():
    gained = np.concatenate([np.ones(11_300), -np.ones(11_000)])
    assert sign_flip_p_value(gained) == pytest.approx(stats.binomtest(11_000, 22_300).pvalue, rel=1e-3)


@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03, 0.005], [0.5], [0.9, 0.2, 0.2], []])
def test_holm_is_that_of_statsmodels(p_values):
    theirs = multipletests(p_values, method="holm")[1] if p_values else []
    assert holm(p_values) == pytest.approx(list(theirs))


def test_unpaired_p_is_the_pooled_z_test():
    assert unpaired_p_value(wilson(50, 100), wilson(61, 110)) == pytest.approx(
        proportions_ztest([50, 61], [100, 110])[1]
    )


def test_two_prompts_however_often_repeated_prove_no_difference():
    assert unpaired_p_value(cluster_rate([2], [20]), cluster_rate([18], [20])) > 0.05
