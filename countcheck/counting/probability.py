"""The probability that a count is right, from weights that `countcheck.calibration` fits to labels.

Pure: no pictures, no files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

from countcheck.detectors.base import Detections

Weighed: TypeAlias = Literal[
    "intercept", "stable_margin", "counted", "none", "score_gap", "smallest_box", "opinions_differ", "spread"
]
"""What a weight may be of."""

FEATURES: tuple[str, ...] = get_args(Weighed)[1:]
"""The largest margin, 0 to 0.3, within which the count stays the same; log(1 + count); nothing counted, 0 or 1; the least
distance of a score from the threshold, 0 to 1; the side of the smallest box as a share of the picture's, 0 to 1; the share
of other opinions (a second counter, other views) that differ, 0 to 1; the spread of the count, see `spread_of`."""

FITTED: tuple[str, ...] = ("spread", "counted", "none", "smallest_box", "opinions_differ")
"""Those that a probability is fitted to. Cards of other releases weigh the others too."""

_STEEPNESS = 3.0  # of the odds of a box, in log(score / threshold)

INTERCEPT: Weighed = "intercept"

STABLE_MARGINS = tuple(round(0.025 * step, 3) for step in range(13))
"""The margins that are tried for the feature ``stable_margin``, which costs a count for each of them."""


def features_of(
    detections: Detections,
    noun: str,
    counted: int,
    *,
    threshold: float,
    relative_threshold: float = 0.0,
    stable_margin: float = 0.0,
) -> tuple[float, ...]:
    """Return the values of `FEATURES` for one count.

    Args:
        detections: What the detector found in the picture.
        noun: What was counted.
        counted: How many there are of it.
        threshold: Of the noun, 0 to 1.
        relative_threshold: Of the rule, 0 to 1.
        stable_margin: The first of the features.
    """
    wide, tall = detections.size
    # Five decimals, as the ledger keeps them: a recount never differs from the count.
    own = [
        (round(float(score), 5), box)
        for score, box, name in zip(detections.scores, detections.boxes, detections.nouns, strict=True)
        if name == noun
    ]
    gap = min((abs(score - threshold) for score, _ in own), default=1.0)
    smallest = min((_side(box) for score, box in own if score >= threshold), default=0.0) / math.sqrt(wide * tall)
    opinions = detections.opinions.get(noun, ())
    differ = sum(opinion != counted for opinion in opinions) / len(opinions) if opinions else 0.0
    spread = spread_of([score for score, _ in own], threshold, relative_threshold)
    return stable_margin, math.log1p(counted), float(counted == 0), min(gap, 1.0), min(smallest, 1.0), differ, spread


def spread_of(scores: Sequence[float], threshold: float, relative_threshold: float = 0.0) -> float:
    """Return the standard deviation of a count, if every box of its noun were one thing with a chance that its score gives.

    The odds of a box are (score / threshold) cubed: even at the threshold. Boxes count that the rule would merge or leave
    out, too: a detector that draws many boxes round a thing is in doubt of it.

    Args:
        scores: Of all boxes of the noun, 0 to 1.
        threshold: Of the noun, 0 to 1.
        relative_threshold: Of the rule, 0 to 1; where this share of the best score is higher, it is the threshold.

    >>> spread_of([0.3, 0.3], 0.3), round(spread_of([0.9, 0.03], 0.3), 2)
    (0.7071067811865476, 0.19)
    """
    least = max(threshold, relative_threshold * max(scores, default=0.0), 1e-6)
    odds = [max(score / least, 1e-3) ** _STEEPNESS for score in scores]
    return math.sqrt(sum(o / (1 + o) ** 2 for o in odds))


def probability(weights: Mapping[str, float], features: Sequence[float]) -> float:
    """Return the probability, 0 to 1, that a count with these features is right.

    Args:
        weights: Log odds a unit by feature, and `INTERCEPT`; what is not named weighs nothing.
        features: One value for each of `FEATURES`.

    >>> probability({"intercept": 0.0}, (0.1, 0.7, 0.0, 0.2, 0.3, 0.0, 0.5))
    0.5
    """
    odds = weights.get(INTERCEPT, 0.0)
    odds += sum(weights.get(name, 0.0) * value for name, value in zip(FEATURES, features, strict=True))
    return 1 / (1 + math.exp(-min(max(odds, -30.0), 30.0)))


def _side(box: Sequence[float]) -> float:
    x1, y1, x2, y2 = (float(value) for value in box)
    return math.sqrt(max((x2 - x1) * (y2 - y1), 0.0))
