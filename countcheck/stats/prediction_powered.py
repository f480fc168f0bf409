"""Prediction-powered estimates: a cheap, erring prediction of every sample, corrected by labels of some of them.

In each stratum, the mean label plus λ times what the prediction's mean over all samples exceeds that over the labelled ones
(Angelopoulos et al. 2023; with λ = 1 it is the classical stratified difference estimator, Cochran 1977). λ is tuned in each
stratum to make the variance least (PPI++, Angelopoulos, Duchi and Zrnic 2023): a prediction that tells nothing of the labels
gets λ = 0 and costs nothing. Labels that stand for different numbers of samples are weighted (Hajek 1971). The interval
carries the chance in which prompts were asked and that in which samples were labelled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countcheck.stats.distributions import t_quantile
from countcheck.stats.estimate import Estimate, no_estimate
from countcheck.stats.intervals import wilson_interval

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


MIN_TUNED = 20
"""Fewest labels of a stratum from which λ is tuned; with fewer it is 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelSample:
    """Which samples carry a label, and how they were chosen.

    Attributes:
        cluster: (n,) prompt of each sample.
        stratum: (n,) part of the run that each sample is in; -1 where nothing needs a label.
        labelled: (m,) indices of the samples that carry a label.
        weight: (m,) how many samples each label stands for, to any scale; ``None``: all of a stratum for as many.
    """

    cluster: Ints
    stratum: Ints
    labelled: Ints
    weight: Floats | None = None


def prediction_powered(
    sample: LabelSample,
    predicted: ArrayLike,
    labels: ArrayLike,
    base: ArrayLike,
    level: float = 0.95,
    *,
    share: bool = True,
    unlabelled: float = 0.0,
    tune: bool = True,
) -> Estimate:
    """Estimate a ratio of sums over samples whose numerator is predicted for all and labelled for some.

    Args:
        sample: Clusters, strata and which samples are labelled.
        predicted: (n,) what the prediction adds to the numerator.
        labels: (m,) what the labels add to it.
        base: (n,) what each sample adds to the denominator.
        level: Confidence level, strictly between 0 and 1.
        share: The result is a share from 0 to 1; else a mean of 0 or more.
        unlabelled: Share, 0 to 1, of samples in strata without labels; widens the interval to either side.
        tune: Choose λ for the least variance; 1 otherwise.

    >>> sample = LabelSample(cluster=np.arange(4), stratum=np.zeros(4, np.int64), labelled=np.array([0, 1]))
    >>> prediction_powered(sample, [1, 1, 1, 0], [1, 0], [1, 1, 1, 1]).value
    0.25
    """
    f, y, d = np.asarray(predicted, np.float64), np.asarray(labels, np.float64), np.asarray(base, np.float64)
    bottom, k = float(d.sum()), len(np.unique(sample.cluster[d > 0]))
    if bottom == 0:
        return no_estimate("no outcomes", level=level)
    guess, residual, extra, on_labels = _corrected(sample, f, y, bottom, share=share, tune=tune)
    value = float(guess.sum()) / bottom
    # What a prompt adds, and the labels' scatter in it: the chance of the prompts and of the labels at once.
    u = np.bincount(sample.cluster, weights=guess - value * d + residual)
    total = float((u * u).sum()) * k / max(k - 1, 1) / bottom**2 + extra
    prompts = np.bincount(sample.cluster, weights=guess - value * d)
    steady = (float((prompts * prompts).sum()) / bottom**2) ** 2 / max(k - 1, 1)
    df = total**2 / (steady + on_labels) if total > 0 else 1e9
    value = min(max(value, 0.0), 1.0) if share else max(value, 0.0)
    low, high = _ends(value, total, df, bottom, level, share)
    return Estimate(
        value=value,
        low=max(0.0, low - unlabelled),
        high=min(1.0, high + unlabelled) if share else high,
        level=level,
        n=round(bottom),
        clusters=k,
        method=f"prediction-powered, {len(sample.labelled)} labels",
    )


def _corrected(
    sample: LabelSample, f: Floats, y: Floats, bottom: float, *, share: bool, tune: bool
) -> tuple[Floats, Floats, float, float]:
    """Return the corrected predictions, the labels' residuals, the variance they leave out, and a term for the df."""
    guess, residual, extra, on_labels = f.copy(), np.zeros(len(f)), 0.0, 0.0
    strata = sample.stratum[sample.labelled]
    weights = np.ones(len(sample.labelled)) if sample.weight is None else sample.weight
    for stratum in np.unique(strata):
        inside, mine = sample.stratum == stratum, strata == stratum
        rows, size = sample.labelled[mine], float(inside.sum())
        portion = weights[mine] / weights[mine].sum()
        n = 1 / float((portion * portion).sum())  # as many equally weighted labels would teach as much
        power = _tuned_power(f[rows], y[mine], portion) if tune else 1.0
        error = y[mine] - power * f[rows]
        mean = float(portion @ error)
        guess[inside] = power * f[inside] + mean
        residual[rows] += (error - mean) * size * portion
        seen = float(portion @ (error - mean) ** 2)
        if 0 < power < 1:
            seen *= (n - 1) / (n - 2)  # one more thing was learnt from the labels
        variance = _variance(error, mean, seen, n, share)
        extra += size * size * max(0.0, variance - seen) / n / bottom**2
        on_labels += (size * size * variance / n / bottom**2) ** 2 / max(n - 1, 1)
    return guess, residual, extra, on_labels


def _tuned_power(f: Floats, y: Floats, portion: Floats) -> float:
    """Return the λ, 0 to 1, that makes the variance of ``y - λ f`` least; 1 where there are too few labels to tell.

    The labelled samples are among all of those that were predicted, so the best λ is the regression of labels on
    predictions; PPI++ divides it by 1 + n/N because there they are apart.
    """
    centred = f - portion @ f
    square = float(portion @ centred**2)
    if len(f) < MIN_TUNED or square <= 1e-12 * float(portion @ f**2):
        return 1.0
    return min(1.0, max(0.0, float(portion @ (centred * y)) / square))


def _variance(error: Floats, mean: float, seen: float, n: float, share: bool) -> float:
    """Return the variance of the labelled errors, never quite 0: a quarter of a label of either kind is imagined."""
    if share:
        low = -1.0 if error.min(initial=0) < 0 else 0.0
        p = ((mean - low) * n + 0.25) / (n + 0.5)
        return max(p * (1 - p), seen)  # a stratum may err both ways, and scatters more then than yes and no can
    spread = seen * n / (n - 1) if n > 1 + 1e-9 else 0.0
    return max(spread, 0.25 / (n + 0.5))


def _ends(value: float, variance: float, df: float, n: float, level: float, share: bool) -> tuple[float, float]:
    t = t_quantile(level, max(df, 3.0))
    if share:
        inner = min(max(value, 0.5 / n), 1 - 0.5 / n)
        effective = min(n, inner * (1 - inner) / variance) if variance > 0 else n
        return wilson_interval(value, max(effective, 1.0), t)
    half = t * math.sqrt(variance) / value if value > 0 else math.inf
    if half > 2:  # on a log scale an error that dwarfs the value would have no sensible upper end
        return 0.0, value + t * math.sqrt(variance)
    return value * math.exp(-half), value * math.exp(half)
