"""Two runs, rate by rate: how much better or worse, how sure, and where. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from countcheck.errors import CannotDecide
from countcheck.metrics.pairing import Pairs, mcnemar, pair_sums, pair_up
from countcheck.metrics.rate_pairs import RatePair, corrected_pairs, paired_rates, share_pair, unpaired_rates
from countcheck.metrics.rates import outcome_masks
from countcheck.metrics.sides import ComparisonSide, counter_warnings
from countcheck.metrics.summary import withheld_reason
from countcheck.stats.significance import holm

SCHEMA = "countcheck/compare/1"
SPLIT_RATES = ("exact_rate", "refusal_rate")
"""Rates that are compared tag by tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One prompt with more or fewer exact pictures on side b.

    Attributes:
        prompt_id, text: Which prompt.
        a, b: Exact pictures on either side.
        n: Pairs of the prompt.
    """

    prompt_id: str
    text: str
    a: int
    b: int
    n: int

    def to_json(self) -> dict[str, Any]:
        """Return the published shape."""
        return {"prompt_id": self.prompt_id, "text": self.text, "a": self.a, "b": self.b, "n": self.n}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Side b against side a.

    Attributes:
        a, b: Names of run, generator and suite of either side.
        pairs: Number of samples paired by prompt and repeat, scored on both sides; 0 when the comparison is unpaired.
        unpaired: Scored samples of either side without such a partner.
        rates: Rate to both sides and their difference.
        corrected: The same for rates corrected by labels on both sides; not paired, so less sure.
        by: Tag to value to the same, for the rates of `SPLIT_RATES`, p-values adjusted within a rate (Holm).
        improved, regressed: Prompts with more, and with fewer, exact pictures; the largest change first.
        lost, won: Pairs exact only on side a, and only on side b.
        mcnemar: Exact p-value over single pairs, 0 to 1; ``None`` when unpaired.
        warnings: Sentences to read first.
    """

    a: Mapping[str, str]
    b: Mapping[str, str]
    pairs: int
    unpaired: Mapping[str, int]
    rates: Mapping[str, RatePair]
    corrected: Mapping[str, RatePair] = field(default_factory=dict)
    by: Mapping[str, Mapping[str, Mapping[str, RatePair]]] = field(default_factory=dict)
    improved: tuple[Change, ...] = ()
    regressed: tuple[Change, ...] = ()
    lost: int = 0
    won: int = 0
    mcnemar: float | None = None
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the published shape; see ``schemas/compare.json``."""
        return {
            "schema": SCHEMA,
            "a": dict(self.a),
            "b": dict(self.b),
            "paired": self.pairs > 0,
            "pairs": self.pairs,
            "unpaired": dict(self.unpaired),
            "rates": {name: pair.to_json() for name, pair in self.rates.items()},
            "corrected": {name: pair.to_json() for name, pair in self.corrected.items()},
            "mcnemar": {"lost": self.lost, "won": self.won, "p_value": self.mcnemar},
            "by": {
                tag: {value: {rate: pair.to_json() for rate, pair in rates.items()} for value, rates in values.items()}
                for tag, values in self.by.items()
            },
            "improved": [change.to_json() for change in self.improved],
            "regressed": [change.to_json() for change in self.regressed],
            "warnings": list(self.warnings),
        }


def compare(a: ComparisonSide, b: ComparisonSide, level: float = 0.95, *, resamples: int = 0) -> Comparison:
    """Compare side b with side a: paired by prompt and repeat when both were asked the same suite, unpaired otherwise.

    Args:
        a, b: The sides.
        level: Confidence level of the intervals, strictly between 0 and 1.
        resamples: When above 0, differences of paired rates get BCa bootstrap intervals from so many resamples.

    Raises:
        CannotDecide: If nothing was scored on a side, or one suite was asked but no prompt and repeat was scored on both.

    >>> from countcheck.metrics.outcome_codes import SampleCodes
    >>> from countcheck.storage.run_info import CounterInfo
    >>> def side(run, **samples):
    ...     codes = SampleCodes.from_letters(samples)
    ...     return ComparisonSide(run=run, generator="g", suite="s", suite_digest="1", counter=CounterInfo(), samples=codes)
    >>> comparison = compare(side("old", p="e", q="u", r="u"), side("new", p="e", q="e", r="u"))
    >>> comparison.pairs, comparison.won, round(comparison.rates["exact_rate"].difference.value, 2)
    (3, 1, 0.33)
    """
    warnings = list(counter_warnings([a, b]))
    if a.suite_digest != b.suite_digest:
        warnings.insert(0, _suites_differ(a, b))
        return _compare_unpaired(a, b, level, warnings)
    pairs = pair_up(a.samples, b.samples)
    if len(pairs) == 0:
        raise CannotDecide(
            f"no prompt and repeat was scored both in {a.run} ({a.generator}) and in {b.run} ({b.generator}). "
            "Run both over the same prompts."
        )
    lost, won, p_value = mcnemar(pairs, "exact_rate")
    improved, regressed = _changes(a, b, pairs)
    return Comparison(
        a=a.to_json(),
        b=b.to_json(),
        pairs=len(pairs),
        unpaired={"a": pairs.unpaired_a, "b": pairs.unpaired_b},
        rates=dict(paired_rates(a, b, pairs, level, resamples)),
        corrected=corrected_pairs(a, b),
        by=_by_tag(a, b, pairs, level),
        improved=improved,
        regressed=regressed,
        lost=lost,
        won=won,
        mcnemar=p_value,
        warnings=tuple(warnings),
    )


def adjust_p_values(comparisons: Sequence[Comparison], rate: str = "exact_rate") -> list[Comparison]:
    """Adjust the p-values of one rate for there being several comparisons (Holm 1979)."""
    tested = [i for i, own in enumerate(comparisons) if rate in own.rates and own.rates[rate].p_value is not None]
    adjusted = holm([comparisons[i].rates[rate].p_value or 0.0 for i in tested])
    result = list(comparisons)
    for i, p_value in zip(tested, adjusted, strict=True):
        rates = {**result[i].rates, rate: replace(result[i].rates[rate], holm=p_value)}
        result[i] = replace(result[i], rates=rates)
    return result


def _compare_unpaired(a: ComparisonSide, b: ComparisonSide, level: float, warnings: Sequence[str]) -> Comparison:
    if not (a.samples.scored.any() and b.samples.scored.any()):
        raise CannotDecide(f"nothing was scored in {a.run} or in {b.run}: there is nothing to compare.")
    return Comparison(
        a=a.to_json(),
        b=b.to_json(),
        pairs=0,
        unpaired={"a": int(a.samples.scored.sum()), "b": int(b.samples.scored.sum())},
        rates=dict(unpaired_rates(a, b, level)),
        corrected=corrected_pairs(a, b),
        warnings=tuple(warnings),
    )


def _by_tag(
    a: ComparisonSide, b: ComparisonSide, pairs: Pairs, level: float
) -> dict[str, dict[str, dict[str, RatePair]]]:
    columns, rows = (b.columns, pairs.row_b) if b.columns is not None else (a.columns, pairs.row_a)
    if columns is None:
        return {}
    by: dict[str, dict[str, dict[str, RatePair]]] = {}
    for name, tag in columns.tags.items():
        for value in tag.values:
            inside = np.zeros(len(columns), np.bool_)
            inside[tag.rows_with(value)] = True
            rates = {rate: share_pair(pairs, rate, level, inside[rows]) for rate in SPLIT_RATES}
            reason = withheld_reason(a.self_test, value) or withheld_reason(b.self_test, value)
            if name == "style" and reason:
                rates["exact_rate"] = rates["exact_rate"].withheld(reason)
            if rates["exact_rate"].difference.n:
                by.setdefault(name, {})[value] = rates
    return _adjusted(by)


def _adjusted(by: dict[str, dict[str, dict[str, RatePair]]]) -> dict[str, dict[str, dict[str, RatePair]]]:
    for rate in SPLIT_RATES:
        places = [(t, v) for t, values in by.items() for v, rates in values.items() if rates[rate].p_value is not None]
        for (t, v), p_value in zip(places, holm([by[t][v][rate].p_value or 0.0 for t, v in places]), strict=True):
            by[t][v][rate] = replace(by[t][v][rate], holm=p_value)
    return by


def _changes(a: ComparisonSide, b: ComparisonSide, pairs: Pairs) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """Return the prompts that improved, and those that regressed."""
    sums = pair_sums(pairs, "exact_rate")
    _, base = outcome_masks("exact_rate")
    codes = np.flatnonzero(np.bincount(pairs.prompt[base[pairs.a] & base[pairs.b]]))
    changes = [
        Change(
            prompt_id=pairs.prompts[code],
            text=b.texts.get(pairs.prompts[code], a.texts.get(pairs.prompts[code], "")),
            a=int(x),
            b=int(y),
            n=int(n),
        )
        for code, x, y, n in zip(codes.tolist(), sums.a, sums.b, sums.size, strict=True)
        if x != y
    ]
    improved = sorted((c for c in changes if c.b > c.a), key=lambda c: ((c.a - c.b) / c.n, c.prompt_id))
    regressed = sorted((c for c in changes if c.b < c.a), key=lambda c: ((c.b - c.a) / c.n, c.prompt_id))
    return tuple(improved), tuple(regressed)


def _suites_differ(a: ComparisonSide, b: ComparisonSide) -> str:
    return (
        f"the suites differ ({a.suite or 'unnamed'} and {b.suite or 'unnamed'}, or two versions of one), so samples do "
        "not pair: the comparison is unpaired and less sure."
    )
