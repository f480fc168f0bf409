"""Confidence intervals in closed form, over prompts (clusters), since repeats of one prompt are not independent.

`wilson` is for independent outcomes; `cluster_rate` for shares, `cluster_mean` for means and `cluster_ratio` for what one
exact picture costs; `paired_difference` and `unpaired_difference` for the difference of two. Nothing here knows a row:
callers sum by prompt first (`sums_by_cluster`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countcheck.stats.distributions import t_quantile, z_quantile
from countcheck.stats.estimate import TOO_FEW, Estimate, no_estimate

FEW = 10
"""With fewer prompts than this of the rarer answer the interval is wider than it need be, and its method says so."""


MIN_CLUSTERS = 3
"""With fewer prompts than this a mean or ratio on the log scale has no interval worth showing."""
MAX_FACTOR = 100
"""An interval whose ends are further than this factor from the value says nothing."""


def sums_by_cluster(cluster: ArrayLike, values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum values over the outcomes of each cluster that has any.

    Args:
        cluster: (n,) whole numbers: the cluster of each outcome.
        values: (n,) numbers or booleans.

    Returns:
        The sums and the cluster sizes, (k,) each, in the order of the cluster numbers.

    >>> sums, sizes = sums_by_cluster([7, 3, 7], [True, False, True])
    >>> sums.tolist(), sizes.tolist()
    ([0.0, 2.0], [1.0, 2.0])
    """
    _, code = np.unique(np.asarray(cluster), return_inverse=True)
    sums = np.bincount(code, weights=np.asarray(values, np.float64)).astype(np.float64)
    return sums, np.bincount(code).astype(np.float64)


def wilson_interval(share: float, n: float, z: float) -> tuple[float, float]:
    """Compute Wilson's score interval (1927) for a share.

    Args:
        share: 0 to 1.
        n: Number of outcomes, effective ones too: any positive number.
        z: Two-sided quantile, such as 1.96.
    """
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if share <= 0 else max(0.0, centre - half)
    high = 1.0 if share >= 1 else min(1.0, centre + half)
    return low, high


def wilson(successes: int, n: int, level: float = 0.95) -> Estimate:
    """Estimate a share from independent yes/no outcomes (Wilson 1927).

    Raises:
        ValueError: If ``n`` is 0, or ``successes`` is not between 0 and ``n``.

    >>> estimate = wilson(0, 12)
    >>> estimate.value, round(estimate.high, 3)
    (0.0, 0.242)
    """
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"need 0 <= successes <= n and n > 0, got {successes} of {n}")
    low, high = wilson_interval(successes / n, n, z_quantile(level))
    return Estimate(value=successes / n, low=low, high=high, level=level, n=n, clusters=n, method="Wilson")


def cluster_rate(hits: ArrayLike, sizes: ArrayLike, level: float = 0.95) -> Estimate:
    """Estimate a share over prompts, each of which gave ``hits`` out of ``sizes`` outcomes.

    Wilson's interval at the effective sample size n / design effect. The design effect is the linearised variance
    over prompts against the binomial one (Rao and Scott 1992), pulled towards that of an intra-prompt correlation
    of one half by one prompt's worth of evidence, because with few hits it cannot be learned. The quantile is
    Student's, with degrees of freedom from the spread of squared residuals (Satterthwaite 1946) after removing what
    the share itself explains: with one outcome a prompt nothing is left to learn and plain Wilson comes out.

    Args:
        hits: Successes of each prompt; prompts of size 0 are left out.
        sizes: Outcomes of each prompt.
        level: Confidence level, strictly between 0 and 1.

    Raises:
        ValueError: If there is not one size for each prompt's hits.

    >>> estimate = cluster_rate([2, 0, 1, 2], [2, 2, 2, 2])
    >>> estimate.value, estimate.n, estimate.clusters
    (0.625, 8, 4)
    """
    x, m = _clusters(hits, sizes)
    k, n = len(m), float(m.sum())
    if k == 0:
        return no_estimate("no outcomes", level=level)
    p = float(x.sum() / n)
    if m.max() == 1:
        ends, method, effect = wilson_interval(p, n, z_quantile(level)), "Wilson", 1.0
    elif k == 1:
        ends, method, effect = (
            wilson_interval(p, 1.0, z_quantile(level)),
            "Wilson, one prompt counted as one outcome",
            n,
        )
    else:
        effect, df = _design(x, m, p)
        ends = wilson_interval(p, n / effect, t_quantile(level, df))
        events = int(min(np.count_nonzero(x > 0), np.count_nonzero(x < m)))
        method = "Wilson over prompts" + (", few events: on the wide side" if events < FEW else "")
    return Estimate(
        value=p, low=ends[0], high=ends[1], level=level, n=round(n), clusters=k, method=method, design_effect=effect
    )


def _design(x: NDArray[np.float64], m: NDArray[np.float64], p: float) -> tuple[float, float]:
    """Return the design effect and degrees of freedom of a share, of several prompts with several outcomes."""
    k, n = len(m), float(m.sum())
    largest = float((m * m).sum() / n)  # when all repeats of a prompt agree
    prior = (1 + largest) / 2
    events = float(min(np.count_nonzero(x > 0), np.count_nonzero(x < m)))
    if events == 0:
        return prior, 1e9
    residual = x - p * m
    square = residual * residual
    total = float(square.sum())
    raw = total * k / (k - 1) / (n * p * (1 - p))
    effect = min(max((events * raw + prior) / (events + 1), 1.0), largest)
    if total <= 1e-12 * n:
        return effect, k - 1.0
    mean = total / k
    spread = (square - mean) / mean
    unexplained = spread - residual * (1 - 2 * p) * k / (n * p * (1 - p))
    whole = 2 * k / max(float((spread * spread).mean()), 1e-9)
    net = 2 * k / max(float((unexplained * unexplained).mean()), 1e-9)
    return effect, max(4.0, 2 / (1 / net + 1 / min(whole, k - 1.0)))


def cluster_mean(totals: ArrayLike, sizes: ArrayLike, level: float = 0.95, *, floor: float | None = 0.0) -> Estimate:
    """Estimate a mean over prompts: ``totals`` summed over ``sizes`` outcomes of each prompt.

    Linearised variance over prompts with Student's t; on the log scale when values cannot be below ``floor`` = 0,
    since such means are skewed. Where all prompts have the same mean there is no spread to learn from: the ends are off
    it by the upper end of a share that was never seen, as if an error of 1 had come next.

    Args:
        totals: Sum of values of each prompt.
        sizes: Outcomes of each prompt; prompts of size 0 are left out.
        level: Confidence level, strictly between 0 and 1.
        floor: Least possible value; ``None`` when there is none.

    Raises:
        ValueError: If there is not one size for each prompt's total.

    >>> round(cluster_mean([3, 1, 2, 0], [2, 2, 2, 2]).value, 2)
    0.75
    """
    t, m = _clusters(totals, sizes)
    k, n = len(m), float(m.sum())
    if k == 0:
        return no_estimate("no outcomes", level=level)
    mean = float(t.sum() / n)
    low: float | None
    high: float | None
    if k == 1:
        low, high, method = None, None, f"{TOO_FEW}: one prompt"
        return Estimate(value=mean, low=low, high=high, level=level, n=round(n), clusters=k, method=method)
    residual = t - mean * m
    error = math.sqrt(float((residual * residual).sum()) * k / (k - 1)) / n
    half = t_quantile(level, k - 1) * error
    if error <= 1e-12 * abs(mean):
        half = unseen_share(m, level)
        low, high = mean - half, mean + half
        low, method = low if floor is None else max(floor, low), f"all {mean:.3g}: as a share off by one"
    elif floor == 0.0:
        low, high, method = _log_t(mean, half / mean, k)
    else:
        low, high, method = mean - half, mean + half, "t over prompts"
    return Estimate(value=mean, low=low, high=high, level=level, n=round(n), clusters=k, method=method)


def unseen_share(sizes: ArrayLike, level: float) -> float:
    """Return the upper end, 0 to 1, of the share of something that was never seen in so many outcomes of each prompt."""
    sizes = np.asarray(sizes, np.float64)
    return cluster_rate(np.zeros(len(sizes)), sizes, level).high or 1.0


def cluster_ratio(tops: ArrayLike, bottoms: ArrayLike, n: int, level: float = 0.95) -> Estimate:
    """Estimate a ratio of sums over prompts, such as seconds per exact picture.

    Linearised on the log scale with Student's t. With a bottom of 0 there is no value, only a lower end: the sum of
    tops over the most that the bottom's upper bound allows.

    Args:
        tops: One sum a prompt, 0 or more.
        bottoms: Another, such as the exact pictures of the prompt.
        n: Outcomes behind them, for the denominator.
        level: Confidence level, strictly between 0 and 1.

    >>> cluster_ratio([3.0, 5.0, 4.0, 4.0], [1, 2, 1, 0], 4).value
    4.0
    """
    a, b = np.asarray(tops, np.float64), np.asarray(bottoms, np.float64)
    k, top, bottom = len(a), float(a.sum()), float(b.sum())
    if k == 0 or top <= 0:
        return no_estimate("no outcomes" if k == 0 else "nothing recorded", level=level, n=n, clusters=k)
    value: float | None
    low: float | None
    high: float | None
    if bottom == 0:
        value, low, high = None, top / ((wilson(0, k, level).high or 1.0) * n), None
        method = "none exact: lower end only"
    elif k == 1:
        value, low, high, method = top / bottom, None, None, f"{TOO_FEW}: one prompt"
    else:
        residual = a / top - b / bottom
        half = t_quantile(level, k - 1) * math.sqrt(float((residual * residual).sum()) * k / (k - 1))
        value = top / bottom
        low, high, method = _log_t(value, half, k)
    return Estimate(value=value, low=low, high=high, level=level, n=n, clusters=k, method=method)


def _log_t(value: float, half: float, k: int) -> tuple[float | None, float | None, str]:
    """Return the ends of an interval on the log scale, and its method; no ends where they would say nothing.

    Args:
        value: The point estimate, above 0.
        half: Half the interval on the log scale.
        k: Number of prompts, 2 or more.
    """
    if k < MIN_CLUSTERS or half > math.log(MAX_FACTOR):
        return None, None, f"{TOO_FEW}: {k} prompts" + (" that differ widely" if k >= MIN_CLUSTERS else "")
    return value * math.exp(-half), value * math.exp(half), "log t over prompts"


def paired_difference(gained: ArrayLike, sizes: ArrayLike, level: float = 0.95) -> Estimate:
    """Estimate the difference of two shares over the same prompts and repeats: the second less the first.

    Student's t over prompts after adding an imagined prompt in favour of either side, so that few or no differing prompts
    do not pass for certainty: with fewer than `FEW` that differ one whole prompt each (Bonett and Price 2012, here with
    the square root of a prompt's repeats as its weight), otherwise one between them, which keeps the level closest.

    Args:
        gained: (k,) successes of the second side less those of the first, of each prompt.
        sizes: (k,) pairs of each prompt, 1 or more.
        level: Confidence level, strictly between 0 and 1.

    Returns:
        The difference, from -1 to 1.

    >>> round(paired_difference([1, 0, -1, 1, 0, 1, 0, 1], [1] * 8).value, 3)
    0.375
    """
    d, m = np.asarray(gained, np.float64), np.asarray(sizes, np.float64)
    k, n = len(m), float(m.sum())
    if k == 0:
        return no_estimate("no pairs", level=level)
    value = float(d.sum()) / n
    if k == 1:
        return Estimate(
            value=value, low=-1.0, high=1.0, level=level, n=round(n), clusters=1, method="one prompt: no interval"
        )
    few = int(np.count_nonzero(d)) < FEW
    weight = math.sqrt(n / k * (1.0 if few else 0.5))
    total, size = float(d.sum()), n + 2 * weight
    residual = d - total / (k + 2)
    square = float((residual * residual).sum()) + (weight - total / (k + 2)) ** 2 + (weight + total / (k + 2)) ** 2
    half = t_quantile(level, k - 1) * math.sqrt(square * (k + 2) / (k + 1)) / size
    centre = total / size
    return Estimate(
        value=value,
        low=max(-1.0, min(centre - half, value)),
        high=min(1.0, max(centre + half, value)),
        level=level,
        n=round(n),
        clusters=k,
        method="paired by prompt and repeat, t over prompts" + (", few differ: on the wide side" if few else ""),
    )


def unpaired_difference(a: Estimate, b: Estimate) -> Estimate:
    """Estimate ``b`` less ``a`` from two sets of outcomes that do not pair (Newcombe 1998, method 10).

    >>> estimate = unpaired_difference(wilson(40, 50), wilson(30, 50))
    >>> round(estimate.value, 2), round(estimate.low, 2), round(estimate.high, 2)
    (-0.2, -0.36, -0.02)
    """
    if a.value is None or b.value is None or a.low is None or b.low is None or a.high is None or b.high is None:
        return no_estimate("nothing to compare", level=a.level)
    value = b.value - a.value
    return Estimate(
        value=value,
        low=value - math.hypot(b.value - b.low, a.high - a.value),
        high=value + math.hypot(b.high - b.value, a.value - a.low),
        level=a.level,
        n=a.n + b.n,
        clusters=a.clusters + b.clusters,
        method="unpaired, hybrid score",
    )


def _clusters(values: ArrayLike, sizes: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, m = np.asarray(values, np.float64), np.asarray(sizes, np.float64)
    if x.shape != m.shape or x.ndim != 1:
        raise ValueError(f"need one value and one size a prompt, got shapes {x.shape} and {m.shape}")
    present = m > 0
    return x[present], m[present]
