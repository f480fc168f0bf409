"""A number with its interval, denominator and method. Nothing else is ever shown to a person or a gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TOO_FEW = "too few to say"
"""How the method of an estimate begins that rests on too few prompts for an interval; shown in place of the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A rate or mean with its confidence interval.

    Attributes:
        value: The point estimate, in the unit of the rate (0 to 1 for a share); ``None`` when there is nothing to estimate.
        low, high: Ends of the interval, same unit; ``None`` where there is none.
        level: Confidence level of the interval, strictly between 0 and 1; 0.95 by default.
        n: Denominator: number of outcomes.
        clusters: Number of prompts they belong to.
        method: How it was computed, in a few words; the reason when there is no value.
        design_effect: Variance over that of independent outcomes, 1 or more; ``None`` where it has no meaning.

    >>> estimate = Estimate(value=0.61, low=0.52, high=0.69, level=0.95, n=120, clusters=30, method="Wilson over prompts")
    >>> estimate.to_json()["high"]
    0.69
    """

    value: float | None
    low: float | None
    high: float | None
    level: float
    n: int
    clusters: int
    method: str
    design_effect: float | None = None

    @property
    def too_few(self) -> bool:
        """Whether it rests on too few prompts or pictures to be shown as a number."""
        return self.method.startswith(TOO_FEW)

    def to_json(self) -> dict[str, float | int | str | None]:
        """Return the seven published fields, and the design effect where there is one."""
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

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Estimate:
        """Read what `to_json` wrote.

        Raises:
            KeyError: If a field is absent.
            TypeError: If a field is not a number.
            ValueError: If a field is not a number.
        """
        return cls(
            value=_number(body["value"]),
            low=_number(body["low"]),
            high=_number(body["high"]),
            level=float(body["level"]),
            n=int(body["n"]),
            clusters=int(body["clusters"]),
            method=str(body["method"]),
            design_effect=_number(body.get("design_effect")),
        )


def no_estimate(reason: str, *, level: float = 0.95, n: int = 0, clusters: int = 0) -> Estimate:
    """Return an estimate without a value; its method is the reason.

    >>> no_estimate("no outcomes").value is None
    True
    """
    return Estimate(value=None, low=None, high=None, level=level, n=n, clusters=clusters, method=reason)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
