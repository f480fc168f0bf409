"""Labelled counts: what people counted beside what the detector found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from countcheck.calibration.agreed_labels import agreed_counts
from countcheck.counting.rule import CountingRule, count
from countcheck.detectors.base import Detections
from countcheck.storage.rows import Label, ResultRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One noun of one picture that people counted.

    Attributes:
        row: Of the picture.
        detections: What the detector found in it.
        noun: What was counted.
        truth: The number that people agree on, 0 or more; see `countcheck.calibration.agreed_labels`.
    """

    row: ResultRow
    detections: Detections
    noun: str
    truth: int

    @property
    def style(self) -> str:
        """The value of the tag ``style``; empty when the prompt has none."""
        return self.row.tags.get("style", "")

    @property
    def nouns(self) -> tuple[str, ...]:
        """The noun, then the others that the picture was counted for."""
        return (self.noun, *(noun for noun in self.row.counted if noun != self.noun))

    def counted(self, rule: CountingRule) -> int:
        """Count the noun under a rule."""
        return count(self.detections, self.nouns, rule, style=self.style).counts[self.noun]

    def certain(self, rule: CountingRule) -> bool:
        """Say whether the number stays the same within the rule's margin."""
        return self.noun not in count(self.detections, self.nouns, rule, style=self.style).uncertain


def examples_of(
    rows: Iterable[ResultRow], detections: Iterable[tuple[str, int, Detections]], labels: Sequence[Label]
) -> list[Example]:
    """Join labels with detections: one example for every labelled noun that the counter knows."""
    agreed = agreed_counts(labels)
    row_of = {(row.key, row.turn): row for row in rows if row.outcome == "picture"}
    examples = []
    for key, turn, picture in detections:
        row = row_of.get((key, turn))
        if row is None or (key, turn) not in agreed:
            continue
        for noun, truth in sorted(agreed[key, turn].items()):
            if noun not in picture.unsupported:
                examples.append(Example(row=row, detections=picture, noun=noun, truth=truth))
    examples.sort(key=lambda example: (example.row.prompt_id, example.row.key, example.row.turn, example.noun))
    return examples
