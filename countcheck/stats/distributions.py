"""Quantiles and p-values of the normal and Student's t distribution.

Importing scipy for one quantile would take longer than all the rest of a summary.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

_NORMAL_FROM = 1e7
"""Degrees of freedom above which Student's t is the normal distribution to all digits that matter."""


def z_quantile(level: float) -> float:
    """Return the two-sided normal quantile of a confidence level strictly between 0 and 1.

    >>> round(z_quantile(0.95), 2)
    1.96
    """
    return NormalDist().inv_cdf(0.5 + level / 2)


@lru_cache(maxsize=4096)
def t_quantile(level: float, df: float) -> float:
    """Return the two-sided quantile of Student's t.

    With t = sqrt(df) tan(angle) the density is proportional to cos(angle) ** (df - 1). It is integrated by Gauss-Legendre
    quadrature and solved by Newton's method from the left, where it cannot overshoot.

    Args:
        level: Confidence level, strictly between 0 and 1.
        df: Degrees of freedom, 1 or more; fractions are allowed.

    >>> round(t_quantile(0.95, 4), 3)
    2.776
    """
    if df > _NORMAL_FROM:
        return z_quantile(level)
    angle = math.atan(z_quantile(level) / math.sqrt(df))
    for _ in range(60):
        inside, density = _within(angle, df)
        step = (level - inside) / density
        angle += step
        if abs(step) < 1e-13:
            break
    return math.sqrt(df) * math.tan(angle)


def t_p_value(t: float, df: float) -> float:
    """Return the two-sided p-value, 0 to 1, of a Student's t statistic with ``df`` >= 1 degrees of freedom.

    >>> round(t_p_value(2.776, 4), 2)
    0.05
    """
    if df > _NORMAL_FROM:
        return math.erfc(abs(t) / math.sqrt(2))
    return max(0.0, 1 - _within(math.atan(abs(t) / math.sqrt(df)), df)[0])


def _within(angle: float, df: float) -> tuple[float, float]:
    """Return the chance that t lies within ±sqrt(df) tan(angle), and its slope."""
    nodes, weights = _legendre()
    total = math.sqrt(math.pi) * math.exp(math.lgamma(df / 2) - math.lgamma((df + 1) / 2)) / 2
    inside = float(weights @ np.cos(angle * (nodes + 1) / 2) ** (df - 1)) * angle / 2 / total
    return inside, math.cos(angle) ** (df - 1) / total


@lru_cache(maxsize=1)
def _legendre() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss-Legendre quadrature of 48 points on -1 to 1, as eigenvalues; importing numpy's takes longer than a summary."""
    k = np.arange(1, 48)
    beside = k / np.sqrt(4.0 * k * k - 1)
    nodes, vectors = np.linalg.eigh(np.diag(beside, 1) + np.diag(beside, -1))
    return nodes, 2 * vectors[0] ** 2
