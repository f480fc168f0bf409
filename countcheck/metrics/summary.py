"""Result rows in; every rate of every generator, with its interval and denominator, out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from countcheck.counting.verdict import Kind
from countcheck.errors import BadInput
from countcheck.metrics.columns import Columns, columns_of
from countcheck.metrics.consistency import consistency_rates
from countcheck.metrics.conversations import conversation_rates, conversations_of
from countcheck.metrics.estimate_rates import (
    confusion_matrix,
    estimate_costs,
    estimate_nouns,
    estimate_rates,
    estimate_share_of_all,
    knower_level,
    outcome_shares,
)
from countcheck.metrics.failures import FailureReason, failure_reasons
from countcheck.metrics.label_correction import corrected_rates
from countcheck.metrics.label_plan import LabelPlan, plan_labels
from countcheck.metrics.outcome_codes import SampleCodes
from countcheck.metrics.rates import RATES, rate_named
from countcheck.metrics.refusal_review import RefusalReview, review_refusals
from countcheck.metrics.repeats import distinct_pictures, repeat_warnings
from countcheck.metrics.rewriting import RewritingSummary, summarize_rewriting
from countcheck.stats.estimate import Estimate, no_estimate
from countcheck.storage.result_table import OUTCOMES, Results, ResultTable, table_of
from countcheck.storage.rows import Label, ResultRow
from countcheck.storage.run_info import CounterInfo, RunInfo, SelfTestInfo
from countcheck.suites.natural_order import natural_key

SCHEMA = "countcheck/summary/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSummary:
    """Counts and rates of one generator in one run.

    Attributes:
        counts: planned, asked, pictures, refusals, failures, uncertain, missing: numbers of samples of prompts; and
            distinct, the different pictures among them, where some came more than once.
        reasons: Reason class to number of refusals.
        conversations: The same as ``counts``, of conversation turns, with ``conversations`` their number; empty when
            there were none.
        rates: Rate to estimate.
        corrected: The same corrected for the counter's errors by labels; empty without labels.
        by: Tag to value to rate to estimate.
        matrix: Asked number to counted number to how often.
        withheld: Tag to value to why its rates are not given.
        samples: Prompt id to one letter a repeat; see `countcheck.metrics.outcome_codes.CODES`.
        failures: Why samples and turns failed, most frequent first.
        rewriting: What the provider's rewriting did to the prompts; ``None`` where nothing is known to be rewritten.
        refusal_review: How far people agree with what was read as a refusal; ``None`` where nobody was asked.
    """

    counts: Mapping[str, int]
    rates: Mapping[str, Estimate]
    reasons: Mapping[str, int] = field(default_factory=dict)
    conversations: Mapping[str, int] = field(default_factory=dict)
    corrected: Mapping[str, Estimate] = field(default_factory=dict)
    by: Mapping[str, Mapping[str, Mapping[str, Estimate]]] = field(default_factory=dict)
    matrix: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    withheld: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    samples: Mapping[str, str] = field(default_factory=dict)
    failures: tuple[FailureReason, ...] = ()
    rewriting: RewritingSummary | None = None
    refusal_review: RefusalReview | None = None

    @property
    def scored(self) -> int:
        """Number of samples and turns that ended in a picture or a refusal."""
        return self.counts["asked"] + self.conversations.get("asked", 0)

    @property
    def planned(self) -> int:
        """Number of samples and turns that were planned."""
        return self.counts["planned"] + self.conversations.get("planned", 0)

    def to_json(self) -> dict[str, Any]:
        """Return the published shape; ``corrected`` is present, empty, even without labels."""
        body: dict[str, Any] = {
            "counts": dict(self.counts),
            "rates": _rates_to_json(self.rates),
            "corrected": _rates_to_json(self.corrected),
            "by": {
                tag: {value: _rates_to_json(rates) for value, rates in values.items()}
                for tag, values in self.by.items()
            },
            "matrix": {asked: dict(counted) for asked, counted in self.matrix.items()},
            "reasons": dict(self.reasons),
            "samples": dict(self.samples),
        }
        if self.conversations:
            body["conversations"] = dict(self.conversations)
        if self.withheld:
            body["withheld"] = {tag: dict(values) for tag, values in self.withheld.items()}
        if self.failures:
            body["failures"] = [reason.to_json() for reason in self.failures]
        if self.rewriting is not None:
            body["rewriting"] = self.rewriting.to_json()
        if self.refusal_review is not None:
            body["refusal_review"] = self.refusal_review.to_json()
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> GeneratorSummary:
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: If it is something else.
        """
        return cls(
            counts={name: int(n) for name, n in body["counts"].items()},
            reasons=dict(body.get("reasons", {})),
            conversations=dict(body.get("conversations", {})),
            rates=_rates_from_json(body["rates"]),
            corrected=_rates_from_json(body["corrected"]),
            by={
                tag: {value: _rates_from_json(rates) for value, rates in values.items()}
                for tag, values in body["by"].items()
            },
            matrix={asked: dict(counted) for asked, counted in body["matrix"].items()},
            withheld=dict(body.get("withheld", {})),
            samples={name: str(letters) for name, letters in body.get("samples", {}).items()},
            failures=tuple(FailureReason.from_json(reason) for reason in body.get("failures", ())),
            rewriting=RewritingSummary.from_json(body["rewriting"]) if body.get("rewriting") else None,
            refusal_review=RefusalReview.from_json(body["refusal_review"]) if body.get("refusal_review") else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The rates of one run.

    Attributes:
        run, suite: Their names.
        suite_digest: Changes with anything asked.
        counter: What is on record of the counter: name, rule, calibration.
        self_test: How the counter did on pictures with known counts; ``controls`` in JSON.
        generators: Name to its counts and rates.
        warnings: Sentences to read before the rates.
        next_labels: The labels that would most reduce the uncertainty; ``None`` when none would.
        path: The run's folder, for commands that are shown; empty where it is not known. Not published.
        level: Confidence level of every interval, strictly between 0 and 1.
    """

    run: str
    suite: str
    generators: Mapping[str, GeneratorSummary]
    suite_digest: str = ""
    counter: CounterInfo = field(default_factory=CounterInfo)
    self_test: SelfTestInfo = field(default_factory=SelfTestInfo)
    warnings: tuple[str, ...] = ()
    next_labels: LabelPlan | None = None
    path: str = field(default="", compare=False)
    level: float = 0.95

    def to_json(self) -> dict[str, Any]:
        """Return the published shape; see ``schemas/summary.json``."""
        body = {
            "schema": SCHEMA,
            "run": self.run,
            "suite": self.suite,
            "suite_digest": self.suite_digest,
            "counter": self.counter.to_json(),
            "controls": self.self_test.to_json(),
            "level": self.level,
            "warnings": list(self.warnings),
            "generators": {name: summary.to_json() for name, summary in self.generators.items()},
        }
        # The run's name, not its folder: what is published does not depend on where it lies.
        return body if self.next_labels is None else {**body, "next_labels": self.next_labels.to_json(self.run)}

    @classmethod
    def from_json(cls, body: Any, *, place: str = "the summary") -> Summary:
        """Read what `to_json` wrote.

        Raises:
            BadInput: If it is something else; names ``place``.
        """
        try:
            if body["schema"] != SCHEMA:
                raise BadInput(
                    f"{place}: its schema is {body['schema']!r}, not {SCHEMA!r}. Write it with this version."
                )
            return cls(
                run=str(body["run"]),
                suite=str(body["suite"]),
                suite_digest=str(body.get("suite_digest", "")),
                counter=CounterInfo.from_json(dict(body["counter"] or {})),
                self_test=SelfTestInfo.from_json(dict(body["controls"] or {})),
                level=float(body.get("level", 0.95)),
                warnings=tuple(body.get("warnings", ())),
                next_labels=LabelPlan.from_json(body["next_labels"]) if body.get("next_labels") else None,
                generators={name: GeneratorSummary.from_json(own) for name, own in body["generators"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"{place}: not what summary --json writes ({error!r:.80}). Write it again.") from error


def summarize(
    results: Results,
    info: RunInfo,
    labels: Sequence[Label] = (),
    level: float = 0.95,
    *,
    path: str | Path = "",
) -> Summary:
    """Estimate every rate of every generator among the rows.

    Args:
        results: Of one run; missing samples included.
        info: What the run was made with: name, suite, counter, self-test, generators.
        labels: People's counts; with them every rate is also given corrected for the counter's own errors.
        level: Confidence level of the intervals, strictly between 0 and 1.
        path: The run's folder, where it is known.

    Raises:
        BadInput: If the level is not between 0 and 1.

    >>> from countcheck.counting.verdict import Kind
    >>> from countcheck.storage.rows import ResultRow
    >>> row = ResultRow(key="1", generator="g", prompt_id="pigs", repeat=0, seed=1, text="three pigs", outcome="picture",
    ...                 verdict=Kind.EXACT, asked={"pig": 3}, counted={"pig": 3})
    >>> summary = summarize([row], RunInfo(name="demo", suite="farm")).generators["g"]
    >>> summary.rates["exact_rate"].value, summary.counts["pictures"]
    (1.0, 1)
    """
    if not 0 < level < 1:
        raise BadInput(f"the confidence level is {level}. Give a number between 0 and 1, such as 0.95.")
    table = table_of(results)
    generators: dict[str, GeneratorSummary] = {}
    warnings: list[str] = []
    for name in dict.fromkeys([*info.generators, *table.generators_seen()]):
        own = table.of_generator(name) if len(table.generators) > 1 or name not in table.generators else table
        state = info.generators[name].rewrites if name in info.generators else ""
        generators[name], warning = _summarize_generator(own, labels, info.self_test, state, level)
        warnings += [warning] if warning else []
        warnings += repeat_warnings(name, own)
    counter = info.counter
    all_corrected = all(summary.corrected for summary in generators.values())
    if len(generators) > 1 and not counter.calibrated and not all_corrected:
        warnings.append(
            f"counter {counter.name or 'unknown'} was never calibrated on these generators, and a counter errs "
            "differently on each: label a sample of each (countcheck review) before ranking them by small differences."
        )
    return Summary(
        run=info.name,
        suite=info.suite,
        suite_digest=info.suite_digest,
        counter=counter,
        self_test=info.self_test,
        generators=generators,
        warnings=tuple(warnings),
        next_labels=_next_labels(table, generators, labels),
        path=str(path),
        level=level,
    )


def _next_labels(
    table: ResultTable, generators: Mapping[str, GeneratorSummary], labels: Sequence[Label]
) -> LabelPlan | None:
    prompts = table.take(~table.conversation)
    rates, corrected = (
        {name: own["exact_rate"] for name, own in estimates.items() if "exact_rate" in own}
        for estimates in (
            {name: summary.rates for name, summary in generators.items()},
            {name: summary.corrected for name, summary in generators.items()},
        )
    )
    return plan_labels(prompts, rates, corrected, labels)


def withheld_reason(self_test: SelfTestInfo, style: str) -> str:
    """Return why rates in a style are withheld: the counter failed its self-test there. Empty when it did not."""
    score = self_test.by_style.get(style)
    if score is None or score.passed is not False:
        return ""
    return f"withheld: the counter got {score.right or 0} of {score.total or 0} control pictures right in {style}"


def _summarize_generator(
    table: ResultTable, labels: Sequence[Label], self_test: SelfTestInfo, rewrites: str, level: float
) -> tuple[GeneratorSummary, str]:
    """Return the summary, and a warning about its labels; empty when there is none."""
    talks = table.conversation
    prompts = table.take(~talks) if talks.any() else table
    turns = list(table.take(talks).rows())
    columns = columns_of(prompts)
    by, withheld = _by_tag(columns, self_test, level)
    rates = {
        **estimate_rates(columns, level),
        **estimate_nouns(columns, level),
        **estimate_costs(columns, level),
    }
    if turns:
        rates |= _rates_with_turns(columns.samples, turns, level)
    reliable_to = knower_level(columns, level)
    if reliable_to.n:
        rates["knower_level"] = reliable_to
    corrected, warning = corrected_rates(prompts, labels, level) if labels else ({}, "")
    rewriting = summarize_rewriting(prompts, rewrites, level)
    summary = GeneratorSummary(
        counts=_counts(prompts),
        reasons=_reasons(table),
        conversations={"conversations": len(conversations_of(turns)), **_counts(table.take(talks))} if turns else {},
        rates={**rates, **consistency_rates(prompts, level), **conversation_rates(turns, level)},
        by=by,
        matrix=confusion_matrix(columns),
        withheld=withheld,
        corrected=corrected,
        samples=columns.samples.to_letters(),
        failures=failure_reasons(table),
        rewriting=rewriting if rewriting.happens else None,
        refusal_review=review_refusals(table, labels, level) if labels else None,
    )
    return summary, warning


def _rates_with_turns(prompts: SampleCodes, turns: Sequence[ResultRow], level: float) -> dict[str, Estimate]:
    """Estimate the rates that the turns of conversations enter beside the prompts; a conversation is a cluster."""
    parts = (prompts, columns_of(turns).samples)
    rates = {name: estimate_share_of_all(parts, name, level) for name, rate in RATES.items() if rate.counts_turns}
    return {name: estimate for name, estimate in rates.items() if estimate.n}


def _counts(table: ResultTable) -> dict[str, int]:
    pictures, refusals, failures, missing = np.bincount(table.outcome, minlength=len(OUTCOMES)).tolist()
    distinct = distinct_pictures(table)
    repeated = distinct is not None and 0 < distinct < pictures
    return {
        "planned": len(table),
        "asked": pictures + refusals,
        "pictures": pictures,
        "refusals": refusals,
        "failures": failures,
        "uncertain": int(table.by_ending(lambda ending: ending.verdict is Kind.UNCERTAIN, np.bool_).sum()),
        "missing": missing,
        **({"distinct": distinct} if repeated and distinct is not None else {}),
    }


def _reasons(table: ResultTable) -> dict[str, int]:
    """Return reason class to number of refusals, in the order of the names."""
    reasons: dict[str, int] = {}
    for code, n in enumerate(np.bincount(table.ending, minlength=len(table.endings)).tolist()):
        ending = table.endings[code]
        if n and ending.outcome == "refusal":
            reason = ending.refusal or "unexplained"
            reasons[reason] = reasons.get(reason, 0) + n
    return dict(sorted(reasons.items()))


def _by_tag(
    columns: Columns, self_test: SelfTestInfo, level: float
) -> tuple[dict[str, dict[str, dict[str, Estimate]]], dict[str, dict[str, str]]]:
    """Return tag to value to rates, and tag to value to why its rates are withheld."""
    by: dict[str, dict[str, dict[str, Estimate]]] = {}
    withheld: dict[str, dict[str, str]] = {}
    shares = outcome_shares(columns.samples)
    for name, tag in columns.tags.items():
        order = np.argsort(tag.codes, kind="stable")
        starts = np.searchsorted(tag.codes[order], np.arange(len(tag.values) + 1))
        by[name] = {}
        for value in sorted(tag.values, key=natural_key):
            code = tag.values.index(value)
            rates = estimate_rates(columns, level, tag.rows[order[starts[code] : starts[code + 1]]], shares)
            reason = withheld_reason(self_test, value) if name == "style" else ""
            if reason:
                withheld.setdefault(name, {})[value] = reason
                rates = {rate: _withhold(rate, estimate, reason) for rate, estimate in rates.items()}
            by[name][value] = rates
    return by, withheld


def _withhold(rate: str, estimate: Estimate, reason: str) -> Estimate:
    if not rate_named(rate).by_counter:
        return estimate
    return no_estimate(reason, level=estimate.level, n=estimate.n, clusters=estimate.clusters)


def _rates_to_json(rates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: estimate.to_json() for name, estimate in rates.items()}


def _rates_from_json(body: Mapping[str, Any]) -> dict[str, Estimate]:
    return {name: Estimate.from_json(estimate) for name, estimate in body.items()}
