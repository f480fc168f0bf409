"""One calibrated probability that a count is right, from all that makes a count doubtful.

Fitted by logistic regression to labelled counts, and tried on prompts that it was not fitted to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countcheck.calibration.examples import Example
from countcheck.calibration.uncertainty import Doubt, DoubtTable
from countcheck.counting.probability import FEATURES, FITTED, INTERCEPT, features_of
from countcheck.counting.rule import CountingRule, stable_margins
from countcheck.stats.logistic import Floats, Logistic, fit_logistic
from countcheck.stats.risk_coverage import RiskPoint, area, risk_coverage

_FITTED_COLUMNS = [FEATURES.index(name) for name in FITTED]

MAX_RIGHT_DOUBTED = 0.1  # of the right counts, under the bound that is chosen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confidence:
    """A fitted probability, and how well it tells right counts from wrong ones.

    Attributes:
        model: Fitted to all labelled counts.
        curve: Risk and coverage of counts that it was not fitted to.
        margin_curve: The same of the margin alone.
        by_fold: Fold to the model that is fitted to all other folds.
        folds: (n,) of each labelled count.
        held_out: (n,) probability of each labelled count, by the model of its fold.
        right: (n,) whether it is right.
    """

    model: Logistic
    curve: tuple[RiskPoint, ...]
    margin_curve: tuple[RiskPoint, ...]
    by_fold: Mapping[int, Logistic]
    folds: NDArray[np.int64]
    held_out: Floats
    right: NDArray[np.bool_]

    def to_json(self) -> dict[str, Any]:
        """Return the published shape."""
        return {
            "intercept": self.model.intercept,
            "features": {
                name: {"weight": float(weight), "mean": float(mean), "scale": float(scale)}
                for name, weight, mean, scale in zip(
                    FITTED, self.model.weights, self.model.mean, self.model.scale, strict=True
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
    values = np.array([values_of(*pair) for pair in zip(examples, rules, strict=True)], np.float64)
    features = fitted_columns(values)
    fold = np.array(folds, np.int64)
    held_out = np.zeros(len(examples))
    by_fold: dict[int, Logistic] = {}
    for number in set(folds):
        inside = fold == number
        train = ~inside if (~inside).any() else inside
        by_fold[number] = fit_logistic(features[train], doubts.right[train])
        held_out[inside] = by_fold[number].probability(features[inside])
    return Confidence(
        model=fit_logistic(features, doubts.right),
        curve=risk_coverage(held_out, doubts.right),
        margin_curve=risk_coverage(values[:, FEATURES.index("stable_margin")], doubts.right),
        by_fold=by_fold,
        folds=fold,
        held_out=held_out,
        right=doubts.right,
    )


def values_of(example: Example, rule: CountingRule) -> tuple[float, ...]:
    """Return the values of `FEATURES` for one labelled count."""
    stable = stable_margins(example.detections, example.nouns, rule, style=example.style)[example.noun]
    threshold = rule.threshold_for(example.noun, example.style)
    counted = example.counted(rule)
    return features_of(
        example.detections,
        example.noun,
        counted,
        threshold=threshold,
        relative_threshold=rule.relative_threshold,
        stable_margin=stable,
    )


def fitted_columns(values: ArrayLike) -> Floats:
    """Take from (n, `FEATURES`) values the columns of `FITTED`, which a probability is fitted to."""
    columns: Floats = np.atleast_2d(np.asarray(values, np.float64))[:, _FITTED_COLUMNS]
    return columns


def weights_of(model: Logistic) -> dict[str, float]:
    """Write a model as a rule keeps it: log odds a unit of each feature, and the intercept."""
    raw = model.weights / model.scale
    weights = {name: float(weight) for name, weight in zip(FITTED, raw, strict=True)}
    return {INTERCEPT: float(model.intercept - raw @ model.mean), **weights}


def bound_of(probabilities: ArrayLike, right: ArrayLike) -> float:
    """Return a bound under which a new right count lies with a chance of a tenth at most, 0 to 1; 0 for fewer than nine.

    Where no count is wrong it is 0 too: nothing tells what a wrong one would look like.

    Among n right counts and a new one, all in one order by chance, it lies under the k-th smallest of the n with the chance
    k / (n + 1) (split conformal prediction).

    >>> bound_of([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.1], [True] * 10 + [False])
    0.2
    """
    ends = np.asarray(right, np.bool_)
    among = np.sort(np.asarray(probabilities, np.float64)[ends])
    if ends.all():
        return 0.0
    k = int(MAX_RIGHT_DOUBTED * (len(among) + 1) + 1e-9)
    return float(among[k - 1]) if k else 0.0


def doubting(confidence: Confidence, rule: CountingRule, fold: int | None = None) -> CountingRule:
    """Give a rule that doubts counts by their probability of being right alone, under the bound of `bound_of`.

    Args:
        confidence: Fitted.
        rule: Its own doubt is left out.
        fold: Whose examples neither the probability nor the bound may be chosen on; ``None``: all are used.
    """
    others = confidence.folds != fold
    bound = bound_of(confidence.held_out[others], confidence.right[others]) if others.any() else 0.0
    model = confidence.model if fold is None else confidence.by_fold[fold]
    return replace(Doubt().on(rule), probability_weights=weights_of(model), min_probability=bound)


def thinned(curve: tuple[RiskPoint, ...], points: int = 20) -> tuple[RiskPoint, ...]:
    """Return at most so many points of a curve, spread over the coverage, the last one among them."""
    if len(curve) <= points:
        return curve
    wanted = np.linspace(curve[0].coverage, 1.0, points)
    places = sorted({int(np.argmin([abs(point.coverage - goal) for point in curve])) for goal in wanted})
    return tuple(curve[place] for place in places)
