"""P-values of "no difference", and their adjustment when there are several."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countcheck.stats.estimate import Estimate

MAX_EXACT = 20_000
"""Largest sum of squared differences for which sign flips are counted out; beyond it the normal limit is as good."""


def sign_flip_p_value(gained: ArrayLike) -> float:
    """Test that no prompt favours a side: how often a sum as far from 0 comes if every sign is a coin flip.

    Counted out exactly: prompts with the same size of difference flip together as a binomial, and the binomials are
    convolved. With one pair a prompt this is the exact test of McNemar (1947). Sums beyond `MAX_EXACT` use the normal
    limit with continuity correction.

    Args:
        gained: (k,) whole numbers: successes of the second side less those of the first, of each prompt.

    Returns:
        Two-sided p-value, above 0 and up to 1.

    >>> sign_flip_p_value([1, 1, 1, 1, 1])
    0.0625
    """
    d = np.asarray(gained, np.float64)
    size = np.abs(np.rint(d)).astype(np.int64)
    size = size[size > 0]
    observed = abs(int(np.rint(d.sum())))
    if len(size) == 0 or observed == 0:
        return 1.0
    square = float((size.astype(np.float64) ** 2).sum())
    if square > MAX_EXACT:
        return math.erfc(max(0.0, observed - 1.0) / math.sqrt(2 * square))
    chances = np.ones(1)
    for step, count in zip(*np.unique(size, return_counts=True), strict=True):
        spread = np.zeros(2 * int(count) * int(step) + 1)
        spread[:: 2 * int(step)] = _fair_binomial(int(count))
        chances = np.convolve(chances, spread)
    middle = (len(chances) - 1) // 2
    return float(min(1.0, 2 * chances[middle + observed :].sum()))


def _fair_binomial(n: int) -> NDArray[np.float64]:
    """Return the chances of 0 to n heads in n throws."""
    heads = np.arange(n + 1)
    logs = np.array([math.lgamma(n + 1) - math.lgamma(h + 1) - math.lgamma(n - h + 1) for h in heads])
    return np.exp(logs - n * math.log(2))


def mcnemar_p_value(lost: int, won: int) -> float:
    """Compute McNemar's exact two-sided p-value (1947) from the pairs that differ either way.

    >>> mcnemar_p_value(0, 5)
    0.0625
    """
    return sign_flip_p_value(np.concatenate([np.ones(won), -np.ones(lost)]))


def unpaired_p_value(a: Estimate, b: Estimate) -> float | None:
    """Test that two shares are equal, each with its design effect (score test of Rao and Scott 1992).

    Returns:
        Two-sided p-value, 0 to 1; ``None`` where either share has no value.
    """
    if a.value is None or b.value is None:
        return None
    na, nb = a.n / (a.design_effect or 1.0), b.n / (b.design_effect or 1.0)
    pooled = (a.value * na + b.value * nb) / (na + nb)
    error = math.sqrt(pooled * (1 - pooled) * (1 / na + 1 / nb))
    return 1.0 if error == 0 else math.erfc(abs(b.value - a.value) / error / math.sqrt(2))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that any false alarm among them stays as rare as stated (Holm 1979), in the order given.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted
