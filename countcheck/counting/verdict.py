"""Compare what was asked with what was counted. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from countcheck.counting.counts import Count
from countcheck.suites.suite import Relation, Target


class Kind(StrEnum):
    """Verdict on one sample, or on one turn of a conversation."""

    EXACT = "exact"
    OVER = "over"
    UNDER = "under"
    MISSING = "missing"
    MIXED = "mixed"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    FAILED = "failed"


WRONG = frozenset({Kind.OVER, Kind.UNDER, Kind.MISSING, Kind.MIXED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on one picture, with its reason.

    Attributes:
        kind: The verdict.
        reason: One sentence: what was asked and what was counted.
        leaning: What the counts alone say; differs from ``kind`` only when that is ``uncertain``.
    """

    kind: Kind
    reason: str
    leaning: Kind


def judge(targets: Sequence[Target], count: Count) -> Verdict:
    """Judge a picture by its counts: exact when every target holds.

    Over, under or missing (asked for, and none there) when all targets that fail do so in the same way, mixed when
    they fail in several. Uncertain when exactness flips somewhere within the counter's margin.

    Raises:
        KeyError: If a target's noun was not counted: an unsupported noun must never be judged.

    >>> judge([Target(noun="pig", count=3)], Count(counts={"pig": 2}, low={"pig": 2}, high={"pig": 2})).reason
    'asked for exactly 3 pig, counted 2 pig'
    """
    leaning, reason = _lean(targets, count.counts)
    exact = leaning is Kind.EXACT
    if count.low != count.high and any(
        all(target.holds(counts) for target in targets) != exact for counts in _within(targets, count)
    ):
        ranges = ", ".join(f"{n} {count.low[n]} to {count.high[n]}" for n in count.uncertain)
        return Verdict(kind=Kind.UNCERTAIN, leaning=leaning, reason=f"{reason}; within its margin it counts {ranges}")
    return Verdict(kind=leaning, leaning=leaning, reason=reason)


def _within(targets: Sequence[Target], count: Count) -> list[dict[str, int]]:
    """List the combinations of numbers that the margin allows; at most 4096, of wider ranges only ends and middle."""
    nouns = list(dict.fromkeys(n for t in targets for n in t.nouns))
    ranges: list[Sequence[int]] = [range(count.low[n], count.high[n] + 1) for n in nouns]
    size = 1
    for values in ranges:
        size *= len(values)
    if size > 4096:
        ranges = [sorted({r[0], count.counts[n], r[-1]}) for r, n in zip(ranges, nouns, strict=True)]
    return [dict(zip(nouns, values, strict=True)) for values in itertools.product(*ranges)]


def _lean(targets: Sequence[Target], counts: Mapping[str, int]) -> tuple[Kind, str]:
    failing = [t for t in targets if not t.holds(counts)]
    if not failing:
        numbers = ", ".join(f"{counts[n]} {n}" for n in dict.fromkeys(n for t in targets for n in t.nouns))
        return Kind.EXACT, f"counted {numbers}" if numbers else "nothing was asked to be counted"
    kinds = {_miss(t, counts) for t in failing}
    reason = "; ".join(
        f"asked for {t.sentence()}, counted {' and '.join(f'{counts[n]} {n}' for n in t.nouns)}" for t in failing
    )
    return (kinds.pop() if len(kinds) == 1 else Kind.MIXED), reason


def _miss(target: Target, counts: Mapping[str, int]) -> Kind:
    n = counts[target.noun]
    if target.relation in (Relation.MORE_THAN, Relation.AS_MANY_AS):
        other = counts[target.other or ""]
        if n == 0:
            return Kind.MISSING
        if target.relation is Relation.MORE_THAN:
            return Kind.UNDER
        return Kind.OVER if n > other else Kind.UNDER
    asked = target.count or 0
    if n == 0 and asked > 0:
        return Kind.MISSING
    return Kind.UNDER if n < asked else Kind.OVER
