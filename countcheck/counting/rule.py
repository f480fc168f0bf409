"""Turn detections into counts with their margin. Pure: no pictures, no torch, no files.

The rule is not a plugin: one function with recorded parameters, so that runs can be compared. Where its parameters are
read from cards, specs and ledgers, see `countcheck.counting.rule_settings`.

What counts as one. An object that is cut off by the edge of the picture counts, as far as it is recognised, unless
``cut_off`` is false. A reflection, a picture of a thing, a toy or a statue counts when the detector calls it by the
noun; where that must not be, the suite names it as a distractor ("toy pig"), and whatever scores better under another
name is not counted under the noun.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import combinations

from countcheck.counting.counts import Count
from countcheck.counting.probability import STABLE_MARGINS, features_of, probability
from countcheck.counting.verdict import Verdict, judge
from countcheck.detectors.base import Detections
from countcheck.suites.suite import Target

RULE_VERSION = 3  # 2: of nested boxes of one noun the best score decided, unless the inner ones filled the outer one

# A box round several others of its noun, which do not fill it, may be a group or one large object with false parts.
_GROUP_EXTENT = 0.7  # IoU of the box with the extent of those inside it, from which it is read as a group
_DOUBTFUL_EXTENT = 0.25  # from which either reading is possible
_GROUP_SIZES = 4.0  # the largest inside it may be so many times as large as the smallest

Box = Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountingRule:
    """How boxes become a count; recorded with every run.

    Attributes:
        threshold: Boxes at or above this score count, 0 to 1.
        thresholds: The same by noun, where it differs.
        by_style: The same by style (value of the tag ``style``), where it differs from ``threshold``; a noun that has
            its own threshold has it moved in proportion.
        margin: Half-width of the range of thresholds over which the count is also taken, 0 to 1.
        margin_below: The same downwards, where it differs from ``margin``.
        merge_iou: Boxes of one noun that overlap by at least this are one object, 0 to 1; 1 switches it off.
        containment: Of two boxes of one noun, one of which lies within the other by at least this share, the better
            counts; 0 to 1, 1 switches it off.
        group_box_coverage: A box of which two or more others of its noun fill at least this share is a group box and
            dropped; 0 to 1, 1 switches it off. One that they do not fill is dropped when they are of similar size and
            reach to its edges, and the count is then uncertain; see `_Candidates`.
        cross_class_iou: Boxes of different nouns that overlap by at least this are one object, counted under the noun
            that is further above its threshold; 0 to 1, 1 switches it off.
        distractor_score_ratio: How many times its score a noun that nobody asked for must have to take an object from
            one that was asked for, 1 or more; 1: the higher score takes it.
        cut_off: Whether objects cut off by the edge of the picture count.
        relative_threshold: Boxes below this share of the best score of their noun in the picture do not count, 0 to 1;
            0 switches it off. Dark, rain and grain lower all scores of a picture alike: with it a low threshold finds
            what is dim in a dim picture, and not every shadow in a clear one.
        zero_doubt_score: A count of 0 is uncertain when a box of the noun has this score, 0 to 1; 1 switches it off.
        max_certain_count: Numbers above this are uncertain, by one either way; ``None``: no number is by itself.
        probability_weights: Log odds of a count being right, a unit of each of `countcheck.counting.probability.FEATURES`,
            and ``intercept``; fitted by ``calibrate``, empty without it.
        min_probability: A count whose probability of being right, by ``probability_weights``, is below this is uncertain
            by one either way, 0 to 1, and opinions that differ only weigh in it; 0, or no weights: switched off.
        floor: Boxes below this score are not kept at all, 0 to 1.
        name: Which rule this is, in specs and ledgers.
        version: Of the rule's code; grows when the same parameters give other counts.
    """

    threshold: float = 0.3
    thresholds: Mapping[str, float] = field(default_factory=dict)
    by_style: Mapping[str, float] = field(default_factory=dict)
    margin: float = 0.0
    margin_below: float | None = None
    merge_iou: float = 0.7
    containment: float = 0.9
    group_box_coverage: float = 0.8
    cross_class_iou: float = 0.8
    distractor_score_ratio: float = 1.0
    cut_off: bool = True
    relative_threshold: float = 0.0
    zero_doubt_score: float = 1.0
    max_certain_count: int | None = None
    probability_weights: Mapping[str, float] = field(default_factory=dict)
    min_probability: float = 0.0
    floor: float = 0.05
    name: str = "countcheck"
    version: int = RULE_VERSION

    @property
    def doubts_by_probability(self) -> bool:
        """Whether a fitted probability decides what is uncertain."""
        return self.min_probability > 0 and bool(self.probability_weights)

    def threshold_for(self, noun: str, style: str | None = None) -> float:
        """Give the threshold that holds for a noun in a style, 0 to 1."""
        general = self.by_style.get(style or "", self.threshold)
        if noun not in self.thresholds:
            return general
        moved = general / self.threshold if self.threshold > 0 else 1.0
        return min(self.thresholds[noun] * moved, 1.0)

    @property
    def merges(self) -> bool:
        """Whether overlapping boxes can be one object."""
        switches = (self.merge_iou, self.containment, self.group_box_coverage, self.cross_class_iou)
        return any(switch < 1 for switch in switches)

    @property
    def max_per_noun(self) -> int | None:
        """How many boxes of one noun count at most; ``None``: all."""
        return None

    def judge(
        self, detections: Detections, targets: Sequence[Target], tags: Mapping[str, str], nouns: Iterable[str]
    ) -> tuple[Verdict, Count]:
        """Count ``nouns`` in a picture and compare them with the targets.

        Args:
            detections: What the detector found.
            targets: What was asked for.
            tags: Of the prompt; ``style`` may move thresholds.
            nouns: What to count: every noun of the targets at least.

        Raises:
            KeyError: If a target's noun is unsupported by the detector.
        """
        counted = count(detections, nouns, self, style=tags.get("style"))
        return judge(targets, counted), counted


def count(detections: Detections, nouns: Iterable[str], rule: CountingRule, *, style: str | None = None) -> Count:
    """Count each noun under the rule, with its range over the margin and over the opinions of other views.

    The order of nouns and of boxes changes nothing. Names in the detections that are not asked for are distractors: an
    object that scores better under one of them is not counted.

    >>> import numpy as np
    >>> boxes = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], np.float32)
    >>> scores = np.array([0.9, 0.8, 0.35], np.float32)
    >>> seen = Detections(boxes=boxes, scores=scores, nouns=("pig",) * 3, size=(64, 64))
    >>> counted = count(seen, ["pig", "wolf"], CountingRule(threshold=0.4, margin=0.1))
    >>> counted.counts, counted.high["pig"], counted.uncertain
    ({'pig': 2, 'wolf': 0}, 3, ('pig',))
    """
    wanted = tuple(dict.fromkeys(nouns))
    asked = tuple(noun for noun in wanted if noun not in detections.unsupported)
    candidates = _candidates(detections, rule, style, frozenset(asked))
    kept = candidates.counted(candidates.size, 0.0)
    counts = _tally(asked, candidates, kept)
    low, high = dict(counts), dict(counts)
    readings = candidates.counted_within_margin()
    for reading in (*readings, *candidates.other_readings()):
        for noun, n in _tally(asked, candidates, reading).items():
            low[noun], high[noun] = min(low[noun], n), max(high[noun], n)
    in_doubt = candidates.zero_doubts() if 0 in counts.values() else frozenset()
    doubted = _improbable(detections, counts, rule, style)
    for noun in asked:
        opinions = () if rule.doubts_by_probability else detections.opinions.get(noun, ())
        low[noun], high[noun] = min((low[noun], *opinions)), max((high[noun], *opinions))
        if counts[noun] == 0 and noun in in_doubt:
            high[noun] = max(high[noun], 1)
        large = rule.max_certain_count is not None and counts[noun] > rule.max_certain_count
        if large or noun in doubted:
            low[noun], high[noun] = min(low[noun], max(counts[noun] - 1, 0)), max(high[noun], counts[noun] + 1)
    return Count(
        counts=counts,
        low=low,
        high=high,
        unsupported=detections.unsupported & frozenset(wanted),
        kept=_kept(candidates, kept, counts),
    )


def counted_boxes(
    detections: Detections, nouns: Iterable[str], rule: CountingRule, *, style: str | None = None
) -> tuple[int, ...]:
    """Return which boxes are counted: `Count.kept` of `count`, without the range, in half the time.

    >>> import numpy as np
    >>> boxes = np.array([[0, 0, 10, 10], [20, 0, 30, 10]], np.float32)
    >>> seen = Detections(boxes=boxes, scores=np.array([0.2, 0.8], np.float32), nouns=("pig",) * 2, size=(64, 64))
    >>> counted_boxes(seen, ["pig"], CountingRule(threshold=0.4))
    (1,)
    """
    asked = frozenset([noun for noun in nouns if noun not in detections.unsupported])
    apart = _counted_apart(detections, asked, rule, style)
    if apart is not None:
        return apart
    # Boxes below their thresholds decide nothing of those above.
    candidates = _candidates(detections, rule, style, asked, in_play_only=True)
    return _kept(candidates, candidates.counted(candidates.size, 0.0), asked)


def _counted_apart(
    detections: Detections, nouns: Container[str], rule: CountingRule, style: str | None
) -> tuple[int, ...] | None:
    """Return which boxes are counted where no two of those above their thresholds overlap; ``None`` otherwise."""
    if rule.relative_threshold > 0 or not rule.cut_off or rule.max_per_noun is not None:
        return None
    thresholds = {noun: rule.threshold_for(noun, style) for noun in set(detections.nouns)}
    ratio, floor = rule.distractor_score_ratio, rule.floor
    kept: list[int] = []
    above: list[Box] = []
    boxes = detections.boxes.tolist()
    for i, (score, noun) in enumerate(zip(detections.scores.tolist(), detections.nouns, strict=True)):
        asked = noun in nouns
        score = round(score, 5) if asked else round(score / ratio, 5)
        if score < floor or round(score - thresholds[noun], 9) < 0:
            continue
        x1, y1, x2, y2 = box = boxes[i]
        for left, top, right, bottom in above:
            if left < x2 and x1 < right and top < y2 and y1 < bottom:
                return None
        above.append(box)
        if asked:
            kept.append(i)
    return tuple(kept)


def _kept(candidates: _Candidates, positions: Iterable[int], nouns: Container[str]) -> tuple[int, ...]:
    return tuple(sorted(candidates.index[i] for i in positions if candidates.nouns[i] in nouns))


def stable_margins(
    detections: Detections, nouns: Iterable[str], rule: CountingRule, *, style: str | None = None
) -> dict[str, float]:
    """Give for each noun the widest margin of `STABLE_MARGINS` up to which its count stays the same; 0 where none does.

    Opinions that differ leave no margin. The rule's own doubt is left out.
    """
    nouns = tuple(dict.fromkeys(nouns))
    plain = replace(
        rule,
        margin_below=None,
        zero_doubt_score=1.0,
        max_certain_count=None,
        probability_weights={},
        min_probability=0.0,
    )
    widest = {noun: 0.0 for noun in nouns if noun not in detections.unsupported}
    steady = set(widest)
    for margin in STABLE_MARGINS:
        if steady:
            steady -= set(count(detections, nouns, replace(plain, margin=margin), style=style).uncertain)
            widest.update(dict.fromkeys(steady, margin))
    return widest


def _improbable(
    detections: Detections, counts: Mapping[str, int], rule: CountingRule, style: str | None
) -> frozenset[str]:
    """Nouns whose count is less likely right than the rule demands."""
    if not rule.doubts_by_probability:
        return frozenset()
    # Cards of other releases weigh this; it takes a count for every margin.
    weighs_margin = "stable_margin" in rule.probability_weights
    stable = stable_margins(detections, counts, rule, style=style) if weighs_margin else dict.fromkeys(counts, 0.0)
    return frozenset(
        noun
        for noun, counted in counts.items()
        if probability(
            rule.probability_weights,
            features_of(
                detections,
                noun,
                counted,
                threshold=rule.threshold_for(noun, style),
                relative_threshold=rule.relative_threshold,
                stable_margin=stable[noun],
            ),
        )
        < rule.min_probability
    )


def _tally(nouns: Iterable[str], candidates: _Candidates, kept: Iterable[int]) -> dict[str, int]:
    counts = dict.fromkeys(nouns, 0)
    for i in kept:
        if candidates.nouns[i] in counts:
            counts[candidates.nouns[i]] += 1
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

    rule: CountingRule
    index: Sequence[int]
    nouns: Sequence[str]
    boxes: Sequence[Box]
    excess: Sequence[float]
    thresholds: Mapping[str, float]
    areas: Sequence[float]
    shared: Mapping[tuple[int, int], float]

    @property
    def size(self) -> int:
        """How many boxes reach their thresholds: the first so many."""
        return sum(1 for e in self.excess if e >= 0)

    def sizes(self) -> list[tuple[int, float]]:
        """Every other number of boxes in play within the margin, with the shift of the thresholds that gives it."""
        top, bottom = self.rule.margin, -_below(self.rule)
        least = sum(1 for e in self.excess if e >= top)
        most = sum(1 for e in self.excess if e >= bottom)
        ends = [(least, top), (most, bottom)]
        if not self.shared:  # every box is an object of its own: the ends of the range are enough
            return ends
        # Boxes of equal excess come and go together.
        between = [k for k in range(least + 1, most) if self.excess[k - 1] != self.excess[k]]
        return [end for end in ends if end[0] != self.size or self.rule.relative_threshold] + [
            (k, self.excess[k - 1]) for k in between if k != self.size
        ]

    def counted(self, size: int, shift: float) -> list[int]:
        """Positions of the boxes that count when all thresholds are raised by ``shift``: `chosen`, relative threshold applied."""
        return self._bright(self.chosen(size), shift)

    def counted_within_margin(self) -> list[list[int]]:
        """Positions of the boxes that count at every other threshold within the margin at which that changes."""
        ends = self.sizes()
        chosen = self.sweep({size for size, _ in ends})
        return [self._bright(chosen[size], shift) for size, shift in ends]

    def sweep(self, sizes: Set[int]) -> dict[int, list[int]]:
        """Give what `chosen` gives for several numbers of boxes in play, in one pass over the boxes.

        A box that comes into play changes nothing that was decided of better ones, unless it makes or unmakes a group
        box: only then is everything decided anew.
        """
        if not self.shared or len(sizes) < 2:
            return {size: self.chosen(size) for size in sizes}
        earlier: dict[int, list[int]] = {}
        for i, j in self.shared:
            earlier.setdefault(j, []).append(i)
        results: dict[int, list[int]] = {0: []}
        within: dict[int, list[int]] = {}
        group_boxes: set[int] = set()
        out: set[int] = set()
        for j in range(max(sizes)):
            touched = {whole for i in earlier.get(j, ()) if (whole := self._note_inside(i, j, within)) is not None}
            groups = {whole for whole in touched if self._group_kind(whole, within[whole]) in ("sure", "likely")}
            if groups != touched & group_boxes:
                group_boxes = (group_boxes - touched) | groups
                kept = self._merged(j + 1, {pair: a for pair, a in self.shared.items() if pair[1] <= j}, group_boxes)
                out = set(range(j + 1)).difference(kept)
            elif any(i not in out and self._same(i, j, self.shared[i, j]) for i in earlier.get(j, ())):
                out.add(j)
            if j + 1 in sizes:
                results[j + 1] = [k for k in range(j + 1) if k not in out]
        return results

    def other_readings(self) -> list[list[int]]:
        """Positions of the boxes that count when doubtful group boxes are all groups, and when none is."""
        pairs = {pair: area for pair, area in self.shared.items() if pair[1] < self.size}
        groups = self._groups(pairs)
        if not groups.likely and not groups.possible:
            return []
        every = groups.sure | groups.likely | groups.possible
        return [self._bright(self._merged(self.size, pairs, out), 0.0) for out in (groups.sure, every)]

    def _bright(self, chosen: list[int], shift: float) -> list[int]:
        """Apply the relative threshold, moved with thresholds raised by ``shift``."""
        if self.rule.relative_threshold <= 0:
            return chosen
        least: dict[str, float] = {}
        for i in chosen:  # best first
            if self.nouns[i] not in least:
                threshold = self.thresholds[self.nouns[i]]
                # The share moves with the threshold, in proportion: either may decide the count.
                share = self.rule.relative_threshold * (1 + shift / threshold if threshold > 0 else 1)
                least[self.nouns[i]] = min(share, 1.0) * self._score(i) - 1e-9
        return [i for i in chosen if self._score(i) >= least[self.nouns[i]]]

    def zero_doubts(self) -> frozenset[str]:
        """Nouns of which a box has a score that makes a count of 0 uncertain."""
        if self.rule.zero_doubt_score >= 1:
            return frozenset()
        chosen = self.chosen(len(self.index))
        return frozenset(self.nouns[i] for i in chosen if self._score(i) >= self.rule.zero_doubt_score - 1e-9)

    def _score(self, i: int) -> float:
        return self.excess[i] + self.thresholds[self.nouns[i]]

    def chosen(self, size: int) -> list[int]:
        """Positions of the boxes that count when the first ``size`` are in play."""
        if not self.rule.merges:
            return self._best(size)
        pairs = {pair: area for pair, area in self.shared.items() if pair[1] < size}
        if not pairs:
            return list(range(size))
        groups = self._groups(pairs)
        return self._merged(size, pairs, groups.sure | groups.likely)

    def _merged(self, size: int, pairs: Mapping[tuple[int, int], float], group_boxes: set[int]) -> list[int]:
        """The first ``size`` positions without group boxes and without duplicates of better boxes."""
        out = set(group_boxes)
        for i, j in sorted(pairs, key=lambda pair: (pair[1], pair[0])):
            if i not in out and j not in out and self._same(i, j, pairs[i, j]):
                out.add(j)
        return [i for i in range(size) if i not in out]

    def _best(self, size: int) -> list[int]:
        """The first ``size`` positions, at most the rule's number of each noun."""
        most = self.rule.max_per_noun
        if most is None:
            return list(range(size))
        tally: dict[str, int] = {}
        chosen = []
        for i in range(size):
            tally[self.nouns[i]] = tally.get(self.nouns[i], 0) + 1
            if tally[self.nouns[i]] <= most:
                chosen.append(i)
        return chosen

    def _same(self, i: int, j: int, shared: float) -> bool:
        """Whether two boxes are one object."""
        iou = shared / (self.areas[i] + self.areas[j] - shared)
        if self.nouns[i] != self.nouns[j]:
            return self.rule.cross_class_iou < 1 and iou >= self.rule.cross_class_iou
        if self.rule.merge_iou < 1 and iou >= self.rule.merge_iou:
            return True
        return self.rule.containment < 1 and shared >= self.rule.containment * min(self.areas[i], self.areas[j])

    def _groups(self, pairs: Mapping[tuple[int, int], float]) -> _GroupBoxes:
        """Find the boxes drawn round several others of their noun."""
        groups = _GroupBoxes(sure=set(), likely=set(), possible=set())
        if self.rule.group_box_coverage >= 1:
            return groups
        within: dict[int, list[int]] = {}
        for i, j in pairs:
            self._note_inside(i, j, within)
        for whole, parts in within.items():
            match self._group_kind(whole, parts):
                case "sure":
                    groups.sure.add(whole)
                case "likely":
                    groups.likely.add(whole)
                case "possible":
                    groups.possible.add(whole)
        return groups

    def _note_inside(self, i: int, j: int, within: dict[int, list[int]]) -> int | None:
        """Note which of two boxes that overlap lies inside the other, if one does; the position of the outer one."""
        if self.nouns[i] != self.nouns[j]:
            return None
        small, large = (i, j) if self.areas[i] < self.areas[j] else (j, i)
        if self.shared[i, j] < 0.8 * self.areas[small] or self.areas[small] > 0.7 * self.areas[large]:
            return None
        within.setdefault(large, []).append(small)
        return large

    def _distinct(self, parts: list[int]) -> list[int]:
        """Those of some boxes that are no duplicates of better ones."""
        apart: list[int] = []
        for part in sorted(parts):  # positions: best first
            pairs = (_ordered(part, other) for other in apart)
            if not any(self._same(*pair, self.shared.get(pair, 0.0)) for pair in pairs):
                apart.append(part)
        return apart

    def _group_kind(self, whole: int, inside: list[int]) -> str:
        """Decide whether a box with others inside is a group box, by what is inside it and not by its score.

        Returns:
            ``sure``, ``likely`` or ``possible``, see `_GroupBoxes`; empty for one object.
        """
        if len(inside) < 2 or self.rule.group_box_coverage >= 1:
            return ""
        parts = self._distinct(inside)
        if len(parts) < 2:
            return ""
        fill = sum(self.shared[_ordered(part, whole)] for part in parts)
        fill -= sum(self.shared.get(_ordered(a, b), 0.0) for a, b in combinations(parts, 2))
        if fill >= self.rule.group_box_coverage * self.areas[whole]:
            return "sure"
        sizes = [self.areas[part] for part in parts]
        if self.rule.version < 3 or max(sizes) > _GROUP_SIZES * min(sizes):
            return ""
        extent = _extent_iou(self.boxes[whole], [self.boxes[part] for part in parts])
        if extent >= _GROUP_EXTENT:
            return "likely"
        return "possible" if extent >= _DOUBTFUL_EXTENT else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _GroupBoxes:
    """Positions of boxes drawn round several others of their noun.

    Attributes:
        sure: Those that the others fill.
        likely: Those whose extent is that of the others: they do not count, but leave doubt.
        possible: Those that may be one large object: the best score decides, and leaves doubt.
    """

    sure: set[int]
    likely: set[int]
    possible: set[int]


def _extent_iou(whole: Box, parts: Sequence[Box]) -> float:
    """IoU of a box with the smallest box round some others, 0 to 1."""
    x1, y1 = min(part[0] for part in parts), min(part[1] for part in parts)
    x2, y2 = max(part[2] for part in parts), max(part[3] for part in parts)
    wide = min(whole[2], x2) - max(whole[0], x1)
    tall = min(whole[3], y2) - max(whole[1], y1)
    shared = max(wide, 0.0) * max(tall, 0.0)
    joined = (whole[2] - whole[0]) * (whole[3] - whole[1]) + (x2 - x1) * (y2 - y1) - shared
    return shared / joined if joined > 0 else 0.0


def _below(rule: CountingRule) -> float:
    return rule.margin if rule.margin_below is None else rule.margin_below


def _candidates(
    detections: Detections,
    rule: CountingRule,
    style: str | None,
    asked: frozenset[str],
    *,
    in_play_only: bool = False,
) -> _Candidates:
    thresholds = {noun: rule.threshold_for(noun, style) for noun in set(detections.nouns)}
    below, doubt = (0.0, 1.0) if in_play_only else (_below(rule), rule.zero_doubt_score)
    least = {noun: max(rule.floor, min(threshold - below, doubt) - 1e-9) for noun, threshold in thresholds.items()}
    ratio = rule.distractor_score_ratio
    wide, tall = detections.size
    rows = []
    boxes = detections.boxes.tolist()
    # Five decimals, as the ledger keeps them: a recount never differs from the count.
    for i, (score, noun) in enumerate(zip(detections.scores.tolist(), detections.nouns, strict=True)):
        score = round(score, 5) if noun in asked else round(score / ratio, 5)
        # A distractor further below its threshold than every box in play cannot beat one: one cut serves all nouns.
        if score >= least[noun]:
            rows.append((thresholds[noun] - score, noun, boxes[i], i))
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
        shared=_shared(boxes) if rule.merges else {},
    )


def _cut(box: Box, wide: int, tall: int) -> bool:
    return box[0] <= 0.005 * wide or box[1] <= 0.005 * tall or box[2] >= 0.995 * wide or box[3] >= 0.995 * tall


def _shared(boxes: Sequence[Box]) -> dict[tuple[int, int], float]:
    """Find every pair that overlaps, with its shared area. Swept from left to right: most boxes meet few others."""
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
