"""Two runs, rate by rate: how much better or worse, how sure, and where. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from countcheck.errors import CannotDecide
from countcheck.metrics.outcome_codes import Bools, Columns
from countcheck.metrics.pairing import (
    Pairs,
    holm,
    mcnemar,
    pair_up,
    paired_difference,
    side_rate,
    sign_flip_p,
    sums_of,
    unpaired_difference,
    unpaired_p,
)
from countcheck.metrics.rates import RATES, Family, of_family, outcome_masks
from countcheck.metrics.sides import ComparisonSide, counter_warnings
from countcheck.metrics.summary import blind, costs_of, error_sizes, rates_of
from countcheck.stats.bootstrap import bootstrap, difference
from countcheck.stats.estimate import Estimate, cluster_mean, cluster_rate, nothing, t_of, t_p

SCHEMA = "countcheck/compare/1"
SPLIT_RATES = ("exact_rate", "refusal_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePair:
    """One rate on both sides, over the pairs where they pair.

    Attributes:
        difference: The rate of b less that of a.
        p_value: Two-sided, of no difference; ``None`` when there is nothing to test.
        test: Which test.
        holm: The p-value adjusted for all that were tested along with it.
    """

    a: Estimate
    b: Estimate
    difference: Estimate
    p_value: float | None
    test: str
    holm: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The published shape."""
        body = {
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "difference": self.difference.to_json(),
            "p_value": self.p_value,
            "test": self.test,
        }
        return body if self.holm is None else {**body, "holm": self.holm}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One prompt that came out differently: exact on side a and on side b, of n pairs."""

    prompt_id: str
    text: str
    a: int
    b: int
    n: int

    def to_json(self) -> dict[str, Any]:
        """The published shape."""
        return {"prompt_id": self.prompt_id, "text": self.text, "a": self.a, "b": self.b, "n": self.n}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Side b against side a.

    Attributes:
        pairs: Samples paired by prompt and repeat, scored on both sides; 0 when the comparison is unpaired.
        unpaired: Scored samples of either side without such a partner.
        rates: Rate to both sides and their difference.
        corrected: The same for rates corrected by labels on both sides; not paired, so less sure.
        by: Tag to value to the same, for the rates of `SPLIT_RATES`, p-values adjusted within a rate (Holm).
        improved, regressed: Prompts with more, and with fewer, exact pictures; most first.
        lost, won: Pairs exact only on side a, and only on side b; ``mcnemar`` the exact p-value over single pairs.
        warnings: Sentences to be read first.
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
        """The published shape; see ``schemas/compare.json``."""
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
    """Side b against side a: paired by prompt and repeat when both were asked the same suite, unpaired otherwise.

    Args:
        a, b: The sides.
        level: Confidence level of the intervals.
        resamples: When above 0, differences of paired rates get BCa bootstrap intervals from so many resamples.

    Raises:
        CannotDecide: When one suite was asked but no prompt and repeat was scored on both sides.
    """
    warnings = list(counter_warnings([a, b]))
    if a.suite_digest != b.suite_digest:
        warnings.insert(0, _apart(a, b))
        return replace(_unpaired(a, b, level), corrected=_corrected(a, b), warnings=tuple(warnings))
    pairs = pair_up(a.side, b.side)
    if len(pairs) == 0:
        raise CannotDecide(
            f"no prompt and repeat was scored both in {a.run} ({a.generator}) and in {b.run} ({b.generator}). "
            "Run both over the same prompts."
        )
    lost, won, p_value = mcnemar(pairs, "exact_rate")
    improved, regressed = _changes(a, b, pairs)
    rates = dict(_paired_rates(a, b, pairs, level, resamples))
    return Comparison(
        a=a.to_json(),
        b=b.to_json(),
        pairs=len(pairs),
        unpaired={"a": pairs.unpaired_a, "b": pairs.unpaired_b},
        rates=rates,
        corrected=_corrected(a, b),
        by=_by_tag(a, b, pairs, level),
        improved=improved,
        regressed=regressed,
        lost=lost,
        won=won,
        mcnemar=p_value,
        warnings=tuple(warnings),
    )


def adjust(comparisons: Sequence[Comparison], rate: str = "exact_rate") -> list[Comparison]:
    """The same comparisons with the p-values of one rate adjusted for there being several of them (Holm)."""
    tested = [i for i, one in enumerate(comparisons) if rate in one.rates and one.rates[rate].p_value is not None]
    adjusted = holm([comparisons[i].rates[rate].p_value or 0.0 for i in tested])
    found = list(comparisons)
    for i, p_value in zip(tested, adjusted, strict=True):
        rates = {**found[i].rates, rate: replace(found[i].rates[rate], holm=p_value)}
        found[i] = replace(found[i], rates=rates)
    return found


def rate_pair(pairs: Pairs, rate: str, level: float, chosen: Bools | None = None, resamples: int = 0) -> RatePair:
    """One share on both sides of the pairs, or of those chosen."""
    sums = sums_of(pairs, rate, chosen)
    a, b = cluster_rate(sums.a, sums.size, level), cluster_rate(sums.b, sums.size, level)
    found = paired_difference(sums, level)
    if resamples and len(sums.size):
        table = np.column_stack([sums.a, sums.size, sums.b, sums.size])
        drawn = bootstrap(table, difference, found.n, level=level, resamples=resamples)
        if drawn.low is not None and drawn.low != drawn.high:  # prompts that do not differ show nothing to resample
            found = drawn
    single = sums.size.max(initial=1.0) == 1
    return RatePair(
        a=a,
        b=b,
        difference=found,
        p_value=sign_flip_p(sums.gained) if found.n else None,
        test="exact McNemar" if single else "exact sign flips over prompts",
    )


def _paired_rates(
    a: ComparisonSide, b: ComparisonSide, pairs: Pairs, level: float, resamples: int
) -> Iterator[tuple[str, RatePair]]:
    for rate in of_family(Family.OUTCOMES):
        if not RATES[rate].pairs:
            continue
        pair = rate_pair(pairs, rate, level, resamples=resamples)
        if pair.difference.n:
            yield rate, pair
    if a.columns is not None and b.columns is not None:
        for rate in of_family(Family.ERRORS):
            pair = error_pair(a.columns, b.columns, pairs, rate, level)
            if pair.difference.n:
                yield rate, pair
    yield from _cost_pairs(a, b, level)


def error_pair(a: Columns, b: Columns, pairs: Pairs, rate: str, level: float, chosen: Bools | None = None) -> RatePair:
    """A mean error on both sides, over the nouns of the pairs (those chosen) that were counted on both."""
    tops, sizes = [], []
    for columns, rows in ((a, pairs.row_a), (b, pairs.row_b)):
        row, size = error_sizes(columns, rate)
        tops.append(np.bincount(row, weights=size, minlength=len(columns))[rows])
        sizes.append(np.bincount(row, minlength=len(columns))[rows].astype(np.float64))
    kept = (sizes[0] > 0) & (sizes[1] > 0)
    if chosen is not None:
        kept &= chosen
    _, prompt = np.unique(pairs.prompt[kept], return_inverse=True)
    ta, na, tb, nb = (np.bincount(prompt, weights=x[kept]) for x in (tops[0], sizes[0], tops[1], sizes[1]))
    k = len(ta)
    if k == 0:
        none = nothing("no pairs", level=level)
        return RatePair(a=none, b=none, difference=none, p_value=None, test="t over prompts")
    ra, rb = float(ta.sum() / na.sum()), float(tb.sum() / nb.sum())
    u = (tb - rb * nb) / nb.sum() - (ta - ra * na) / na.sum()
    error = math.sqrt(float((u * u).sum()) * k / (k - 1)) if k > 1 else math.inf
    value = rb - ra
    # Prompts that all changed alike show no spread; as in `cluster_mean`, one off by 1 might have been next.
    alike = k > 1 and error <= 1e-12 * max(ra, rb)
    half = (cluster_rate(np.zeros(k), np.ones(k), level).high or 1.0) if alike else math.inf
    if k > 1 and not alike:
        half = t_of(level, k - 1) * error
    return RatePair(
        a=cluster_mean(ta, na, level),
        b=cluster_mean(tb, nb, level),
        difference=Estimate(
            value=value,
            low=value - half if k > 1 else None,
            high=value + half if k > 1 else None,
            level=level,
            n=round(float(nb.sum())),
            clusters=k,
            method=f"paired by prompt and repeat, {'all alike: as a share off by one' if alike else 't over prompts'}",
        ),
        p_value=None if k < 2 else sign_flip_p(np.full(k, np.sign(value))) if alike else t_p(value / error, k - 1),
        test="exact sign flips over prompts" if alike else "t over prompts",
    )


def _cost_pairs(a: ComparisonSide, b: ComparisonSide, level: float) -> Iterator[tuple[str, RatePair]]:
    """What an exact picture costs on either side. No test: seconds say as much of the machine as of the model."""
    if a.columns is None or b.columns is None:
        return
    on_a, on_b = costs_of(a.columns, level), costs_of(b.columns, level)
    for rate in on_a.keys() & on_b.keys():
        left, right = on_a[rate], on_b[rate]
        value = None if left.value is None or right.value is None else right.value - left.value
        gap = Estimate(
            value=value, low=None, high=None, level=level, n=right.n, clusters=right.clusters, method="no interval"
        )
        yield rate, RatePair(a=left, b=right, difference=gap, p_value=None, test="not tested")


def _corrected(a: ComparisonSide, b: ComparisonSide) -> dict[str, RatePair]:
    both = [rate for rate in a.corrected if rate in b.corrected]
    return {
        rate: RatePair(
            a=a.corrected[rate],
            b=b.corrected[rate],
            difference=unpaired_difference(a.corrected[rate], b.corrected[rate]),
            p_value=None,
            test="not tested",
        )
        for rate in both
    }


def _unpaired(a: ComparisonSide, b: ComparisonSide, level: float) -> Comparison:
    if not (a.side.scored.any() and b.side.scored.any()):
        raise CannotDecide(f"nothing was scored in {a.run} or in {b.run}: there is nothing to compare.")
    rates = {}
    for rate in of_family(Family.OUTCOMES):
        left, right = side_rate(a.side, rate, level), side_rate(b.side, rate, level)
        if left.n and right.n:
            rates[rate] = RatePair(
                a=left,
                b=right,
                difference=unpaired_difference(left, right),
                p_value=unpaired_p(left, right),
                test="unpaired score test",
            )
    if a.columns is not None and b.columns is not None:
        rates.update(_unpaired_errors(a.columns, b.columns, level))
    rates.update(_cost_pairs(a, b, level))
    return Comparison(
        a=a.to_json(),
        b=b.to_json(),
        pairs=0,
        unpaired={"a": int(a.side.scored.sum()), "b": int(b.side.scored.sum())},
        rates=rates,
    )


def _unpaired_errors(a: Columns, b: Columns, level: float) -> Iterator[tuple[str, RatePair]]:
    on_a, on_b = rates_of(a, level), rates_of(b, level)
    for rate in of_family(Family.ERRORS):
        if rate in on_a and rate in on_b:
            yield (
                rate,
                RatePair(
                    a=on_a[rate],
                    b=on_b[rate],
                    difference=unpaired_difference(on_a[rate], on_b[rate]),
                    p_value=None,
                    test="not tested",
                ),
            )


def _by_tag(
    a: ComparisonSide, b: ComparisonSide, pairs: Pairs, level: float
) -> dict[str, dict[str, dict[str, RatePair]]]:
    columns, rows = (b.columns, pairs.row_b) if b.columns is not None else (a.columns, pairs.row_a)
    if columns is None:
        return {}
    found: dict[str, dict[str, dict[str, RatePair]]] = {}
    for tag, (values, tagged, codes) in columns.tags.items():
        for code, value in enumerate(values):
            inside = np.zeros(len(columns), np.bool_)
            inside[tagged[codes == code]] = True
            rates = {rate: rate_pair(pairs, rate, level, inside[rows]) for rate in SPLIT_RATES}
            why = (blind(a.controls, value) or blind(b.controls, value)) if tag == "style" else ""
            if why:
                rates["exact_rate"] = _withheld(rates["exact_rate"], why)
            if rates["exact_rate"].difference.n:
                found.setdefault(tag, {})[value] = rates
    return _adjusted(found)


def _withheld(pair: RatePair, why: str) -> RatePair:
    a, b, gap = (
        nothing(why, level=one.level, n=one.n, clusters=one.clusters) for one in (pair.a, pair.b, pair.difference)
    )
    return RatePair(a=a, b=b, difference=gap, p_value=None, test="not tested")


def _adjusted(by: dict[str, dict[str, dict[str, RatePair]]]) -> dict[str, dict[str, dict[str, RatePair]]]:
    for rate in SPLIT_RATES:
        places = [(t, v) for t, values in by.items() for v, rates in values.items() if rates[rate].p_value is not None]
        for (t, v), p_value in zip(places, holm([by[t][v][rate].p_value or 0.0 for t, v in places]), strict=True):
            by[t][v][rate] = replace(by[t][v][rate], holm=p_value)
    return by


def _changes(a: ComparisonSide, b: ComparisonSide, pairs: Pairs) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    sums = sums_of(pairs, "exact_rate")
    _, of = outcome_masks("exact_rate")
    codes = np.unique(pairs.prompt[of[pairs.a] & of[pairs.b]])
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


def _apart(a: ComparisonSide, b: ComparisonSide) -> str:
    return (
        f"the suites differ ({a.suite or 'unnamed'} and {b.suite or 'unnamed'}, or two versions of one), so samples do "
        "not pair: the comparison is unpaired and less sure."
    )
