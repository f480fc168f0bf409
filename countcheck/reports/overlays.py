"""The boxes of a run's pictures, ready to be drawn over them: which the rule counted, and which were near misses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from countcheck.counting.rule import CountingRule, count
from countcheck.counting.rule_settings import rule_of_record
from countcheck.errors import BadInput
from countcheck.images.decode import read_picture
from countcheck.reports.draw_boxes import DrawnBox, draw_boxes, drawn_corners
from countcheck.reports.safe_text import visible

if TYPE_CHECKING:
    from countcheck.detectors.base import Detections
    from countcheck.storage.rows import ResultRow
    from countcheck.storage.run_folder import RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One detection.

    Attributes:
        score: 0 to 1.
        left, top, width, height: Shares of the picture, 0 to 1.
        counted: Whether the rule counted it.
    """

    noun: str
    score: float
    left: float
    top: float
    width: float
    height: float
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
    wanted = {(row.key, row.turn): row for row in rows if row.outcome == "picture"}
    rule = rule_of(run)
    overlays = {}
    for key, turn, detections in run.detections():
        row = wanted.get((key, turn))
        if row is not None:
            overlays[key, turn] = Overlay(size=detections.size, boxes=_boxes(detections, row, rule))
    return overlays


def _boxes(detections: Detections, row: ResultRow, rule: CountingRule) -> tuple[Box, ...]:
    nouns = dict.fromkeys(noun for target in row.targets for noun in target.nouns)
    style = row.tags.get("style")
    counted = set(count(detections, nouns, rule, style=style).kept)
    width, height = max(detections.size[0], 1), max(detections.size[1], 1)
    boxes = []
    for index, (noun, score) in enumerate(zip(detections.nouns, detections.scores.tolist(), strict=True)):
        near = score >= rule.threshold_for(noun, style) - max(rule.margin, 0.1)
        if noun in detections.not_auditable or (index not in counted and not (near and noun in nouns)):
            continue
        x1, y1, x2, y2 = drawn_corners(detections.boxes[index].tolist(), detections.size)
        left, top = _share(x1, width), _share(y1, height)
        boxes.append(
            Box(
                noun=noun,
                score=round(score, 3),
                left=left,
                top=top,
                width=round(_share(x2, width) - left, 4),
                height=round(_share(y2, height) - top, 4),
                counted=index in counted,
            )
        )
    return tuple(boxes)


def _share(value: float, whole: int) -> float:
    return round(min(max(value / whole, 0.0), 1.0), 4)


def write_annotated(run: RunFolder, folder: Path) -> int:
    """Write a copy of every counted picture with its boxes, one folder a verdict; return how many were written.

    Pictures that are missing or damaged are left out.

    Raises:
        BadInput: When the folder cannot be written.
    """
    rows = [row for row in run.rows() if row.outcome == "picture"]
    overlays = overlays_of(run, rows)
    written = 0
    for row in rows:
        path = run.pictures.find(row)
        if path is None:
            continue
        try:
            image = read_picture(path)
        except BadInput:
            continue
        width, height = image.size
        overlay = overlays.get((row.key, row.turn))
        boxes = [_drawn(box, width, height) for box in (overlay.boxes if overlay else ())]
        target = folder / str(row.verdict or "unjudged") / f"{path.stem}.png"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            draw_boxes(image, boxes, f"{row.verdict or ''}: {row.reason}").save(target)
        except OSError as error:
            raise BadInput(f"{target} cannot be written ({error.strerror or error}). Name another folder.") from error
        written += 1
    return written


def _drawn(box: Box, width: int, height: int) -> DrawnBox:
    left, top = box.left * width, box.top * height
    return DrawnBox(
        noun=box.noun,
        corners=(left, top, left + box.width * width, top + box.height * height),
        text=f"{visible(box.noun, 24)} {box.score:.2f}" if box.counted else "",
        counted=box.counted,
    )
