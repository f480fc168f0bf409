"""What is written into a run's ledger, as records. Nothing here opens a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from countcheck.counting.verdict import Kind
from countcheck.credentials import sound
from countcheck.detectors.base import Detections


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecord:
    """One outcome with everything known of it, ready to be written in one transaction.

    Attributes:
        key, turn: Which sample, and which turn of its conversation, from 0.
        outcome: ``picture``, ``refusal`` or ``failure``.
        text: What was asked.
        script: Which turn of the suite's conversation it belongs to, from 0; 0 for a prompt.
        repair: 0 for the turn as scripted, 1 for the first repair asked for after it, and so on.
        picture: Path inside the run folder of the file already safely written; empty when there is none.
        digest: SHA-256 of the picture file, 64 hex digits; empty when there is none.
        bytes: Size of the picture file; ``None`` when there is none, or it is not known.
        seconds: Time the outcome took, 0 or more.
        cost: USD; ``None`` when unknown.
        detail: Of a refusal its reason, category, code, words, stage, request id; of a failure its fault and message;
            of a picture the words beside it. Attempts and anything else worth keeping; plain JSON.
        detections: What the detector found in the picture; ``None`` when it was not counted.
        verdict, leaning, reason: The verdict, what the counts alone say, and the verdict's sentence.
        counted: Noun to (number, low, high), each 0 or more; the number is a half where people's median is one.
        closes: Whether the sample is complete after this entry.
    """

    key: str
    outcome: str
    text: str
    turn: int = 0
    script: int = 0
    repair: int = 0
    picture: str = ""
    digest: str = ""
    bytes: int | None = None
    seconds: float = 0.0
    cost: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    detections: Detections | None = None
    verdict: Kind | None = None
    leaning: Kind | None = None
    reason: str = ""
    counted: Mapping[str, tuple[float, int, int]] = field(default_factory=dict)
    closes: bool = True

    def __post_init__(self) -> None:
        for name in ("text", "reason", "detail"):
            object.__setattr__(self, name, sound(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRecord:
    """A verdict on a stored picture, as a recount writes it; fields as in `OutcomeRecord`."""

    key: str
    turn: int
    verdict: Kind
    leaning: Kind
    reason: str
    counted: Mapping[str, tuple[float, int, int]]
