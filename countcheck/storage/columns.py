"""Between records and the ledger's columns: what a record is written as, and what rows are read back as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson

from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.storage.records import OutcomeRecord, VerdictRecord
from countcheck.storage.rows import ResultRow
from countcheck.storage.stored_json import to_text
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Conversation, Prompt, Relation, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFields:
    """What all rows of one prompt, or of one scripted turn of a conversation, have in common."""

    text: str
    targets: tuple[Target, ...]
    tags: Mapping[str, str]
    group: str | None
    benign: bool
    conversation: bool
    asked: Mapping[str, int]

    @classmethod
    def of(cls, asked: Prompt | Conversation, script: int) -> PromptFields:
        """Read them from a prompt, or from turn ``script`` of a conversation."""
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


# -- rows read -----------------------------------------------------------------------------------------------------


def result_row(row: Any, asked: PromptFields) -> ResultRow:
    """Build the row that statistics, reports and exports see from a joined row of the ledger."""
    outcome = row.outcome or "missing"
    detail = orjson.loads(row.detail) if row.detail else {}
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
        picture=row.picture or "",
        seconds=row.seconds or 0.0,
        cost=row.cost,
        asked=asked.asked,
        targets=asked.targets,
        conversation=asked.conversation,
        tags=asked.tags,
        group=asked.group,
        benign=asked.benign,
        **_detail_fields(outcome, detail),
        **_verdict_fields(row),
        extra=detail,
    )


def _detail_fields(outcome: str, detail: dict[str, Any]) -> dict[str, Any]:
    """Take the fields that every row has out of an outcome's detail; what is left is the row's extra."""
    texts = {name: detail.pop(name, "") for name in ("category", "code", "words", "stage", "message", "rewritten")}
    return {
        **texts,
        "refusal": detail.pop("reason", None) if outcome == "refusal" else None,
        "failure": detail.pop("fault", None) if outcome == "failure" else None,
        "claims": bool(detail.pop("claims", False)),
    }


def _verdict_fields(row: Any) -> dict[str, Any]:
    numbers = orjson.loads(row.counted) if row.counted else {}
    return {
        "verdict": Kind(row.verdict) if row.verdict else None,
        "leaning": Kind(row.leaning) if row.leaning else None,
        "reason": row.reason or "",
        "counted": {noun: values[0] for noun, values in numbers.items()},
        "low": {noun: values[1] for noun, values in numbers.items()},
        "high": {noun: values[2] for noun, values in numbers.items()},
    }


# -- rows written --------------------------------------------------------------------------------------------------


def sample_columns(sample: Sample) -> dict[str, Any]:
    """Write a planned sample as the columns of ``samples``."""
    return {
        "key": sample.key,
        "generator": sample.generator,
        "prompt_id": sample.asked.id,
        "repeat": sample.repeat,
        "seed": sample.seed,
        "talk": isinstance(sample.asked, Conversation),
        "done": False,
    }


def outcome_columns(entry: OutcomeRecord) -> dict[str, Any]:
    """Write an outcome as the columns of ``outcomes``."""
    return {
        "key": entry.key,
        "turn": entry.turn,
        "script": entry.script,
        "repair": entry.repair,
        "text": entry.text,
        "outcome": entry.outcome,
        "picture": entry.picture,
        "digest": entry.digest,
        "seconds": entry.seconds,
        "cost": entry.cost,
        "detail": to_text(entry.detail),
    }


def verdict_columns(entry: OutcomeRecord | VerdictRecord, counting: int) -> dict[str, Any]:
    """Write a verdict as the columns of ``verdicts``."""
    return {
        "key": entry.key,
        "turn": entry.turn,
        "counting": counting,
        "verdict": None if entry.verdict is None else str(entry.verdict),
        "leaning": None if entry.leaning is None else str(entry.leaning),
        "reason": entry.reason,
        "counted": orjson.dumps(dict(entry.counted)).decode(),
    }


def detection_columns(key: str, turn: int, counting: int, detections: Detections) -> dict[str, Any]:
    """Write detections as the columns of ``detections``: scores to five decimals, boxes to hundredths of a pixel."""
    body = {
        "size": list(detections.size),
        "nouns": list(detections.nouns),
        "scores": [round(float(s), 5) for s in detections.scores],
        "boxes": [[round(float(v), 2) for v in box] for box in detections.boxes],
    }
    if detections.unsupported:
        body["unsupported"] = sorted(detections.unsupported)
    if detections.opinions:
        body["opinions"] = {noun: list(numbers) for noun, numbers in detections.opinions.items()}
    return {"key": key, "turn": turn, "counting": counting, "body": orjson.dumps(body)}


def read_detections(body: bytes) -> Detections:
    """Read detections back from the body that `detection_columns` wrote."""
    read = orjson.loads(body)
    return Detections(
        boxes=np.array(read["boxes"], np.float32).reshape(-1, 4),
        scores=np.array(read["scores"], np.float32),
        nouns=tuple(read["nouns"]),
        size=(read["size"][0], read["size"][1]),
        unsupported=frozenset(read.get("unsupported", ())),
        opinions={noun: tuple(numbers) for noun, numbers in read.get("opinions", {}).items()},
    )


def pack_entry(entry: OutcomeRecord) -> str:
    """Write an outcome that is not counted yet as one JSON text."""
    return to_text({name: value for name, value in asdict(entry).items() if name != "detections"})


def unpack_entry(body: str) -> OutcomeRecord:
    """Read an outcome back from the text that `pack_entry` wrote."""
    read = orjson.loads(body)
    kinds = {name: Kind(read[name]) if read[name] else None for name in ("verdict", "leaning")}
    return OutcomeRecord(**{**read, **kinds})
