"""Two sides of a comparison, brought together: which samples pair, and what the difference of a share is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from countcheck.metrics.outcome_codes import ASKED, LETTERS, Columns, among
from countcheck.metrics.rates import outcome_masks
from countcheck.stats.estimate import FEW, Estimate, cluster_rate, nothing, t_of

Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

EXACTLY_UP_TO = 20_000
"""Largest sum of squared differences for which sign flips are counted out; beyond it the normal limit is as good."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """The samples of one generator in one run, as much as a comparison needs.

    Attributes:
        prompts: Prompt ids. prompt, repeat, letter: (n,) which prompt, which repeat, index into ``LETTERS``.
    """

    prompts: tuple[str, ...]
    prompt: Ints
    repeat: Ints
    letter: Ints

    @property
    def scored(self) -> Bools:
        """(n,) samples that ended in a picture or a refusal."""
        return among(ASKED)[self.letter]


def side_of(columns: Columns) -> Side:
    """The side that a run's rows are."""
    return Side(prompts=columns.prompts, prompt=columns.prompt, repeat=columns.repeat, letter=columns.letter)


def side_from_samples(samples: Mapping[str, str]) -> Side:
    """The side that a summary's letters are. Raises ``ValueError`` for a letter that means nothing."""
    said = "".join(samples.values())
    lengths = np.array([len(letters) for letters in samples.values()], np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lengths) else lengths
    return Side(
        prompts=tuple(samples),
        prompt=np.repeat(np.arange(len(lengths)), lengths),
        repeat=np.arange(len(said)) - np.repeat(starts, lengths),
        letter=np.array([LETTERS.index(letter) for letter in said], np.int64),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Samples of the same prompt and repeat on both sides, scored on both.

    Attributes:
        prompts: Prompt ids of side a. prompt: (pairs,) which of them.
        a, b: (pairs,) letters. row_a, row_b: (pairs,) which samples of their side.
        unpaired_a, unpaired_b: Samples scored on one side that have no partner scored on the other.
    """

    prompts: tuple[str, ...]
    prompt: Ints
    a: Ints
    b: Ints
    row_a: Ints
    row_b: Ints
    unpaired_a: int
    unpaired_b: int

    def __len__(self) -> int:
        return len(self.prompt)


def pair_up(a: Side, b: Side) -> Pairs:
    """The pairs of two sides by prompt id and repeat."""
    known = {name: code for code, name in enumerate(a.prompts)}
    as_a = np.array([known.get(name, -1) for name in b.prompts], np.int64)
    width = int(max([a.repeat.max(initial=0), b.repeat.max(initial=0)])) + 1
    rows_a = np.flatnonzero(a.scored)
    rows_b = np.flatnonzero(b.scored & (as_a[b.prompt] >= 0)) if len(b.prompts) else np.zeros(0, np.int64)
    key_a = a.prompt[rows_a] * width + a.repeat[rows_a]
    key_b = as_a[b.prompt[rows_b]] * width + b.repeat[rows_b]
    _, in_a, in_b = np.intersect1d(key_a, key_b, return_indices=True)
    row_a, row_b = rows_a[in_a], rows_b[in_b]
    return Pairs(
        prompts=a.prompts,
        prompt=a.prompt[row_a],
        a=a.letter[row_a],
        b=b.letter[row_b],
        row_a=row_a,
        row_b=row_b,
        unpaired_a=len(rows_a) - len(row_a),
        unpaired_b=int(b.scored.sum()) - len(row_b),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sums:
    """A share over pairs, summed by prompt: (k,) hits of either side and pairs that count for both."""

    a: Floats
    b: Floats
    size: Floats

    @property
    def gained(self) -> Floats:
        """(k,) hits of b less hits of a."""
        return self.b - self.a


def sums_of(pairs: Pairs, rate: str, chosen: Bools | None = None) -> Sums:
    """The share over the pairs (those chosen) that are in its denominator on both sides.

    Raises:
        UnknownName: If the rate is not a share of samples.
    """
    hit, of = outcome_masks(rate)
    kept = of[pairs.a] & of[pairs.b]
    if chosen is not None:
        kept &= chosen
    _, prompt = np.unique(pairs.prompt[kept], return_inverse=True)
    return Sums(
        a=np.bincount(prompt, weights=hit[pairs.a[kept]]).astype(np.float64),
        b=np.bincount(prompt, weights=hit[pairs.b[kept]]).astype(np.float64),
        size=np.bincount(prompt).astype(np.float64),
    )


def paired_difference(sums: Sums, level: float = 0.95) -> Estimate:
    """The share of b less that of a, over the same prompts and repeats.

    Student's t over prompts after adding a made-up prompt in favour of either side, so that few or no differing prompts
    do not pass for certainty: with fewer than `FEW` that differ one whole prompt each (Bonett and Price 2012, here with
    the square root of a prompt's repeats as its weight), otherwise one between them, which keeps the level closest.
    """
    k, n = len(sums.size), float(sums.size.sum())
    if k == 0:
        return nothing("no pairs", level=level)
    value = float(sums.gained.sum()) / n
    if k == 1:
        return Estimate(
            value=value, low=-1.0, high=1.0, level=level, n=round(n), clusters=1, method="one prompt: no interval"
        )
    few = int(np.count_nonzero(sums.gained)) < FEW
    weight = math.sqrt(n / k * (1.0 if few else 0.5))
    total, size = float(sums.gained.sum()), n + 2 * weight
    u = sums.gained - total / (k + 2)
    square = float((u * u).sum()) + (weight - total / (k + 2)) ** 2 + (weight + total / (k + 2)) ** 2
    half = t_of(level, k - 1) * math.sqrt(square * (k + 2) / (k + 1)) / size
    centre = total / size
    return Estimate(
        value=value,
        low=max(-1.0, min(centre - half, value)),
        high=min(1.0, max(centre + half, value)),
        level=level,
        n=round(n),
        clusters=k,
        method="paired by prompt and repeat, t over prompts" + (", few differ: on the wide side" if few else ""),
    )


def unpaired_difference(a: Estimate, b: Estimate) -> Estimate:
    """The share ``b`` less ``a`` from two sets of samples that do not pair (Newcombe 1998, method 10)."""
    if a.value is None or b.value is None or a.low is None or b.low is None or a.high is None or b.high is None:
        return nothing("nothing to compare", level=a.level)
    value = b.value - a.value
    return Estimate(
        value=value,
        low=value - math.hypot(b.value - b.low, a.high - a.value),
        high=value + math.hypot(b.high - b.value, a.value - a.low),
        level=a.level,
        n=a.n + b.n,
        clusters=a.clusters + b.clusters,
        method="unpaired, hybrid score",
    )


def sign_flip_p(gained: Floats) -> float:
    """Two-sided p-value of "no prompt favours a side": how likely a sum as far from 0 is if every sign were a coin.

    Counted out exactly: prompts with the same size of difference flip together as a binomial, and the binomials are
    convolved. With one pair a prompt this is the exact McNemar test. Very large sums use the normal limit.
    """
    size = np.abs(np.rint(gained)).astype(np.int64)
    size = size[size > 0]
    observed = abs(int(np.rint(gained.sum())))
    if len(size) == 0:
        return 1.0
    square = float((size.astype(np.float64) ** 2).sum())
    if square > EXACTLY_UP_TO:
        return math.erfc(max(0.0, observed - 1.0) / math.sqrt(2 * square))
    chances = np.ones(1)
    for step, count in zip(*np.unique(size, return_counts=True), strict=True):
        spread = np.zeros(2 * int(count) * int(step) + 1)
        spread[:: 2 * int(step)] = _binomial(int(count))
        chances = np.convolve(chances, spread)
    middle = (len(chances) - 1) // 2
    if observed == 0:
        return 1.0
    return float(min(1.0, 2 * chances[middle + observed :].sum()))


def _binomial(n: int) -> Floats:
    """Chances of 0 to n heads in n throws."""
    heads = np.arange(n + 1)
    logs = np.array([math.lgamma(n + 1) - math.lgamma(h + 1) - math.lgamma(n - h + 1) for h in heads])
    return np.exp(logs - n * math.log(2))


def mcnemar(pairs: Pairs, rate: str) -> tuple[int, int, float]:
    """Pairs lost, pairs won, and the exact two-sided p-value over single pairs (McNemar 1947), repeats as if alone."""
    hit, of = outcome_masks(rate)
    kept = of[pairs.a] & of[pairs.b]
    a, b = hit[pairs.a[kept]], hit[pairs.b[kept]]
    lost, won = int((a & ~b).sum()), int((b & ~a).sum())
    return lost, won, sign_flip_p(np.concatenate([np.ones(won), -np.ones(lost)]))


def unpaired_p(a: Estimate, b: Estimate) -> float | None:
    """Two-sided p-value of equal shares, each with its design effect (score test of Rao and Scott)."""
    if a.value is None or b.value is None:
        return None
    na, nb = a.n / (a.design_effect or 1.0), b.n / (b.design_effect or 1.0)
    pooled = (a.value * na + b.value * nb) / (na + nb)
    error = math.sqrt(pooled * (1 - pooled) * (1 / na + 1 / nb))
    return 1.0 if error == 0 else math.erfc(abs(b.value - a.value) / error / math.sqrt(2))


def holm(p_values: list[float]) -> list[float]:
    """P-values adjusted so that any false alarm among them stays as rare as stated (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    most = 0.0
    for place, i in enumerate(order):
        most = max(most, min(1.0, (len(p_values) - place) * p_values[i]))
        adjusted[i] = most
    return adjusted


def side_rate(side: Side, rate: str, level: float, chosen: Bools | None = None) -> Estimate:
    """A share of one side, over all its samples or those chosen."""
    hit, of = outcome_masks(rate)
    kept = of[side.letter] if chosen is None else of[side.letter] & chosen
    _, prompt = np.unique(side.prompt[kept], return_inverse=True)
    return cluster_rate(np.bincount(prompt, weights=hit[side.letter[kept]]), np.bincount(prompt), level)
