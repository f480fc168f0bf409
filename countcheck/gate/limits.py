"""What a run must meet before any rate is judged: enough samples, few losses, a counter that passed its self-test."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from countcheck.gate.decision import RuleResult
from countcheck.gate.evidence import Evidence
from countcheck.gate.policy import Limits
from countcheck.metrics.summary import GeneratorSummary
from countcheck.storage.run_info import CounterInfo, SelfTestInfo


def check_limits(limits: Limits, evidence: Evidence) -> Iterator[RuleResult]:
    """Yield the limits that the run does not meet, and the limit on refusals where there is one."""
    counter = evidence.summary.counter
    if limits.controls is not False:
        yield from _self_test(evidence.summary.self_test, counter)
    if limits.controls:
        yield from _untested(evidence.summary.self_test, counter)
    if limits.calibrated and not counter.calibrated:
        yield _blocked("counter calibrated", f"the counter {counter.name} was never calibrated by labels")
    for name, summary in evidence.summary.generators.items():
        yield from _losses(limits, name, summary, evidence.stopped_early)
        side = evidence.sides.get(name)
        prompts = 0 if side is None else int((np.bincount(side.samples.prompt[side.samples.scored]) > 0).sum())
        for noun, least, scored in (("samples", limits.samples, summary.scored), ("prompts", limits.prompts, prompts)):
            if least is not None and scored < least:
                yield _blocked(
                    f"at least {least} {noun}", f"only {scored} {noun} were scored; {least} are needed", name
                )
        if summary.scored == 0:
            nothing = "nothing was scored: every sample failed or is missing"
            yield _blocked("something scored", nothing + _commonest_failure(summary), name)


def _self_test(self_test: SelfTestInfo, counter: CounterInfo) -> Iterator[RuleResult]:
    score = self_test.plain
    if score.passed is False:
        needed = f"; {score.needed} are needed" if score.needed else ""
        pictures = f"{score.right or 0} of {score.total or 0} control pictures"
        yield _blocked("controls passed", f"the counter {counter.name} got {pictures} right{needed}")


def _untested(self_test: SelfTestInfo, counter: CounterInfo) -> Iterator[RuleResult]:
    """What the self-test leaves open, for a policy that asks for it in so many words."""
    rule = "controls passed"
    if self_test.recorded and self_test.plain.passed is None:
        yield _blocked(rule, f"no control picture could be drawn in the words of the counter {counter.name}")
    if self_test.untested_styles:
        styles = ", ".join(self_test.untested_styles)
        yield _blocked(rule, f"the counter {counter.name} is untested in the styles {styles}: none can be drawn there")
    if self_test.unlike:
        yield _blocked(
            rule,
            f"{self_test.unlike} of {self_test.compared} pictures look unlike those that the counter {counter.name} "
            "was tested on",
        )


def _losses(limits: Limits, name: str, summary: GeneratorSummary, stopped_early: bool) -> Iterator[RuleResult]:
    total = {key: n + summary.conversations.get(key, 0) for key, n in summary.counts.items()}
    # What a run that was ended early never asked for was not lost.
    missing = 0 if stopped_early else total["missing"]
    planned = total["planned"] - (total["missing"] if stopped_early else 0)
    asked = total["asked"]
    for word, most, n, base, verb in (
        ("lost", limits.lost, total["failures"] + missing, planned, "were lost"),
        ("failures", limits.failures, total["failures"], planned, "failed"),
        ("missing", limits.missing, missing, planned, "were not made"),
        ("uncertain", limits.uncertain, total["uncertain"], asked, "are uncertain"),
    ):
        if most is not None and base and n / base > most:
            reason = f"{n} of {base} samples {verb}; the limit is {100 * most:.3g} %"
            if word in ("lost", "failures"):
                reason += _commonest_failure(summary)
            yield _blocked(f"{word} at most {most:.4g}", reason, name)
    if limits.refusals is not None and asked:
        yield RuleResult(
            rule=f"refusals at most {limits.refusals:.4g}",
            generator=name,
            decision="fail" if total["refusals"] / asked > limits.refusals else "pass",
            reason=f"{total['refusals']} of {asked} samples were refused; the limit is {100 * limits.refusals:.3g} %",
        )


def _commonest_failure(summary: GeneratorSummary) -> str:
    if not summary.failures:
        return ""
    reason = summary.failures[0]
    return f"; the commonest failure, {reason.n} times: {(reason.message or reason.failure)[:160]}"


def _blocked(rule: str, reason: str, generator: str = "") -> RuleResult:
    return RuleResult(rule=rule, generator=generator, decision="cannot_decide", reason=reason, limits=True)
