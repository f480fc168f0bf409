"""Detections and a rule in, counts with their margin out. Pure: no pictures, no torch, no files.

The rule is not a plugin: one function with recorded parameters, so that runs can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from countcheck.detectors.base import Detections

RULE_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How boxes become a count; recorded with every run.

    Attributes:
        threshold: Boxes at or above this score count, 0 to 1.
        thresholds: The same by noun, where it differs.
        by_style: The same by style (value of the tag ``style``), where it differs from ``threshold``.
        margin: Half-width of the range of thresholds over which the count is also taken, 0 to 1.
        merge_iou: Boxes of one noun that overlap by at least this are one object.
        containment: Boxes of one noun lying within another by at least this share are part of it; 1 switches it off.
        group_share: A box of which two or more others of its noun fill at least this share is a group box and
            dropped; 1 switches it off.
        floor: Boxes below this score are not kept at all.
        name: ``countcheck``, or ``geneval`` for that benchmark's own rule.
    """

    threshold: float = 0.3
    thresholds: Mapping[str, float] = field(default_factory=dict)
    by_style: Mapping[str, float] = field(default_factory=dict)
    margin: float = 0.0
    merge_iou: float = 0.7
    containment: float = 0.9
    group_share: float = 0.8
    floor: float = 0.05
    name: str = "countcheck"
    version: int = RULE_VERSION

    def threshold_for(self, noun: str, style: str | None = None) -> float:
        """The threshold that holds for a noun in a style."""
        if noun in self.thresholds:
            return self.thresholds[noun]
        return self.by_style.get(style or "", self.threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many of each noun one picture holds.

    Attributes:
        counts: Noun to number, 0 or more; unsupported nouns are absent.
        low: The smallest number over the margin, by noun.
        high: The largest number over the margin, by noun.
        unsupported: Nouns asked for that the counter cannot know.
        kept: Indices into the detections: the boxes that were counted.
    """

    counts: Mapping[str, int]
    low: Mapping[str, int]
    high: Mapping[str, int]
    unsupported: frozenset[str] = frozenset()
    kept: tuple[int, ...] = ()

    @property
    def uncertain(self) -> tuple[str, ...]:
        """Nouns whose number changes within the margin."""
        return tuple(noun for noun in self.counts if self.low[noun] != self.high[noun])


def count(detections: Detections, nouns: Iterable[str], rule: Rule, *, style: str | None = None) -> Count:
    """The number of each noun under the rule, and its range over the margin."""
    nouns = tuple(dict.fromkeys(nouns))
    counts: dict[str, int] = {}
    low: dict[str, int] = {}
    high: dict[str, int] = {}
    kept: list[int] = []
    labels = np.array(detections.nouns, dtype=object)
    for noun in nouns:
        if noun in detections.unsupported:
            continue
        index = np.flatnonzero(labels == noun) if len(labels) else np.zeros(0, np.int64)
        threshold = rule.threshold_for(noun, style)
        chosen = _chosen(detections, index, threshold, rule)
        counts[noun] = len(chosen)
        kept += chosen
        low[noun] = high[noun] = len(chosen)
        if rule.margin > 0:
            for step in (threshold - rule.margin, threshold + rule.margin):
                n = len(_chosen(detections, index, max(step, rule.floor), rule))
                low[noun], high[noun] = min(low[noun], n), max(high[noun], n)
    return Count(
        counts=counts,
        low=low,
        high=high,
        unsupported=detections.unsupported & frozenset(nouns),
        kept=tuple(sorted(kept)),
    )


def _chosen(detections: Detections, index: Sequence[int] | np.ndarray, threshold: float, rule: Rule) -> list[int]:
    index = [int(i) for i in index if detections.scores[i] >= threshold]
    index.sort(key=lambda i: (-float(detections.scores[i]), i))
    chosen: list[int] = []
    for i in index:
        if all(_iou(detections.boxes[i], detections.boxes[j]) < rule.merge_iou for j in chosen):
            chosen.append(i)
    return chosen


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    wide = min(a[2], b[2]) - max(a[0], b[0])
    tall = min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or tall <= 0:
        return 0.0
    inter = float(wide * tall)
    return inter / (float((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])) - inter)


def with_threshold(rule: Rule, threshold: float) -> Rule:
    """The same rule with another general threshold."""
    return replace(rule, threshold=threshold)
