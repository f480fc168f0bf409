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


def gains_table(both, won, lost, neither):
    """Prompts with one pair each: exact on both sides, only on the later, only on the earlier, on neither."""
    kinds = ([1, 1, 1, 1], [0, 1, 1, 1], [1, 1, 0, 1], [0, 1, 0, 1])
    return np.array([kind for kind, n in zip(kinds, (both, won, lost, neither), strict=True) for _ in range(n)], float)


def exact_bca(won, lost, n, level=0.95):
    """BCa by counting out every resample in whole numbers: the ends, and how near each lies to another atom."""
    gains, chances = [], []
    for w in range(n + 1):
        for m in range(n + 1 - w):
            gains.append(w - m)
            chances.append(stats.multinomial.pmf([w, m, n - w - m], n, [won / n, lost / n, (n - won - lost) / n]))
    gains, chances = np.array(gains), np.array(chances)
    observed = won - lost
    below = chances[gains < observed].sum() + chances[gains == observed].sum() / 2
    bias = stats.norm.ppf(below)
    values = np.array([1] * won + [-1] * lost + [0] * (n - won - lost))
    jackknife = (observed - values) / (n - 1)
    centred = jackknife.mean() - jackknife
    pull = (centred**3).sum() / (6 * (centred**2).sum() ** 1.5)
    ends = []
    for z in stats.norm.ppf([(1 - level) / 2, (1 + level) / 2]):
        place = stats.norm.cdf(bias + (bias + z) / (1 - pull * (bias + z)))
        sure = [
            min(g for g in range(-n, n + 1) if chances[gains <= g].sum() >= p)
            for p in (place - 0.005, min(place + 0.005, 1 - 1e-9))
        ]
        ends.append(sure[0] / n if sure[0] == sure[1] else None)
    return ends


def test_the_smallest_table_in_which_floats_tie():
    found = bootstrap(gains_table(5, 4, 0, 2), difference, 11, resamples=20_000)
    assert (found.low, found.high) == pytest.approx((1 / 11, 7 / 11))


@pytest.mark.parametrize("both", [1, 4, 7])
@pytest.mark.parametrize(("won", "lost"), [(2, 0), (3, 1), (4, 0), (5, 2), (1, 3), (0, 4)])
@pytest.mark.parametrize("neither", [0, 2])
def test_ties_are_counted_in_whole_numbers(both, won, lost, neither):
    n = both + won + lost + neither
    found = bootstrap(gains_table(both, won, lost, neither), difference, n, resamples=20_000)
    for end, exact in zip((found.low, found.high), exact_bca(won, lost, n), strict=True):
        assert exact is None or end == pytest.approx(exact)


def test_sides_of_different_sizes_still_subtract_their_rates():
    totals = np.array([[1.0, 4.0, 3.0, 6.0], [0.0, 0.0, 1.0, 2.0]])
    assert difference(totals)[0] == pytest.approx(0.25)
    assert np.isnan(difference(totals)[1])
