"""Anytime-valid bounds: they hold at every look at once, however often one looks.

The confidence sequence is that of betting (Waudby-Smith and Ramdas 2024): bets on prompts against a claimed mean multiply
the capital only if the claim is wrong, and by Ville's inequality reach 1 / alpha otherwise with a chance of at most alpha,
however often one looks. A fixed mixture of stakes makes the capital depend on the values, not on their order.

A prompt is one bet, made when all its repeats are there. So prompts must come in random order with their repeats together,
as `countcheck.suites.samples.shuffle_prompts` puts them.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countcheck.stats.estimate import Estimate, no_estimate

Floats: TypeAlias = NDArray[np.float64]

STAKES = np.geomspace(0.002, 0.9, 32)
"""Shares of the largest stake that cannot ruin: small ones win slowly but surely, large ones fast when far off."""


def anytime_bounds(
    values: ArrayLike, level: float = 0.95, *, low: float = 0.0, high: float = 1.0
) -> tuple[float, float]:
    """Compute bounds on a mean that hold at every look at once with probability ``level``.

    Args:
        values: Bounded independent values, in the order they came or any other.
        level: Confidence level, strictly between 0 and 1.
        low, high: Least and largest possible value.

    >>> low, high = anytime_bounds([1, 1, 0] * 100)
    >>> 0.5 < low < 2 / 3 < high < 0.8
    True
    """
    unit = (np.asarray(values, np.float64) - low) / (high - low)
    if len(unit) == 0:
        return low, high
    distinct, counts = np.unique(unit, return_counts=True)
    alpha = (1 - level) / 2
    below = _lower(distinct, counts.astype(np.float64), alpha)
    above = 1 - _lower(1 - distinct, counts.astype(np.float64), alpha)
    return low + below * (high - low), low + above * (high - low)


def anytime_rate(hits: ArrayLike, sizes: ArrayLike, level: float = 0.95) -> Estimate:
    """Estimate a share over prompts that may be looked at after every prompt: the mean of the prompts' own shares.

    >>> anytime_rate([4, 0], [4, 4]).value
    0.5
    """
    x, m = np.asarray(hits, np.float64), np.asarray(sizes, np.float64)
    return _estimate((x / np.maximum(m, 1))[m > 0], m, level, low=0.0)


def anytime_difference(gained: ArrayLike, sizes: ArrayLike, level: float = 0.95) -> Estimate:
    """Estimate a difference of shares over prompts, paired, that may be looked at after every prompt.

    Args:
        gained: Successes of the second side less those of the first, of each prompt.
        sizes: Pairs of each prompt.
        level: Confidence level, strictly between 0 and 1.
    """
    d, m = np.asarray(gained, np.float64), np.asarray(sizes, np.float64)
    return _estimate((d / np.maximum(m, 1))[m > 0], m, level, low=-1.0)


def _estimate(values: Floats, sizes: Floats, level: float, low: float) -> Estimate:
    if len(values) == 0:
        return no_estimate("no outcomes", level=level)
    ends = anytime_bounds(values, level, low=low)
    return Estimate(
        value=float(values.mean()),
        low=ends[0],
        high=ends[1],
        level=level,
        n=round(float(sizes.sum())),
        clusters=len(values),
        method="anytime-valid, betting over prompts",
    )


def _lower(values: Floats, counts: Floats, alpha: float) -> float:
    """Return the largest claimed mean that is refuted; capital falls as the claimed mean rises, so halving finds it."""
    if float(values @ counts) == 0:
        return 0.0
    below, above = 0.0, float(values @ counts / counts.sum())
    for _ in range(32):
        middle = (below + above) / 2
        if _refuted(values, counts, middle, alpha):
            below = middle
        else:
            above = middle
    return below


def _refuted(values: Floats, counts: Floats, mean: float, alpha: float) -> bool:
    """Return whether betting on more than ``mean`` has multiplied the capital to 1 / alpha."""
    gains = 1 - STAKES[:, None] + STAKES[:, None] * values[None, :] / max(mean, 1e-12)
    logs = np.log(np.maximum(gains, 1e-300)) @ counts
    largest = float(logs.max())
    return largest + float(np.log(np.exp(logs - largest).mean())) >= -np.log(alpha)
