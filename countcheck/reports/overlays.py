"""The boxes of a run's pictures, ready to be drawn over them: which the rule counted, and which were near misses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from countcheck.counting.rule import CountingRule, counted_boxes
from countcheck.counting.rule_settings import rule_of_record
from countcheck.errors import BadInput
from countcheck.images.decode import read_picture
from countcheck.reports.draw_boxes import DrawnBox, draw_boxes, drawn_corners
from countcheck.reports.safe_text import visible

if TYPE_CHECKING:
    from countcheck.detectors.base import Detections
    from countcheck.storage.rows import ResultRow
    from countcheck.storage.run_folder import RunFolder


_AT_A_TIME = 1000  # rows


class Box(NamedTuple):
    """One detection: a tuple, since a report has millions.

    Attributes:
        score: 0 to 1.
        left, top, right, bottom: In pixels of the picture, to a tenth.
        counted: Whether the rule counted it.
    """

    noun: str
    score: float
    left: float
    top: float
    right: float
    bottom: float
    counted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """The boxes of one picture, whose width and height in pixels are ``size``."""

    size: tuple[int, int]
    boxes: tuple[Box, ...]


def rule_of(run: RunFolder) -> CountingRule:
    """Return the counting rule of the run's current verdicts."""
    return rule_of_record(run.info.counter.rule)


def overlays_of(run: RunFolder, rows: Iterable[ResultRow]) -> dict[tuple[str, int], Overlay]:
    """Return the boxes of each counted picture by (key, turn).

    Those far below the threshold are left out, and those of bare numbers, which have no place.
    """
    rule = rule_of(run)
    overlays: dict[tuple[str, int], Overlay] = {}
    left = (row for row in rows if row.outcome == "picture")
    while part := list(islice(left, _AT_A_TIME)):
        wanted = {(row.key, row.turn): row for row in part}
        found = run.detections(list(dict.fromkeys(row.key for row in part)))
        here = [(wanted[key, turn], seen) for key, turn, seen in found if (key, turn) in wanted]
        overlays |= {
            (row.key, row.turn): overlay for (row, _), overlay in zip(here, _overlays(here, rule), strict=True)
        }
    return overlays


def _overlays(found: Sequence[tuple[ResultRow, Detections]], rule: CountingRule) -> Iterator[Overlay]:
    """Yield the boxes of some pictures; the numbers of all of them are rounded at once."""
    pictures = [detections for _, detections in found]
    none = np.zeros((0, 4), np.float32)
    corners = np.concatenate([none, *(detections.boxes for detections in pictures)]).astype(np.float64)
    scores = np.concatenate([none[:, 0], *(detections.scores for detections in pictures)]).astype(np.float64)
    sizes = [detections.size for detections in pictures for _ in detections.nouns]
    for point in np.flatnonzero((corners[:, :2] == corners[:, 2:]).all(axis=1)).tolist():
        corners[point] = drawn_corners(corners[point].tolist(), sizes[point])
    numbered = zip(scores.round(3).tolist(), corners.round(1).tolist(), strict=True)
    for row, detections in found:
        boxes = _boxes(detections, row, rule, list(islice(numbered, len(detections.nouns))))
        yield Overlay(size=detections.size, boxes=boxes)


def _boxes(
    detections: Detections, row: ResultRow, rule: CountingRule, rounded: Sequence[tuple[float, Sequence[float]]]
) -> tuple[Box, ...]:
    """Choose the boxes to show, given each one's score and corners as they are shown."""
    nouns = dict.fromkeys([noun for target in row.targets for noun in target.nouns])
    style = row.tags.get("style")
    counted = counted_boxes(detections, nouns, rule, style=style)
    least = {noun: rule.threshold_for(noun, style) - max(rule.margin, 0.1) for noun in nouns}
    boxes = []
    of_each = zip(detections.nouns, detections.scores.tolist(), rounded, strict=True)
    for index, (noun, score, (shown, edges)) in enumerate(of_each):
        near = noun in least and score >= least[noun]
        if noun not in detections.not_auditable and (near or index in counted):
            left, top, right, bottom = edges
            boxes.append(Box(noun, shown, left, top, right, bottom, index in counted))
    return tuple(boxes)


def write_annotated(run: RunFolder, folder: Path) -> int:
    """Write a copy of every counted picture with its boxes, one folder a verdict; return how many were written.

    Pictures that are missing or damaged are left out.

    Raises:
        BadInput: When the folder cannot be written.
    """
    rows = (row for row in run.iter_rows() if row.outcome == "picture")
    written = 0
    while part := list(islice(rows, _AT_A_TIME)):
        overlays = overlays_of(run, part)
        written += sum(_write_annotated(run, row, overlays.get((row.key, row.turn)), folder) for row in part)
    return written


def _write_annotated(run: RunFolder, row: ResultRow, overlay: Overlay | None, folder: Path) -> bool:
    """Write the copy of one picture; whether it could be read."""
    path = run.pictures.find(row)
    if path is None:
        return False
    try:
        image = read_picture(path)
    except BadInput:
        return False
    boxes = [_drawn(box) for box in (overlay.boxes if overlay else ())]
    target = folder / str(row.verdict or "unjudged") / f"{path.stem}.png"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draw_boxes(image, boxes, f"{row.verdict or ''}: {row.reason}").save(target)
    except OSError as error:
        raise BadInput(f"{target} cannot be written ({error.strerror or error}). Name another folder.") from error
    return True


def _drawn(box: Box) -> DrawnBox:
    return DrawnBox(
        noun=box.noun,
        corners=(box.left, box.top, box.right, box.bottom),
        text=f"{visible(box.noun, 24)} {box.score:.2f}" if box.counted else "",
        counted=box.counted,
    )
