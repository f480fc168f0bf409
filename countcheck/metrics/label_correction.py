"""Rates corrected for the counter's own errors, by what people counted in some of the pictures.

Labels drawn by chance from each stratum of a run (what the counter called exact, what it did not, what it was unsure of)
give prediction-powered estimates: the counter's verdict on every picture, plus the labelled pictures' mean error in each
stratum (`countcheck.stats.prediction_powered`). A run that was recounted since has other strata than those the labels were
drawn from: a label counts by the pictures it stands for. Labels chosen by hand give the counter's sensitivity and
specificity instead, and with them the estimate of `countcheck.stats.rogan_gladen`. Always per generator, because a counter
errs differently on each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from countcheck.calibration.agreed_labels import agreed_counts, agreed_refusals
from countcheck.counting.counts import Count
from countcheck.counting.verdict import Kind, judge
from countcheck.metrics.columns import NUMBERED, Floats, Pairs
from countcheck.metrics.outcome_codes import CODES, KINDS
from countcheck.metrics.rates import RATES, Family, Unit, of_family
from countcheck.stats.estimate import Estimate, no_estimate
from countcheck.stats.intervals import cluster_rate
from countcheck.stats.prediction_powered import LabelSample, prediction_powered
from countcheck.stats.rogan_gladen import rogan_gladen
from countcheck.storage.prompt_fields import PromptFields
from countcheck.storage.result_table import PICTURE, REFUSAL, Ending, Results, ResultTable, first_seen, table_of
from countcheck.storage.rows import Label

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
        verdict: The verdict by those numbers; refused when people take the picture for a refusal.
        by_chance: The picture was drawn for labelling by chance, not chosen.
        weight: How many pictures it stands for, of those it was drawn from; above 0.
    """

    counts: Mapping[str, int]
    verdict: Kind
    by_chance: bool
    weight: float = 1.0


def ground_truths(results: Results, labels: Sequence[Label]) -> dict[int, GroundTruth]:
    """Return index of a row to what people counted there, for rows of which every noun asked for has an agreed number.

    Several people's numbers become one in `countcheck.calibration.agreed_labels`.
    """
    table = table_of(results)
    agreed = agreed_counts(labels)
    refused = {picture for picture, refusal in agreed_refusals(labels).items() if refusal}
    strata: dict[tuple[str, int], str] = {}
    weights: dict[str, float] = {}
    for label in labels:
        if label.stratum:
            strata.setdefault((label.key, label.turn), label.stratum)
        # The more are labelled, the less each stands for: the least is the newest, and holds for all of its stratum.
        weights[label.stratum] = min(label.weight, weights.get(label.stratum, label.weight))
    truths = {}
    for i in table.rows_of_keys({key for key, _ in agreed}).tolist():
        picture = (table.key_of(i), int(table.turn[i]))
        place, ending = table.places[table.place[i]].fields, table.endings[table.ending[i]]
        if picture not in agreed or ending.outcome != "picture" or not place.targets:
            continue
        counts = agreed[picture]
        if picture in refused or all(noun in counts for target in place.targets for noun in target.nouns):
            verdict = (
                Kind.REFUSED
                if picture in refused
                else judge(place.targets, Count(counts=counts, low=counts, high=counts)).kind
            )
            stratum = strata.get(picture, "")
            weight = weights[stratum] if stratum else 1.0
            truths[i] = GroundTruth(counts=counts, verdict=verdict, by_chance=bool(stratum), weight=weight)
    return truths


def corrected_rates(results: Results, labels: Sequence[Label], level: float = 0.95) -> tuple[dict[str, Estimate], str]:
    """Correct one generator's rates by labels.

    Args:
        results: Of prompts, of one generator, missing ones included.
        labels: Of the whole run.
        level: Confidence level, strictly between 0 and 1.

    Returns:
        Rate to corrected estimate, and a sentence that says why there is none, or what to beware of; "" if nothing.
    """
    table = table_of(results)
    outcome = table.outcome
    targeted = table.by_place(lambda place: bool(place.fields.targets), np.bool_)
    asked = table.take(targeted & ((outcome == PICTURE) | (outcome == REFUSAL)))
    truths = ground_truths(asked, labels)
    if not truths:
        return {}, ""
    name = asked.generators[asked.generator[0]]
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
    asked: ResultTable, truths: Mapping[int, GroundTruth], level: float
) -> tuple[dict[str, Estimate], str]:
    sample = LabelSample(
        cluster=asked.prompts()[1],
        stratum=asked.by_ending(_stratum, np.int64),
        labelled=np.array(sorted(truths), np.int64),
        weight=np.array([truths[i].weight for i in sorted(truths)], np.float64),
    )
    without = np.setdiff1d(np.unique(sample.stratum[sample.stratum >= 0]), sample.stratum[sample.labelled])
    unlabelled = float(np.isin(sample.stratum, without).mean())
    if unlabelled > MAX_UNLABELLED:
        return {}, (
            f"{asked.generators[asked.generator[0]]}: no label among the {round(unlabelled * len(asked))} pictures of one verdict; "
            "label some of each before its rates can be corrected."
        )
    rates = {}
    for rate, predicted, labels, base in _quantities(asked, truths):
        share = rate in _VERDICTS
        estimate = prediction_powered(sample, predicted, labels, base, level, share=share, unlabelled=unlabelled)
        if estimate.n:
            rates[rate] = estimate
    return rates, ""


def _stratum(ending: Ending) -> int:
    if ending.outcome == "refusal":
        return -1
    return 2 if ending.verdict is Kind.UNCERTAIN else int(ending.verdict is Kind.EXACT)


def _quantities(asked: ResultTable, truths: Mapping[int, GroundTruth]) -> Iterator[tuple[str, Floats, Floats, Floats]]:
    """Yield rate, what the counter says of each row, what people say of the labelled ones, and the denominator."""
    picture = (asked.outcome == PICTURE).astype(np.float64)
    order = sorted(truths)
    kinds = asked.by_ending(lambda ending: -1 if ending.verdict is None else KINDS.index(ending.verdict), np.int64)
    for rate, verdict in _VERDICTS.items():
        predicted = (kinds == KINDS.index(verdict)).astype(np.float64)
        labels = np.array([truths[i].verdict is verdict for i in order], np.float64)
        yield rate, predicted, labels, picture if rate.endswith("given_picture") else np.ones(len(asked))
    pairs = Pairs(asked)
    labelled = [pairs.distinct[pairs.of_row[i]] for i in order]
    for rate in of_family(Family.ERRORS):
        weighted = RATES[rate].unit is Unit.OBJECTS_PER_ASKED
        errors = [_error(fields, ending, ending.counted, weighted) for fields, ending in pairs.distinct]
        totals, nouns = (np.array(part, np.float64)[pairs.of_row] for part in zip(*errors, strict=True))
        labels = np.array(
            [
                _error(fields, ending, truths[i].counts, weighted)[0]
                for i, (fields, ending) in zip(order, labelled, strict=True)
            ],
            np.float64,
        )
        yield rate, totals, labels, nouns


def _error(asked: PromptFields, ending: Ending, counts: Mapping[str, float], weighted: bool) -> tuple[float, int]:
    """Return the sum over the plainly numbered nouns of |counted - asked|, and how many nouns there are."""
    total, nouns = 0.0, 0
    for target in asked.targets:
        number = target.count or 0
        plain = target.relation in NUMBERED and target.noun in ending.counted
        if not plain or target.noun not in counts or (weighted and number == 0):
            continue
        total += abs(counts[target.noun] - number) / (number if weighted else 1)
        nouns += 1
    return total, nouns


# -- Rogan and Gladen --------------------------------------------------------------------------------------------


def _rogan_gladen_rate(asked: ResultTable, truths: Mapping[int, GroundTruth], rate: str, level: float) -> Estimate:
    """Correct the share of exact pictures by the counter's error rates, then scale it to what was asked."""
    exact = asked.by_ending(lambda ending: ending.verdict is Kind.EXACT, np.bool_)
    verdicts = [(bool(exact[i]), truth.verdict is Kind.EXACT) for i, truth in truths.items()]
    on_exact = [counter for counter, people in verdicts if people]
    on_others = [not counter for counter, people in verdicts if not people]
    if not on_exact or not on_others:
        return no_estimate("labels show only one verdict", level=level)
    picture = asked.outcome == PICTURE
    _, prompt = first_seen(asked.prompts()[1][picture])
    sizes = np.bincount(prompt)
    apparent = cluster_rate(np.bincount(prompt, weights=exact[picture]), sizes, level)
    corrected = rogan_gladen(apparent, (sum(on_exact), len(on_exact)), (sum(on_others), len(on_others)))
    if rate == "exact_rate_given_picture" or corrected.value is None or corrected.low is None or corrected.high is None:
        return corrected
    drawn = int(sizes.sum()) / len(asked)
    return replace(
        corrected,
        value=corrected.value * drawn,
        low=corrected.low * drawn,
        high=corrected.high * drawn,
        n=len(asked),
        design_effect=None,
    )
