"""One calibrated probability that a count is right, from all that makes a count doubtful.

Fitted by logistic regression to labelled counts, and tried on prompts that it was not fitted to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from countcheck.calibration.examples import Example
from countcheck.calibration.uncertainty import Doubt, DoubtTable
from countcheck.counting.rule import CountingRule
from countcheck.stats.logistic import Logistic, fit_logistic
from countcheck.stats.risk_coverage import RiskPoint, area, risk_coverage

FEATURES = ("stable_margin", "counted", "none", "score_gap", "smallest_box", "opinions_differ")
"""The largest margin, 0 to 0.3, within which the count stays the same; log(1 + count); nothing counted, 0 or 1; the least
distance of a score from the threshold, 0 to 1; the side of the smallest box as a share of the picture's, 0 to 1; the share
of other opinions (a second counter, other views) that differ, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confidence:
    """A fitted probability, and how well it tells right counts from wrong ones.

    Attributes:
        model: Fitted to all labelled counts.
        curve: Risk and coverage of counts that it was not fitted to.
        margin_curve: The same of the margin alone.
    """

    model: Logistic
    curve: tuple[RiskPoint, ...]
    margin_curve: tuple[RiskPoint, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the published shape."""
        return {
            "intercept": self.model.intercept,
            "features": {
                name: {"weight": float(weight), "mean": float(mean), "scale": float(scale)}
                for name, weight, mean, scale in zip(
                    FEATURES, self.model.weights, self.model.mean, self.model.scale, strict=True
                )
            },
            "risk_coverage": [point.to_json() for point in thinned(self.curve)],
            "area": area(self.curve),
            "area_of_margin": area(self.margin_curve),
        }


def fit_confidence(
    examples: Sequence[Example], rules: Sequence[CountingRule], folds: Sequence[int], doubts: DoubtTable
) -> Confidence:
    """Fit the probability, and try it fold by fold.

    Args:
        examples: Labelled counts.
        rules: The rule that each is counted with, not fitted to it; one an example.
        folds: The fold of each example; prompts are not split over folds.
        doubts: Of these examples and rules.
    """
    stable = stable_margins(doubts)
    features = np.array([features_of(*count) for count in zip(examples, rules, stable, strict=True)], np.float64)
    fold = np.array(folds)
    held_out = np.zeros(len(examples))
    for number in set(folds):
        inside = fold == number
        train = ~inside if (~inside).any() else inside
        held_out[inside] = fit_logistic(features[train], doubts.right[train]).probability(features[inside])
    return Confidence(
        model=fit_logistic(features, doubts.right),
        curve=risk_coverage(held_out, doubts.right),
        margin_curve=risk_coverage(stable, doubts.right),
    )


def stable_margins(doubts: DoubtTable) -> list[float]:
    """Return for each example the largest margin within which its count stays the same, 0 where none does."""
    plain = [(doubt.margin, sure) for doubt, sure in zip(doubts.doubts, doubts.sure, strict=True) if _is_plain(doubt)]
    margins = np.array([margin for margin, _ in plain])
    sure = np.stack([row for _, row in plain])
    return [float(margins[own].max()) if own.any() else 0.0 for own in sure.T]


def features_of(example: Example, rule: CountingRule, stable_margin: float) -> tuple[float, ...]:
    """Return the values of `FEATURES` for one count."""
    detections, counted = example.detections, example.counted(rule)
    own = np.array([noun == example.noun for noun in detections.nouns], np.bool_)
    scores, boxes = detections.scores[own], detections.boxes[own]
    gap = float(np.abs(scores - rule.threshold).min()) if len(scores) else 1.0
    above = boxes[scores >= rule.threshold]
    sides = np.sqrt(np.maximum((above[:, 2] - above[:, 0]) * (above[:, 3] - above[:, 1]), 0.0))
    smallest = float(sides.min() / math.sqrt(detections.size[0] * detections.size[1])) if len(sides) else 0.0
    opinions = detections.opinions.get(example.noun, ())
    differ = sum(opinion != counted for opinion in opinions) / len(opinions) if opinions else 0.0
    return stable_margin, math.log1p(counted), float(counted == 0), min(gap, 1.0), min(smallest, 1.0), differ


def thinned(curve: tuple[RiskPoint, ...], points: int = 20) -> tuple[RiskPoint, ...]:
    """Return at most so many points of a curve, spread over the coverage, the last one among them."""
    if len(curve) <= points:
        return curve
    wanted = np.linspace(curve[0].coverage, 1.0, points)
    places = sorted({int(np.argmin([abs(point.coverage - goal) for point in curve])) for goal in wanted})
    return tuple(curve[place] for place in places)


def _is_plain(doubt: Doubt) -> bool:
    return doubt == Doubt(margin=doubt.margin)
