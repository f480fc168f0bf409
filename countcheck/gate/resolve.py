"""What one rule of a gate is about: the rate it names, the baseline's and their difference, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from countcheck.errors import UnknownName
from countcheck.gate.evidence import Evidence
from countcheck.gate.policy import GateRule
from countcheck.metrics.estimate_rates import estimate_rates, estimate_share
from countcheck.metrics.outcome_codes import NOT_MADE, Bools
from countcheck.metrics.pairing import pair_sums, pair_up
from countcheck.metrics.rate_pairs import NOT_TESTED, RatePair, error_pair, nouns_pair, share_pair
from countcheck.metrics.rates import Family, outcome_masks
from countcheck.metrics.sides import ComparisonSide
from countcheck.metrics.summary import GeneratorSummary
from countcheck.stats.anytime import anytime_difference, anytime_rate
from countcheck.stats.estimate import Estimate
from countcheck.stats.intervals import sums_by_cluster, unpaired_difference

_ANOTHER_SUITE = (
    "the baseline was asked another suite, so no samples pair; name a baseline of this suite, "
    "or say --unpaired to compare all the same"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """The baseline of one generator.

    Attributes:
        summary: Its rates.
        side: Its samples; ``None`` when it was asked no prompts.
    """

    summary: GeneratorSummary
    side: ComparisonSide | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a rule is held against.

    Attributes:
        now: The rate.
        then: The baseline's; ``None`` for a rule without one.
        difference: Candidate less baseline; ``None`` for a rule without one.
    """

    now: Estimate
    then: Estimate | None = None
    difference: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """Why a rule cannot be decided.

    Attributes:
        reason: The end of a sentence that begins with the rule's subject.
        estimate: The rate, where there is one.
    """

    reason: str
    estimate: Estimate | None = None


def resolve(
    rule: GateRule,
    level: float,
    generator: str,
    evidence: Evidence,
    baseline: Baseline | None,
    *,
    unpaired: bool = False,
) -> Resolved | Unresolved:
    """Find what a rule is about in the evidence.

    Args:
        rule: Of the policy.
        level: Confidence level of the policy, strictly between 0 and 1.
        generator: One of the run's.
        evidence: Of the run.
        baseline: Of the generator; needed by rules with ``no_worse_by``.
        unpaired: Compare with the baseline of another suite too.

    Raises:
        UnknownName: If the rule names a tag, or a value of one, that no prompt of the run has.
    """
    return _Resolver(rule, level, generator, evidence).resolve(baseline, unpaired=unpaired)


class _Resolver:
    """One rule and one generator of the run, for the length of one `resolve`."""

    def __init__(self, rule: GateRule, level: float, generator: str, evidence: Evidence) -> None:
        self.rule, self.level = rule, level
        self.summary = evidence.summary.generators[generator]
        self.side = evidence.sides.get(generator)
        self.stopped_early = evidence.stopped_early
        self.chosen: Bools | None = None
        self.kept: Mapping[str, Estimate] | None = None

    def resolve(self, baseline: Baseline | None, *, unpaired: bool) -> Resolved | Unresolved:
        if self.rule.where:
            reason = self._choose()
            if reason:
                return Unresolved(reason=reason)
        now = self._rate()
        if now is None or now.value is None or now.n == 0:
            lack = "no labels to correct it by" if self.rule.corrected else "nothing to estimate it from"
            return Unresolved(reason=f"there is {lack}", estimate=now)
        if now.level != self.level:
            return Unresolved(reason=_other_level(now, self.level, "summary"), estimate=now)
        if self.rule.no_worse_by is None or baseline is None:
            return Resolved(now=now)
        if not unpaired and _another_suite(self.side, baseline.side):
            return Unresolved(reason=_ANOTHER_SUITE, estimate=now)
        against = self._against(baseline, now)
        if against.then is None or against.difference is None or against.difference.low is None:
            return Unresolved(reason="the baseline has nothing to compare with", estimate=against.now)
        if against.then.level != self.level:
            return Unresolved(reason=_other_level(against.then, self.level, "baseline"), estimate=against.now)
        return against

    def _choose(self) -> str:
        """Choose the rows whose tags match; return why there are none, or their rates are withheld."""
        if self.side is None or self.side.columns is None:
            return self._choose_from_summary()
        self.chosen = self.side.columns.matching(self.rule.where)
        if not self.chosen.any():
            _require_tags(self.rule, {tag: column.values for tag, column in self.side.columns.tags.items()})
            return "no prompt has all of these tags"
        withheld = self.summary.withheld.get("style", {}).get(self.rule.where.get("style", ""), "")
        return withheld if self.rule.definition.by_counter else ""

    def _choose_from_summary(self) -> str:
        """Choose the rates that a kept summary gives for one tag."""
        by, where = self.summary.by, self.rule.where
        if by:
            _require_tags(self.rule, {tag: tuple(values) for tag, values in by.items()})
        if len(where) > 1 or not by:
            return (
                "a kept summary has no rates for several tags at once; name the run" if by else "the run keeps no tags"
            )
        (tag, value), *_ = where.items()
        self.kept = by[tag][value]
        withheld = self.summary.withheld.get(tag, {}).get(value, "")
        return withheld if self.rule.definition.by_counter else ""

    def _rate(self) -> Estimate | None:
        rate, side = self.rule.rate, self.side
        if self.kept is not None:
            return self.kept.get(rate)
        if self.rule.corrected:
            return self.summary.corrected.get(rate)
        if side is None:
            return self.summary.rates.get(rate)
        family = self.rule.definition.family
        with_turns = self.rule.definition.counts_turns and self.summary.conversations and self.chosen is None
        if with_turns and not self.stopped_early:
            return self.summary.rates.get(rate)
        if family is Family.OUTCOMES:
            return (
                self._anytime_share(side)
                if self.stopped_early
                else estimate_share(side.samples, rate, self.level, self.chosen)
            )
        if family is Family.ERRORS and side.columns is not None and self.chosen is not None:
            return estimate_rates(side.columns, self.level, np.flatnonzero(self.chosen)).get(rate)
        return self.summary.rates.get(rate)

    def _anytime_share(self, side: ComparisonSide) -> Estimate:
        """Estimate a share of a run that was ended early: what it never asked for was not lost."""
        samples = side.samples
        hits, base = (mask[samples.code] for mask in outcome_masks(self.rule.rate))
        inside = base & ~samples.among(NOT_MADE)
        inside = inside if self.chosen is None else inside & self.chosen
        return anytime_rate(*sums_by_cluster(samples.prompt[inside], hits[inside]), self.level)

    def _against(self, baseline: Baseline, now: Estimate) -> Resolved:
        """Return the rate, the baseline's and the difference, all over the pairs where samples pair."""
        side, other = self.side, baseline.side
        if self.kept is None and side is not None and other is not None and not _another_suite(side, other):
            pair = self._paired(side, other)
            if pair is not None:
                return (
                    Resolved(now=pair.b, then=pair.a, difference=pair.difference)
                    if pair.difference.n
                    else Resolved(now=now)
                )
        then = self._tagged(baseline) if self.rule.where else baseline.summary.rates.get(self.rule.rate)
        return Resolved(now=now, then=then, difference=None if then is None else unpaired_difference(then, now))

    def _paired(self, side: ComparisonSide, other: ComparisonSide) -> RatePair | None:
        """Return what ``compare`` says of the rate; ``None`` for a rate that does not pair."""
        rate = self.rule.definition
        if not rate.pairs:
            return None
        pairs = pair_up(other.samples, side.samples)
        inside = None if self.chosen is None else self.chosen[pairs.row_b]
        if rate.family is Family.OUTCOMES and not self.stopped_early:
            return share_pair(pairs, rate.name, self.level, inside)
        if rate.family is Family.OUTCOMES:
            sums = pair_sums(pairs, rate.name, inside)
            return RatePair(
                a=anytime_rate(sums.a, sums.size, self.level),
                b=anytime_rate(sums.b, sums.size, self.level),
                difference=anytime_difference(sums.gained, sums.size, self.level),
                p_value=None,
                test=NOT_TESTED,
            )
        if side.columns is None or other.columns is None or self.stopped_early:
            return None
        if rate.family is Family.NOUNS:
            return nouns_pair(other.columns, side.columns, pairs, self.level, inside)
        return error_pair(other.columns, side.columns, pairs, rate.name, self.level, inside)

    def _tagged(self, baseline: Baseline) -> Estimate | None:
        """Return the baseline's rate where the rule's tags match."""
        where = self.rule.where
        if baseline.side is not None and baseline.side.columns is not None:
            rows = np.flatnonzero(baseline.side.columns.matching(where))
            return estimate_rates(baseline.side.columns, self.level, rows).get(self.rule.rate)
        if len(where) == 1:
            (tag, value), *_ = where.items()
            return baseline.summary.by.get(tag, {}).get(value, {}).get(self.rule.rate)
        return None


def _other_level(estimate: Estimate, level: float, kept: str) -> str:
    return (
        f"the {kept} was kept at level {estimate.level:g}, and the policy asks for {level:g}; "
        f"name the run, or write it again with summary --level {level:g}"
    )


def _another_suite(side: ComparisonSide | None, other: ComparisonSide | None) -> bool:
    return side is not None and other is not None and side.suite_digest != other.suite_digest


def _require_tags(rule: GateRule, known: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse a tag, or a value of one, that no prompt has."""
    for tag, value in rule.where.items():
        place = f"rule {rule.name!r}: where"
        if tag not in known:
            raise UnknownName("tag", tag, known, place=place)
        if value not in known[tag]:
            raise UnknownName(f"value of the tag {tag}", value, known[tag], place=place)
