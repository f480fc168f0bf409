"""What goes into a run's ledger and what comes out of it, as records; columns and JSON on the other side.

Nothing here opens a file: `countcheck.storage.run_folder` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from countcheck.counting.verdict import Kind
from countcheck.credentials import sound
from countcheck.detectors.base import Detections
from countcheck.storage.rows import ResultRow
from countcheck.suites.suite import Conversation, Prompt, Relation, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecord:
    """One outcome with all that was found out about it, ready to be written in one transaction.

    Attributes:
        picture: Path inside the run folder of the file already safely written; empty when there is none.
        detail: Of a refusal its reason, category, code, words, stage, request id; of a failure its fault and message;
            of a picture the words beside it. Attempts and anything else worth keeping; plain JSON.
        counted: Noun to (number, low, high).
        closes: Nothing more of this sample is owed after this entry.
    """

    key: str
    outcome: str
    text: str
    turn: int = 0
    script: int = 0
    repair: int = 0
    picture: str = ""
    digest: str = ""
    seconds: float = 0.0
    cost: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    detections: Detections | None = None
    verdict: Kind | None = None
    leaning: Kind | None = None
    reason: str = ""
    counted: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    closes: bool = True

    def __post_init__(self) -> None:
        for name in ("text", "reason", "detail"):
            object.__setattr__(self, name, sound(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict on a stored picture, as a recount writes it; fields as in `OutcomeRecord`."""

    key: str
    turn: int
    verdict: Kind
    leaning: Kind
    reason: str
    counted: Mapping[str, tuple[int, int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all rows of one prompt (or one turn of a conversation) share."""

    text: str
    targets: tuple[Target, ...]
    tags: Mapping[str, str]
    group: str | None
    benign: bool
    conversation: bool
    asked: Mapping[str, int]

    @classmethod
    def of(cls, asked: Prompt | Conversation, script: int) -> Shared:
        """From a prompt, or from turn ``script`` of a conversation."""
        if isinstance(asked, Prompt):
            text, targets, tags = asked.text, asked.targets, asked.tags
        else:
            turn = asked.turns[min(script, len(asked.turns) - 1)]
            text, targets, tags = turn.say, turn.targets, {**asked.tags, **turn.tags}
        numbers = {t.noun: t.count for t in targets if t.count is not None and t.relation is not Relation.MORE_THAN}
        return cls(
            text=text,
            targets=targets,
            tags=tags,
            group=asked.group,
            benign=asked.benign,
            conversation=isinstance(asked, Conversation),
            asked=numbers,
        )


def verdict_row(row: Any, asked: Shared) -> ResultRow:
    """A joined ledger row as statistics, reports and exports see it."""
    outcome = row.outcome or "missing"
    detail = orjson.loads(row.detail) if row.detail else {}
    numbers = orjson.loads(row.counted) if row.counted else {}
    return ResultRow(
        key=row.key,
        generator=row.generator,
        prompt_id=row.prompt_id,
        repeat=row.repeat,
        seed=row.seed,
        text=asked.text if row.text is None else row.text,
        outcome=outcome,
        turn=row.turn or 0,
        script=row.script or 0,
        repair=row.repair or 0,
        refusal=detail.pop("reason", None) if outcome == "refusal" else None,
        category=detail.pop("category", ""),
        code=detail.pop("code", ""),
        words=detail.pop("words", ""),
        stage=detail.pop("stage", ""),
        failure=detail.pop("fault", None) if outcome == "failure" else None,
        message=detail.pop("message", ""),
        verdict=Kind(row.verdict) if row.verdict else None,
        leaning=Kind(row.leaning) if row.leaning else None,
        reason=row.reason or "",
        asked=asked.asked,
        counted={noun: values[0] for noun, values in numbers.items()},
        low={noun: values[1] for noun, values in numbers.items()},
        high={noun: values[2] for noun, values in numbers.items()},
        targets=asked.targets,
        picture=row.picture or "",
        seconds=row.seconds or 0.0,
        cost=row.cost,
        claims=bool(detail.pop("claims", False)),
        conversation=asked.conversation,
        tags=asked.tags,
        group=asked.group,
        benign=asked.benign,
        rewritten=detail.pop("rewritten", ""),
        extra=detail,
    )


def judged_columns(one: OutcomeRecord | Judged, counting: int) -> dict[str, Any]:
    """The verdict's columns."""
    return {
        "key": one.key,
        "turn": one.turn,
        "counting": counting,
        "verdict": None if one.verdict is None else str(one.verdict),
        "leaning": None if one.leaning is None else str(one.leaning),
        "reason": one.reason,
        "counted": orjson.dumps(dict(one.counted)).decode(),
    }


def packed(key: str, turn: int, counting: int, found: Detections) -> dict[str, Any]:
    """The detections' columns: scores to five decimals, boxes to hundredths of a pixel."""
    body = {
        "size": list(found.size),
        "nouns": list(found.nouns),
        "scores": [round(float(s), 5) for s in found.scores],
        "boxes": [[round(float(v), 2) for v in box] for box in found.boxes],
    }
    if found.unsupported:
        body["unsupported"] = sorted(found.unsupported)
    if found.opinions:
        body["opinions"] = {noun: list(numbers) for noun, numbers in found.opinions.items()}
    return {"key": key, "turn": turn, "counting": counting, "body": orjson.dumps(body)}


def unpacked(body: bytes) -> Detections:
    """The detections that `packed` put away."""
    read = orjson.loads(body)
    return Detections(
        boxes=np.array(read["boxes"], np.float32).reshape(-1, 4),
        scores=np.array(read["scores"], np.float32),
        nouns=tuple(read["nouns"]),
        size=(read["size"][0], read["size"][1]),
        unsupported=frozenset(read.get("unsupported", ())),
        opinions={noun: tuple(numbers) for noun, numbers in read.get("opinions", {}).items()},
    )


def plain(value: object) -> object:
    """For orjson: what it cannot write, as something it can."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, np.generic):
        return value.item()
    return str(value)


def as_stored(value: object) -> Any:
    """A value as it comes back out of the ledger's JSON."""
    return orjson.loads(orjson.dumps(value, default=plain))
