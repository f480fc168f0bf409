"""Looking as often as one likes: intervals that hold at every moment at once, and a gate that stops a run early.

The confidence sequence is that of betting (Waudby-Smith and Ramdas 2024): whoever bets on prompts against a claimed
mean gets rich only if the claim is wrong, and by Ville's inequality hardly ever to 1 / alpha otherwise, however often one
looks. A fixed mixture of bets makes the capital depend on what came, not on its order.

A prompt is one bet, made when all its repeats are there; so prompts must come in random order with their repeats
together, which is what `countcheck.suites.samples.shuffle_prompts` gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countcheck.metrics.outcome_codes import Columns
from countcheck.metrics.pairing import pair_up, sums_of
from countcheck.metrics.rates import Family, outcome_masks, rate_named
from countcheck.metrics.sides import ComparisonSide, parties_of
from countcheck.metrics.summary import blind
from countcheck.stats.estimate import Estimate, nothing
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_info import RunInfo

if TYPE_CHECKING:
    from countcheck.gate.policy import GateRule, Policy

Floats: TypeAlias = NDArray[np.float64]

# Shares of the largest stake that cannot ruin: small ones win slowly with certainty, large ones fast when far off.
STAKES = np.geomspace(0.002, 0.9, 32)


def anytime_bounds(
    values: ArrayLike, level: float = 0.95, *, low: float = 0.0, high: float = 1.0
) -> tuple[float, float]:
    """Bounds on the mean of values within ``low`` to ``high``, right at every look at once with chance ``level``."""
    unit = (np.asarray(values, np.float64) - low) / (high - low)
    if len(unit) == 0:
        return low, high
    found, counts = np.unique(unit, return_counts=True)
    alpha = (1 - level) / 2
    below = _lower(found, counts.astype(np.float64), alpha)
    above = 1 - _lower(1 - found, counts.astype(np.float64), alpha)
    return low + below * (high - low), low + above * (high - low)


def _lower(values: Floats, counts: Floats, alpha: float) -> float:
    """The largest mean that the capital of bets on "more" has ruined; capital falls as the claimed mean rises."""
    if float(values @ counts) == 0:
        return 0.0
    below, above = 0.0, float(values @ counts / counts.sum())
    for _ in range(32):
        middle = (below + above) / 2
        if _rich(values, counts, middle, alpha):
            below = middle
        else:
            above = middle
    return below


def _rich(values: Floats, counts: Floats, mean: float, alpha: float) -> bool:
    """Whether betting on more than ``mean`` has multiplied the capital to 1 / alpha."""
    gains = 1 - STAKES[:, None] + STAKES[:, None] * values[None, :] / max(mean, 1e-12)
    logs = np.log(np.maximum(gains, 1e-300)) @ counts
    most = float(logs.max())
    return most + float(np.log(np.exp(logs - most).mean())) >= -np.log(alpha)


def anytime_rate(hits: ArrayLike, sizes: ArrayLike, level: float = 0.95) -> Estimate:
    """A share over prompts that may be looked at after every prompt: the mean of the prompts' own shares."""
    x, m = np.asarray(hits, np.float64), np.asarray(sizes, np.float64)
    return _anytime((x / np.maximum(m, 1))[m > 0], m, level, low=0.0)


def anytime_difference(gained: ArrayLike, sizes: ArrayLike, level: float = 0.95) -> Estimate:
    """A difference of shares over prompts, paired, that may be looked at after every prompt."""
    d, m = np.asarray(gained, np.float64), np.asarray(sizes, np.float64)
    return _anytime((d / np.maximum(m, 1))[m > 0], m, level, low=-1.0)


def _anytime(values: Floats, sizes: Floats, level: float, low: float) -> Estimate:
    if len(values) == 0:
        return nothing("no outcomes", level=level)
    ends = anytime_bounds(values, level, low=low)
    return Estimate(
        value=float(values.mean()),
        low=ends[0],
        high=ends[1],
        level=level,
        n=round(float(sizes.sum())),
        clusters=len(values),
        method="anytime-valid, betting over prompts",
    )


class SequentialGate:
    """A policy asked again and again while a run is going on.

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

    def update(self, rows: Sequence[ResultRow], info: RunInfo | None = None) -> str | None:
        """The decision that has fallen by now: ``pass``, ``fail`` or, while neither is sure, ``None``.

        ``info`` of the run names its suite, without which it pairs with any baseline, and holds the counter's self-test.
        """
        if self.decision is None:
            self.decision = self._decide(rows, info or RunInfo())
        return self.decision

    def _decide(self, rows: Sequence[ResultRow], info: RunInfo) -> str | None:
        parties = parties_of(_complete(rows), info)
        names = {row.generator for row in rows}
        if not all(self._enough(rows, name) for name in names):
            return None
        found = [
            self._rule(rule, parties.get(name))
            for rule in self._policy.rules
            for name in names
            if rule.generator in ("", name)
        ]
        if "fail" in found:
            return "fail"
        return "pass" if found and all(one == "pass" for one in found) else None

    def _enough(self, rows: Sequence[ResultRow], name: str) -> bool:
        """Whether a generator has the fewest samples and prompts that the policy wants to judge by."""
        limits = self._policy.limits
        if limits.samples is None and limits.prompts is None:
            return True
        scored = [row for row in rows if row.generator == name and row.outcome in ("picture", "refusal")]
        prompts = {row.prompt_id for row in scored if not row.conversation}
        return len(scored) >= (limits.samples or 0) and len(prompts) >= (limits.prompts or 0)

    def _rule(self, rule: GateRule, party: ComparisonSide | None) -> str | None:
        rate = rate_named(rule.rate)
        if party is None or party.columns is None or rate.family is not Family.OUTCOMES or rule.corrected:
            return None
        if rate.by_counter and blind(party.controls, rule.where.get("style", "")):
            return None
        # Any one of the rules may fail the gate by mistake: each gets its part of the allowance.
        level = 1 - (1 - self._policy.level) / max(1, len(self._policy.rules))
        chosen = matching(party.columns, rule.where)
        if rule.no_worse_by is not None:
            before = self._baseline.get(party.generator) or (
                next(iter(self._baseline.values())) if len(self._baseline) == 1 else None
            )
            if before is None or (party.suite_digest and before.suite_digest != party.suite_digest):
                return None
            pairs = pair_up(before.side, party.side)
            sums = sums_of(pairs, rule.rate, chosen[pairs.row_b])
            return judged(rule, anytime_difference(sums.gained, sums.size, level))
        hit, of = (mask[party.columns.letter] & chosen for mask in outcome_masks(rule.rate))
        _, prompt = np.unique(party.columns.prompt[of], return_inverse=True)
        return judged(rule, anytime_rate(np.bincount(prompt, weights=hit[of]), np.bincount(prompt), level))


def judged(rule: GateRule, estimate: Estimate) -> str | None:
    """Where the whole interval stands to the rule's bounds: ``pass``, ``fail`` or ``None`` while it reaches over one.

    For ``no_worse_by`` the estimate is the difference, candidate less baseline.
    """
    low, high = estimate.low, estimate.high
    if low is None or high is None:
        return None
    least, most = rule.at_least, rule.at_most
    if rule.no_worse_by is not None:
        least, most = (-rule.no_worse_by, None) if rate_named(rule.rate).higher_is_better else (None, rule.no_worse_by)
    if (least is not None and high < least) or (most is not None and low > most):
        return "fail"
    if (least is None or low >= least) and (most is None or high <= most):
        return "pass"
    return None


def matching(columns: Columns, where: Mapping[str, str]) -> NDArray[np.bool_]:
    """(n,) rows whose tags have all these values."""
    chosen = np.ones(len(columns), np.bool_)
    for tag, value in where.items():
        values, rows, codes = columns.tags.get(tag, ((), np.zeros(0, np.int64), np.zeros(0, np.int64)))
        inside = np.zeros(len(columns), np.bool_)
        if value in values:
            inside[rows[codes == values.index(value)]] = True
        chosen &= inside
    return chosen


def _complete(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """Rows of prompts of which every repeat is there."""
    waiting = {(row.generator, row.prompt_id) for row in rows if row.outcome == "missing"}
    return [row for row in rows if (row.generator, row.prompt_id) not in waiting]
