"""What a gate answers: a decision, and one sentence for each rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from countcheck.stats.estimate import Estimate

Outcome: TypeAlias = Literal["pass", "fail", "cannot_decide"]

SCHEMA = "countcheck/gate/1"
EXIT_CODES: dict[Outcome, int] = {"pass": 0, "fail": 1, "cannot_decide": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """The decision on one rule.

    Attributes:
        rule: Its name.
        decision: Of this rule.
        reason: One sentence for a release owner.
        generator: Whose rate it is; empty when the rule is about the run.
        estimate: What was held against the rule: the rate, or its difference from the baseline.
        limits: The rule is about the run, not the model: nothing else is decided while it cannot be.
    """

    rule: str
    decision: Outcome
    reason: str
    generator: str = ""
    estimate: Estimate | None = None
    limits: bool = False

    def named(self) -> RuleResult:
        """Return the result with the generator's name before its reason."""
        return replace(self, reason=f"{self.generator}: {self.reason}") if self.generator else self

    def to_json(self) -> dict[str, Any]:
        """Return the published shape."""
        return {
            "rule": self.rule,
            "generator": self.generator,
            "decision": self.decision,
            "reason": self.reason,
            "estimate": None if self.estimate is None else self.estimate.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The decision on a run.

    Attributes:
        decision: Of the whole policy.
        rules: Of each rule and generator; limits first.
        run, baseline: Their names.
        warnings: Sentences to read first.
    """

    decision: Outcome
    rules: tuple[RuleResult, ...]
    run: str = ""
    baseline: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, 3 cannot decide."""
        return EXIT_CODES[self.decision]

    def to_json(self) -> dict[str, Any]:
        """Return the published shape; see ``schemas/gate.json``."""
        return {
            "schema": SCHEMA,
            "decision": self.decision,
            "run": self.run,
            "baseline": self.baseline,
            "rules": [result.to_json() for result in self.rules],
            "warnings": list(self.warnings),
        }


def overall(results: Sequence[RuleResult]) -> Outcome:
    """Combine the decisions: fail if a rule fails, cannot decide if one cannot, else pass.

    A limit that cannot be decided outranks every rate: a run that lost too much is not judged.

    >>> overall([RuleResult(rule="a", decision="pass", reason=""), RuleResult(rule="b", decision="fail", reason="")])
    'fail'
    """
    if any(result.limits and result.decision == "cannot_decide" for result in results):
        return "cannot_decide"
    decisions = {result.decision for result in results}
    return "fail" if "fail" in decisions else "cannot_decide" if "cannot_decide" in decisions else "pass"
