"""How far people agree on what they counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from countcheck.storage.rows import IS_REFUSAL, Label


def alpha(labels: Iterable[Label]) -> dict[str, Any]:
    """Measure agreement with Krippendorff's alpha of the counts (interval scale).

    "Cannot tell" is a missing value.

    Returns:
        ``alpha``: 1 for full agreement, 0 for what chance would give; ``None`` when it is undefined, because nobody
        shares a count with somebody else or every shared count is the same number. ``exact``: share of pairs of labels
        of one count that name the same number, 0 to 1. ``shared``: counts given by two or more people. ``labellers``:
        people among them.

    >>> alpha([Label(key="a", noun="pig", count=n, labeller=who) for who, n in (("ann", 3), ("bob", 3))])["exact"]
    1.0
    """
    units: dict[tuple[str, int, str], dict[str, int]] = defaultdict(dict)
    for label in labels:
        if label.count is not None and label.noun != IS_REFUSAL:
            units[label.key, label.turn, label.noun][label.labeller] = label.count
    shared = [counts for counts in units.values() if len(counts) > 1]
    people = {name for counts in shared for name in counts}
    agreement: dict[str, Any] = {"alpha": None, "exact": None, "shared": len(shared), "labellers": len(people)}
    if not shared:
        return agreement
    values = [list(counts.values()) for counts in shared]
    pairs = [a == b for counts in values for i, a in enumerate(counts) for b in counts[:i]]
    agreement["exact"] = sum(pairs) / len(pairs)
    if len({count for counts in values for count in counts}) > 1:
        agreement["alpha"] = interval_alpha(values)
    return agreement


def interval_alpha(units: Sequence[Sequence[float]]) -> float:
    """Compute Krippendorff's alpha with squared differences (Krippendorff, Content Analysis, 4th ed. 2018, 12.3.4).

    1 - observed / expected disagreement; at most 1, below 0 where people disagree more than chance would.

    Args:
        units: The values of each unit, two or more a unit; at least two values differ.
    """
    # The squared differences within a unit of m values sum to m times its centred sum of squares, twice over.
    observed = sum(2 * len(unit) * np.var(unit) * len(unit) / (len(unit) - 1) for unit in units)
    pooled = np.array([value for unit in units for value in unit], dtype=float)
    expected = 2 * len(pooled) * np.var(pooled) * len(pooled) / (len(pooled) - 1)
    return float(1 - observed / expected)
