"""Find the places that several answers to one question agree on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from countcheck.detectors.common.boxes import iou
from countcheck.detectors.common.vlm_replies import Share

SAME_BOX = 0.5  # IoU from which boxes of two answers are one thing
SAME_POINT = 0.05  # distance of points of two answers of one thing, in shares of the picture


def agreed_places(answers: Sequence[Sequence[Share]]) -> tuple[list[Share], list[float]]:
    """Join the places of one noun over answers: each place once, with the share of answers that name it.

    Places of one answer are never joined with each other. The first answer that names a place decides where it is drawn.

    Args:
        answers: Of each answer its places; 1 or more answers.

    Returns:
        Places and scores, those that most answers name first.

    >>> agreed_places([[(0.1, 0.1, 0.1, 0.1)], [(0.11, 0.1, 0.11, 0.1), (0.9, 0.9, 0.9, 0.9)]])
    ([(0.1, 0.1, 0.1, 0.1), (0.9, 0.9, 0.9, 0.9)], [1.0, 0.5])
    """
    places: list[Share] = []
    named: list[int] = []
    for answer in answers:
        known = len(places)
        pairs = sorted(
            (distance, old, new)
            for old in range(known)
            for new, place in enumerate(answer)
            if (distance := _distance(places[old], place)) is not None
        )
        taken_old: set[int] = set()
        taken_new: set[int] = set()
        for _, old, new in pairs:
            if old not in taken_old and new not in taken_new:
                taken_old.add(old)
                taken_new.add(new)
                named[old] += 1
        for new, place in enumerate(answer):
            if new not in taken_new:
                places.append(place)
                named.append(1)
    order = sorted(range(len(places)), key=lambda k: -named[k])
    return [places[k] for k in order], [named[k] / len(answers) for k in order]


def _distance(one: Share, other: Share) -> float | None:
    """How far apart two places of one thing are; ``None`` when they are two things."""
    a, b = np.array([one], np.float64), np.array([other], np.float64)
    centres = (a[0, :2] + a[0, 2:] - b[0, :2] - b[0, 2:]) / 2
    apart = float(np.hypot(*centres))
    sides = [max(box[2] - box[0], box[3] - box[1]) for box in (one, other)]
    if min(sides) > 0:
        return 1 - float(iou(a, b)[0, 0]) if iou(a, b)[0, 0] >= SAME_BOX else None
    return apart if apart <= max(SAME_POINT, max(sides) / 2) else None
