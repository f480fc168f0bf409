"""Quantiles and p-values against scipy."""

import pytest
from scipy import stats

from countcheck.stats.distributions import t_p_value, t_quantile, z_quantile


def test_t_p_is_scipys():
    for t, df in [(0.0, 3), (1.2, 1), (-2.5, 7), (4.0, 300)]:
        assert t_p_value(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), abs=1e-10)


@pytest.mark.parametrize("df", [1, 2, 3.3, 4, 7.5, 29, 400, 2e6])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_t_quantile_is_that_of_scipy(level, df):
    assert t_quantile(level, df) == pytest.approx(stats.t.ppf(0.5 + level / 2, df), rel=1e-6)
    assert z_quantile(level) == pytest.approx(stats.norm.ppf(0.5 + level / 2), rel=1e-12)
