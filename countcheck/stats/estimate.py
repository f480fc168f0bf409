"""A number with its interval, denominator and method. Nothing else is ever shown to a person or a gate.

Repeats of one prompt are not independent, so intervals are over prompts (clusters). `wilson` is for independent
outcomes; `cluster_rate` for shares, `cluster_mean` for means and `cluster_ratio` for what one exact picture costs,
all in closed form. The bootstrap lives in `countcheck.stats.bootstrap`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEW = 10
"""Fewer prompts than this with the rarer answer: the interval errs on the wide side, and its method says so."""


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

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Estimate:
        """What `to_json` wrote. Raises ``KeyError`` or ``TypeError`` when it is something else."""
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


def nothing(method: str, *, level: float = 0.95, n: int = 0, clusters: int = 0) -> Estimate:
    """The estimate that is none, with the reason as its method."""
    return Estimate(value=None, low=None, high=None, level=level, n=n, clusters=clusters, method=method)


def z_of(level: float) -> float:
    """The two-sided normal quantile of a confidence level: 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + level / 2)


@lru_cache(maxsize=4096)
def t_of(level: float, df: float) -> float:
    """The two-sided quantile of Student's t with ``df`` >= 1 degrees of freedom, fractional ones too.

    With t = sqrt(df) tan(angle) the density is proportional to cos(angle) ** (df - 1): integrated by Gauss-Legendre,
    solved by Newton from the left, where it cannot overshoot. Importing scipy for one quantile would take longer than
    all the rest of a summary.
    """
    if df > 1e7:
        return z_of(level)
    angle = math.atan(z_of(level) / math.sqrt(df))
    for _ in range(60):
        inside, density = _within(angle, df)
        step = (level - inside) / density
        angle += step
        if abs(step) < 1e-13:
            break
    return math.sqrt(df) * math.tan(angle)


def t_p(t: float, df: float) -> float:
    """Two-sided p-value of a Student's t statistic with ``df`` >= 1 degrees of freedom."""
    if df > 1e7:
        return math.erfc(abs(t) / math.sqrt(2))
    return max(0.0, 1 - _within(math.atan(abs(t) / math.sqrt(df)), df)[0])


def _within(angle: float, df: float) -> tuple[float, float]:
    """The chance that t lies within ±sqrt(df) tan(angle), and its slope."""
    nodes, weights = _legendre()
    total = math.sqrt(math.pi) * math.exp(math.lgamma(df / 2) - math.lgamma((df + 1) / 2)) / 2
    inside = float(weights @ np.cos(angle * (nodes + 1) / 2) ** (df - 1)) * angle / 2 / total
    return inside, math.cos(angle) ** (df - 1) / total


@lru_cache(maxsize=1)
def _legendre() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(48)
    return nodes, weights


def wilson_interval(share: float, n: float, z: float) -> tuple[float, float]:
    """Wilson's score interval (1927) for a share of ``n`` (effective, so any positive number) outcomes."""
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if share <= 0 else max(0.0, centre - half)
    high = 1.0 if share >= 1 else min(1.0, centre + half)
    return low, high


def wilson(successes: int, n: int, level: float = 0.95) -> Estimate:
    """Estimate a share from independent yes/no outcomes (Wilson 1927).

    Raises:
        ValueError: If ``n`` is 0: nothing was judged, so there is nothing to estimate.
    """
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"need 0 <= successes <= n and n > 0, got {successes} of {n}")
    low, high = wilson_interval(successes / n, n, z_of(level))
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
        level: Confidence level.
    """
    x, m = _clusters(hits, sizes)
    k, n = len(m), float(m.sum())
    if k == 0:
        return nothing("no outcomes", level=level)
    p = float(x.sum() / n)
    if m.max() == 1:
        low, high = wilson_interval(p, n, z_of(level))
        return _rate(p, low, high, level, n, k, "Wilson", 1.0)
    if k == 1:
        low, high = wilson_interval(p, 1.0, z_of(level))
        return _rate(p, low, high, level, n, k, "Wilson, one prompt counted as one outcome", n)
    effect, df = _design(x, m, p)
    low, high = wilson_interval(p, n / effect, t_of(level, df))
    events = int(min(np.count_nonzero(x > 0), np.count_nonzero(x < m)))
    method = "Wilson over prompts" + (", few events: on the wide side" if events < FEW else "")
    return _rate(p, low, high, level, n, k, method, effect)


def _rate(p: float, low: float, high: float, level: float, n: float, k: int, method: str, de: float | None) -> Estimate:
    return Estimate(value=p, low=low, high=high, level=level, n=round(n), clusters=k, method=method, design_effect=de)


def _design(x: NDArray[np.float64], m: NDArray[np.float64], p: float) -> tuple[float, float]:
    """Design effect and degrees of freedom of a share; more than one prompt, some of them with several outcomes."""
    k, n = len(m), float(m.sum())
    most = float((m * m).sum() / n)
    prior = (1 + most) / 2
    events = float(min(np.count_nonzero(x > 0), np.count_nonzero(x < m)))
    if events == 0:
        return prior, 1e9
    u = x - p * m
    square = u * u
    total = float(square.sum())
    raw = total * k / (k - 1) / (n * p * (1 - p))
    effect = min(max((events * raw + prior) / (events + 1), 1.0), most)
    if total <= 1e-12 * n:
        return effect, k - 1.0
    mean = total / k
    spread = (square - mean) / mean
    unexplained = spread - u * (1 - 2 * p) * k / (n * p * (1 - p))
    whole = 2 * k / max(float((spread * spread).mean()), 1e-9)
    net = 2 * k / max(float((unexplained * unexplained).mean()), 1e-9)
    return effect, max(4.0, 2 / (1 / net + 1 / min(whole, k - 1.0)))


def cluster_mean(totals: ArrayLike, sizes: ArrayLike, level: float = 0.95, *, floor: float | None = 0.0) -> Estimate:
    """Estimate a mean over prompts: ``totals`` summed over ``sizes`` outcomes of each prompt.

    Linearised variance over prompts with Student's t; on the log scale when values cannot be below ``floor`` = 0,
    since such means are skewed. Where all prompts have the same mean there is no spread to learn from: the ends are off
    it by the upper end of a share that was never seen, as if one off by 1 had been next.
    """
    t, m = _clusters(totals, sizes)
    k, n = len(m), float(m.sum())
    if k == 0:
        return nothing("no outcomes", level=level)
    mean = float(t.sum() / n)
    if k == 1:
        return Estimate(
            value=mean, low=None, high=None, level=level, n=round(n), clusters=1, method="one prompt: no interval"
        )
    u = t - mean * m
    error = math.sqrt(float((u * u).sum()) * k / (k - 1)) / n
    half = t_of(level, k - 1) * error
    if error <= 1e-12 * abs(mean):
        half = cluster_rate(np.zeros(k), m, level).high or 1.0
        low, high = mean - half, mean + half
        low, method = low if floor is None else max(floor, low), f"all {mean:.3g}: as a share off by one"
    elif floor == 0.0:
        low, high = mean * math.exp(-half / mean), mean * math.exp(half / mean)
        method = "log t over prompts"
    else:
        low, high, method = mean - half, mean + half, "t over prompts"
    return Estimate(value=mean, low=low, high=high, level=level, n=round(n), clusters=k, method=method)


def cluster_ratio(tops: ArrayLike, bottoms: ArrayLike, n: int, level: float = 0.95) -> Estimate:
    """Estimate a ratio of sums over prompts, such as seconds per exact picture.

    Linearised on the log scale with Student's t. With a bottom of 0 there is no value, only a lower end: the sum of
    tops over the most that the bottom's upper bound allows.

    Args:
        tops: One sum a prompt, 0 or more.
        bottoms: Another, such as the exact pictures of the prompt.
        n: Outcomes behind them, for the denominator.
        level: Confidence level.
    """
    a, b = np.asarray(tops, np.float64), np.asarray(bottoms, np.float64)
    k, top, bottom = len(a), float(a.sum()), float(b.sum())
    if k == 0 or top <= 0:
        return nothing("no outcomes" if k == 0 else "nothing recorded", level=level, n=n, clusters=k)
    if bottom == 0:
        most = wilson(0, k, level).high or 1.0
        return Estimate(
            value=None,
            low=top / (most * n),
            high=None,
            level=level,
            n=n,
            clusters=k,
            method="none exact: lower end only",
        )
    value = top / bottom
    if k == 1:
        return Estimate(
            value=value, low=None, high=None, level=level, n=n, clusters=1, method="one prompt: no interval"
        )
    u = a / top - b / bottom
    half = t_of(level, k - 1) * math.sqrt(float((u * u).sum()) * k / (k - 1))
    return Estimate(
        value=value,
        low=value * math.exp(-half),
        high=value * math.exp(half) if half < 50 else None,
        level=level,
        n=n,
        clusters=k,
        method="log t over prompts",
    )


def _clusters(values: ArrayLike, sizes: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, m = np.asarray(values, np.float64), np.asarray(sizes, np.float64)
    if x.shape != m.shape or x.ndim != 1:
        raise ValueError(f"need one value and one size a prompt, got shapes {x.shape} and {m.shape}")
    kept = m > 0
    return x[kept], m[kept]


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
