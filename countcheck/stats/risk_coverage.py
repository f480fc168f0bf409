"""Risk and coverage: how often the answers that are kept are wrong, as fewer of the least sure ones are kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPoint:
    """One point of the curve.

    Attributes:
        coverage: Share of answers that are kept, above 0 and up to 1.
        risk: Share of the kept ones that are wrong, 0 to 1.
        confidence: Least confidence among the kept ones.
    """

    coverage: float
    risk: float
    confidence: float

    def to_json(self) -> dict[str, float]:
        """Return the published shape."""
        return {"coverage": self.coverage, "risk": self.risk, "confidence": self.confidence}


def risk_coverage(confidence: ArrayLike, right: ArrayLike) -> tuple[RiskPoint, ...]:
    """Return the curve (El-Yaniv and Wiener 2010), one point a distinct confidence, the surest first.

    Answers of one confidence are kept or left together.

    >>> [(point.coverage, point.risk) for point in risk_coverage([0.9, 0.8, 0.8, 0.1], [True, True, False, False])]
    [(0.25, 0.0), (0.75, 0.3333333333333333), (1.0, 0.5)]
    """
    c, r = np.asarray(confidence, np.float64), np.asarray(right, np.bool_)
    if len(c) == 0:
        return ()
    order = np.argsort(-c, kind="stable")
    c, wrong = c[order], np.cumsum(~r[order])
    ends = np.flatnonzero(np.append(c[1:] != c[:-1], True))
    return tuple(
        RiskPoint(coverage=float((end + 1) / len(c)), risk=float(wrong[end] / (end + 1)), confidence=float(c[end]))
        for end in ends
    )


def area(curve: tuple[RiskPoint, ...]) -> float:
    """Return the area under the curve, 0 to 1: the mean risk over all coverages; the less, the better.

    >>> area(risk_coverage([0.9, 0.1], [True, False]))
    0.25
    """
    total, before = 0.0, 0.0
    for point in curve:
        total += (point.coverage - before) * point.risk
        before = point.coverage
    return total


def risk_at(curve: tuple[RiskPoint, ...], coverage: float) -> float | None:
    """Return the risk at the smallest coverage of the curve that is at least the given one; ``None`` for no curve."""
    return next((point.risk for point in curve if point.coverage >= coverage - 1e-12), None)
