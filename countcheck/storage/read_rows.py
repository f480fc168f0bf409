"""From the ledger's columns: what rows are read back as. Writing them is in `countcheck.storage.columns`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.storage.prompt_fields import PromptFields
from countcheck.storage.rows import ResultRow


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
    if not detail:
        return {}
    take = detail.pop
    return {
        "category": take("category", ""),
        "code": take("code", ""),
        "words": take("words", ""),
        "stage": take("stage", ""),
        "message": take("message", ""),
        "rewritten": take("rewritten", ""),
        "refusal": take("reason", None) if outcome == "refusal" else None,
        "failure": take("fault", None) if outcome == "failure" else None,
        "claims": bool(take("claims", False)),
    }


_KIND = {str(kind): kind for kind in Kind}


def _verdict_fields(row: Any) -> dict[str, Any]:
    if row.verdict_key is None:
        return {}
    fields: dict[str, Any] = {
        "verdict": _KIND[row.verdict] if row.verdict else None,
        "leaning": _KIND[row.leaning] if row.leaning else None,
        "reason": row.reason or "",
    }
    if row.counted and row.counted != "{}":
        fields["counted"], fields["low"], fields["high"] = _numbers(row.counted)
    return fields


@lru_cache(maxsize=20_000)  # the rows of a run share a few hundred
def _numbers(counted: str) -> tuple[dict[str, float], dict[str, int], dict[str, int]]:
    numbers = orjson.loads(counted).items()
    as_counted, low, high = ({noun: values[place] for noun, values in numbers} for place in range(3))
    return as_counted, low, high


def read_detections(body: bytes) -> Detections:
    """Read detections back from the body of a row of ``detections``."""
    read = orjson.loads(body)
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
