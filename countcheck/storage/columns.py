"""Between records and the ledger's columns: what a record is written as, and what rows are read back as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson
import sqlalchemy as sa

from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.storage.checksums import check_row, sealed
from countcheck.storage.records import OutcomeRecord, VerdictRecord
from countcheck.storage.rows import Label, ResultRow
from countcheck.storage.schema import detections as detections_table
from countcheck.storage.schema import labels, outcomes, samples, uncounted, verdicts
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
        digest=row.digest or "",
        picture_bytes=row.bytes,
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
    row = {
        "key": sample.key,
        "generator": sample.generator,
        "prompt_id": sample.asked.id,
        "repeat": sample.repeat,
        "seed": sample.seed,
        "talk": isinstance(sample.asked, Conversation),
        "done": False,
    }
    return sealed(samples, row)


def set_done(done: bool) -> dict[str, Any]:
    """Return the changes that mark samples as complete, or as not, with their checksum."""
    return {"done": done, "checksum": samples.c.checksum - sa.cast(samples.c.done, sa.Integer) + int(done)}


def outcome_columns(entry: OutcomeRecord) -> dict[str, Any]:
    """Write an outcome as the columns of ``outcomes``."""
    row = {
        "key": entry.key,
        "turn": entry.turn,
        "script": entry.script,
        "repair": entry.repair,
        "text": entry.text,
        "outcome": entry.outcome,
        "picture": entry.picture,
        "digest": entry.digest,
        "bytes": entry.bytes,
        "seconds": float(entry.seconds),
        "cost": None if entry.cost is None else float(entry.cost),
        "detail": to_text(entry.detail),
    }
    return sealed(outcomes, row)


def verdict_columns(entry: OutcomeRecord | VerdictRecord, counting: int) -> dict[str, Any]:
    """Write a verdict as the columns of ``verdicts``."""
    row = {
        "key": entry.key,
        "turn": entry.turn,
        "counting": counting,
        "verdict": None if entry.verdict is None else str(entry.verdict),
        "leaning": None if entry.leaning is None else str(entry.leaning),
        "reason": entry.reason,
        "counted": orjson.dumps(dict(entry.counted)).decode(),
    }
    return sealed(verdicts, row)


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
    if detections.not_auditable:
        body["not_auditable"] = sorted(detections.not_auditable)
    if detections.opinions:
        body["opinions"] = {noun: list(numbers) for noun, numbers in detections.opinions.items()}
    if detections.colours:
        body["colours"] = list(detections.colours)
    row = {"key": key, "turn": turn, "counting": counting, "body": orjson.dumps(body)}
    return sealed(detections_table, row)


def read_detections(row: Any) -> Detections:
    """Read detections back from a row of ``detections``. Raises `DamagedRow` when it is damaged."""
    check_row(detections_table, row)
    read = orjson.loads(row.body)
    return Detections(
        boxes=np.array(read["boxes"], np.float32).reshape(-1, 4),
        scores=np.array(read["scores"], np.float32),
        nouns=tuple(read["nouns"]),
        size=(read["size"][0], read["size"][1]),
        unsupported=frozenset(read.get("unsupported", ())),
        opinions={noun: tuple(numbers) for noun, numbers in read.get("opinions", {}).items()},
        not_auditable=frozenset(read.get("not_auditable", ())),
        colours=tuple(read.get("colours", ())),
    )


def uncounted_columns(entry: OutcomeRecord) -> dict[str, Any]:
    """Write an outcome that is not counted yet as the columns of ``uncounted``: all of it as one JSON text."""
    body = to_text({name: value for name, value in asdict(entry).items() if name != "detections"})
    cost = None if entry.cost is None else float(entry.cost)
    return sealed(uncounted, {"key": entry.key, "turn": entry.turn, "cost": cost, "body": body})


def read_uncounted(row: Any) -> OutcomeRecord:
    """Read an outcome back from a row of ``uncounted``. Raises `DamagedRow` when it is damaged."""
    check_row(uncounted, row)
    read = orjson.loads(row.body)
    kinds = {name: Kind(read[name]) if read[name] else None for name in ("verdict", "leaning")}
    return OutcomeRecord(**{**read, **kinds})


def label_columns(label: Label) -> dict[str, Any]:
    """Write a label as the columns of ``labels``."""
    return sealed(labels, {**asdict(label), "weight": float(label.weight)})


def read_label(row: Any) -> Label:
    """Read a label back from a row of ``labels``. Raises `DamagedRow` when it is damaged."""
    check_row(labels, row)
    return Label(**{column.name: row._mapping[column.name] for column in labels.columns if column.name != "checksum"})
