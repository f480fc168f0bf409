"""A gate that is asked again and again while a run is going on, and ends it once it is decided.

Its bounds are anytime-valid (`countcheck.stats.anytime`), so looking often causes no false alarms. They need prompts in
random order with their repeats together, as `countcheck.suites.samples.shuffle_prompts` puts them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from countcheck.gate.policy import GateRule, Policy
from countcheck.metrics.columns import Columns
from countcheck.metrics.pairing import pair_sums, pair_up
from countcheck.metrics.rates import Family, outcome_masks
from countcheck.metrics.sides import ComparisonSide, sides_of_run
from countcheck.metrics.summary import withheld_reason
from countcheck.stats.anytime import anytime_difference, anytime_rate
from countcheck.stats.estimate import Estimate
from countcheck.stats.intervals import sums_by_cluster
from countcheck.storage.result_table import MISSING, PICTURE, REFUSAL, Results, ResultTable, table_of
from countcheck.storage.run_info import RunInfo


class SequentialGate:
    """A policy that may be evaluated after every batch.

    ``run --until-decided POLICY`` makes one and calls `update` with all rows, the missing ones included, as often as it
    likes; the answer is ``None`` until the gate is decided, and then "pass" or "fail" for good. A wrong "fail", and for
    each rule a wrong "pass", comes with a chance of at most half of 1 - level over the whole run. Rules on means, costs,
    labels or conversations are not decided early: with one of those, only "fail" can come before the end. Nothing is
    decided before there are as many samples and prompts as the policy's limits ask for.

    Args:
        policy: See `countcheck.gate.policy.read_policy`.
        baseline: The earlier run by generator; without it, rules that compare decide nothing early.
    """

    def __init__(self, policy: Policy, baseline: Mapping[str, ComparisonSide] | None = None) -> None:
        self._policy = policy
        self._baseline = dict(baseline or {})
        self.decision: str | None = None

    def update(self, results: Results, info: RunInfo | None = None) -> str | None:
        """Return the decision reached by now: ``pass``, ``fail`` or, while neither is sure, ``None``.

        Args:
            results: All of the run, the missing ones included.
            info: Names the suite, without which the run pairs with any baseline, and holds the counter's self-test.
        """
        if self.decision is None:
            self.decision = self._decide(table_of(results), info or RunInfo())
        return self.decision

    def _decide(self, table: ResultTable, info: RunInfo) -> str | None:
        sides = sides_of_run(_complete(table), info)
        names = table.generators_seen()
        if not all(self._enough(table.of_generator(name)) for name in names):
            return None
        decisions = [
            self._decide_rule(rule, sides.get(name))
            for rule in self._policy.rules
            for name in names
            if rule.generator in ("", name)
        ]
        if "fail" in decisions:
            return "fail"
        return "pass" if decisions and all(decision == "pass" for decision in decisions) else None

    def _enough(self, table: ResultTable) -> bool:
        """Return whether a generator has the fewest samples and prompts that the policy wants to judge by."""
        limits = self._policy.limits
        if limits.samples is None and limits.prompts is None:
            return True
        outcome = table.outcome
        scored = (outcome == PICTURE) | (outcome == REFUSAL)
        prompts, _ = table.take(scored & ~table.conversation).prompts()
        return int(scored.sum()) >= (limits.samples or 0) and len(prompts) >= (limits.prompts or 0)

    def _decide_rule(self, rule: GateRule, side: ComparisonSide | None) -> str | None:
        rate = rule.definition
        if side is None or side.columns is None or rate.family is not Family.OUTCOMES or rule.corrected:
            return None
        if rate.by_counter and withheld_reason(side.self_test, rule.where.get("style", "")):
            return None
        # Any one of the rules may fail the gate by mistake: each gets its part of the allowance.
        level = 1 - (1 - self._policy.level) / max(1, len(self._policy.rules))
        estimate = (
            _share(rule, side.columns, level)
            if rule.no_worse_by is None
            else self._difference(rule, side, side.columns, level)
        )
        return None if estimate is None else rule.decision_on(estimate)

    def _difference(self, rule: GateRule, side: ComparisonSide, columns: Columns, level: float) -> Estimate | None:
        before = self._baseline.get(side.generator)
        if before is None and len(self._baseline) == 1:
            before = next(iter(self._baseline.values()))
        if before is None or (side.suite_digest and before.suite_digest != side.suite_digest):
            return None
        pairs = pair_up(before.samples, side.samples)
        sums = pair_sums(pairs, rule.rate, columns.matching(rule.where)[pairs.row_b])
        return anytime_difference(sums.gained, sums.size, level)


def _share(rule: GateRule, columns: Columns, level: float) -> Estimate:
    samples = columns.samples
    hits, base = (mask[samples.code] for mask in outcome_masks(rule.rate))
    inside = base & columns.matching(rule.where)
    return anytime_rate(*sums_by_cluster(samples.prompt[inside], hits[inside]), level)


def _complete(table: ResultTable) -> ResultTable:
    """Return the rows of prompts of which every repeat has been made."""
    names, prompt = table.prompts()
    of_generator = prompt + table.generator.astype(np.int64) * len(names)
    waiting = np.zeros(len(names) * len(table.generators), np.bool_)
    waiting[of_generator[table.outcome == MISSING]] = True
    return table.take(~waiting[of_generator])
