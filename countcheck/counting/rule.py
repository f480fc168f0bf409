"""Detections and a rule in, counts with their margin out. Pure: no pictures, no torch, no files.

The rule is not a plugin: one function with recorded parameters, so that runs can be compared.

What counts as one. An object that is cut off by the edge of the picture counts, as far as it is recognised, unless
``cut_off`` is false. A reflection, a picture of a thing, a toy or a statue counts when the detector calls it by the
noun; where that must not be, the suite names it as a distractor ("toy pig"), and whatever is found better under
another name is not counted under the noun.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from countcheck.detectors.base import Detections

RULE_VERSION = 2
GENEVAL_MOST = 16  # GenEval (Ghosh et al. 2023) looks at the 16 best boxes of a class and merges none

Box = Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How boxes become a count; recorded with every run.

    Attributes:
        threshold: Boxes at or above this score count, 0 to 1.
        thresholds: The same by noun, where it differs.
        by_style: The same by style (value of the tag ``style``), where it differs from ``threshold``; a noun that has
            its own threshold has it moved in proportion.
        margin: Half-width of the range of thresholds over which the count is also taken, 0 to 1.
        margin_below: The same downwards, where it differs from ``margin``.
        merge_iou: Boxes of one noun that overlap by at least this are one object; 1 switches it off.
        containment: Of two boxes of one noun, one of which lies within the other by at least this share, the better
            counts; 1 switches it off.
        group_share: A box of which two or more others of its noun fill at least this share is a group box and
            dropped; 1 switches it off.
        rival_iou: Boxes of different nouns that overlap by at least this are one object, counted under the noun that
            is further above its threshold; 1 switches it off.
        rival_lead: How many times its score a noun that nobody asked for must have to take a thing from one that was
            asked for; 1: the higher score takes it.
        cut_off: Whether objects cut off by the edge of the picture count.
        of_best: Boxes below this share of the best score of their noun in the picture do not count; 0 switches it off.
            Dark, rain and grain lower all scores of a picture alike: with it a low threshold finds what is dim in a dim
            picture, and not every shadow in a clear one.
        glimpse: A count of 0 is uncertain when something of the noun is seen at this score; 1 switches it off.
        sure_to: Numbers above this are uncertain, by one either way; ``None``: no number is by itself.
        floor: Boxes below this score are not kept at all.
        name: ``countcheck``, or ``geneval`` for that benchmark's own rule: the threshold alone, at most 16 a noun.
    """

    threshold: float = 0.3
    thresholds: Mapping[str, float] = field(default_factory=dict)
    by_style: Mapping[str, float] = field(default_factory=dict)
    margin: float = 0.0
    margin_below: float | None = None
    merge_iou: float = 0.7
    containment: float = 0.9
    group_share: float = 0.8
    rival_iou: float = 0.8
    rival_lead: float = 1.0
    cut_off: bool = True
    of_best: float = 0.0
    glimpse: float = 1.0
    sure_to: int | None = None
    floor: float = 0.05
    name: str = "countcheck"
    version: int = RULE_VERSION

    def threshold_for(self, noun: str, style: str | None = None) -> float:
        """The threshold that holds for a noun in a style."""
        general = self.by_style.get(style or "", self.threshold)
        if noun not in self.thresholds:
            return general
        moved = general / self.threshold if self.threshold > 0 else 1.0
        return min(self.thresholds[noun] * moved, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many of each noun one picture holds.

    Attributes:
        counts: Noun to number, 0 or more; unsupported nouns are absent.
        low: The smallest number over the margin and all opinions, by noun.
        high: The largest number over the margin and all opinions, by noun.
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
    """The number of each noun under the rule, and its range over the margin and over other looks' opinions.

    The order of nouns and of boxes changes nothing. Names in the detections that are not asked for are rivals.
    """
    wanted = tuple(dict.fromkeys(nouns))
    asked = tuple(noun for noun in wanted if noun not in detections.unsupported)
    found = _candidates(detections, rule, style, frozenset(asked))
    kept = found.counted(found.size, 0.0)
    counts = _tally(asked, found, kept)
    low, high = dict(counts), dict(counts)
    for size, shift in found.sizes():
        for noun, n in _tally(asked, found, found.counted(size, shift)).items():
            low[noun], high[noun] = min(low[noun], n), max(high[noun], n)
    glimpsed = found.glimpsed() if 0 in counts.values() else frozenset()
    for noun in asked:
        opinions = detections.opinions.get(noun, ())
        low[noun], high[noun] = min((low[noun], *opinions)), max((high[noun], *opinions))
        if counts[noun] == 0 and noun in glimpsed:
            high[noun] = max(high[noun], 1)
        if rule.sure_to is not None and counts[noun] > rule.sure_to:
            low[noun], high[noun] = min(low[noun], counts[noun] - 1), max(high[noun], counts[noun] + 1)
    return Count(
        counts=counts,
        low=low,
        high=high,
        unsupported=detections.unsupported & frozenset(wanted),
        kept=tuple(sorted(found.index[i] for i in kept if found.nouns[i] in counts)),
    )


def with_threshold(rule: Rule, threshold: float) -> Rule:
    """The same rule with another general threshold."""
    return replace(rule, threshold=threshold)


def _tally(nouns: Iterable[str], found: _Candidates, kept: Iterable[int]) -> dict[str, int]:
    counts = dict.fromkeys(nouns, 0)
    for i in kept:
        if found.nouns[i] in counts:
            counts[found.nouns[i]] += 1
    return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidates:
    """The boxes that matter within the margin, best first, and what overlaps what.

    Attributes:
        index: Of each box in the detections.
        excess: Score over the threshold of its noun, falling.
        thresholds: Of every noun.
        shared: Pair of positions (i < j) to shared area, where there is any.
    """

    rule: Rule
    index: Sequence[int]
    nouns: Sequence[str]
    boxes: Sequence[Box]
    excess: Sequence[float]
    thresholds: Mapping[str, float]
    areas: Sequence[float]
    shared: Mapping[tuple[int, int], float]

    @property
    def size(self) -> int:
        """How many boxes are in play at the thresholds as they are: the first so many."""
        return sum(1 for e in self.excess if e >= 0)

    def sizes(self) -> list[tuple[int, float]]:
        """How many are in play, for every other threshold within the margin at which that changes, and its shift."""
        top, bottom = self.rule.margin, -_below(self.rule)
        least = sum(1 for e in self.excess if e >= top)
        most = sum(1 for e in self.excess if e >= bottom)
        ends = [(least, top), (most, bottom)]
        if not self.shared:  # every box is a thing, so the ends of the range say it all
            return ends
        # Boxes of equal excess come and go together.
        between = [k for k in range(least + 1, most) if self.excess[k - 1] != self.excess[k]]
        return [end for end in ends if end[0] != self.size or self.rule.of_best] + [
            (k, self.excess[k - 1]) for k in between if k != self.size
        ]

    def counted(self, size: int, shift: float) -> list[int]:
        """Positions of the boxes that count at thresholds so much higher: `chosen`, less what is dim beside its best."""
        chosen = self.chosen(size)
        if self.rule.of_best <= 0:
            return chosen
        least: dict[str, float] = {}
        for i in chosen:  # the first of a noun is its best
            if self.nouns[i] not in least:
                threshold = self.thresholds[self.nouns[i]]
                # The share moves with the threshold, in proportion: either may be what a count hangs on.
                share = self.rule.of_best * (1 + shift / threshold) if threshold > 0 else self.rule.of_best
                least[self.nouns[i]] = min(share, 1.0) * self._score(i) - 1e-9
        return [i for i in chosen if self._score(i) >= least[self.nouns[i]]]

    def glimpsed(self) -> frozenset[str]:
        """Nouns of which something is seen at a score that makes a count of 0 uncertain."""
        if self.rule.glimpse >= 1:
            return frozenset()
        dim = self.chosen(len(self.index))
        return frozenset(self.nouns[i] for i in dim if self._score(i) >= self.rule.glimpse - 1e-9)

    def _score(self, i: int) -> float:
        return self.excess[i] + self.thresholds[self.nouns[i]]

    def chosen(self, size: int) -> list[int]:
        """Positions of the boxes that count when the first ``size`` are in play."""
        if self.rule.name == "geneval":
            return self._best(size)
        pairs = {pair: area for pair, area in self.shared.items() if pair[1] < size}
        if not pairs:
            return list(range(size))
        out = self._groups(pairs)
        for i, j in sorted(pairs, key=lambda pair: (pair[1], pair[0])):
            if i not in out and j not in out and self._same(i, j, pairs[i, j]):
                out.add(j)
        return [i for i in range(size) if i not in out]

    def _best(self, size: int) -> list[int]:
        seen: dict[str, int] = {}
        chosen = []
        for i in range(size):
            seen[self.nouns[i]] = seen.get(self.nouns[i], 0) + 1
            if seen[self.nouns[i]] <= GENEVAL_MOST:
                chosen.append(i)
        return chosen

    def _same(self, i: int, j: int, shared: float) -> bool:
        """Whether two boxes are one object."""
        iou = shared / (self.areas[i] + self.areas[j] - shared)
        if self.nouns[i] != self.nouns[j]:
            return self.rule.rival_iou < 1 and iou >= self.rule.rival_iou
        if self.rule.merge_iou < 1 and iou >= self.rule.merge_iou:
            return True
        return self.rule.containment < 1 and shared >= self.rule.containment * min(self.areas[i], self.areas[j])

    def _groups(self, pairs: Mapping[tuple[int, int], float]) -> set[int]:
        """Boxes drawn round several others of their noun that together fill them."""
        if self.rule.group_share >= 1:
            return set()
        within: dict[int, list[int]] = {}
        for (i, j), shared in pairs.items():
            small, large = (i, j) if self.areas[i] < self.areas[j] else (j, i)
            inside = shared >= 0.8 * self.areas[small] and self.areas[small] <= 0.7 * self.areas[large]
            if inside and self.nouns[i] == self.nouns[j]:
                within.setdefault(large, []).append(small)
        return {whole for whole, parts in within.items() if len(parts) > 1 and self._filled(whole, parts, pairs)}

    def _filled(self, whole: int, parts: list[int], pairs: Mapping[tuple[int, int], float]) -> bool:
        apart: list[int] = []
        for part in sorted(parts):  # positions: best first
            if not any(self._same(*_ordered(part, other), pairs.get(_ordered(part, other), 0.0)) for other in apart):
                apart.append(part)
        if len(apart) < 2:
            return False
        fill = sum(pairs[_ordered(part, whole)] for part in apart)
        fill -= sum(pairs.get(_ordered(a, b), 0.0) for a, b in combinations(apart, 2))
        return fill >= self.rule.group_share * self.areas[whole]


def _below(rule: Rule) -> float:
    return rule.margin if rule.margin_below is None else rule.margin_below


def _candidates(detections: Detections, rule: Rule, style: str | None, asked: frozenset[str]) -> _Candidates:
    thresholds = {noun: rule.threshold_for(noun, style) for noun in set(detections.nouns)}
    below, glimpse = _below(rule), rule.glimpse if rule.glimpse < 1 else 1.0
    wide, tall = detections.size
    rows = []
    boxes = detections.boxes.tolist()
    # Five decimals, as the ledger keeps them: a recount never differs from the count.
    for i, (score, noun) in enumerate(zip(detections.scores.tolist(), detections.nouns, strict=True)):
        score = round(score, 5) if noun in asked else round(score / rule.rival_lead, 5)
        threshold = thresholds[noun]
        # A rival that lies further below its threshold than every box in play cannot beat one: one cut serves all.
        if score >= rule.floor and score >= min(threshold - below, glimpse) - 1e-9:
            rows.append((threshold - score, noun, boxes[i], i))
    if not rule.cut_off:
        rows = [row for row in rows if not _cut(row[2], wide, tall)]
    rows.sort()
    boxes = [row[2] for row in rows]
    return _Candidates(
        rule=rule,
        index=[row[3] for row in rows],
        nouns=[row[1] for row in rows],
        boxes=boxes,
        excess=[round(-row[0], 9) for row in rows],
        thresholds=thresholds,
        areas=[(b[2] - b[0]) * (b[3] - b[1]) for b in boxes],
        shared=_shared(boxes) if _merges(rule) else {},
    )


def _merges(rule: Rule) -> bool:
    """Whether it matters at all which boxes overlap."""
    switches = (rule.merge_iou, rule.containment, rule.group_share, rule.rival_iou)
    return rule.name != "geneval" and any(switch < 1 for switch in switches)


def _cut(box: Box, wide: int, tall: int) -> bool:
    return box[0] <= 0.005 * wide or box[1] <= 0.005 * tall or box[2] >= 0.995 * wide or box[3] >= 0.995 * tall


def _shared(boxes: Sequence[Box]) -> dict[tuple[int, int], float]:
    """Every pair that overlaps, with the area it shares. Swept from left to right: most boxes meet few others."""
    order = sorted(range(len(boxes)), key=lambda i: boxes[i][0])
    shared: dict[tuple[int, int], float] = {}
    open_: list[int] = []
    for j in order:
        x1, y1, x2, y2 = boxes[j]
        open_ = [i for i in open_ if boxes[i][2] > x1]
        for i in open_:
            left, top, right, bottom = boxes[i]
            wide = (right if right < x2 else x2) - (left if left > x1 else x1)
            tall = (bottom if bottom < y2 else y2) - (top if top > y1 else y1)
            if wide > 0 and tall > 0:
                shared[_ordered(i, j)] = wide * tall
        open_.append(j)
    return shared


def _ordered(i: int, j: int) -> tuple[int, int]:
    return (i, j) if i < j else (j, i)
