"""One rate on two sides, with the difference and its test: paired where samples pair, unpaired otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from countcheck.metrics.columns import Columns
from countcheck.metrics.estimate_rates import (
    error_sizes,
    estimate_costs,
    estimate_nouns,
    estimate_rates,
    estimate_share,
)
from countcheck.metrics.outcome_codes import Bools
from countcheck.metrics.pairing import Pairs, pair_sums
from countcheck.metrics.rates import RATES, Family, of_family
from countcheck.metrics.sides import ComparisonSide
from countcheck.stats.bootstrap import bootstrap, difference
from countcheck.stats.estimate import Estimate, no_estimate
from countcheck.stats.intervals import cluster_rate, paired_difference, sums_by_cluster, unpaired_difference
from countcheck.stats.paired_means import paired_means
from countcheck.stats.significance import sign_flip_p_value, unpaired_p_value

NOT_TESTED = "not tested"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePair:
    """One rate on both sides, over the pairs where they pair.

    Attributes:
        a, b: The rate on either side.
        difference: The rate of b less that of a.
        p_value: Two-sided, of no difference, 0 to 1; ``None`` when there is nothing to test.
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
        """Return the published shape."""
        body = {
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "difference": self.difference.to_json(),
            "p_value": self.p_value,
            "test": self.test,
        }
        return body if self.holm is None else {**body, "holm": self.holm}

    def withheld(self, reason: str) -> RatePair:
        """Return the pair without its values."""
        a, b, gap = (
            no_estimate(reason, level=estimate.level, n=estimate.n, clusters=estimate.clusters)
            for estimate in (self.a, self.b, self.difference)
        )
        return RatePair(a=a, b=b, difference=gap, p_value=None, test=NOT_TESTED)


def paired_rates(
    a: ComparisonSide, b: ComparisonSide, pairs: Pairs, level: float, resamples: int
) -> Iterator[tuple[str, RatePair]]:
    """Yield every rate that pairs, then what exact pictures cost on either side."""
    for rate in of_family(Family.OUTCOMES):
        if not RATES[rate].pairs:
            continue
        pair = share_pair(pairs, rate, level, resamples=resamples)
        if pair.difference.n:
            yield rate, pair
    if a.columns is not None and b.columns is not None:
        for rate in of_family(Family.ERRORS):
            pair = error_pair(a.columns, b.columns, pairs, rate, level)
            if pair.difference.n:
                yield rate, pair
        for rate in of_family(Family.NOUNS):
            pair = nouns_pair(a.columns, b.columns, pairs, level)
            if pair.difference.n:
                yield rate, pair
    yield from _cost_pairs(a, b, level)


def unpaired_rates(a: ComparisonSide, b: ComparisonSide, level: float) -> Iterator[tuple[str, RatePair]]:
    """Yield every rate that both sides have, over samples that do not pair."""
    for rate in of_family(Family.OUTCOMES):
        left, right = estimate_share(a.samples, rate, level), estimate_share(b.samples, rate, level)
        if left.n and right.n:
            pair = _unpaired(left, right, unpaired_p_value(left, right), "unpaired score test")
            yield rate, pair
    if a.columns is not None and b.columns is not None:
        on_a, on_b = estimate_rates(a.columns, level), estimate_rates(b.columns, level)
        for rate in of_family(Family.ERRORS):
            if rate in on_a and rate in on_b:
                yield rate, _unpaired(on_a[rate], on_b[rate])
        nouns_a, nouns_b = estimate_nouns(a.columns, level), estimate_nouns(b.columns, level)
        for rate in (name for name in nouns_a if name in nouns_b):
            left, right = nouns_a[rate], nouns_b[rate]
            yield rate, _unpaired(left, right, unpaired_p_value(left, right), "unpaired score test")
    yield from _cost_pairs(a, b, level)


def corrected_pairs(a: ComparisonSide, b: ComparisonSide) -> dict[str, RatePair]:
    """Return the rates that labels correct on both sides; they do not pair."""
    both = [rate for rate in a.corrected if rate in b.corrected]
    return {rate: _unpaired(a.corrected[rate], b.corrected[rate]) for rate in both}


def share_pair(pairs: Pairs, rate: str, level: float, chosen: Bools | None = None, resamples: int = 0) -> RatePair:
    """Compare one share over the pairs, or those chosen.

    Args:
        pairs: Samples scored on both sides.
        rate: A share of samples.
        level: Confidence level, strictly between 0 and 1.
        chosen: (n,) which pairs to take; all when ``None``.
        resamples: When above 0, the interval is a BCa bootstrap from so many resamples.

    Raises:
        UnknownName: If the rate is not a share of samples.
    """
    sums = pair_sums(pairs, rate, chosen)
    gap = paired_difference(sums.gained, sums.size, level)
    if resamples and len(sums.size):
        table = np.column_stack([sums.a, sums.size, sums.b, sums.size])
        resampled = bootstrap(table, difference, gap.n, level=level, resamples=resamples)
        if resampled.low is not None and resampled.low != resampled.high:  # else there is no spread to resample
            gap = resampled
    one_each = sums.size.max(initial=1.0) == 1
    return RatePair(
        a=cluster_rate(sums.a, sums.size, level),
        b=cluster_rate(sums.b, sums.size, level),
        difference=gap,
        p_value=sign_flip_p_value(sums.gained) if gap.n else None,
        test="exact McNemar" if one_each else "exact sign flips over prompts",
    )


def nouns_pair(a: Columns, b: Columns, pairs: Pairs, level: float, chosen: Bools | None = None) -> RatePair:
    """Compare the share of nouns in the right number over the pairs, or those chosen, that ask for nouns."""
    asked = a.nouns_asked[pairs.row_a]
    inside = (asked > 0) & (asked == b.nouns_asked[pairs.row_b])
    if chosen is not None:
        inside &= chosen
    prompt = pairs.prompt[inside]
    size, exact_a, exact_b = (
        sums_by_cluster(prompt, values[inside])[0]
        for values in (asked, a.nouns_exact[pairs.row_a], b.nouns_exact[pairs.row_b])
    )
    gap = paired_difference(exact_b - exact_a, size, level)
    return RatePair(
        a=cluster_rate(exact_a, size, level),
        b=cluster_rate(exact_b, size, level),
        difference=gap,
        p_value=sign_flip_p_value(exact_b - exact_a) if gap.n else None,
        test="exact sign flips over prompts",
    )


def error_pair(a: Columns, b: Columns, pairs: Pairs, rate: str, level: float, chosen: Bools | None = None) -> RatePair:
    """Compare a mean error over the nouns of the pairs, or those chosen, that were counted on both sides."""
    totals, sizes = [], []
    for columns, rows in ((a, pairs.row_a), (b, pairs.row_b)):
        row, size = error_sizes(columns, rate)
        totals.append(np.bincount(row, weights=size, minlength=len(columns))[rows])
        sizes.append(np.bincount(row, minlength=len(columns))[rows].astype(np.float64))
    inside = (sizes[0] > 0) & (sizes[1] > 0)
    if chosen is not None:
        inside &= chosen
    prompt = pairs.prompt[inside]
    by_prompt = [sums_by_cluster(prompt, values[inside])[0] for values in (totals[0], sizes[0], totals[1], sizes[1])]
    means = paired_means(by_prompt[0], by_prompt[1], by_prompt[2], by_prompt[3], level)
    return RatePair(a=means.a, b=means.b, difference=means.difference, p_value=means.p_value, test=means.test)


def _cost_pairs(a: ComparisonSide, b: ComparisonSide, level: float) -> Iterator[tuple[str, RatePair]]:
    """Yield what an exact picture costs on either side. No test: seconds say as much of the machine as of the model."""
    if a.columns is None or b.columns is None:
        return
    on_a, on_b = estimate_costs(a.columns, level), estimate_costs(b.columns, level)
    for rate in (name for name in on_a if name in on_b):
        left, right = on_a[rate], on_b[rate]
        value = None if left.value is None or right.value is None else right.value - left.value
        gap = Estimate(
            value=value, low=None, high=None, level=level, n=right.n, clusters=right.clusters, method="no interval"
        )
        yield rate, RatePair(a=left, b=right, difference=gap, p_value=None, test=NOT_TESTED)


def _unpaired(a: Estimate, b: Estimate, p_value: float | None = None, test: str = NOT_TESTED) -> RatePair:
    return RatePair(a=a, b=b, difference=unpaired_difference(a, b), p_value=p_value, test=test)
