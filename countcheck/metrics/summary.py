"""Verdict rows in; every rate of every generator, with its interval and denominator, out. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from countcheck.counting.verdict import Kind
from countcheck.errors import BadInput
from countcheck.metrics.consistency import consistency_rates
from countcheck.metrics.conversations import conversation_rates, talks_of
from countcheck.metrics.label_correction import corrected_rates
from countcheck.metrics.outcome_codes import COUNTED, LETTERS, Bools, Columns, Floats, Ints, columns_of
from countcheck.metrics.rates import RATES, Family, Unit, of_family, rate_named
from countcheck.stats.estimate import Estimate, cluster_mean, cluster_rate, cluster_ratio, nothing
from countcheck.storage.rows import Label, ResultRow
from countcheck.storage.run_info import CounterInfo, RunInfo, SelfTestInfo
from countcheck.suites.natural_order import natural_key

SCHEMA = "countcheck/summary/1"
RELIABLE = 2 / 3
"""A number is drawn reliably when it comes out at least two times in three, as in children's knower levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSummary:
    """All that is known of one generator in one run.

    Attributes:
        counts: planned, asked, pictures, refusals, failures, uncertain, missing (of prompts).
        reasons: Reason class to refusals.
        conversations: The same as ``counts``, of conversation turns, with ``conversations`` their number; empty when
            there were none.
        rates: Rate to estimate.
        corrected: The same corrected for the counter's errors by labels; empty without labels.
        by: Tag to value to rate to estimate.
        matrix: Asked number to counted number to how often.
        withheld: Tag to value to why its rates are not given.
        samples: Prompt id to one letter a repeat; see `countcheck.metrics.outcome_codes.LETTERS`.
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

    @property
    def scored(self) -> int:
        """Samples and turns that ended in a picture or a refusal."""
        return self.counts["asked"] + self.conversations.get("asked", 0)

    @property
    def planned(self) -> int:
        """Samples and turns that there should be."""
        return self.counts["planned"] + self.conversations.get("planned", 0)

    def to_json(self) -> dict[str, Any]:
        """The published shape; ``corrected`` is there, empty, even without labels."""
        body: dict[str, Any] = {
            "counts": dict(self.counts),
            "rates": _plain(self.rates),
            "corrected": _plain(self.corrected),
            "by": {tag: {v: _plain(rates) for v, rates in values.items()} for tag, values in self.by.items()},
            "matrix": {asked: dict(counted) for asked, counted in self.matrix.items()},
            "reasons": dict(self.reasons),
            "samples": dict(self.samples),
        }
        if self.conversations:
            body["conversations"] = dict(self.conversations)
        if self.withheld:
            body["withheld"] = {tag: dict(values) for tag, values in self.withheld.items()}
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One run, summed up.

    Attributes:
        run, suite: Their names.
        suite_digest: Changes with anything asked.
        counter: What is on record of the counter: name, rule, calibration.
        controls: What is on record of the controls: passed, right, total, by_style.
        generators: Name to what is known of it.
        warnings: Sentences a reader of the rates must see first.
        level: Confidence level of every interval.
    """

    run: str
    suite: str
    generators: Mapping[str, GeneratorSummary]
    suite_digest: str = ""
    counter: CounterInfo = field(default_factory=CounterInfo)
    controls: SelfTestInfo = field(default_factory=SelfTestInfo)
    warnings: tuple[str, ...] = ()
    level: float = 0.95

    def to_json(self) -> dict[str, Any]:
        """The published shape; see ``schemas/summary.json``."""
        return {
            "schema": SCHEMA,
            "run": self.run,
            "suite": self.suite,
            "suite_digest": self.suite_digest,
            "counter": self.counter.to_json(),
            "controls": self.controls.to_json(),
            "level": self.level,
            "warnings": list(self.warnings),
            "generators": {name: one.to_json() for name, one in self.generators.items()},
        }

    @classmethod
    def from_json(cls, body: Any, *, place: str = "the summary") -> Summary:
        """What `to_json` wrote. Raises `BadInput` when it is something else."""
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
                controls=SelfTestInfo.from_json(dict(body["controls"] or {})),
                level=float(body.get("level", 0.95)),
                warnings=tuple(body.get("warnings", ())),
                generators={name: _read(one) for name, one in body["generators"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"{place}: not what summary --json writes ({error!r:.80}). Write it again.") from error


def summarize(
    rows: Iterable[ResultRow],
    info: RunInfo,
    labels: Sequence[Label] = (),
    level: float = 0.95,
) -> Summary:
    """Every rate of every generator among the rows.

    Args:
        rows: Of one run; missing samples included.
        info: What the run was made with: name, suite, counter, self-test, generators.
        labels: People's counts; with them every rate is also given corrected for the counter's own errors.
        level: Confidence level of the intervals, strictly between 0 and 1.
    """
    if not 0 < level < 1:
        raise BadInput(f"the confidence level is {level}. Give a number between 0 and 1, such as 0.95.")
    by_generator: dict[str, list[ResultRow]] = {name: [] for name in info.generators}
    for row in rows:
        by_generator.setdefault(row.generator, []).append(row)
    generators: dict[str, GeneratorSummary] = {}
    warnings: list[str] = []
    for name, own in by_generator.items():
        generators[name], warning = _summarize_one(own, labels, info.self_test, level)
        warnings += [warning] if warning else []
    counter = info.counter
    if len(generators) > 1 and not counter.calibrated and not all(one.corrected for one in generators.values()):
        warnings.append(
            f"counter {counter.name or 'unknown'} was never calibrated on these generators, and a counter errs "
            "differently on each: label a sample of each (countcheck review) before ranking them by small differences."
        )
    return Summary(
        run=info.name,
        suite=info.suite,
        suite_digest=info.suite_digest,
        counter=counter,
        controls=info.self_test,
        generators=generators,
        warnings=tuple(warnings),
        level=level,
    )


def _summarize_one(
    rows: list[ResultRow],
    labels: Sequence[Label],
    controls: SelfTestInfo,
    level: float,
) -> tuple[GeneratorSummary, str]:
    prompts = [row for row in rows if not row.conversation]
    turns = [row for row in rows if row.conversation]
    columns = columns_of(prompts)
    by, withheld = _by_tag(columns, controls, level)
    rates = {**rates_of(columns, level), **costs_of(columns, level)}
    level_reached = knower_level(columns, level)
    if level_reached.n:
        rates["knower_level"] = level_reached
    corrected, warning = corrected_rates(prompts, labels, level) if labels else ({}, "")
    summary = GeneratorSummary(
        counts=_counts(prompts),
        reasons=dict(sorted(Counter(row.refusal or "unexplained" for row in rows if row.outcome == "refusal").items())),
        conversations={"conversations": len(talks_of(turns)), **_counts(turns)} if turns else {},
        rates={**rates, **consistency_rates(prompts, level), **conversation_rates(turns, level)},
        by=by,
        matrix=matrix_of(columns),
        withheld=withheld,
        corrected=corrected,
        samples=samples_of(columns),
    )
    return summary, warning


def shares_of(columns: Columns) -> dict[str, tuple[Bools, Bools]]:
    """Every share's numerator and denominator, (n,) each."""
    return {name: (columns.are(RATES[name].hits), columns.are(RATES[name].base)) for name in of_family(Family.OUTCOMES)}


def rates_of(
    columns: Columns,
    level: float = 0.95,
    rows: Ints | None = None,
    shares: Mapping[str, tuple[Bools, Bools]] | None = None,
) -> dict[str, Estimate]:
    """Shares and mean errors over all rows, or over those given; rates with no denominator are left out.

    ``shares`` may be handed in when many sets of rows of the same columns are asked about.
    """
    chosen = np.arange(len(columns)) if rows is None else rows
    _, prompt = np.unique(columns.prompt[chosen], return_inverse=True)
    rates = {}
    for name, (hit, of) in (shares or shares_of(columns)).items():
        hits = np.bincount(prompt, weights=hit[chosen])
        estimate = cluster_rate(hits, np.bincount(prompt, weights=of[chosen]), level)
        if estimate.n:
            rates[name] = estimate
    inside = np.zeros(len(columns), np.bool_)
    inside[chosen] = True
    for name in of_family(Family.ERRORS):
        estimate = _error(columns, name, inside, level)
        if estimate.n:
            rates[name] = estimate
    return rates


def error_sizes(columns: Columns, name: str) -> tuple[Ints, Floats]:
    """Rows and the size of each noun's error in them: |counted - asked|, over the number asked if weighted."""
    size = np.abs(columns.counted - columns.asked).astype(np.float64)
    if RATES[name].unit is Unit.OBJECTS:
        return columns.noun_row, size
    positive = columns.asked > 0
    return columns.noun_row[positive], size[positive] / columns.asked[positive]


def _error(columns: Columns, name: str, inside: Bools, level: float) -> Estimate:
    rows, size = error_sizes(columns, name)
    kept = inside[rows]
    _, prompt = np.unique(columns.prompt[rows[kept]], return_inverse=True)
    return cluster_mean(np.bincount(prompt, weights=size[kept]), np.bincount(prompt), level)


def costs_of(columns: Columns, level: float = 0.95) -> dict[str, Estimate]:
    """Seconds and USD per exact picture; failures cost nobody's picture and are left out. Unknown is not zero."""
    of = columns.are(COUNTED)
    k = len(columns.prompts)
    exact = np.bincount(columns.prompt, weights=columns.are("e"), minlength=k)
    present = np.bincount(columns.prompt, weights=of, minlength=k) > 0
    rates = {}
    for name, values in (("seconds_per_exact", columns.seconds), ("cost_per_exact", columns.cost)):
        if not of.any() or np.isnan(values[of]).any() or values[of].sum() <= 0:
            continue
        sums = np.bincount(columns.prompt, weights=np.where(of, values, 0.0), minlength=k)
        rates[name] = cluster_ratio(sums[present], exact[present], int(of.sum()), level)
    return rates


def knower_level(columns: Columns, level: float = 0.95) -> Estimate:
    """The highest number drawn reliably: exact at least two times in three, at it and at every number asked below it.

    Its interval: how far the lower, and the upper, ends of those rates stay at two thirds. 0 when not even the first.
    """
    values, rows, codes = columns.tags.get("number", ((), np.zeros(0, np.int64), np.zeros(0, np.int64)))
    numbers = sorted((int(v), code) for code, v in enumerate(values) if v.isdecimal() and len(v) < 10 and int(v) > 0)
    hit, of = shares_of(columns)["exact_rate"]
    reached: list[int] = [0, 0, 0]
    going = [True, True, True]
    n = 0
    seen: set[int] = set()
    for number, code in numbers:
        chosen = rows[codes == code]
        _, prompt = np.unique(columns.prompt[chosen], return_inverse=True)
        rate = cluster_rate(np.bincount(prompt, weights=hit[chosen]), np.bincount(prompt, weights=of[chosen]), level)
        if rate.value is None:
            continue
        n += rate.n
        seen.update(columns.prompt[chosen[of[chosen]]].tolist())
        for i, bound in enumerate((rate.low, rate.value, rate.high)):
            going[i] = going[i] and bound is not None and bound >= RELIABLE
            reached[i] = number if going[i] else reached[i]
    if n == 0:
        return nothing("no single number asked for", level=level)
    return Estimate(
        value=float(reached[1]),
        low=float(reached[0]),
        high=float(reached[2]),
        level=level,
        n=n,
        clusters=len(seen),
        method="exact at least 2 in 3 up to it",
    )


def matrix_of(columns: Columns) -> dict[str, dict[str, int]]:
    """Asked number to counted number to how often; nouns asked for in a plain number, in every counted picture."""
    tally = Counter(zip(columns.asked.tolist(), columns.counted.tolist(), strict=True))
    matrix: dict[str, dict[str, int]] = {}
    for (asked, counted), n in sorted(tally.items()):
        matrix.setdefault(str(asked), {})[str(counted)] = n
    return matrix


def samples_of(columns: Columns) -> dict[str, str]:
    """Prompt id to one letter a repeat; see `countcheck.metrics.outcome_codes.LETTERS`."""
    letters = [LETTERS[code] for code in columns.letter.tolist()]
    found: dict[str, dict[int, str]] = {}
    for prompt, repeat, letter in zip(columns.prompt.tolist(), columns.repeat.tolist(), letters, strict=True):
        found.setdefault(columns.prompts[prompt], {})[repeat] = letter
    return {name: "".join(said.get(i, "-") for i in range(max(said) + 1)) for name, said in found.items()}


def _counts(rows: Sequence[ResultRow]) -> dict[str, int]:
    outcomes = Counter(row.outcome for row in rows)
    return {
        "planned": len(rows),
        "asked": outcomes["picture"] + outcomes["refusal"],
        "pictures": outcomes["picture"],
        "refusals": outcomes["refusal"],
        "failures": outcomes["failure"],
        "uncertain": sum(row.verdict is Kind.UNCERTAIN for row in rows),
        "missing": outcomes["missing"],
    }


def _by_tag(
    columns: Columns, controls: SelfTestInfo, level: float
) -> tuple[dict[str, dict[str, dict[str, Estimate]]], dict[str, dict[str, str]]]:
    by: dict[str, dict[str, dict[str, Estimate]]] = {}
    withheld: dict[str, dict[str, str]] = {}
    shares = shares_of(columns)
    for tag, (values, rows, codes) in columns.tags.items():
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(len(values) + 1))
        found = {}
        for code in sorted(range(len(values)), key=lambda c: natural_key(values[c])):
            value = values[code]
            rates = rates_of(columns, level, rows[order[starts[code] : starts[code + 1]]], shares)
            why = blind(controls, value) if tag == "style" else ""
            if why:
                withheld.setdefault(tag, {})[value] = why
                rates = {name: _withhold(name, rate, why) for name, rate in rates.items()}
            found[value] = rates
        by[tag] = found
    return by, withheld


def blind(controls: SelfTestInfo, style: str) -> str:
    """Why rates in a style are withheld: the counter failed its controls there. Empty when it did not."""
    score = controls.by_style.get(style)
    if score is None or score.passed is not False:
        return ""
    return f"withheld: the counter got {score.right or 0} of {score.total or 0} control pictures right in {style}"


def _withhold(name: str, rate: Estimate, why: str) -> Estimate:
    if not rate_named(name).by_counter:
        return rate
    return nothing(why, level=rate.level, n=rate.n, clusters=rate.clusters)


def _plain(rates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: estimate.to_json() for name, estimate in rates.items()}


def _read(body: Mapping[str, Any]) -> GeneratorSummary:
    return GeneratorSummary(
        counts={name: int(n) for name, n in body["counts"].items()},
        reasons=dict(body.get("reasons", {})),
        conversations=dict(body.get("conversations", {})),
        rates=_read_rates(body["rates"]),
        corrected=_read_rates(body["corrected"]),
        by={tag: {v: _read_rates(rates) for v, rates in values.items()} for tag, values in body["by"].items()},
        matrix={asked: dict(counted) for asked, counted in body["matrix"].items()},
        withheld=dict(body.get("withheld", {})),
        samples={name: str(letters) for name, letters in body.get("samples", {}).items()},
    )


def _read_rates(body: Mapping[str, Any]) -> dict[str, Estimate]:
    return {name: Estimate.from_json(one) for name, one in body.items()}
