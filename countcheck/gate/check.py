"""Whether a policy can be decided on a suite at all: how many prompts each rule needs, before anything is made.

A flawless generator is put to the policy. A rule that even it cannot pass needs more prompts, and says how many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from countcheck.gate.evidence import Evidence, evidence_of_run
from countcheck.gate.messages import subject
from countcheck.gate.policy import GateRule, Policy
from countcheck.gate.rehearsal import GENERATOR, flawless_rows
from countcheck.gate.resolve import Baseline, Resolved, Unresolved, resolve
from countcheck.metrics.rates import Family
from countcheck.stats.anytime import anytime_difference, anytime_rate
from countcheck.stats.estimate import Estimate
from countcheck.stats.intervals import cluster_mean, cluster_rate, paired_difference, unpaired_difference
from countcheck.stats.paired_means import paired_means
from countcheck.storage.run_info import GeneratorInfo, RunInfo
from countcheck.suites.suite import Suite

SCHEMA = "countcheck/gate-check/1"
MAX_PROMPTS = 100_000
"""A rule that needs more prompts than this is said to need more, and not how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCheck:
    """What one rule or limit needs of a suite.

    Attributes:
        rule: Its name.
        available: Prompts (or conversations) of the suite that it is about; ``None`` where that shows only in a run.
        needed: Fewest with which a flawless generator passes it; ``None`` where that cannot be told, or none are enough.
        enough: A flawless generator is decided on; ``None`` where that shows only in a run.
        reason: One sentence.
    """

    rule: str
    available: int | None
    needed: int | None
    enough: bool | None
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return the published shape."""
        return {
            "rule": self.rule,
            "available": self.available,
            "needed": self.needed,
            "enough": self.enough,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCheck:
    """What a policy needs of a suite.

    Attributes:
        suite: Its name.
        repeats: Pictures of every prompt.
        rules: Of each limit on numbers, and each rule.
    """

    suite: str
    repeats: int
    rules: tuple[RuleCheck, ...]

    @property
    def decidable(self) -> bool:
        """Whether a flawless generator passes every rule that can be told of beforehand."""
        return all(check.enough is not False for check in self.rules)

    @property
    def exit_code(self) -> int:
        """0 when the policy can be decided on the suite, 3 when it cannot."""
        return 0 if self.decidable else 3

    def to_json(self) -> dict[str, Any]:
        """Return the published shape; see ``schemas/gate-check.json``."""
        return {
            "schema": SCHEMA,
            "suite": self.suite,
            "repeats": self.repeats,
            "decidable": self.decidable,
            "rules": [check.to_json() for check in self.rules],
        }


def check_policy(policy: Policy, suite: Suite, repeats: int = 1, *, sequential: bool = False) -> PolicyCheck:
    """Tell for each rule of a policy how many prompts it needs, and whether a suite has them.

    Args:
        policy: What is demanded.
        suite: What will be asked.
        repeats: Pictures of every prompt, 1 or more.
        sequential: The gate will look after every batch (``run --until-decided``), which needs more prompts.

    Raises:
        UnknownName: If a rule names a tag, or a value of one, that the suite does not have.

    >>> from countcheck.gate.policy import policy_from
    >>> from countcheck.suites.suite import Prompt, Target
    >>> suite = Suite(name="pigs", prompts=(Prompt(id="a", text="three pigs", targets=(Target(noun="pig", count=3),)),))
    >>> policy = policy_from({"rules": [{"rate": "refusal_rate", "at_most": 0.02}]})
    >>> check = check_policy(policy, suite).rules[0]
    >>> check.available, check.needed, check.enough
    (1, 189, False)
    """
    info = RunInfo(name=suite.name, suite=suite.name, generators={GENERATOR: GeneratorInfo()})
    evidence = evidence_of_run(flawless_rows(suite, repeats), info, level=policy.level)
    level = 1 - (1 - policy.level) / len(policy.rules) if sequential else policy.level
    checks = [*_limit_checks(policy, suite, repeats)]
    checks += [
        _check_rule(rule, policy.level, level, evidence, repeats, sequential=sequential) for rule in policy.rules
    ]
    return PolicyCheck(suite=suite.name, repeats=repeats, rules=tuple(checks))


def _limit_checks(policy: Policy, suite: Suite, repeats: int) -> list[RuleCheck]:
    samples = repeats * (len(suite.prompts) + sum(len(talk.turns) for talk in suite.conversations))
    checks = []
    for noun, least, available in (
        ("prompts", policy.limits.prompts, len(suite.prompts)),
        ("samples", policy.limits.samples, samples),
    ):
        if least is not None:
            reason = f"the limit asks for {least:,} {noun}; the suite has {available:,}"
            checks.append(
                RuleCheck(
                    rule=f"at least {least} {noun}",
                    available=available,
                    needed=least,
                    enough=available >= least,
                    reason=reason + (f" with {repeats} repeats" if noun == "samples" and repeats > 1 else ""),
                )
            )
    return checks


def _check_rule(
    rule: GateRule, policy_level: float, level: float, evidence: Evidence, repeats: int, *, sequential: bool
) -> RuleCheck:
    summary, side = evidence.summary.generators[GENERATOR], evidence.sides.get(GENERATOR)
    # Nobody is the generator that a rule names before the run: every rule is tried on the flawless one.
    measured = resolve(rule, policy_level, GENERATOR, evidence, Baseline(summary=summary, side=side))
    if isinstance(measured, Unresolved):
        return _unresolved(rule, evidence)
    available = measured.now.clusters
    about = f"{subject(rule)}: " + ("conversations" if rule.definition.family is Family.CONVERSATIONS else "prompts")
    estimate_of = _estimator(rule, measured, level, repeats, sequential=sequential)
    if estimate_of is None:
        reason = f"{subject(rule)}: what it needs shows only in a run"
        return RuleCheck(rule=rule.name, available=available, needed=None, enough=None, reason=reason)
    if rule.decision_by_side(estimate_of(MAX_PROMPTS)) != "pass":
        reason = f"{about}: no number is enough, since not even a flawless generator would pass"
        return RuleCheck(rule=rule.name, available=available, needed=None, enough=False, reason=reason)
    needed = _fewest(lambda k: rule.decision_by_side(estimate_of(k)) == "pass")
    estimate = measured.now if measured.difference is None else measured.difference
    decided = available >= needed if sequential else rule.decision_by_side(estimate) == "pass"
    enough = decided or rule.when_unsure == "pass"
    unsure = f"; with fewer it {'passes' if rule.when_unsure == 'pass' else 'fails'}"
    unsure = "" if rule.when_unsure == "cannot_decide" else unsure
    reason = f"{about} needed for a flawless generator to pass: {needed:,}; the suite has {available:,}{unsure}"
    return RuleCheck(rule=rule.name, available=available, needed=needed, enough=enough, reason=reason)


def _unresolved(rule: GateRule, evidence: Evidence) -> RuleCheck:
    """Return the check of a rule whose rate a flawless generator does not have."""
    rate = rule.definition
    impossible = rate.family is Family.CONVERSATIONS and not evidence.summary.generators[GENERATOR].conversations
    if impossible:
        reason = f"{subject(rule)}: needs {rate.needs}; the suite has no conversations"
    elif rule.corrected:
        reason = f"{subject(rule)}: needs labels of the run's pictures (countcheck review RUN)"
    else:
        reason = f"{subject(rule)}: needs {rate.needs}, which shows only in a run"
    return RuleCheck(
        rule=rule.name, available=0 if impossible else None, needed=None, enough=False if impossible else None,
        reason=reason,
    )  # fmt: skip


def _estimator(
    rule: GateRule, measured: Resolved, level: float, repeats: int, *, sequential: bool
) -> Callable[[int], Estimate] | None:
    """Return what a flawless generator's rate, or its difference from a twin, would be over k prompts."""
    rate, now = rule.definition, measured.now
    several = rate.family in (Family.CONVERSATIONS, Family.NOUNS)
    outcomes = max(1, round(now.n / now.clusters)) if several else repeats
    value = now.value or 0.0

    def share(k: int) -> Estimate:
        estimator = anytime_rate if sequential else cluster_rate
        return estimator(np.full(k, value * outcomes), np.full(k, outcomes), level)

    def share_of_twins(k: int) -> Estimate:
        estimator = anytime_difference if sequential else paired_difference
        return estimator(np.zeros(k), np.full(k, outcomes), level)

    def mean(k: int) -> Estimate:
        return cluster_mean(np.zeros(k), np.full(k, outcomes), level)

    def mean_of_twins(k: int) -> Estimate:
        zeros, sizes = np.zeros(k), np.full(k, outcomes)
        return paired_means(zeros, sizes, zeros, sizes, level).difference

    against = rule.no_worse_by is not None
    match rate.family:
        case Family.OUTCOMES | Family.NOUNS:
            return share_of_twins if against and rate.pairs else _unpaired(share) if against else share
        case Family.ERRORS:
            return mean_of_twins if against else mean
        case Family.CONVERSATIONS | Family.CONSISTENCY:
            return _unpaired(share) if against else share
    return None


def _unpaired(estimate_of: Callable[[int], Estimate]) -> Callable[[int], Estimate]:
    return lambda k: unpaired_difference(estimate_of(k), estimate_of(k))


def _fewest(passes: Callable[[int], bool]) -> int:
    """Return the least number that passes; every larger one does too, and `MAX_PROMPTS` is known to."""
    few, many = 0, 1
    while many < MAX_PROMPTS and not passes(many):
        few, many = many, min(2 * many, MAX_PROMPTS)
    while many - few > 1:
        middle = (few + many) // 2
        if passes(middle):
            many = middle
        else:
            few = middle
    return many
