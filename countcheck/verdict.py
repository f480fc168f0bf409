"""Asked against counted, and why. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from countcheck.counting import Count
from countcheck.suites.suite import Relation, Target


class Kind(StrEnum):
    """What became of one sample, or of one turn."""

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
    """The verdict on one picture, and the sentence that says why.

    Attributes:
        leaning: What the counts alone say; differs from ``kind`` only when that is ``uncertain``.
    """

    kind: Kind
    reason: str
    leaning: Kind


def judge(targets: Sequence[Target], count: Count) -> Verdict:
    """The verdict on a picture: exact when every target holds.

    Over, under or missing (asked for, and none there) when all targets that fail do so in the same way, mixed when
    they fail in several. Uncertain when exactness flips somewhere within the counter's margin.

    Raises:
        KeyError: If a target's noun was not counted: an unsupported noun must never be judged.
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
    """Every combination of numbers that the margin allows; ranges are short, but never walk more than 4096."""
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
        said = ", ".join(f"{counts[n]} {n}" for n in dict.fromkeys(n for t in targets for n in t.nouns))
        return Kind.EXACT, f"counted {said}" if said else "nothing was asked to be counted"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """One sample, or one turn of a conversation, as statistics, reports and exports see it.

    Attributes:
        key: The sample's; a conversation's turns share it.
        turn: How-maniest thing said, repairs included, from 0.
        script: Which turn of the suite's conversation it belongs to, from 0; 0 for a prompt.
        repair: 0 for the turn as scripted, 1 for the first repair asked for after it, and so on.
        text: What was said.
        outcome: ``picture``, ``refusal`` or ``failure``; ``missing`` when nothing came back yet.
        refusal: The reason class, of a refusal.
        failure: The fault, of a failure.
        category, code, words, stage: What the provider said of a refusal; words beside a picture too.
        message: Of a failure.
        verdict: See `Kind`; ``None`` only when the outcome is missing, or a picture was asked for nothing countable.
        leaning: What the counts alone say.
        reason: The verdict's sentence.
        asked: Noun to asked number (the lower end of a range; 0 for none); relations without a number are absent.
        counted: Noun to counted number; empty unless a picture was counted.
        low, high: The margin of ``counted``.
        targets: What had to hold.
        picture: Path of the picture file inside the run folder; empty when there is none.
        seconds: Time this outcome took. cost: USD, or ``None`` when unknown.
        claims: The model's words announce success.
        conversation: Whether it is a turn of a conversation.
    """

    key: str
    generator: str
    prompt_id: str
    repeat: int
    seed: int
    text: str
    outcome: str
    turn: int = 0
    script: int = 0
    repair: int = 0
    refusal: str | None = None
    category: str = ""
    code: str = ""
    words: str = ""
    stage: str = ""
    failure: str | None = None
    message: str = ""
    verdict: Kind | None = None
    leaning: Kind | None = None
    reason: str = ""
    asked: Mapping[str, int] = field(default_factory=dict)
    counted: Mapping[str, int] = field(default_factory=dict)
    low: Mapping[str, int] = field(default_factory=dict)
    high: Mapping[str, int] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    picture: str = ""
    seconds: float = 0.0
    cost: float | None = None
    claims: bool = False
    conversation: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    benign: bool = True
    rewritten: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a person counted in a picture.

    Attributes:
        key, turn: Which picture.
        noun: Which noun.
        count: The number seen; ``None`` for "cannot tell".
        labeller: The person's name.
        at: When, ISO 8601, UTC.
        stratum: From which part of the run it was drawn, for weighting; empty when it was not drawn by chance.
        weight: Pictures of the run it stands for: stratum size over labels drawn from it; 1 when chosen by hand.
    """

    key: str
    noun: str
    count: int | None
    labeller: str
    turn: int = 0
    at: str = ""
    stratum: str = ""
    weight: float = 1.0
