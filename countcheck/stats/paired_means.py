"""The difference of two means over the same prompts and repeats, with its test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from countcheck.stats.distributions import t_p_value, t_quantile
from countcheck.stats.estimate import Estimate, no_estimate
from countcheck.stats.intervals import cluster_mean, unseen_share
from countcheck.stats.significance import sign_flip_p_value


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedMeans:
    """Two means and their difference.

    Attributes:
        a, b: The means.
        difference: ``b`` less ``a``.
        p_value: Two-sided, of no difference, 0 to 1; ``None`` with fewer than two prompts.
        test: Which test.
    """

    a: Estimate
    b: Estimate
    difference: Estimate
    p_value: float | None
    test: str


def paired_means(
    totals_a: ArrayLike, sizes_a: ArrayLike, totals_b: ArrayLike, sizes_b: ArrayLike, level: float = 0.95
) -> PairedMeans:
    """Compare two means over the same k prompts: linearised variance over prompts with Student's t.

    Prompts that all changed alike show no spread. As in `countcheck.stats.intervals.cluster_mean`, the ends are then off
    the difference by the upper end of a share that was never seen.

    Args:
        totals_a, totals_b: (k,) sum of the values of each prompt on either side.
        sizes_a, sizes_b: (k,) number of values of each prompt on either side, 1 or more.
        level: Confidence level, strictly between 0 and 1.

    >>> round(paired_means([2, 0, 1], [2, 2, 2], [4, 1, 1], [2, 2, 2]).difference.value, 2)
    0.5
    """
    ta, na, tb, nb = (np.asarray(x, np.float64) for x in (totals_a, sizes_a, totals_b, sizes_b))
    k = len(ta)
    if k == 0:
        none = no_estimate("no pairs", level=level)
        return PairedMeans(a=none, b=none, difference=none, p_value=None, test="t over prompts")
    mean_a, mean_b = float(ta.sum() / na.sum()), float(tb.sum() / nb.sum())
    value = mean_b - mean_a
    residual = (tb - mean_b * nb) / nb.sum() - (ta - mean_a * na) / na.sum()
    error = math.sqrt(float((residual * residual).sum()) * k / (k - 1)) if k > 1 else math.inf
    alike = k > 1 and error <= 1e-12 * max(mean_a, mean_b)
    half: float | None = None
    p_value: float | None = None
    if alike:
        half, p_value = unseen_share(np.ones(k), level), sign_flip_p_value(np.full(k, np.sign(value)))
    elif k > 1:
        half, p_value = t_quantile(level, k - 1) * error, t_p_value(value / error, k - 1)
    difference = Estimate(
        value=value,
        low=None if half is None else value - half,
        high=None if half is None else value + half,
        level=level,
        n=round(float(nb.sum())),
        clusters=k,
        method=f"paired by prompt and repeat, {'all alike: as a share off by one' if alike else 't over prompts'}",
    )
    return PairedMeans(
        a=cluster_mean(ta, na, level),
        b=cluster_mean(tb, nb, level),
        difference=difference,
        p_value=p_value,
        test="exact sign flips over prompts" if alike else "t over prompts",
    )
