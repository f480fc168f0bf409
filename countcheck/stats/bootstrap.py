"""The cluster bootstrap: prompts are resampled with all their repeats. BCa intervals (Efron 1987).

Prompts with the same sums are one pattern with a multiplicity, so that resampling 25,000 prompts costs no more than
resampling the few dozen patterns that they show: the distribution is exactly the same.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countcheck.stats.estimate import Estimate, no_estimate

Floats: TypeAlias = NDArray[np.float64]
Statistic: TypeAlias = Callable[[Floats], Floats]

_CHUNK = 2_000_000
"""Numbers held in memory at a time: 16 MB."""


def bootstrap(
    sums: ArrayLike, statistic: Statistic, n: int, *, level: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Estimate:
    """Estimate a function of sums over prompts, with its BCa interval.

    Args:
        sums: (prompts, columns): what each prompt adds to each sum.
        statistic: From (samples, columns) of totals to (samples,) values, such as `ratio` or `difference`.
        n: Outcomes behind them.
        level: Confidence level, strictly between 0 and 1.
        resamples: How many times prompts are resampled, 1 or more.
        seed: Of the resampling; the same seed gives the same interval.

    >>> estimate = bootstrap([[2, 2], [0, 2], [1, 2], [2, 2]], ratio, 8, resamples=1000)
    >>> estimate.value, estimate.clusters
    (0.625, 4)
    """
    table = np.asarray(sums, np.float64)
    k = len(table)
    if k == 0:
        return no_estimate("no outcomes", level=level)
    patterns, counts = np.unique(table, axis=0, return_counts=True)
    value = float(statistic(table.sum(0, keepdims=True))[0])
    if k < 2 or len(patterns) < 2:
        return Estimate(
            value=value, low=None, high=None, level=level, n=n, clusters=k, method="bootstrap: prompts do not differ"
        )
    resampled = np.sort(_resample(patterns, counts, statistic, resamples, np.random.default_rng(seed)))
    jackknife = statistic(table.sum(0) - patterns)
    ends = _bca(resampled, value, jackknife, counts, level)
    return Estimate(
        value=value,
        low=float(ends[0]),
        high=float(ends[1]),
        level=level,
        n=n,
        clusters=k,
        method=f"BCa bootstrap over prompts, {resamples:,} resamples",
    )


def ratio(totals: Floats) -> Floats:
    """Divide the first sum by the second; NaN where the second is 0.

    >>> ratio(np.array([[1.0, 4.0], [1.0, 0.0]]))
    array([0.25,  nan])
    """
    return _divide(totals[:, 0], totals[:, 1])


def difference(totals: Floats) -> Floats:
    """Subtract the earlier rate from the later: third sum over fourth, less first over second.

    Over a common denominator, so that sums which are whole numbers stay whole until the one division: resamples with the
    same difference then give the same float, and BCa's bias correction sees that they tie with the value.

    >>> difference(np.array([[1.0, 4.0, 3.0, 4.0]]))
    array([0.5])
    """
    top_a, bottom_a, top_b, bottom_b = totals[:, 0], totals[:, 1], totals[:, 2], totals[:, 3]
    same = bottom_a == bottom_b
    top = np.where(same, top_b - top_a, top_b * bottom_a - top_a * bottom_b)
    return _divide(top, np.where(same, bottom_a, bottom_a * bottom_b))


def _divide(top: Floats, bottom: Floats) -> Floats:
    out = np.full(len(top), np.nan)
    return np.divide(top, bottom, out=out, where=bottom != 0)


def _resample(
    patterns: Floats, counts: NDArray[Any], statistic: Statistic, resamples: int, rng: np.random.Generator
) -> Floats:
    k = int(counts.sum())
    step = max(1, _CHUNK // len(patterns))
    chunks = []
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        if len(patterns) * 4 <= k:
            weights = rng.multinomial(k, counts / k, size=size).astype(np.float64)
            totals = weights @ patterns
        else:
            totals = np.stack([_resampled_totals(patterns, counts, k, rng) for _ in range(size)])
        chunks.append(statistic(totals))
    values = np.concatenate(chunks)
    return values[~np.isnan(values)]


def _resampled_totals(patterns: Floats, counts: NDArray[Any], k: int, rng: np.random.Generator) -> Floats:
    index = rng.integers(0, k, size=k)
    which = index if len(patterns) == k else np.repeat(np.arange(len(patterns)), counts)[index]
    totals: Floats = np.bincount(which, minlength=len(patterns)) @ patterns
    return totals


def _bca(resampled: Floats, value: float, jackknife: Floats, counts: NDArray[Any], level: float) -> Floats:
    """Return bias-corrected and accelerated percentiles; the acceleration comes from the jackknife over prompts."""
    normal = NormalDist()
    below = (np.count_nonzero(resampled < value) + np.count_nonzero(resampled <= value)) / (2 * len(resampled))
    bias = normal.inv_cdf(min(max(below, 1e-6), 1 - 1e-6))
    known = ~np.isnan(jackknife)
    weight, jackknife = counts[known], jackknife[known]
    centred = np.average(jackknife, weights=weight) - jackknife
    square = float((weight * centred**2).sum())
    acceleration = float((weight * centred**3).sum()) / (6 * square**1.5) if square > 0 else 0.0
    places = []
    for z in (normal.inv_cdf((1 - level) / 2), normal.inv_cdf((1 + level) / 2)):
        places.append(normal.cdf(bias + (bias + z) / (1 - acceleration * (bias + z))))
    return np.quantile(resampled, places)
