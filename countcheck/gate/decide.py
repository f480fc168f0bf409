"""Policy, run and baseline in; pass, fail or cannot decide out, each rule with its reason in one sentence. Pure.

Each rule is resolved (`countcheck.gate.resolve`), decided, and put into words (`countcheck.gate.messages`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from countcheck.errors import BadInput, UnknownName
from countcheck.gate.decision import Decision, Outcome, RuleResult, overall
from countcheck.gate.evidence import Evidence
from countcheck.gate.limits import check_limits
from countcheck.gate.messages import limit_sentence, loss_sentence, subject
from countcheck.gate.policy import GateRule, Policy
from countcheck.gate.resolve import Baseline, Resolved, Unresolved, resolve
from countcheck.metrics.sides import ComparisonSide, counter_warnings
from countcheck.stats.distributions import z_quantile
from countcheck.stats.estimate import Estimate
from countcheck.stats.intervals import wilson_interval

_MAX_PROMPTS = 1_000_000
"""Beyond so many prompts no number is promised."""


def decide_gate(
    policy: Policy, evidence: Evidence, baseline: Evidence | None = None, *, unpaired: bool = False
) -> Decision:
    """Decide what a policy says of a run: fail if a rule fails, cannot decide if one cannot, else pass.

    A run that lost too much, or whose counter failed its self-test, is not judged: it cannot be decided, whatever its
    rates. Every generator of the run must meet every rule that does not name another.

    Args:
        policy: What is demanded.
        evidence: Of the run.
        baseline: Of the run that ``no_worse_by`` rules compare with.
        unpaired: Compare with a baseline that was asked another suite too, although its samples do not pair; otherwise
            such a rule cannot be decided.

    Raises:
        UnknownName: If a rule names a generator that the run has not, or a tag, or value of one, that no prompt has.
        BadInput: If a rule needs a baseline and there is none.

    >>> from countcheck.gate.evidence import evidence_of_run
    >>> from countcheck.gate.policy import policy_from
    >>> from countcheck.counting.verdict import Kind
    >>> from countcheck.storage.rows import ResultRow
    >>> from countcheck.storage.run_info import RunInfo
    >>> rows = [
    ...     ResultRow(key=str(i), generator="g", prompt_id=str(i), repeat=0, seed=i, text="three pigs", outcome="picture",
    ...               verdict=Kind.EXACT, asked={"pig": 3}, counted={"pig": 3})
    ...     for i in range(20)
    ... ]
    >>> policy = policy_from({"rules": [{"rate": "exact_rate", "at_least": 0.6}]})
    >>> decision = decide_gate(policy, evidence_of_run(rows, RunInfo(name="demo")))
    >>> decision.decision, decision.rules[0].reason
    ('pass', 'exact: 100 % [84, 100]; the limit is at least 60 %')
    """
    generators = evidence.summary.generators
    for rule in policy.rules:
        if rule.generator and rule.generator not in generators:
            raise UnknownName("generator", rule.generator, generators, place=f"rule {rule.name!r}")
        if rule.no_worse_by is not None and baseline is None:
            raise BadInput(f"rule {rule.name!r} compares with a baseline. Name one with --baseline RUN.")
    results = [*check_limits(policy.limits, evidence)]
    warnings: list[str] = []
    for name in generators:
        before = None if baseline is None else _counterpart(name, generators, baseline)
        if before is not None and name in evidence.sides:
            warnings += _baseline_warnings(evidence.sides[name], before)
        for rule in policy.rules:
            if rule.generator in ("", name):
                results.append(_decide_rule(rule, policy, name, evidence, before, unpaired=unpaired or policy.unpaired))
    return Decision(
        decision=overall(results),
        rules=tuple(result.named() if len(generators) > 1 else result for result in results),
        run=evidence.summary.run,
        baseline=None if baseline is None else baseline.summary.run,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _counterpart(name: str, generators: Mapping[str, Any], baseline: Evidence) -> Baseline:
    """Return the baseline of a generator: that of the same name, or the only one of each run."""
    known = baseline.summary.generators
    if name in known:
        return Baseline(summary=known[name], side=baseline.sides.get(name))
    if len(known) == 1 and len(generators) == 1:
        other = next(iter(known))
        return Baseline(summary=known[other], side=baseline.sides.get(other))
    raise BadInput(
        f"baseline {baseline.summary.run} has no generator {name!r}; it has {', '.join(known)}. "
        "Name a baseline of the same generators."
    )


def _baseline_warnings(side: ComparisonSide, before: Baseline) -> Iterator[str]:
    if before.side is None:
        return
    if side.suite_digest != before.side.suite_digest:
        yield "the baseline was asked another suite: samples do not pair, so every comparison is unpaired and less sure"
    yield from (w for w in counter_warnings([before.side, side]) if "counters differ" in w or "different rules" in w)


def _decide_rule(
    rule: GateRule, policy: Policy, name: str, evidence: Evidence, before: Baseline | None, *, unpaired: bool
) -> RuleResult:
    measured = resolve(rule, policy.level, name, evidence, before, unpaired=unpaired)
    if isinstance(measured, Unresolved):
        return RuleResult(
            rule=rule.name,
            generator=name,
            decision="cannot_decide",
            reason=f"{subject(rule)}: {measured.reason}",
            estimate=measured.estimate,
        )
    estimate = measured.now if measured.difference is None else measured.difference
    decided = rule.decision_by_side(estimate)
    reason = _sentence(rule, measured)
    if decided is None:
        reason += _prompts_that_decide(rule, estimate)
    decision: Outcome = decided or rule.when_unsure
    return RuleResult(rule=rule.name, generator=name, decision=decision, reason=reason, estimate=estimate)


def _sentence(rule: GateRule, measured: Resolved) -> str:
    if measured.then is None or measured.difference is None:
        return limit_sentence(rule, measured.now)
    return loss_sentence(rule, measured.now, measured.then, measured.difference)


def _prompts_that_decide(rule: GateRule, estimate: Estimate) -> str:
    """Say how many prompts would decide, as far as one can tell from where the estimate stands now."""
    if estimate.low is None or estimate.high is None:
        return f", but {estimate.method}"
    too_few = ", but the interval reaches over it"
    if estimate.value is None or estimate.clusters == 0:
        return too_few
    prompts = _fewest_prompts(rule, estimate)
    return too_few if prompts is None else f"{too_few}: about {_two_figures(prompts):,} prompts would decide"


def _fewest_prompts(rule: GateRule, estimate: Estimate) -> int | None:
    """Estimate how many prompts would decide if the value stayed; ``None`` when more than a million, or none, would.

    A share's interval shrinks as Wilson's does, at the effective number of outcomes that it has now; any other with the
    square root of the number of prompts, each end by itself.
    """

    def decides(prompts: int) -> bool:
        low, high = _interval_with(estimate, prompts / estimate.clusters)
        return rule.decision_by_side(replace(estimate, low=low, high=high)) is not None

    enough = estimate.clusters + 1
    while not decides(enough):
        enough *= 2
        if enough > _MAX_PROMPTS:
            return None
    below = max(estimate.clusters, enough // 2)
    while enough - below > 1:
        middle = (below + enough) // 2
        below, enough = (below, middle) if decides(middle) else (middle, enough)
    return enough


def _interval_with(estimate: Estimate, times: float) -> tuple[float, float]:
    """The interval of an estimate with ``times`` as many prompts and the same value."""
    value, low, high = estimate.value, estimate.low, estimate.high
    assert value is not None and low is not None and high is not None
    if "Wilson" in estimate.method:
        effective = estimate.n / (estimate.design_effect or 1.0)
        return wilson_interval(value, effective * times, z_quantile(estimate.level))
    return value - (value - low) / math.sqrt(times), value + (high - value) / math.sqrt(times)


def _two_figures(n: int) -> int:
    """Round up to two figures."""
    step = 10 ** max(0, len(str(n)) - 2)
    return -(-n // step) * step
