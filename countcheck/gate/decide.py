"""Policy, run and baseline in; pass, fail or cannot decide out, each rule with its reason in one sentence. Pure."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from countcheck.errors import BadInput, UnknownName
from countcheck.gate.early_stop import anytime_difference, anytime_rate, judged, matching
from countcheck.gate.messages import limit_said, loss_said, subject
from countcheck.gate.policy import GateRule, Limits, Policy, read_policy
from countcheck.metrics.comparison import RatePair, error_pair, rate_pair
from countcheck.metrics.outcome_codes import Columns, among
from countcheck.metrics.pairing import pair_up, side_rate, sums_of, unpaired_difference
from countcheck.metrics.rates import Family, outcome_masks, rate_named
from countcheck.metrics.sides import ComparisonSide, counter_warnings, parties_from, parties_of
from countcheck.metrics.summary import GeneratorSummary, Summary, rates_of, summarize
from countcheck.stats.estimate import Estimate
from countcheck.storage.rows import Label, ResultRow
from countcheck.storage.run_info import CounterInfo, RunInfo, SelfTestInfo

__all__ = ["Decision", "Evidence", "Result", "decide", "evidence_from", "evidence_of", "read_policy"]

SCHEMA = "countcheck/gate/1"
EXIT_CODES = {"pass": 0, "fail": 1, "cannot_decide": 3}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """All that a gate knows of one run.

    Attributes:
        parties: Generator to its samples.
        stopped: The run was ended by a gate that looked again and again, so intervals must bear that.
    """

    summary: Summary
    parties: Mapping[str, ComparisonSide]
    stopped: bool = False


def evidence_of(
    rows: Sequence[ResultRow], info: RunInfo, labels: Sequence[Label] = (), level: float = 0.95
) -> Evidence:
    """What a run says."""
    summary = summarize(rows, info, labels, level)
    parties = {
        name: replace(party, corrected=summary.generators[name].corrected)
        for name, party in parties_of(rows, info).items()
    }
    return Evidence(
        summary=summary,
        parties=parties,
        stopped=bool(info.until_decided) and any(row.outcome == "missing" for row in rows),
    )


def evidence_from(summary: Summary) -> Evidence:
    """What a summary says that was kept of a run."""
    return Evidence(summary=summary, parties=parties_from(summary))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one rule.

    Attributes:
        decision: ``pass``, ``fail`` or ``cannot_decide``.
        reason: One sentence for a release owner.
        estimate: What was held against the rule: the rate, or its difference from the baseline.
        limits: It is about the run, not the model: nothing else is decided while it cannot be.
    """

    rule: str
    decision: str
    reason: str
    generator: str = ""
    estimate: Estimate | None = None
    limits: bool = False

    def to_json(self) -> dict[str, Any]:
        """The published shape."""
        return {
            "rule": self.rule,
            "generator": self.generator,
            "decision": self.decision,
            "reason": self.reason,
            "estimate": None if self.estimate is None else self.estimate.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a policy says of a run."""

    decision: str
    rules: tuple[Result, ...]
    run: str = ""
    baseline: str | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, 3 cannot decide."""
        return EXIT_CODES[self.decision]

    def to_json(self) -> dict[str, Any]:
        """The published shape; see ``schemas/gate.json``."""
        return {
            "schema": SCHEMA,
            "decision": self.decision,
            "run": self.run,
            "baseline": self.baseline,
            "rules": [result.to_json() for result in self.rules],
            "warnings": list(self.warnings),
        }


def decide(policy: Policy, evidence: Evidence, baseline: Evidence | None = None) -> Decision:
    """What the policy says of the run: fail if a rule fails, cannot decide if one cannot, else pass.

    A run that lost too much, or whose counter failed its controls, is not judged: it cannot be decided, whatever its
    rates. Every generator of the run must meet every rule that does not name another.

    Raises:
        UnknownName: When a rule names a generator that the run has not.
        BadInput: When a rule needs a baseline and there is none.
    """
    generators = evidence.summary.generators
    for rule in policy.rules:
        if rule.generator and rule.generator not in generators:
            raise UnknownName("generator", rule.generator, generators, place=f"rule {rule.name!r}")
        if rule.no_worse_by is not None and baseline is None:
            raise BadInput(f"rule {rule.name!r} compares with a baseline. Name one with --baseline RUN.")
    results = [*_limits(policy.limits, evidence)]
    warnings: list[str] = []
    for name in generators:
        before = None if baseline is None else _counterpart(name, generators, baseline)
        if before is not None and name in evidence.parties:
            warnings += _baseline_warnings(evidence.parties[name], before)
        for rule in policy.rules:
            if rule.generator in ("", name):
                results.append(_result(rule, policy.level, name, evidence, before))
    several = len(generators) > 1
    return Decision(
        decision=_overall(results),
        rules=tuple(_named(one) if several and one.generator else one for one in results),
        run=evidence.summary.run,
        baseline=None if baseline is None else baseline.summary.run,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _named(result: Result) -> Result:
    return replace(result, reason=f"{result.generator}: {result.reason}")


def _overall(results: Sequence[Result]) -> str:
    if any(one.limits and one.decision == "cannot_decide" for one in results):
        return "cannot_decide"
    decisions = {one.decision for one in results}
    return next((word for word in ("fail", "cannot_decide") if word in decisions), "pass")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Before:
    """The baseline of one generator."""

    summary: GeneratorSummary
    party: ComparisonSide | None


def _counterpart(name: str, generators: Mapping[str, Any], baseline: Evidence) -> _Before:
    known = baseline.summary.generators
    if name in known:
        return _Before(summary=known[name], party=baseline.parties.get(name))
    if len(known) == 1 and len(generators) == 1:
        other = next(iter(known))
        return _Before(summary=known[other], party=baseline.parties.get(other))
    raise BadInput(
        f"baseline {baseline.summary.run} has no generator {name!r}; it has {', '.join(known)}. "
        "Name a baseline of the same generators."
    )


def _baseline_warnings(party: ComparisonSide, before: _Before) -> Iterator[str]:
    if before.party is None:
        return
    if party.suite_digest != before.party.suite_digest:
        yield "the baseline was asked another suite: samples do not pair, so every comparison is unpaired and less sure"
    yield from (w for w in counter_warnings([before.party, party]) if "counters differ" in w or "different rules" in w)


# -- limits ------------------------------------------------------------------------------------------------------


def _limits(limits: Limits, evidence: Evidence) -> Iterator[Result]:
    """Results of what the run itself must meet; those that hold and were not asked for are left unsaid."""
    counter = evidence.summary.counter
    if limits.controls:
        yield from _controls(evidence.summary.controls, counter)
    if limits.calibrated and not counter.calibrated:
        yield _blocked("counter calibrated", f"the counter {counter.name} was never calibrated by labels")
    for name, one in evidence.summary.generators.items():
        yield from _lost(limits, name, one, evidence.stopped)
        party = evidence.parties.get(name)
        prompts = 0 if party is None else len(np.unique(party.side.prompt[party.side.scored]))
        for word, least, there in (("samples", limits.samples, one.scored), ("prompts", limits.prompts, prompts)):
            if least is not None and there < least:
                yield _blocked(f"at least {least} {word}", f"only {there} {word} were scored; {least} are needed", name)
        if one.scored == 0:
            yield _blocked("something scored", "nothing was scored: every sample failed or is missing", name)


def _controls(self_test: SelfTestInfo, counter: CounterInfo) -> Iterator[Result]:
    score = self_test.plain
    if score.passed is False:
        needed = f"; {score.needed} are needed" if score.needed else ""
        pictures = f"{score.right or 0} of {score.total or 0} control pictures"
        yield _blocked("controls passed", f"the counter {counter.name} got {pictures} right{needed}")


def _lost(limits: Limits, name: str, one: GeneratorSummary, stopped: bool) -> Iterator[Result]:
    talks = one.conversations
    total = {key: n + talks.get(key, 0) for key, n in one.counts.items()}
    missing = 0 if stopped else total["missing"]
    planned = total["planned"] - (total["missing"] if stopped else 0)
    asked = total["asked"]
    for word, most, n, of, verb in (
        ("lost", limits.lost, total["failures"] + missing, planned, "were lost"),
        ("failures", limits.failures, total["failures"], planned, "failed"),
        ("missing", limits.missing, missing, planned, "were not made"),
        ("uncertain", limits.uncertain, total["uncertain"], asked, "are uncertain"),
    ):
        if most is not None and of and n / of > most:
            yield _blocked(
                f"{word} at most {most:.4g}", f"{n} of {of} samples {verb}; the limit is {100 * most:.3g} %", name
            )
    if limits.refusals is not None and asked:
        over = total["refusals"] / asked > limits.refusals
        reason = f"{total['refusals']} of {asked} samples were refused; the limit is {100 * limits.refusals:.3g} %"
        rule = f"refusals at most {limits.refusals:.4g}"
        yield Result(rule=rule, generator=name, decision="fail" if over else "pass", reason=reason)


def _blocked(rule: str, reason: str, generator: str = "") -> Result:
    return Result(rule=rule, generator=generator, decision="cannot_decide", reason=reason, limits=True)


# -- rules -------------------------------------------------------------------------------------------------------


def _result(rule: GateRule, level: float, name: str, evidence: Evidence, before: _Before | None) -> Result:
    party = evidence.parties.get(name)
    chosen = None
    if rule.where:
        if party is None or party.columns is None:
            return _unsure(rule, name, f"{subject(rule)}: the run keeps no tags to split by")
        chosen = matching(party.columns, rule.where)
        if not chosen.any():
            return _unsure(rule, name, _no_match(rule, party.columns))
        why = evidence.summary.generators[name].withheld.get("style", {}).get(rule.where.get("style", ""))
        if why and rate_named(rule.rate).by_counter:
            return _unsure(rule, name, f"{subject(rule)}: {why}")
    now = _estimate(rule, level, evidence.summary.generators[name], party, chosen, evidence.stopped)
    if now is None or now.value is None or now.n == 0:
        why = "no labels to correct it by" if rule.corrected else "nothing to estimate it from"
        return _unsure(rule, name, f"{subject(rule)}: there is {why}", now)
    if now.level != level:
        return _unsure(rule, name, f"{subject(rule)}: {_other_level(now, level, 'summary')}", now)
    if rule.no_worse_by is None:
        return _settle(rule, name, now, limit_said(rule, now))
    assert before is not None
    now, then, gap = _against(rule, level, party, before, now, chosen, evidence.stopped)
    if then is None or gap is None or gap.value is None or gap.low is None:
        return _unsure(rule, name, f"{subject(rule)}: the baseline has nothing to compare with", now)
    if then.level != level:
        return _unsure(rule, name, f"{subject(rule)}: {_other_level(then, level, 'baseline')}", now)
    return _settle(rule, name, gap, loss_said(rule, now, then, gap))


def _other_level(estimate: Estimate, level: float, what: str) -> str:
    return (
        f"the {what} was kept at level {estimate.level:g}, and the policy asks for {level:g}; "
        f"name the run, or write it again with summary --level {level:g}"
    )


def _settle(rule: GateRule, name: str, estimate: Estimate, reason: str) -> Result:
    held = estimate
    if rule.side is not None:
        end = getattr(estimate, rule.side)
        held = replace(estimate, low=end, high=end)
    decision = judged(rule, held) or rule.when_unsure
    if judged(rule, held) is None:
        reason += _more(rule, estimate)
    return Result(rule=rule.name, generator=name, decision=decision, reason=reason, estimate=estimate)


def _more(rule: GateRule, estimate: Estimate) -> str:
    """How many prompts would decide, as far as one can tell from where the estimate stands now."""
    bounds = [b for b in (rule.at_least, rule.at_most) if b is not None]
    if rule.no_worse_by is not None:
        bounds = [-rule.no_worse_by if rate_named(rule.rate).higher_is_better else rule.no_worse_by]
    assert estimate.value is not None
    gap = min(abs(estimate.value - bound) for bound in bounds)
    half = ((estimate.high or 0.0) - (estimate.low or 0.0)) / 2
    too_few = ", but the interval reaches over it"
    if gap == 0 or estimate.clusters == 0:
        return too_few
    prompts = max(estimate.clusters + 1, math.ceil(estimate.clusters * (half / gap) ** 2))
    return f"{too_few}: about {_round(prompts):,} prompts would decide" if prompts < 1_000_000 else too_few


def _round(n: int) -> int:
    """To two figures, upwards."""
    step = 10 ** max(0, len(str(n)) - 2)
    return -(-n // step) * step


def _unsure(rule: GateRule, name: str, reason: str, estimate: Estimate | None = None) -> Result:
    return Result(rule=rule.name, generator=name, decision="cannot_decide", reason=reason, estimate=estimate)


def _no_match(rule: GateRule, columns: Columns) -> str:
    for tag, value in rule.where.items():
        known = columns.tags[tag][0] if tag in columns.tags else tuple(columns.tags)
        wrong = value if tag in columns.tags else tag
        if wrong not in known:
            near = difflib.get_close_matches(wrong, known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known[:8]) or 'none'}"
            what = f"no prompt has {tag} {value!r}" if tag in columns.tags else f"no prompt has a tag {tag!r}"
            return f"{subject(rule)}: {what}{hint}"
    return f"{subject(rule)}: no prompt has all of these tags"


def _estimate(
    rule: GateRule, level: float, summary: GeneratorSummary, party: ComparisonSide | None, chosen: Any, stopped: bool
) -> Estimate | None:
    if rule.corrected:
        return summary.corrected.get(rule.rate)
    if party is None:
        return summary.rates.get(rule.rate)
    family = rate_named(rule.rate).family
    if family is Family.OUTCOMES:
        if not stopped:
            return side_rate(party.side, rule.rate, level, chosen)
        # What a run that was ended early never asked for was not lost.
        hit, of = (mask[party.side.letter] for mask in outcome_masks(rule.rate))
        kept = of & ~among("-")[party.side.letter]
        kept = kept if chosen is None else kept & chosen
        _, prompt = np.unique(party.side.prompt[kept], return_inverse=True)
        return anytime_rate(np.bincount(prompt, weights=hit[kept]), np.bincount(prompt), level)
    if family is Family.ERRORS and party.columns is not None and chosen is not None:
        return rates_of(party.columns, level, np.flatnonzero(chosen)).get(rule.rate)
    return summary.rates.get(rule.rate)


def _against(
    rule: GateRule,
    level: float,
    party: ComparisonSide | None,
    before: _Before,
    now: Estimate,
    chosen: Any,
    stopped: bool,
) -> tuple[Estimate, Estimate | None, Estimate | None]:
    """The rate, the baseline's and the difference, paired where samples pair: all three are over the pairs then."""
    other = before.party
    if party is not None and other is not None and party.suite_digest == other.suite_digest:
        paired = _paired(rule, level, party, other, chosen, stopped)
        if paired is not None:
            return (paired.b, paired.a, paired.difference) if paired.difference.n else (now, None, None)
    then = before.summary.rates.get(rule.rate) if chosen is None else _split(rule, level, before)
    return now, then, None if then is None else unpaired_difference(then, now)


def _paired(
    rule: GateRule, level: float, party: ComparisonSide, other: ComparisonSide, chosen: Any, stopped: bool
) -> RatePair | None:
    """What ``compare`` says of the rate; ``None`` for a rate that does not pair."""
    pairs = pair_up(other.side, party.side)
    inside = None if chosen is None else chosen[pairs.row_b]
    rate = rate_named(rule.rate)
    if rate.family is Family.OUTCOMES and rate.pairs:
        if not stopped:
            return rate_pair(pairs, rule.rate, level, inside)
        sums = sums_of(pairs, rule.rate, inside)
        return RatePair(
            a=anytime_rate(sums.a, sums.size, level),
            b=anytime_rate(sums.b, sums.size, level),
            difference=anytime_difference(sums.gained, sums.size, level),
            p_value=None,
            test="not tested",
        )
    if rate.family is Family.ERRORS and party.columns is not None and other.columns is not None and not stopped:
        return error_pair(other.columns, party.columns, pairs, rule.rate, level, inside)
    return None


def _split(rule: GateRule, level: float, before: _Before) -> Estimate | None:
    """The baseline's rate where the rule's tags match."""
    then = None
    if before.party is not None and before.party.columns is not None:
        rows = np.flatnonzero(matching(before.party.columns, rule.where))
        then = rates_of(before.party.columns, level, rows).get(rule.rate)
    elif len(rule.where) == 1:
        (tag, value), *_ = rule.where.items()
        then = before.summary.by.get(tag, {}).get(value, {}).get(rule.rate)
    return then
