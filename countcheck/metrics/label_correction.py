"""Rates corrected for the counter's own errors, by what people counted in some of the pictures.

Labels drawn by chance from each stratum of a run (what the counter called exact, what it did not, what it was unsure of)
give prediction-powered estimates: the counter's verdict on every picture, plus the labelled pictures' mean error in each
stratum (`countcheck.stats.prediction_powered`). A run that was recounted since has other strata than those the labels were
drawn from: a label counts by the pictures it stands for. Labels chosen by hand give the counter's sensitivity and
specificity instead, and with them the estimate of `countcheck.stats.rogan_gladen`. Always per generator, because a counter
errs differently on each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from countcheck.calibration.agreed_labels import agreed_counts
from countcheck.counting.counts import Count
from countcheck.counting.verdict import Kind, judge
from countcheck.metrics.columns import NUMBERED, Floats
from countcheck.metrics.outcome_codes import CODES, KINDS
from countcheck.metrics.rates import RATES, Family, Unit, of_family
from countcheck.stats.estimate import Estimate, no_estimate
from countcheck.stats.intervals import cluster_rate
from countcheck.stats.prediction_powered import LabelSample, prediction_powered
from countcheck.stats.rogan_gladen import rogan_gladen
from countcheck.storage.rows import Label, ResultRow

MIN_LABELS = 10
"""Fewer labelled pictures of a generator than this correct nothing."""

MAX_UNLABELLED = 0.05
"""Largest share of samples in strata without any label; the interval is widened by it."""

_VERDICTS = {
    name: KINDS[CODES.index(RATES[name].hits)] for name in of_family(Family.OUTCOMES) if RATES[name].correctable
}
"""Correctable share to the verdict in its numerator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundTruth:
    """What people counted in one picture.

    Attributes:
        counts: Noun to agreed number.
        verdict: The verdict by those numbers.
        by_chance: The picture was drawn for labelling by chance, not chosen.
        weight: How many pictures it stands for, of those it was drawn from; above 0.
    """

    counts: Mapping[str, int]
    verdict: Kind
    by_chance: bool
    weight: float = 1.0


def ground_truths(rows: Sequence[ResultRow], labels: Sequence[Label]) -> dict[int, GroundTruth]:
    """Return index of a row to what people counted there, for rows of which every noun asked for has an agreed number.

    Several people's numbers become one in `countcheck.calibration.agreed_labels`.
    """
    agreed = agreed_counts(labels)
    strata: dict[tuple[str, int], str] = {}
    weights: dict[str, float] = {}
    for label in labels:
        if label.stratum:
            strata.setdefault((label.key, label.turn), label.stratum)
        # The more are labelled, the less each stands for: the least is the newest, and holds for all of its stratum.
        weights[label.stratum] = min(label.weight, weights.get(label.stratum, label.weight))
    truths = {}
    for i, row in enumerate(rows):
        picture = (row.key, row.turn)
        if picture not in agreed or row.outcome != "picture" or not row.targets:
            continue
        counts = agreed[picture]
        if all(noun in counts for target in row.targets for noun in target.nouns):
            verdict = judge(row.targets, Count(counts=counts, low=counts, high=counts)).kind
            stratum = strata.get(picture, "")
            weight = weights[stratum] if stratum else 1.0
            truths[i] = GroundTruth(counts=counts, verdict=verdict, by_chance=bool(stratum), weight=weight)
    return truths


def corrected_rates(
    rows: Sequence[ResultRow], labels: Sequence[Label], level: float = 0.95
) -> tuple[dict[str, Estimate], str]:
    """Correct one generator's rates by labels.

    Args:
        rows: Of prompts, of one generator, missing ones included.
        labels: Of the whole run.
        level: Confidence level, strictly between 0 and 1.

    Returns:
        Rate to corrected estimate, and a sentence that says why there is none, or what to beware of; "" if nothing.
    """
    asked = [row for row in rows if row.outcome in ("picture", "refusal") and row.targets]
    truths = ground_truths(asked, labels)
    if not truths:
        return {}, ""
    name = asked[0].generator
    if len(truths) < MIN_LABELS:
        return {}, (
            f"{name}: {len(truths)} labelled pictures are too few to correct its rates; "
            f"label at least {MIN_LABELS}, better 100."
        )
    by_chance = {i: truth for i, truth in truths.items() if truth.by_chance}
    if len(by_chance) >= MIN_LABELS:
        return _prediction_powered_rates(asked, by_chance, level)
    chosen_by_hand = (
        f"{name}: its labels were chosen by hand, so the correction is only as good as the choice was fair."
    )
    rates = {
        rate: _rogan_gladen_rate(asked, truths, rate, level) for rate in ("exact_rate", "exact_rate_given_picture")
    }
    return {rate: estimate for rate, estimate in rates.items() if estimate.value is not None}, chosen_by_hand


# -- prediction-powered ------------------------------------------------------------------------------------------


def _prediction_powered_rates(
    rows: list[ResultRow], truths: Mapping[int, GroundTruth], level: float
) -> tuple[dict[str, Estimate], str]:
    prompts = {name: code for code, name in enumerate(dict.fromkeys(row.prompt_id for row in rows))}
    sample = LabelSample(
        cluster=np.array([prompts[row.prompt_id] for row in rows], np.int64),
        stratum=np.array([_stratum(row) for row in rows], np.int64),
        labelled=np.array(sorted(truths), np.int64),
        weight=np.array([truths[i].weight for i in sorted(truths)], np.float64),
    )
    without = np.setdiff1d(np.unique(sample.stratum[sample.stratum >= 0]), sample.stratum[sample.labelled])
    unlabelled = float(np.isin(sample.stratum, without).mean())
    if unlabelled > MAX_UNLABELLED:
        return {}, (
            f"{rows[0].generator}: no label among the {round(unlabelled * len(rows))} pictures of one verdict; "
            "label some of each before its rates can be corrected."
        )
    rates = {}
    for rate, predicted, labels, base in _quantities(rows, truths):
        share = rate in _VERDICTS
        estimate = prediction_powered(sample, predicted, labels, base, level, share=share, unlabelled=unlabelled)
        if estimate.n:
            rates[rate] = estimate
    return rates, ""


def _stratum(row: ResultRow) -> int:
    if row.outcome == "refusal":
        return -1
    return 2 if row.verdict is Kind.UNCERTAIN else int(row.verdict is Kind.EXACT)


def _quantities(
    rows: list[ResultRow], truths: Mapping[int, GroundTruth]
) -> Iterator[tuple[str, Floats, Floats, Floats]]:
    """Yield rate, what the counter says of each row, what people say of the labelled ones, and the denominator."""
    picture = np.array([row.outcome == "picture" for row in rows], np.float64)
    order = sorted(truths)
    for rate, verdict in _VERDICTS.items():
        predicted = np.array([row.verdict is verdict for row in rows], np.float64)
        labels = np.array([truths[i].verdict is verdict for i in order], np.float64)
        yield rate, predicted, labels, picture if rate.endswith("given_picture") else np.ones(len(rows))
    for rate in of_family(Family.ERRORS):
        weighted = RATES[rate].unit is Unit.OBJECTS_PER_ASKED
        errors = [_error(row, row.counted, weighted) for row in rows]
        labels = np.array([_error(rows[i], truths[i].counts, weighted)[0] for i in order], np.float64)
        yield (
            rate,
            np.array([total for total, _ in errors]),
            labels,
            np.array([nouns for _, nouns in errors], np.float64),
        )


def _error(row: ResultRow, counts: Mapping[str, float], weighted: bool) -> tuple[float, int]:
    """Return the sum over the row's plainly numbered nouns of |counted - asked|, and how many nouns there are."""
    total, nouns = 0.0, 0
    for target in row.targets:
        asked = target.count or 0
        plain = target.relation in NUMBERED and target.noun in row.counted
        if not plain or target.noun not in counts or (weighted and asked == 0):
            continue
        total += abs(counts[target.noun] - asked) / (asked if weighted else 1)
        nouns += 1
    return total, nouns


# -- Rogan and Gladen --------------------------------------------------------------------------------------------


def _rogan_gladen_rate(rows: list[ResultRow], truths: Mapping[int, GroundTruth], rate: str, level: float) -> Estimate:
    """Correct the share of exact pictures by the counter's error rates, then scale it to what was asked."""
    verdicts = [(rows[i].verdict is Kind.EXACT, truth.verdict is Kind.EXACT) for i, truth in truths.items()]
    on_exact = [counter for counter, people in verdicts if people]
    on_others = [not counter for counter, people in verdicts if not people]
    if not on_exact or not on_others:
        return no_estimate("labels show only one verdict", level=level)
    hits: dict[str, int] = defaultdict(int)
    sizes: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.outcome == "picture":
            hits[row.prompt_id] += row.verdict is Kind.EXACT
            sizes[row.prompt_id] += 1
    apparent = cluster_rate([hits[prompt] for prompt in sizes], list(sizes.values()), level)
    corrected = rogan_gladen(apparent, (sum(on_exact), len(on_exact)), (sum(on_others), len(on_others)))
    if rate == "exact_rate_given_picture" or corrected.value is None or corrected.low is None or corrected.high is None:
        return corrected
    drawn = sum(sizes.values()) / len(rows)
    return replace(
        corrected,
        value=corrected.value * drawn,
        low=corrected.low * drawn,
        high=corrected.high * drawn,
        n=len(rows),
        design_effect=None,
    )
