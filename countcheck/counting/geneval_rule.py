"""GenEval's own rule (Ghosh et al. 2023) on stored detections, so that old and new numbers stand side by side.

Boxes strictly above 0.3 count, above 0.9 for its counting task; the best 16 of a class; no merging. Include clauses must
all hold and no exclude clause may. Colours are those that the colour check named; without it, a picture on which
everything else is right is undecided. Pure.

Compared with GenEval's own program: scores have the five decimals and boxes the two of the ledger, so that a score of
0.300004 does not count; places are computed in double precision; and where a thing lies in two directions, the reason
names them in one order (GenEval's order is that of a set). No verdict depends on the last two but at a tie.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from countcheck.counting.counts import Count
from countcheck.counting.rule import CountingRule
from countcheck.counting.verdict import Kind, Verdict, judge
from countcheck.detectors.base import Detections
from countcheck.detectors.common.colours import COLOURS
from countcheck.suites.suite import Relation, Target

THRESHOLD = 0.3
COUNTING_THRESHOLD = 0.9
MAX_PER_CLASS = 16
POSITION_MARGIN = 0.1  # share of both sizes by which two centres must be apart


@dataclass(frozen=True, slots=True, kw_only=True)
class GenevalRule(CountingRule):
    """GenEval's rule under the parameters of the counter's own, which it ignores when it judges.

    Its plain count, of pictures without GenEval's clauses, takes the 16 best boxes of a noun at or above ``threshold``
    and merges none.
    """

    name: str = "geneval"

    @property
    def merges(self) -> bool:
        """Never: GenEval counts every box."""
        return False

    @property
    def max_per_noun(self) -> int | None:
        """The 16 best boxes of a class."""
        return MAX_PER_CLASS

    def judge(
        self, detections: Detections, targets: Sequence[Target], tags: Mapping[str, str], nouns: Iterable[str]
    ) -> tuple[Verdict, Count]:
        """Judge as GenEval does; see `verdict_of`. Only the nouns of the targets are counted."""
        verdict, counts = verdict_of(detections, "", targets, tags)
        return verdict, Count(counts=counts, low=counts, high=counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class GenevalVerdict:
    """GenEval's verdict on one picture.

    Attributes:
        correct: ``None`` when only colours, which were not checked, could still decide it.
        reason: Its sentences, one a line; empty when correct.
        details: Class to boxes as (x1, y1, x2, y2, score), best first; what it counted.
    """

    correct: bool | None
    reason: str
    details: Mapping[str, Sequence[Sequence[float]]]


def judge_geneval(found: Detections, metadata: Mapping[str, Any]) -> GenevalVerdict:
    """Judge a picture by one line of GenEval's metadata file.

    Args:
        found: Detections under GenEval's class names, with colours where they were classified.
        metadata: ``tag``, ``include`` and ``exclude``: clauses with ``class`` and ``count``, perhaps ``color`` and
            ``position`` (a relation, and the index of the include clause it is relative to).
    """
    index = _judged_boxes(found, COUNTING_THRESHOLD if metadata.get("tag") == "counting" else THRESHOLD)
    objects = {
        noun: [[*map(float, found.boxes[i]), float(found.scores[i])] for i in boxes] for noun, boxes in index.items()
    }
    reasons: list[str] = []
    groups: list[list[list[float]] | None] = []
    unchecked = False
    for clause in metadata.get("include", []):
        wanted = int(clause["count"])
        boxes = objects.get(clause["class"], [])[:wanted]
        if len(boxes) < wanted:
            reasons.append(f"expected {clause['class']}>={wanted}, found {len(boxes)}")
            groups.append(None)
            continue
        wrong = ""
        if "color" in clause:
            colours = [found.colours[i] if found.colours else "" for i in index[clause["class"]][:wanted]]
            unchecked = unchecked or not all(colours)
            wrong = _miscoloured(clause, colours) if all(colours) else ""
        if not wrong and "position" in clause:
            wrong = _misplaced(clause, boxes, groups)
        if wrong:
            reasons.append(wrong)
        groups.append(None if wrong else boxes)
    for clause in metadata.get("exclude", []):
        number = len(objects.get(clause["class"], []))
        if number >= int(clause["count"]):
            reasons.append(f"expected {clause['class']}<{clause['count']}, found {number}")
    undecided = unchecked and not reasons
    return GenevalVerdict(
        correct=None if undecided else not reasons,
        reason="colours were not checked" if undecided else "\n".join(reasons),
        details=objects,
    )


def _judged_boxes(found: Detections, threshold: float) -> dict[str, list[int]]:
    """List the boxes that count, by class, best first; equal scores in reverse order, as GenEval sorts them."""
    objects: dict[str, list[int]] = {}
    for noun in dict.fromkeys(found.nouns):
        index = np.array([i for i, name in enumerate(found.nouns) if name == noun])
        order = index[np.argsort(found.scores[index], kind="stable")[::-1]]
        kept = [int(i) for i in order if found.scores[i] > np.float32(threshold)][:MAX_PER_CLASS]
        if kept:
            objects[noun] = kept
    return objects


def _miscoloured(clause: Mapping[str, Any], colours: Sequence[str]) -> str:
    """What is wrong with the colours of the objects of a clause; empty when enough have the one asked for."""
    wanted, noun, number = clause["color"], clause["class"], int(clause["count"])
    if colours.count(wanted) >= number:
        return ""
    seen = ", ".join(f"{colours.count(colour)} {colour}" for colour in COLOURS if colour in colours)
    return f"expected {wanted} {noun}>={number}, found {colours.count(wanted)} {wanted}; and {seen}"


def _misplaced(clause: Mapping[str, Any], boxes: list[list[float]], groups: list[list[list[float]] | None]) -> str:
    relation, target = clause["position"]
    others = groups[target]
    if others is None:
        return f"no target for {clause['class']} to be {relation}"
    for box in boxes:
        for other in others:
            seen = relations(box[:4], other[:4])
            if relation not in seen:
                return f"expected {clause['class']} {relation} target, found {' and '.join(seen)} target"
    return ""


def relations(box: Sequence[float], other: Sequence[float]) -> tuple[str, ...]:
    """Say where a box lies relative to another: of "left of", "right of", "above", "below" those that hold.

    Boxes are (x1, y1, x2, y2), origin at the top left. Centres nearer than a tenth of both sizes are in line.
    """
    offset = [(box[k] + box[k + 2] - other[k] - other[k + 2]) / 2 for k in (0, 1)]
    size = [abs(box[k + 2] - box[k]) + abs(other[k + 2] - other[k]) for k in (0, 1)]
    apart = [float(np.sign(o)) * max(abs(o) - POSITION_MARGIN * s, 0.0) for o, s in zip(offset, size, strict=True)]
    if all(abs(a) < 1e-3 for a in apart):
        return ()
    length = float(np.hypot(offset[0], offset[1]))
    dx, dy = apart[0] / length, apart[1] / length
    named = (("left of", dx < -0.5), ("right of", dx > 0.5), ("above", dy < -0.5), ("below", dy > 0.5))
    return tuple(name for name, holds in named if holds)


def metadata_of(text: str, targets: Sequence[Target], tags: Mapping[str, str]) -> dict[str, Any] | None:
    """Write a prompt as a line of GenEval's metadata file; ``None`` for what its clauses cannot say."""
    include: list[dict[str, Any]] = []
    exclude: list[dict[str, Any]] = []
    for target in targets:
        match target.relation:
            case Relation.EXACTLY | Relation.AT_LEAST | Relation.BETWEEN:
                clause: dict[str, Any] = {"class": target.noun, "count": target.count or 0}
                colour = target.words.removesuffix(target.noun).strip()
                if "colour" in tags and colour and colour in tags["colour"].split(", "):
                    clause["color"] = colour
                include.append(clause)
            case Relation.MORE_THAN | Relation.AS_MANY_AS:
                return None
        most = {
            Relation.EXACTLY: target.count,
            Relation.BETWEEN: target.upper,
            Relation.AT_MOST: target.count,
            Relation.NONE: 0,
        }.get(target.relation)
        if most is not None:
            exclude.append({"class": target.noun, "count": most + 1})
    if "position" in tags and len(include) > 1:
        include[-1]["position"] = [tags["position"], 0]
    metadata: dict[str, Any] = {"tag": tags.get("task", "counting"), "include": include}
    if exclude:
        metadata["exclude"] = exclude
    return {**metadata, "prompt": text}


def verdict_of(
    found: Detections, text: str, targets: Sequence[Target], tags: Mapping[str, str]
) -> tuple[Verdict, dict[str, int]]:
    """Judge a picture as GenEval does, in the words of `countcheck.counting.verdict`; with the numbers it counted.

    Exact when correct; over, under or missing when its counts say so; mixed when only a position is wrong; uncertain
    when only colours could decide.
    """
    metadata = metadata_of(text, targets, tags)
    threshold = COUNTING_THRESHOLD if tags.get("task", "counting") == "counting" else THRESHOLD
    objects = _judged_boxes(found, threshold)
    counts = {noun: len(objects.get(noun, [])) for target in targets for noun in target.nouns}
    plain = judge(targets, Count(counts=counts, low=counts, high=counts))
    if metadata is None:
        return plain, counts
    geneval = judge_geneval(found, metadata)
    if geneval.correct:
        return Verdict(kind=Kind.EXACT, leaning=Kind.EXACT, reason=plain.reason), counts
    if geneval.correct is None:
        return Verdict(kind=Kind.UNCERTAIN, leaning=Kind.EXACT, reason=geneval.reason), counts
    kind = Kind.MIXED if plain.kind is Kind.EXACT else plain.kind
    return Verdict(kind=kind, leaning=kind, reason=geneval.reason.replace("\n", "; ")), counts
