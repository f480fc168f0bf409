"""A number with its interval, denominator and method. Nothing else is ever shown to a person or a gate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A rate or mean, and how sure we are of it.

    Attributes:
        value: The point estimate; ``None`` when there is nothing to estimate from.
        low: Lower end of the interval; ``None`` when there is none.
        high: Upper end of the interval.
        level: Confidence level of the interval, 0.95 as a rule.
        n: Denominator: how many outcomes.
        clusters: How many prompts they belong to.
        method: How it was made, in a few words.
        design_effect: Variance over that of independent outcomes; ``None`` where it makes no sense.
    """

    value: float | None
    low: float | None
    high: float | None
    level: float
    n: int
    clusters: int
    method: str
    design_effect: float | None = None

    def to_json(self) -> dict[str, float | int | str | None]:
        """The seven published fields, plus the design effect where there is one."""
        body: dict[str, float | int | str | None] = {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "n": self.n,
            "clusters": self.clusters,
            "method": self.method,
        }
        if self.design_effect is not None:
            body["design_effect"] = self.design_effect
        return body
