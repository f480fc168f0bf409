"""Learn from labels the counting rule that agrees with them best, and how far the counter then errs.

What is reported was never fitted to: thresholds, merging and doubt are chosen on some prompts and tried on others
(k-fold cross-validation by prompt, so that repeats of one prompt are never on both sides).
"""

from __future__ import annotations

import hashlib
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from countcheck.calibration.confidence import Confidence, doubting, fit_confidence
from countcheck.calibration.examples import Example
from countcheck.calibration.uncertainty import DoubtTable, MarginPoint
from countcheck.counting.rule import CountingRule
from countcheck.errors import CannotDecide
from countcheck.stats.estimate import Estimate
from countcheck.stats.intervals import cluster_rate

MIN_PICTURES = 30
MIN_PROMPTS = 10
MIN_OF_NOUN = 20
MIN_OF_STYLE = 20
FOLDS = 5

THRESHOLDS = tuple(round(0.1 + 0.05 * step, 2) for step in range(17))
MERGES = (0.45, 0.55, 0.7, 0.85)
SHARES = (0.0, 0.4)
LEADS = (1.0, 2.0)

# threshold, merge_iou, relative_threshold, distractor_score_ratio
Option = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """How the counter errs among some labelled counts, each counted under a rule that was not fitted to it.

    Attributes:
        n, exact, over, under: Labelled counts; those the counter got right, saw too many in, too few in.
        bias: Mean of counted - labelled.
    """

    n: int
    exact: int
    over: int
    under: int
    bias: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A rule learnt from labels, and what is known of it.

    Attributes:
        rule: Fitted to all labels.
        labelled, pictures, prompts: How many counts, pictures and prompts were labelled.
        before: Exact agreement of the rule in use, on all labels.
        agreement: Exact agreement of rules fitted without the pictures they were tried on.
        certain: The same among the counts that the rule's doubt, chosen without them, calls certain.
        certain_share: Share of counts that it calls certain.
        errors: Generator to style (empty for none) to errors.
        stops: Where one might stop judging: for every margin, by itself, the share of counts that stay certain and the
            share of those that are right, under rules not fitted to them; the wider the margin, the fewer and the surer.
        per_noun: Nouns with enough labels for a threshold of their own, and clearly more right with it.
        per_style: The same of styles.
        unsure: Labels that say "cannot tell"; left out.
        confidence: One probability that a count is right, from all that makes it doubtful.
    """

    rule: CountingRule
    labelled: int
    pictures: int
    prompts: int
    before: Estimate
    agreement: Estimate
    certain: Estimate
    certain_share: Estimate
    errors: Mapping[str, Mapping[str, Errors]]
    stops: tuple[MarginPoint, ...]
    per_noun: tuple[str, ...]
    per_style: tuple[str, ...]
    unsure: int
    confidence: Confidence


def calibrate(
    examples: Sequence[Example],
    rule: CountingRule,
    *,
    unsure: int = 0,
    per_noun: bool = True,
    by_probability: bool = False,
) -> Calibration:
    """Choose the threshold, the merging and the margin that agree best with the labels.

    Args:
        examples: See `examples_of`.
        rule: The rule in use; what is not learnt is kept.
        unsure: Labels that say "cannot tell", for the record.
        per_noun: Whether nouns with enough labels may get a threshold of their own.
        by_probability: Whether the learnt rule doubts a count by its probability of being right, under the bound that
            flags at most a tenth of the right counts of prompts it was not fitted to, in place of by its margin, zeros
            and large numbers.

    Raises:
        CannotDecide: When there are too few labels to learn from honestly.
    """
    pictures = {(example.row.key, example.row.turn) for example in examples}
    prompts = {example.row.prompt_id for example in examples}
    if len(pictures) < MIN_PICTURES or len(prompts) < MIN_PROMPTS:
        raise CannotDecide(
            f"{len(pictures)} labelled pictures of {len(prompts)} prompts are too few to learn a rule from: "
            f"{MIN_PICTURES} pictures of {MIN_PROMPTS} prompts are needed. Label more with `countcheck review`."
        )
    table = _RuleTable(examples, rule)
    folds = [_fold(example.row.prompt_id) for example in examples]
    held_out = _cross_validate(table, folds, per_noun)
    fitted = _fit(table, range(len(examples)), per_noun)
    fair = [held_out[fold] for fold in folds]
    doubts = DoubtTable(examples, fair)
    confidence = fit_confidence(examples, fair, folds, doubts)
    if by_probability:
        fitted = doubting(confidence, fitted)
        tried = [doubting(confidence, rule, fold) for fold, rule in zip(folds, fair, strict=True)]
    else:
        fitted = doubts.best(range(len(examples)), fitted.threshold).on(fitted)
        tried = doubts.held_out(folds, fitted.threshold)
    right = [example.counted(used) == example.truth for example, used in zip(examples, tried, strict=True)]
    certain = [example.certain(used) for example, used in zip(examples, tried, strict=True)]
    return Calibration(
        rule=fitted,
        labelled=len(examples),
        pictures=len(pictures),
        prompts=len(prompts),
        before=_share(examples, [example.counted(rule) == example.truth for example in examples]),
        agreement=_share(examples, right),
        certain=_share(examples, right, among=certain),
        certain_share=_share(examples, certain),
        errors=_errors(examples, tried),
        stops=doubts.margin_points(fitted.threshold),
        per_noun=tuple(sorted(fitted.thresholds)),
        per_style=tuple(sorted(fitted.by_style)),
        unsure=unsure,
        confidence=confidence,
    )


class _RuleTable:
    """Whether each example is right under each option; counted once, looked up often.

    Args:
        examples: Labelled counts.
        rule: In use; its thresholds by noun and style, its doubt and its relative threshold are left out.
    """

    def __init__(self, examples: Sequence[Example], rule: CountingRule) -> None:
        # A threshold per style or noun is what is being learnt anew; it must not shift what is tried.
        self.base = replace(
            rule,
            thresholds={},
            by_style={},
            margin=0.0,
            margin_below=None,
            zero_doubt_score=1.0,
            max_certain_count=None,
            probability_weights={},
            min_probability=0.0,
            relative_threshold=0.0,
        )
        self.examples = examples
        contested = any(set(example.detections.nouns) - set(example.nouns) for example in examples)
        self.options: list[Option] = [
            (threshold, merge, share, lead)
            for threshold in THRESHOLDS
            if threshold >= rule.floor
            for merge in sorted({*MERGES, rule.merge_iou})
            for share in sorted({*SHARES, rule.relative_threshold})
            for lead in sorted({*LEADS, rule.distractor_score_ratio} if contested else {rule.distractor_score_ratio})
        ]
        self.right = np.array(
            [[example.counted(self.at(option)) == example.truth for option in self.options] for example in examples],
            np.bool_,
        )
        now = (rule.threshold, rule.merge_iou, rule.relative_threshold, rule.distractor_score_ratio)
        self.near = np.abs(np.array(self.options) - np.array(now)).sum(axis=1)

    def at(self, option: Option) -> CountingRule:
        """Give the rule of an option."""
        threshold, merge, share, lead = option
        return replace(
            self.base, threshold=threshold, merge_iou=merge, relative_threshold=share, distractor_score_ratio=lead
        )

    def best(self, index: Sequence[int], allowed: Callable[[Option], bool] = lambda _: True) -> int:
        """Find the option with the most right; of equals the middle of the plateau, then the nearest to the rule in use."""
        score = self.right[list(index)].sum(axis=0).astype(float)
        score[[not allowed(option) for option in self.options]] = -1
        top = np.flatnonzero(score == score.max())
        middle = fmean(self.options[i][0] for i in top)
        return int(min(top, key=lambda i: (abs(self.options[i][0] - middle), self.near[i])))

    def own(self, groups: Mapping[str, list[int]], fewest: int, chosen: int) -> dict[str, float]:
        """Give thresholds to those groups of examples that do clearly better with one of their own."""
        thresholds: dict[str, float] = {}
        for name, mine in groups.items():
            if name and len(mine) >= fewest:
                best = self.best(mine, lambda option: option[1:] == self.options[chosen][1:])
                # One more right answer is noise; a threshold of its own must win by more than its share of the labels.
                if self.right[mine, best].sum() >= self.right[mine, chosen].sum() + max(2, 0.03 * len(mine)):
                    thresholds[name] = self.options[best][0]
        return thresholds


def _fit(table: _RuleTable, index: Iterable[int], per_noun: bool) -> CountingRule:
    """Fit the rule to some examples, with thresholds of their own for nouns and styles that need them."""
    index = list(index)
    chosen = table.best(index)
    styles = table.own(_grouped(index, lambda i: table.examples[i].style), MIN_OF_STYLE, chosen)
    # A style moves a noun's own threshold in proportion, so nouns are fitted in all other styles only.
    rest = [i for i in index if table.examples[i].style not in styles]
    nouns = table.own(_grouped(rest, lambda i: table.examples[i].noun), MIN_OF_NOUN, chosen) if per_noun else {}
    return replace(table.at(table.options[chosen]), thresholds=nouns, by_style=styles)


def _cross_validate(table: _RuleTable, folds: Sequence[int], per_noun: bool) -> dict[int, CountingRule]:
    """Fit for each fold the rule to all the others."""
    return {fold: _fit(table, [i for i, other in enumerate(folds) if other != fold], per_noun) for fold in set(folds)}


def _grouped(index: Iterable[int], of: Callable[[int], str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for i in index:
        groups[of(i)].append(i)
    return groups


def _fold(prompt_id: str) -> int:
    return int.from_bytes(hashlib.sha256(prompt_id.encode()).digest()[:4], "big") % FOLDS


def _share(examples: Sequence[Example], hits: Sequence[bool], among: Sequence[bool] | None = None) -> Estimate:
    k: Tally[str] = Tally()
    n: Tally[str] = Tally()
    for i, (example, hit) in enumerate(zip(examples, hits, strict=True)):
        if among is None or among[i]:
            k[example.row.prompt_id] += hit
            n[example.row.prompt_id] += 1
    return cluster_rate(np.array([k[p] for p in n], float), np.array([n[p] for p in n], float), 0.95)


def _errors(examples: Sequence[Example], rules: Sequence[CountingRule]) -> dict[str, dict[str, Errors]]:
    missed: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for example, rule in zip(examples, rules, strict=True):
        missed[example.row.generator][example.style].append(example.counted(rule) - example.truth)
    return {
        generator: {
            style: Errors(
                n=len(by),
                exact=by.count(0),
                over=sum(d > 0 for d in by),
                under=sum(d < 0 for d in by),
                bias=fmean(by),
            )
            for style, by in sorted(styles.items())
        }
        for generator, styles in sorted(missed.items())
    }
