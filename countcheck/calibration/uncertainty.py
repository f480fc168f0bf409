"""Choose what makes a count uncertain: how far the margin reaches, which zeros and which large numbers to doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from countcheck.calibration.examples import Example
from countcheck.counting.rule import CountingRule

MIN_RIGHT = 0.98  # of the counts that stay certain
MAX_UNCERTAIN = 0.25  # of all counts

MARGINS = tuple(round(0.025 * step, 3) for step in range(13))
ZERO_DOUBT_SCORES = (1.0, 0.15, 0.1, 0.06)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginPoint:
    """What a margin costs and brings.

    Attributes:
        margin: Of the rule, 0 to 1.
        certain: Share of counts that it leaves certain, 0 to 1.
        right: Share of those that are right, 0 to 1.
    """

    margin: float
    certain: float
    right: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What makes a count uncertain; see the fields of that name in `countcheck.counting.rule.CountingRule`."""

    margin: float = 0.0
    zero_doubt_score: float = 1.0
    max_certain_count: int | None = None

    def on(self, rule: CountingRule) -> CountingRule:
        """Put this doubt into a rule, in place of its own."""
        return replace(
            rule,
            margin=self.margin,
            margin_below=None,
            zero_doubt_score=self.zero_doubt_score,
            max_certain_count=self.max_certain_count,
            probability_weights={},
            min_probability=0.0,
        )


class DoubtTable:
    """Whether each example is certain under each doubt; counted once, looked up often.

    Args:
        examples: Labelled counts.
        rules: The rule that each is counted with, one an example.
    """

    def __init__(self, examples: Sequence[Example], rules: Sequence[CountingRule]) -> None:
        pairs = list(zip(examples, rules, strict=True))
        counted = np.array([example.counted(rule) for example, rule in pairs])
        self.right = np.array([n == example.truth for n, (example, _) in zip(counted, pairs, strict=True)], np.bool_)
        limits: list[int | None] = [None, *sorted({int(n) for n in counted if n > 0}, reverse=True)[1:]]
        self.doubts: list[Doubt] = []
        certain_rows: list[np.ndarray[Any, np.dtype[np.bool_]]] = []
        for zero_doubt_score in ZERO_DOUBT_SCORES:
            for margin in MARGINS:
                plain = Doubt(margin=margin, zero_doubt_score=zero_doubt_score)
                sure = np.array([example.certain(plain.on(rule)) for example, rule in pairs], np.bool_)
                for limit in limits:
                    self.doubts.append(replace(plain, max_certain_count=limit))
                    certain_rows.append(sure if limit is None else sure & (counted <= limit))
        self.sure = np.stack(certain_rows)
        self.rules = list(rules)

    def best(self, index: Sequence[int], threshold: float) -> Doubt:
        """Choose the doubt that leaves most counts certain, with 98 % of them right and at most 25 % uncertain.

        When none reaches 98 %, the one whose certain counts are right most often; of equals the one that doubts least.

        Args:
            index: Positions of the examples to choose by.
            threshold: Of the rule, 0 to 1; a margin as large as it is never chosen.
        """
        index = list(index)
        right, sure = self.right[index], self.sure[:, index]
        share = sure.mean(axis=1)
        precision = (sure & right).sum(axis=1) / np.maximum(sure.sum(axis=1), 1)
        usable = [
            k
            for k, doubt in enumerate(self.doubts)
            if share[k] >= 1 - MAX_UNCERTAIN and (doubt.margin < threshold or doubt.margin == 0)
        ]
        good = [k for k in usable if precision[k] >= MIN_RIGHT]
        if good:
            return self.doubts[max(good, key=lambda k: (share[k], precision[k], -self._strictness(k)))]
        if not usable:
            return Doubt()
        return self.doubts[max(usable, key=lambda k: (round(precision[k], 9), share[k], -self._strictness(k)))]

    def held_out(self, folds: Sequence[int], threshold: float) -> list[CountingRule]:
        """Give each example's rule the doubt that is best on all folds but its own.

        Args:
            folds: The fold of each example.
            threshold: As `best` takes it.
        """
        doubt_of = {
            fold: self.best([i for i, other in enumerate(folds) if other != fold], threshold) for fold in set(folds)
        }
        return [doubt_of[fold].on(rule) for fold, rule in zip(folds, self.rules, strict=True)]

    def margin_points(self, threshold: float) -> tuple[MarginPoint, ...]:
        """Give what every margin below the threshold leaves certain, and how much of that is right."""
        points: list[MarginPoint] = []
        for doubt, sure in zip(self.doubts, self.sure, strict=True):
            plain = doubt == Doubt(margin=doubt.margin) and doubt.margin < threshold
            if plain and sure.any() and (not points or sure.mean() < points[-1].certain):
                right = float(self.right[sure].mean())
                points.append(MarginPoint(margin=doubt.margin, certain=float(sure.mean()), right=right))
        return tuple(points)

    def _strictness(self, k: int) -> float:
        doubt = self.doubts[k]
        return doubt.margin + (1 - doubt.zero_doubt_score) + (doubt.max_certain_count is not None)
