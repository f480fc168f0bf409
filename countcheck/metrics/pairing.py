"""Two sides of a comparison, brought together: which samples pair, and how often each side has a rate's numerator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from countcheck.metrics.outcome_codes import Bools, Ints, SampleCodes
from countcheck.metrics.rates import outcome_masks
from countcheck.stats.intervals import sums_by_cluster
from countcheck.stats.significance import mcnemar_p_value

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Samples of the same prompt and repeat, scored on both sides.

    Attributes:
        prompts: Prompt ids of side a.
        prompt: (n,) which of them each pair belongs to.
        a, b: (n,) outcome codes on either side.
        row_a, row_b: (n,) which samples of their side.
        unpaired_a, unpaired_b: Number of samples scored on one side whose partner was not scored on the other.
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairSums:
    """A share over pairs, summed by prompt, k of them.

    Attributes:
        a, b: (k,) pairs in the numerator on either side.
        size: (k,) pairs in the denominator on both sides, 1 or more.
    """

    a: Floats
    b: Floats
    size: Floats

    @property
    def gained(self) -> Floats:
        """(k,) numerator of b less that of a."""
        return self.b - self.a


def pair_up(a: SampleCodes, b: SampleCodes) -> Pairs:
    """Pair the samples of two sides by prompt id and repeat.

    >>> pairs = pair_up(SampleCodes.from_letters({"p": "eu"}), SampleCodes.from_letters({"p": "e-", "q": "e"}))
    >>> len(pairs), pairs.unpaired_a, pairs.unpaired_b
    (1, 1, 1)
    """
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
        a=a.code[row_a],
        b=b.code[row_b],
        row_a=row_a,
        row_b=row_b,
        unpaired_a=len(rows_a) - len(row_a),
        unpaired_b=int(b.scored.sum()) - len(row_b),
    )


def pair_sums(pairs: Pairs, rate: str, chosen: Bools | None = None) -> PairSums:
    """Sum a share over the pairs, or those chosen, that are in its denominator on both sides.

    Raises:
        UnknownName: If the rate is not a share of samples.
    """
    hits, base = outcome_masks(rate)
    inside = base[pairs.a] & base[pairs.b]
    if chosen is not None:
        inside &= chosen
    a, size = sums_by_cluster(pairs.prompt[inside], hits[pairs.a[inside]])
    b, _ = sums_by_cluster(pairs.prompt[inside], hits[pairs.b[inside]])
    return PairSums(a=a, b=b, size=size)


def mcnemar(pairs: Pairs, rate: str) -> tuple[int, int, float]:
    """Count the pairs lost and won by side b, with McNemar's exact p-value (1947); repeats count as if independent.

    Raises:
        UnknownName: If the rate is not a share of samples.
    """
    hits, base = outcome_masks(rate)
    inside = base[pairs.a] & base[pairs.b]
    a, b = hits[pairs.a[inside]], hits[pairs.b[inside]]
    lost, won = int((a & ~b).sum()), int((b & ~a).sum())
    return lost, won, mcnemar_p_value(lost, won)
