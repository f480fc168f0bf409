"""How many pictures a question needs, and what a number of pictures can see. Paired, over prompts.

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
from countcheck.metrics.pairing import Side
from countcheck.metrics.rates import outcome_masks
from countcheck.stats.estimate import t_of

ICC = 0.5
"""Correlation between repeats of a prompt when no run tells: prompts differ much in how hard they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What is known of the rate in question.

    Attributes:
        rate: Before the loss, strictly between 0 and 1.
        icc: Intraclass correlation of repeats of one prompt, 0 to 1.
        paired: The same prompts and repeats on both sides.
        higher: More of the rate is better; a loss is a fall then, and a rise otherwise.
    """

    rate: float
    icc: float = ICC
    paired: bool = True
    higher: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One answer: so many prompts, each so many times, see a loss so large with that power."""

    prompts: int
    repeats: int
    loss: float
    power: float

    @property
    def pictures(self) -> int:
        """Pictures of one side."""
        return self.prompts * self.repeats

    def to_json(self) -> dict[str, Any]:
        """The published shape."""
        return {
            "prompts": self.prompts,
            "repeats": self.repeats,
            "pictures": self.pictures,
            "loss": self.loss,
            "power": self.power,
        }


def design_of(columns: Side, rate: str = "exact_rate", *, paired: bool = True, higher: bool = True) -> Design:
    """The rate of an earlier run, and how alike its repeats are (analysis of variance; `ICC` where there are none).

    Raises:
        BadSettings: When the run has nothing of the rate, or it is 0 or 1.
    """
    hit, of = (mask[columns.letter] for mask in outcome_masks(rate))
    _, prompt = np.unique(columns.prompt[of], return_inverse=True)
    x, m = np.bincount(prompt, weights=hit[of]), np.bincount(prompt).astype(np.float64)
    if m.sum() == 0:
        raise BadSettings(f"the run has nothing to tell {rate} by. Name another run or give --from-rate.")
    share = float(x.sum() / m.sum())
    if not 0 < share < 1:
        raise BadSettings(f"{rate} is {share:g} in that run: no loss can be planned from it. Give --from-rate.")
    return Design(rate=share, icc=_icc(x, m), paired=paired, higher=higher)


def _icc(x: np.ndarray[Any, Any], m: np.ndarray[Any, Any]) -> float:
    """Of yes/no outcomes by analysis of variance (Donner 1986), between 0 and 1; the default without repeats."""
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
    """The chance that ``compare`` calls a true loss of that size a loss: that the interval of the difference excludes 0."""
    error = math.sqrt(_variance(design, repeats, loss) / prompts)
    if error == 0:
        return 1.0
    # As `paired_difference` does it: two made-up prompts weigh as much as one, and their own weight is in the root.
    made_up = 1 / repeats if design.paired else 0.0
    wider = math.sqrt((prompts * _variance(design, repeats, loss) + made_up) / prompts**2)
    quantile = t_of(level, max(1.0, prompts - 1.0)) * wider / error
    normal = NormalDist()
    return normal.cdf(loss / error - quantile) + normal.cdf(-loss / error - quantile)


def prompts_needed(design: Design, repeats: int, loss: float, power: float = 0.8, level: float = 0.95) -> Need:
    """The fewest prompts, each ``repeats`` times, that see the loss with that power.

    Raises:
        BadSettings: For a loss the rate cannot suffer, or a power or level outside their range.
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
    return Need(prompts=many, repeats=repeats, loss=loss, power=power_of(design, many, repeats, loss, level))


def loss_seen(design: Design, prompts: int, repeats: int, power: float = 0.8, level: float = 0.95) -> Need:
    """The smallest loss that so many prompts and repeats see with that power.

    Raises:
        BadSettings: When not even the loss of everything would be seen, or a setting is outside its range.
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
    return Need(prompts=prompts, repeats=repeats, loss=high, power=power)


def table_of_needs(
    design: Design, loss: float, power: float = 0.8, level: float = 0.95, repeats: Sequence[int] = (1, 2, 4, 8)
) -> list[Need]:
    """The needs for several numbers of repeats: more prompts are worth more than more repeats, but cost more to write."""
    return [prompts_needed(design, n, loss, power, level) for n in repeats]


def _variance(design: Design, repeats: int, loss: float) -> float:
    """Variance of one prompt's difference of shares."""
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
