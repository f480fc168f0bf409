"""From records to the ledger's columns: what a record is written as. See `countcheck.storage.read_rows` for the way back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
import sqlalchemy as sa

from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.storage.checksums import check_row, sealed
from countcheck.storage.records import OutcomeRecord, VerdictRecord
from countcheck.storage.rows import Label, LabelNote
from countcheck.storage.schema import detections as detections_table
from countcheck.storage.schema import label_notes, labels, outcomes, samples, uncounted, verdicts
from countcheck.storage.stored_json import to_text
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Conversation


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


def uncounted_columns(entry: OutcomeRecord) -> dict[str, Any]:
    """Write an outcome that is not counted yet as the columns of ``uncounted``: all of it as one JSON text."""
    body = to_text({name: value for name, value in asdict(entry).items() if name != "detections"})
    cost = None if entry.cost is None else float(entry.cost)
    return sealed(uncounted, {"key": entry.key, "turn": entry.turn, "cost": cost, "body": body})


def read_uncounted(row: Any) -> OutcomeRecord:
    """Read an outcome back from a row of ``uncounted``. Raises `DamagedRow` when it is damaged."""
    check_row(uncounted, row)
    return entry_of_uncounted(row.body)


def entry_of_uncounted(body: str) -> OutcomeRecord:
    """Read an outcome back from the JSON text that `uncounted_columns` wrote."""
    read = orjson.loads(body)
    kinds = {name: Kind(read[name]) if read[name] else None for name in ("verdict", "leaning")}
    return OutcomeRecord(**{**read, **kinds})


def label_columns(label: Label) -> dict[str, Any]:
    """Write a label as the columns of ``labels``."""
    return sealed(labels, {**asdict(label), "weight": float(label.weight)})


def note_columns(note: LabelNote) -> dict[str, Any]:
    """Write a note as the columns of ``label_notes``."""
    return sealed(label_notes, asdict(note))
