"""A share seen through an erring counter, corrected by how often it errs."""

from __future__ import annotations

import math

from countcheck.stats.distributions import z_quantile
from countcheck.stats.estimate import Estimate, no_estimate

MIN_YOUDEN = 0.05
"""Sensitivity + specificity - 1 up to which a counter tells nothing."""


def rogan_gladen(apparent: Estimate, sensitivity: tuple[int, int], specificity: tuple[int, int]) -> Estimate:
    """Correct a share by the counter's sensitivity and specificity (Rogan and Gladen 1978).

    The interval is that of Lang and Reiczigel (2014), which keeps its level with error rates from few labels; here at
    the effective number of outcomes, so that repeats count for what they are worth.

    Args:
        apparent: The share that the counter sees.
        sensitivity: Of the truly positive: those it called so, and all of them; the latter above 0.
        specificity: Of the truly negative: those it called so, and all of them; the latter above 0.

    >>> from countcheck.stats.intervals import wilson
    >>> round(rogan_gladen(wilson(60, 100), (45, 50), (40, 50)).value, 3)
    0.571
    """
    if apparent.value is None:
        return apparent
    z, level = z_quantile(apparent.level), apparent.level
    n = apparent.n / (apparent.design_effect or 1.0)
    youden = sensitivity[0] / sensitivity[1] + specificity[0] / specificity[1] - 1
    if youden <= MIN_YOUDEN:
        return no_estimate(
            "the counter hardly tells right from wrong", level=level, n=apparent.n, clusters=apparent.clusters
        )
    value = min(max((apparent.value + specificity[0] / specificity[1] - 1) / youden, 0.0), 1.0)
    n_se, n_sp = sensitivity[1] + 2, specificity[1] + 2
    se, sp = (sensitivity[0] + 1) / n_se, (specificity[0] + 1) / n_sp
    p = (n * apparent.value + z * z / 2) / (n + z * z)
    inner = min(max((p + sp - 1) / (se + sp - 1), 0.0), 1.0)
    shift = 2 * z * z * (inner * se * (1 - se) / n_se - (1 - inner) * sp * (1 - sp) / n_sp)
    variance = (
        p * (1 - p) / (n + z * z)
        + inner * inner * se * (1 - se) / n_se
        + (1 - inner) * (1 - inner) * sp * (1 - sp) / n_sp
    )
    half = z * math.sqrt(variance) / (se + sp - 1)
    centre = inner + shift
    return Estimate(
        value=value,
        low=max(0.0, min(centre - half, value)),
        high=min(1.0, max(centre + half, value)),
        level=level,
        n=apparent.n,
        clusters=apparent.clusters,
        method=f"Rogan-Gladen, {sensitivity[1] + specificity[1]} labels",
    )
