"""Judge one picture: detections and targets in, numbers and a verdict out. Runs and library calls share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from countcheck.counting.counter import Counter
from countcheck.counting.counts import Count
from countcheck.counting.verdict import Kind, Verdict
from countcheck.detectors.base import Detections
from countcheck.suites.suite import Noun, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPicture:
    """What was found in one picture, and what it means.

    Attributes:
        detections: What the detector found.
        verdict: ``None`` when nothing countable was asked for.
        count: The number of each noun asked for.
    """

    detections: Detections
    verdict: Verdict | None
    count: Count

    @property
    def counted(self) -> dict[str, tuple[int, int, int]]:
        """Noun to number, lowest and highest number within the margin."""
        return {noun: (n, self.count.low[noun], self.count.high[noun]) for noun, n in self.count.counts.items()}


def judge_detections(
    counter: Counter,
    detections: Detections,
    targets: Sequence[Target],
    tags: Mapping[str, str],
    nouns: Sequence[Noun],
) -> JudgedPicture:
    """Count what a detector found in one picture, and judge it by what had to hold there.

    A picture in which the counter gave a noun no number, as a vision-language model may, is uncertain. Where it gave a
    bare number, which cannot be drawn, the reason says so.

    Args:
        counter: Its rule counts and judges.
        detections: Of one picture, under the suite's nouns.
        targets: What had to hold; empty when nothing was to be counted.
        tags: The prompt's; ``style`` selects thresholds.
        nouns: The suite's nouns, those of the targets among them.
    """
    asked = dict.fromkeys(noun for target in targets for noun in target.nouns)
    unknown = [noun for noun in asked if noun in detections.unsupported]
    wanted = [noun for noun in nouns if noun.name in asked]
    if targets and not unknown:
        verdict, count = counter.judge(detections, targets, tags, wanted)
        unseen = [noun for noun in asked if noun in detections.not_auditable]
        if unseen:
            verdict = replace(verdict, reason=f"{verdict.reason}; not auditable: a bare number for {', '.join(unseen)}")
        return JudgedPicture(detections=detections, verdict=verdict, count=count)
    count = counter.count(detections, wanted, tags.get("style"))
    return JudgedPicture(detections=detections, verdict=_unknown(unknown) if unknown else None, count=count)


def _unknown(nouns: Sequence[str]) -> Verdict:
    reason = f"the counter gave no number for {', '.join(nouns)}"
    return Verdict(kind=Kind.UNCERTAIN, leaning=Kind.UNCERTAIN, reason=reason)
