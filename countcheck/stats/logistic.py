"""Logistic regression with a ridge, for a probability that is fitted to few outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]

_STEPS = 50


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Logistic:
    """A fitted probability.

    Attributes:
        mean, scale: (d,) of the features it was fitted to.
        weights: (d,) of the standardised features, in log odds.
        intercept: Log odds at the mean of the features.
    """

    mean: Floats
    scale: Floats
    weights: Floats
    intercept: float

    def probability(self, features: ArrayLike) -> Floats:
        """Return (n,) probabilities, 0 to 1, of (n, d) features."""
        z = (np.atleast_2d(np.asarray(features, np.float64)) - self.mean) / self.scale
        odds: Floats = 1 / (1 + np.exp(-np.clip(self.intercept + z @ self.weights, -30, 30)))
        return odds


def fit_logistic(features: ArrayLike, outcomes: ArrayLike, ridge: float = 1.0) -> Logistic:
    """Fit by Newton's method, with a ridge on the standardised weights (le Cessie and van Houwelingen 1992).

    Half an outcome of either kind is imagined at the mean of the features, so that outcomes which are all alike give a
    finite probability.

    Args:
        features: (n, d).
        outcomes: (n,) booleans.
        ridge: 0 or more; the larger, the nearer to one probability for all.

    Raises:
        ValueError: If there are no outcomes, or not one row of features for each.

    >>> model = fit_logistic([[0.0], [1.0], [2.0], [3.0]], [False, False, True, True])
    >>> bool(model.probability([[3.0]])[0] > 0.5 > model.probability([[0.0]])[0])
    True
    """
    x, y = np.asarray(features, np.float64), np.asarray(outcomes, np.float64)
    if x.ndim != 2 or len(x) != len(y) or len(y) == 0:
        raise ValueError(f"need one row of features for each outcome, got shapes {x.shape} and {y.shape}")
    mean, scale = x.mean(0), x.std(0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    imagined = np.zeros((2, x.shape[1]))
    design = np.column_stack([np.ones(len(x) + 2), np.vstack([(x - mean) / scale, imagined])])
    target, weight = np.concatenate([y, [0.0, 1.0]]), np.concatenate([np.ones(len(y)), [0.5, 0.5]])
    penalty = np.diag([0.0, *[ridge] * x.shape[1]])
    beta = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (weight * (target - p)) - penalty @ beta
        step = np.linalg.solve(
            (design.T * (weight * p * (1 - p))) @ design + penalty + 1e-9 * np.eye(len(beta)), gradient
        )
        beta += step
        if np.abs(step).max() < 1e-9:
            break
    return Logistic(mean=mean, scale=scale, weights=beta[1:], intercept=float(beta[0]))
