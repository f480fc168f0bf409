"""Labels in; the rule that agrees with them best, and how far the counter then errs, out.

What is reported was never fitted to: thresholds, merging and doubt are chosen on some prompts and tried on others
(k-fold cross-validation by prompt, so that repeats of one prompt are never on both sides).
"""

from __future__ import annotations

import hashlib
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import yaml

from countcheck.cards import Card
from countcheck.counting.rule import Rule, count
from countcheck.detectors.base import Detections
from countcheck.errors import CannotDecide
from countcheck.files import write_text
from countcheck.stats.estimate import Estimate, cluster_rate
from countcheck.storage.rows import Label, ResultRow

FEWEST_PICTURES = 30
FEWEST_PROMPTS = 10
FEWEST_OF_NOUN = 20
FEWEST_OF_STYLE = 20
FOLDS = 5
CERTAIN = 0.98
MAX_UNCERTAIN = 0.25

THRESHOLDS = tuple(round(0.1 + 0.05 * step, 2) for step in range(17))
MERGES = (0.45, 0.55, 0.7, 0.85)
SHARES = (0.0, 0.4)
LEADS = (1.0, 2.0)
MARGINS = tuple(round(0.025 * step, 3) for step in range(13))
GLIMPSES = (1.0, 0.15, 0.1, 0.06)

Option = tuple[float, float, float, float]  # threshold, merging, share of the best score, lead of a rival


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One noun of one picture that people counted.

    Attributes:
        truth: What they agreed on: the median of the labellers' numbers, the smaller middle one of an even many.
    """

    row: ResultRow
    detections: Detections
    noun: str
    truth: int

    @property
    def style(self) -> str:
        """The value of the tag ``style``; empty when the prompt has none."""
        return self.row.tags.get("style", "")

    @property
    def nouns(self) -> tuple[str, ...]:
        """All that the picture was counted for."""
        return (self.noun, *(noun for noun in self.row.counted if noun != self.noun))

    def counted(self, rule: Rule) -> int:
        """What the counter says under a rule."""
        return count(self.detections, self.nouns, rule, style=self.style).counts[self.noun]

    def certain(self, rule: Rule) -> bool:
        """Whether the number stays the same within the rule's margin."""
        return self.noun not in count(self.detections, self.nouns, rule, style=self.style).uncertain


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
class Stop:
    """What a margin costs and brings: the share of counts it leaves certain, and the share of those that are right."""

    margin: float
    certain: float
    right: float


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
    """

    rule: Rule
    labelled: int
    pictures: int
    prompts: int
    before: Estimate
    agreement: Estimate
    certain: Estimate
    certain_share: Estimate
    errors: Mapping[str, Mapping[str, Errors]]
    stops: tuple[Stop, ...]
    per_noun: tuple[str, ...]
    per_style: tuple[str, ...]
    unsure: int


def examples_of(
    rows: Iterable[ResultRow], detections: Iterable[tuple[str, int, Detections]], labels: Sequence[Label]
) -> list[Example]:
    """The labelled counts of pictures whose detections are on record and whose counter knows the noun."""
    said: dict[tuple[str, int], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for label in labels:
        if label.count is not None:
            said[label.key, label.turn][label.noun].append(label.count)
    of = {(row.key, row.turn): row for row in rows if row.outcome == "picture"}
    found = []
    for key, turn, seen in detections:
        row = of.get((key, turn))
        if row is None or (key, turn) not in said:
            continue
        for noun, numbers in sorted(said[key, turn].items()):
            if noun not in seen.unsupported:
                truth = sorted(numbers)[(len(numbers) - 1) // 2]
                found.append(Example(row=row, detections=seen, noun=noun, truth=truth))
    found.sort(key=lambda one: (one.row.prompt_id, one.row.key, one.row.turn, one.noun))
    return found


def calibrate(examples: Sequence[Example], rule: Rule, *, unsure: int = 0, per_noun: bool = True) -> Calibration:
    """The threshold, the merging and the margin that agree best with the labels.

    Args:
        examples: See `examples_of`.
        rule: The rule in use; what is not learnt is kept.
        unsure: Labels that say "cannot tell", for the record.
        per_noun: Whether nouns with enough labels may get a threshold of their own.

    Raises:
        CannotDecide: When there are too few labels to learn from honestly.
    """
    pictures = {(one.row.key, one.row.turn) for one in examples}
    prompts = {one.row.prompt_id for one in examples}
    if len(pictures) < FEWEST_PICTURES or len(prompts) < FEWEST_PROMPTS:
        raise CannotDecide(
            f"{len(pictures)} labelled pictures of {len(prompts)} prompts are too few to learn a rule from: "
            f"{FEWEST_PICTURES} pictures of {FEWEST_PROMPTS} prompts are needed. Label more with `countcheck review`."
        )
    table = _Table(examples, rule)
    folds = [_fold(one.row.prompt_id) for one in examples]
    held_out = _cross_validate(table, folds, per_noun)
    fitted = _fit(table, range(len(examples)), per_noun)
    fair = [held_out[fold] for fold in folds]
    doubts = _Doubts(examples, fair)
    fitted = doubts.best(range(len(examples)), fitted.threshold).on(fitted)
    doubt_of = {
        fold: doubts.best([i for i, other in enumerate(folds) if other != fold], fitted.threshold)
        for fold in set(folds)
    }
    tried = [doubt_of[fold].on(rule) for fold, rule in zip(folds, fair, strict=True)]
    right = [one.counted(used) == one.truth for one, used in zip(examples, tried, strict=True)]
    certain = [one.certain(used) for one, used in zip(examples, tried, strict=True)]
    return Calibration(
        rule=fitted,
        labelled=len(examples),
        pictures=len(pictures),
        prompts=len(prompts),
        before=_share(examples, [one.counted(rule) == one.truth for one in examples]),
        agreement=_share(examples, right),
        certain=_share(examples, right, among=certain),
        certain_share=_share(examples, certain),
        errors=_errors(examples, tried),
        stops=doubts.stops(fitted.threshold),
        per_noun=tuple(sorted(fitted.thresholds)),
        per_style=tuple(sorted(fitted.by_style)),
        unsure=unsure,
    )


class _Table:
    """Whether each example is right under each option; counted once, looked up often."""

    def __init__(self, examples: Sequence[Example], rule: Rule) -> None:
        # A threshold per style or noun is what is being learnt anew; it must not shift what is tried.
        self.base = replace(
            rule, thresholds={}, by_style={}, margin=0.0, margin_below=None, glimpse=1.0, sure_to=None, of_best=0.0
        )
        self.examples = examples
        contested = any(set(one.detections.nouns) - set(one.nouns) for one in examples)
        self.options: list[Option] = [
            (threshold, merge, share, lead)
            for threshold in THRESHOLDS
            if threshold >= rule.floor
            for merge in sorted({*MERGES, rule.merge_iou})
            for share in sorted({*SHARES, rule.of_best})
            for lead in sorted({*LEADS, rule.rival_lead} if contested else {rule.rival_lead})
        ]
        self.right = np.array(
            [[one.counted(self.at(option)) == one.truth for option in self.options] for one in examples], np.bool_
        )
        now = (rule.threshold, rule.merge_iou, rule.of_best, rule.rival_lead)
        self.near = np.abs(np.array(self.options) - np.array(now)).sum(axis=1)

    def at(self, option: Option) -> Rule:
        threshold, merge, share, lead = option
        return replace(self.base, threshold=threshold, merge_iou=merge, of_best=share, rival_lead=lead)

    def best(self, index: Sequence[int], allowed: Callable[[Option], bool] = lambda _: True) -> int:
        """Position of the option with the most right; of equals the middle of the plateau, then the nearest to now."""
        score = self.right[list(index)].sum(axis=0).astype(float)
        score[[not allowed(option) for option in self.options]] = -1
        top = np.flatnonzero(score == score.max())
        middle = fmean(self.options[i][0] for i in top)
        return int(min(top, key=lambda i: (abs(self.options[i][0] - middle), self.near[i])))

    def own(self, groups: Mapping[str, list[int]], fewest: int, chosen: int) -> dict[str, float]:
        """Thresholds for those groups of examples that do clearly better with one of their own."""
        found: dict[str, float] = {}
        for name, mine in groups.items():
            if name and len(mine) >= fewest:
                best = self.best(mine, lambda option: option[1:] == self.options[chosen][1:])
                # One more right answer is noise; a threshold of its own must win by more than its share of the labels.
                if self.right[mine, best].sum() >= self.right[mine, chosen].sum() + max(2, 0.03 * len(mine)):
                    found[name] = self.options[best][0]
        return found


def _fit(table: _Table, index: Iterable[int], per_noun: bool) -> Rule:
    """The best rule for some examples, with thresholds of their own for nouns and styles that need them."""
    index = list(index)
    chosen = table.best(index)
    styles = table.own(_grouped(index, lambda i: table.examples[i].style), FEWEST_OF_STYLE, chosen)
    # A style moves a noun's own threshold in proportion, so that nouns are looked at in all other styles only.
    rest = [i for i in index if table.examples[i].style not in styles]
    nouns = table.own(_grouped(rest, lambda i: table.examples[i].noun), FEWEST_OF_NOUN, chosen) if per_noun else {}
    return replace(table.at(table.options[chosen]), thresholds=nouns, by_style=styles)


def _cross_validate(table: _Table, folds: Sequence[int], per_noun: bool) -> dict[int, Rule]:
    """For each fold, the rule fitted to all the others."""
    return {fold: _fit(table, [i for i, other in enumerate(folds) if other != fold], per_noun) for fold in set(folds)}


def _grouped(index: Iterable[int], of: Callable[[int], str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for i in index:
        found[of(i)].append(i)
    return found


def _fold(prompt_id: str) -> int:
    return int.from_bytes(hashlib.sha256(prompt_id.encode()).digest()[:4], "big") % FOLDS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    """What makes a count uncertain."""

    margin: float = 0.0
    glimpse: float = 1.0
    sure_to: int | None = None

    def on(self, rule: Rule) -> Rule:
        return replace(rule, margin=self.margin, margin_below=None, glimpse=self.glimpse, sure_to=self.sure_to)


class _Doubts:
    """Whether each example is certain under each doubt; counted once, looked up often."""

    def __init__(self, examples: Sequence[Example], rules: Sequence[Rule]) -> None:
        pairs = list(zip(examples, rules, strict=True))
        counted = np.array([one.counted(rule) for one, rule in pairs])
        self.right = np.array([n == one.truth for n, (one, _) in zip(counted, pairs, strict=True)], np.bool_)
        limits: list[int | None] = [None, *sorted({int(n) for n in counted if n > 0}, reverse=True)[1:]]
        self.doubts: list[_Doubt] = []
        rows: list[np.ndarray[Any, np.dtype[np.bool_]]] = []
        for glimpse in GLIMPSES:
            for margin in MARGINS:
                plain = _Doubt(margin=margin, glimpse=glimpse)
                sure = np.array([one.certain(plain.on(rule)) for one, rule in pairs], np.bool_)
                for limit in limits:
                    self.doubts.append(replace(plain, sure_to=limit))
                    rows.append(sure if limit is None else sure & (counted <= limit))
        self.sure = np.stack(rows)

    def best(self, index: Sequence[int], threshold: float) -> _Doubt:
        """The doubt that leaves most counts certain of which 98 in 100 are right, a quarter uncertain at the most.

        When none reaches that, the one whose certain counts are right most often; of equals the one that doubts least.
        """
        index = list(index)
        right, sure = self.right[index], self.sure[:, index]
        share = sure.mean(axis=1)
        held = (sure & right).sum(axis=1) / np.maximum(sure.sum(axis=1), 1)
        usable = [
            k
            for k, doubt in enumerate(self.doubts)
            if share[k] >= 1 - MAX_UNCERTAIN and (doubt.margin < threshold or doubt.margin == 0)
        ]
        good = [k for k in usable if held[k] >= CERTAIN]
        if good:
            return self.doubts[max(good, key=lambda k: (share[k], held[k], -self._strictness(k)))]
        if not usable:
            return _Doubt()
        return self.doubts[max(usable, key=lambda k: (round(held[k], 9), share[k], -self._strictness(k)))]

    def stops(self, threshold: float) -> tuple[Stop, ...]:
        """What every margin leaves certain, and how much of that is right, when nothing else is doubted."""
        found: list[Stop] = []
        for doubt, sure in zip(self.doubts, self.sure, strict=True):
            plain = doubt == _Doubt(margin=doubt.margin) and doubt.margin < threshold
            if plain and sure.any() and (not found or sure.mean() < found[-1].certain):
                right = float(self.right[sure].mean())
                found.append(Stop(margin=doubt.margin, certain=float(sure.mean()), right=right))
        return tuple(found)

    def _strictness(self, k: int) -> float:
        doubt = self.doubts[k]
        return doubt.margin + (1 - doubt.glimpse) + (doubt.sure_to is not None)


def _share(examples: Sequence[Example], hits: Sequence[bool], among: Sequence[bool] | None = None) -> Estimate:
    k: Tally[str] = Tally()
    n: Tally[str] = Tally()
    for i, (one, hit) in enumerate(zip(examples, hits, strict=True)):
        if among is None or among[i]:
            k[one.row.prompt_id] += hit
            n[one.row.prompt_id] += 1
    return cluster_rate(np.array([k[p] for p in n], float), np.array([n[p] for p in n], float), 0.95)


def _errors(examples: Sequence[Example], rules: Sequence[Rule]) -> dict[str, dict[str, Errors]]:
    missed: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for one, rule in zip(examples, rules, strict=True):
        missed[one.row.generator][one.style].append(one.counted(rule) - one.truth)
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


def calibration_to_json(learnt: Calibration) -> dict[str, Any]:
    """The published shape; see ``schemas/calibration.json``."""
    return {
        "rule": {name: value for name, value in asdict(learnt.rule).items() if name != "version"},
        "labelled": learnt.labelled,
        "pictures": learnt.pictures,
        "prompts": learnt.prompts,
        "cannot_tell": learnt.unsure,
        "agreement_before": learnt.before.to_json(),
        "agreement": learnt.agreement.to_json(),
        "agreement_where_certain": learnt.certain.to_json(),
        "certain_share": learnt.certain_share.to_json(),
        "stops": [asdict(stop) for stop in learnt.stops],
        "nouns_with_own_threshold": list(learnt.per_noun),
        "styles_with_own_threshold": list(learnt.per_style),
        "errors": {
            generator: {style: asdict(errors) for style, errors in styles.items()}
            for generator, styles in learnt.errors.items()
        },
    }


def write_card(target: Path, card: Card, learnt: Calibration, *, run: str) -> Path:
    """Write a counter card: the counter as it was, with the rule that was learnt and what is known of its errors.

    Raises:
        BadInput: When the file cannot be written.
    """
    body = calibration_to_json(learnt)
    rule = body.pop("rule")
    fields = {
        "family": card.family,
        "source": card.source,
        "revision": card.revision,
        "licence": card.licence,
        "about": f"{card.name}, calibrated on {learnt.pictures} labelled pictures of the run {run}.",
        "settings": dict(card.settings),
        "rule": {name: value for name, value in rule.items() if value is not None},
        "measured": {"calibrated_on": run, **body},
    }
    text = yaml.safe_dump(
        {name: value for name, value in fields.items() if value not in ("", {})}, sort_keys=False, allow_unicode=True
    )
    return write_text(text, target)
