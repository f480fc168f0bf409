"""Rates of one generator, computed from its columns: shares, mean errors, costs, knower level, asked against counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from countcheck.metrics.columns import Columns, Floats
from countcheck.metrics.outcome_codes import COUNTED, Bools, Ints, SampleCodes
from countcheck.metrics.rates import RATES, Family, Unit, of_family, outcome_masks
from countcheck.stats.estimate import TOO_FEW, Estimate, no_estimate
from countcheck.stats.intervals import cluster_mean, cluster_rate, cluster_ratio, sums_by_cluster

Shares: TypeAlias = Mapping[str, tuple[Bools, Bools]]

RELIABLE = 2 / 3
"""A number is drawn reliably when it is exact at least two times in three, as in children's knower levels."""

MIN_OF_NUMBER = 3
"""Fewest outcomes of one number that can be exact two times in three."""
MIN_OUTCOMES = 10
"""Fewest outcomes from which a knower level is told."""


def outcome_shares(samples: SampleCodes) -> dict[str, tuple[Bools, Bools]]:
    """Return each share's numerator and denominator, (n,) samples each."""
    return {
        name: (samples.among(RATES[name].hits), samples.among(RATES[name].base)) for name in of_family(Family.OUTCOMES)
    }


def estimate_share(samples: SampleCodes, rate: str, level: float = 0.95, chosen: Bools | None = None) -> Estimate:
    """Estimate one share of samples, over all of them or those chosen.

    Raises:
        UnknownName: If the rate is not a share of samples.

    >>> samples = SampleCodes.from_letters({"p0": "eeu", "p1": "ure"})
    >>> estimate_share(samples, "exact_rate").value
    0.5
    """
    hits, base = (mask[samples.code] for mask in outcome_masks(rate))
    inside = base if chosen is None else base & chosen
    return cluster_rate(*sums_by_cluster(samples.prompt[inside], hits[inside]), level)


def estimate_share_of_all(parts: Sequence[SampleCodes], rate: str, level: float = 0.95) -> Estimate:
    """Estimate one share over the samples of several parts of a run, which have no prompt in common.

    Raises:
        UnknownName: If the rate is not a share of samples.
    """
    hits, base = outcome_masks(rate)
    starts = np.cumsum([0, *(len(part.prompts) for part in parts)])
    prompt = np.concatenate([part.prompt + start for part, start in zip(parts, starts, strict=False)])
    code = np.concatenate([part.code for part in parts])
    inside = base[code]
    return cluster_rate(*sums_by_cluster(prompt[inside], hits[code][inside]), level)


def estimate_rates(
    columns: Columns, level: float = 0.95, rows: Ints | None = None, shares: Shares | None = None
) -> dict[str, Estimate]:
    """Estimate all shares and mean errors, over all rows or those given.

    Args:
        columns: Of one generator.
        level: Confidence level, strictly between 0 and 1.
        rows: Indices of the rows to take; all when ``None``.
        shares: `outcome_shares` of the columns, when many sets of their rows are asked about.

    Returns:
        Rate to estimate, in the order of the registry; rates with an empty denominator are left out.
    """
    chosen = np.arange(len(columns)) if rows is None else rows
    _, prompt = np.unique(columns.samples.prompt[chosen], return_inverse=True)
    rates = {}
    for name, (hits, base) in (shares or outcome_shares(columns.samples)).items():
        sums = np.bincount(prompt, weights=hits[chosen])
        estimate = cluster_rate(sums, np.bincount(prompt, weights=base[chosen]), level)
        if estimate.n:
            rates[name] = estimate
    inside = np.zeros(len(columns), np.bool_)
    inside[chosen] = True
    for name in of_family(Family.ERRORS):
        estimate = _mean_error(columns, name, inside, level)
        if estimate.n:
            rates[name] = estimate
    return rates


def estimate_nouns(columns: Columns, level: float = 0.95) -> dict[str, Estimate]:
    """Estimate the share of nouns in the right number, pooled over all pictures and refusals; empty without nouns."""
    (name,) = of_family(Family.NOUNS)
    k = len(columns.samples.prompts)
    asked = np.bincount(columns.samples.prompt, weights=columns.nouns_asked, minlength=k)
    exact = np.bincount(columns.samples.prompt, weights=columns.nouns_exact, minlength=k)
    estimate = cluster_rate(exact, asked, level)
    return {name: estimate} if estimate.n else {}


def error_sizes(columns: Columns, name: str) -> tuple[Ints, Floats]:
    """Return rows and each noun's error in them: |counted - asked|, or that over the number asked, 0 or more."""
    numbers = columns.numbers
    size = np.abs(numbers.counted - numbers.asked).astype(np.float64)
    if RATES[name].unit is Unit.OBJECTS:
        return numbers.row, size
    positive = numbers.asked > 0
    return numbers.row[positive], size[positive] / numbers.asked[positive]


def _mean_error(columns: Columns, name: str, inside: Bools, level: float) -> Estimate:
    rows, size = error_sizes(columns, name)
    present = inside[rows]
    return cluster_mean(*sums_by_cluster(columns.samples.prompt[rows[present]], size[present]), level)


def estimate_costs(columns: Columns, level: float = 0.95) -> dict[str, Estimate]:
    """Estimate seconds and USD per exact picture.

    Failures cost nobody's picture and are left out. Unknown is not zero: a rate is absent when a value is not on record.
    """
    samples = columns.samples
    base = samples.among(COUNTED)
    k = len(samples.prompts)
    exact = np.bincount(samples.prompt, weights=samples.among("e"), minlength=k)
    present = np.bincount(samples.prompt, weights=base, minlength=k) > 0
    rates = {}
    for name, values in zip(of_family(Family.COSTS), (columns.seconds, columns.cost), strict=True):
        if not base.any() or np.isnan(values[base]).any() or values[base].sum() <= 0:
            continue
        sums = np.bincount(samples.prompt, weights=np.where(base, values, 0.0), minlength=k)
        rates[name] = cluster_ratio(sums[present], exact[present], int(base.sum()), level)
    return rates


def knower_level(columns: Columns, level: float = 0.95) -> Estimate:
    """Estimate the highest number drawn reliably: exact at least two times in three, at it and at every smaller one asked.

    Its interval: how far the lower, and the upper, ends of those rates stay at two thirds. 0 when not even the first.
    Numbers with fewer than `MIN_OF_NUMBER` outcomes are left out, since two in three cannot be told from fewer; with
    fewer than `MIN_OUTCOMES` in all, nothing is said.
    """
    samples = columns.samples
    reached: list[int] = [0, 0, 0]
    going = [True, True, True]
    n = judged = 0
    prompts: set[int] = set()
    for number, rows in _rows_by_number(columns):
        chosen = np.zeros(len(columns), np.bool_)
        chosen[rows] = True
        rate = estimate_share(samples, "exact_rate", level, chosen)
        if rate.n == 0:
            continue
        n += rate.n
        prompts.update(samples.prompt[chosen & samples.among(COUNTED)].tolist())
        if rate.n < MIN_OF_NUMBER:
            continue
        judged += rate.n
        for i, bound in enumerate((rate.low, rate.value, rate.high)):
            going[i] = going[i] and bound is not None and bound >= RELIABLE
            reached[i] = number if going[i] else reached[i]
    if n == 0:
        return no_estimate("no single number asked for", level=level)
    if judged < MIN_OUTCOMES:
        few = (
            f"{TOO_FEW}: {n} pictures and refusals"
            if n < MIN_OUTCOMES
            else f"{TOO_FEW}: under {MIN_OF_NUMBER} of a number"
        )
        return no_estimate(few, level=level, n=n, clusters=len(prompts))
    return Estimate(
        value=float(reached[1]),
        low=float(reached[0]),
        high=float(reached[2]),
        level=level,
        n=n,
        clusters=len(prompts),
        method="exact at least 2 in 3 up to it",
    )


def _rows_by_number(columns: Columns) -> list[tuple[int, Ints]]:
    """Return each number asked for, 1 or more, in ascending order, with the rows that ask for it alone."""
    if "number" not in columns.tags:
        return []
    tag = columns.tags["number"]
    numbers = sorted((int(v), v) for v in tag.values if v.isdecimal() and len(v) < 10 and int(v) > 0)
    return [(number, tag.rows_with(value)) for number, value in numbers]


def confusion_matrix(columns: Columns) -> dict[str, dict[str, int]]:
    """Return asked number to counted number to how often, of nouns asked for in a plain number, in counted pictures."""
    numbers = columns.numbers
    tally = Counter(zip(numbers.asked.tolist(), numbers.counted.tolist(), strict=True))
    matrix: dict[str, dict[str, int]] = {}
    for (asked, counted), n in sorted(tally.items()):
        matrix.setdefault(str(asked), {})[f"{counted:g}"] = n
    return matrix
