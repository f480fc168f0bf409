"""How far people agree on what they counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from countcheck.storage.rows import Label


def alpha(labels: Iterable[Label]) -> dict[str, Any]:
    """Krippendorff's alpha of the numbers (interval scale), and how many counts two or more people gave.

    ``alpha`` is 1 for full agreement, 0 for what chance would give; ``None`` when it cannot be told: nothing was
    counted by two people, or everything counted is the same number. "Cannot tell" is a missing value.
    ``exact``: share of pairs of labels of one count that name the same number.
    """
    units: dict[tuple[str, int, str], dict[str, int]] = defaultdict(dict)
    for label in labels:
        if label.count is not None:
            units[label.key, label.turn, label.noun][label.labeller] = label.count
    shared = [numbers for numbers in units.values() if len(numbers) > 1]
    people = sorted({name for numbers in shared for name in numbers})
    body: dict[str, Any] = {"alpha": None, "exact": None, "shared": len(shared), "labellers": len(people)}
    if not shared:
        return body
    pairs = [a == b for numbers in shared for i, a in enumerate(numbers.values()) for b in list(numbers.values())[:i]]
    body["exact"] = sum(pairs) / len(pairs)
    if len({n for numbers in shared for n in numbers.values()}) > 1:
        import krippendorff

        table = np.array([[numbers.get(name, np.nan) for numbers in shared] for name in people], dtype=float)
        body["alpha"] = float(krippendorff.alpha(reliability_data=table, level_of_measurement="interval"))
    return body
