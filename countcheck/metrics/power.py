"""How many pictures a comparison needs, and which loss a number of pictures detects. Paired, over prompts.

The model of a loss: every prompt's chance of coming out exact falls in proportion, so that a loss of ``loss`` at rate
``rate`` leaves ``(rate - loss) / rate`` of it. What pairing saves is the difference between prompts, measured by their
intraclass correlation; the coin flips within a prompt stay.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from countcheck.errors import BadSettings
from countcheck.metrics.outcome_codes import SampleCodes
from countcheck.metrics.rates import outcome_masks
from countcheck.stats.distributions import t_quantile
from countcheck.stats.intervals import sums_by_cluster

ICC = 0.5
"""Correlation between repeats of a prompt when no run tells: prompts differ much in how hard they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What is known of the rate in question.

    Attributes:
        rate: Before the loss, strictly between 0 and 1.
        icc: Intraclass correlation of repeats of one prompt, 0 to 1.
        paired: The same prompts and repeats on both sides.
        higher: More of the rate is better: a loss is a fall then, and a rise otherwise.
    """

    rate: float
    icc: float = ICC
    paired: bool = True
    higher: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize:
    """One answer: so many prompts, each so many times, detect a loss of that size with that power.

    Attributes:
        prompts, repeats: 1 or more.
        loss: Difference of the rate, above 0 and below 1.
        power: Chance of detecting it, 0 to 1.
    """

    prompts: int
    repeats: int
    loss: float
    power: float

    @property
    def pictures(self) -> int:
        """Number of pictures of one side."""
        return self.prompts * self.repeats

    def to_json(self) -> dict[str, Any]:
        """Return the published shape."""
        return {
            "prompts": self.prompts,
            "repeats": self.repeats,
            "pictures": self.pictures,
            "loss": self.loss,
            "power": self.power,
        }


def design_of(samples: SampleCodes, rate: str = "exact_rate", *, paired: bool = True, higher: bool = True) -> Design:
    """Take the rate of an earlier run, and how alike its repeats are (analysis of variance; `ICC` where there are none).

    Raises:
        BadSettings: If the run has nothing of the rate, or it is 0 or 1.
        UnknownName: If the rate is not a share of samples.
    """
    hits, base = (mask[samples.code] for mask in outcome_masks(rate))
    x, m = sums_by_cluster(samples.prompt[base], hits[base])
    if m.sum() == 0:
        raise BadSettings(f"the run has nothing to tell {rate} by. Name another run or give --from-rate.")
    share = float(x.sum() / m.sum())
    if not 0 < share < 1:
        raise BadSettings(f"{rate} is {share:g} in that run: no loss can be planned from it. Give --from-rate.")
    return Design(rate=share, icc=_icc(x, m), paired=paired, higher=higher)


def _icc(x: np.ndarray[Any, Any], m: np.ndarray[Any, Any]) -> float:
    """Return the correlation, 0 to 1, of yes/no outcomes by analysis of variance (Donner 1986); `ICC` without repeats."""
    several = m > 1
    k, n = int(several.sum()), float(m[several].sum())
    if k < 5:
        return ICC
    x, m = x[several], m[several]
    p = x.sum() / n
    between = float((m * (x / m - p) ** 2).sum()) / (k - 1)
    within = float((x * (1 - x / m)).sum()) / (n - k)
    size = (n - float((m * m).sum()) / n) / (k - 1)
    total = between + (size - 1) * within
    return min(1.0, max(0.0, (between - within) / total)) if total > 0 else ICC


def power_of(design: Design, prompts: int, repeats: int, loss: float, level: float = 0.95) -> float:
    """Compute the chance, 0 to 1, that ``compare`` detects a true loss: that the interval of the difference excludes 0.

    >>> round(power_of(Design(rate=0.7), prompts=600, repeats=2, loss=0.05), 2)
    0.94
    """
    error = math.sqrt(_variance(design, repeats, loss) / prompts)
    if error == 0:
        return 1.0
    # As `paired_difference` does it: two imagined prompts weigh as much as one, and their own weight is in the root.
    imagined = 1 / repeats if design.paired else 0.0
    wider = math.sqrt((prompts * _variance(design, repeats, loss) + imagined) / prompts**2)
    quantile = t_quantile(level, max(1.0, prompts - 1.0)) * wider / error
    normal = NormalDist()
    return normal.cdf(loss / error - quantile) + normal.cdf(-loss / error - quantile)


def prompts_needed(design: Design, repeats: int, loss: float, power: float = 0.8, level: float = 0.95) -> SampleSize:
    """Compute the fewest prompts, each ``repeats`` times, that detect the loss with that power.

    Raises:
        BadSettings: If the rate cannot suffer the loss, or a setting is outside its range.

    >>> prompts_needed(Design(rate=0.7, icc=0.5), repeats=2, loss=0.05).prompts
    387
    """
    _check(design, loss, power, level, repeats)
    few, many = 2, 4
    while power_of(design, many, repeats, loss, level) < power:
        few, many = many, many * 2
        if many > 10**9:
            raise BadSettings(f"a loss of {loss:g} is too small to see with any number of prompts. Give a larger one.")
    while many - few > 1:
        middle = (few + many) // 2
        if power_of(design, middle, repeats, loss, level) < power:
            few = middle
        else:
            many = middle
    return SampleSize(prompts=many, repeats=repeats, loss=loss, power=power_of(design, many, repeats, loss, level))


def detectable_loss(design: Design, prompts: int, repeats: int, power: float = 0.8, level: float = 0.95) -> SampleSize:
    """Compute the smallest loss that so many prompts and repeats detect with that power.

    Raises:
        BadSettings: If not even the loss of everything would be detected, or a setting is outside its range.
    """
    most = design.rate if design.higher else 1 - design.rate
    _check(design, most / 2, power, level, repeats)
    if prompts < 2:
        raise BadSettings(f"{prompts} prompts tell nothing. Give at least 2.")
    low, high = 0.0, most
    if power_of(design, prompts, repeats, high * (1 - 1e-9), level) < power:
        raise BadSettings(
            f"{prompts} prompts × {repeats} would not see even a loss of everything with power {power:g}. Ask for more."
        )
    for _ in range(60):
        middle = (low + high) / 2
        if power_of(design, prompts, repeats, middle, level) < power:
            low = middle
        else:
            high = middle
    return SampleSize(prompts=prompts, repeats=repeats, loss=high, power=power)


def sample_sizes(
    design: Design, loss: float, power: float = 0.8, level: float = 0.95, repeats: Sequence[int] = (1, 2, 4, 8)
) -> list[SampleSize]:
    """Compute the sample sizes for several numbers of repeats: more prompts are worth more than more repeats, but cost more to write."""
    return [prompts_needed(design, n, loss, power, level) for n in repeats]


def _variance(design: Design, repeats: int, loss: float) -> float:
    """Return the variance of one prompt's difference of shares."""
    p = design.rate if design.higher else 1 - design.rate
    keep = (p - loss) / p
    between = design.icc * p * (1 - p)
    square = p * p + between
    coins = (p - square) + (keep * p - keep * keep * square)
    if design.paired:
        return (1 - keep) ** 2 * between + coins / repeats
    return between + keep * keep * between + coins / repeats


def _check(design: Design, loss: float, power: float, level: float, repeats: int) -> None:
    if not 0 < design.rate < 1:
        raise BadSettings(f"the rate before the loss is {design.rate:g}. Give a share between 0 and 1.")
    most = design.rate if design.higher else 1 - design.rate
    if not 0 < loss < most:
        raise BadSettings(f"a loss of {loss:g} cannot happen to a rate of {design.rate:g}. Give less than {most:.3g}.")
    if not 0 <= design.icc <= 1:
        raise BadSettings(f"the correlation of repeats is {design.icc:g}. Give a number from 0 to 1.")
    if not 0 < power < 1 or not 0 < level < 1:
        raise BadSettings(
            f"power is {power:g} and level {level:g}. Give numbers between 0 and 1, such as 0.8 and 0.95."
        )
    if repeats < 1:
        raise BadSettings(f"repeats is {repeats}. Give 1 or more.")
