"""Write the results file that GenEval's own summary reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from countcheck.counting.geneval_rule import judge_geneval, metadata_of
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_folder import RunFolder


def result_lines(run: RunFolder, rows: Sequence[ResultRow]) -> Iterator[dict[str, Any]]:
    """Yield the lines of GenEval's results file, for every picture of a prompt that GenEval's clauses can express.

    ``correct`` is null where only GenEval's colour check could decide.
    """
    by_picture = {(key, turn): detections for key, turn, detections in run.detections()}
    for row in rows:
        detections = by_picture.get((row.key, row.turn))
        metadata = metadata_of(row.text, row.targets, row.tags)
        if row.outcome != "picture" or row.conversation or detections is None or metadata is None:
            continue
        judgement = judge_geneval(detections, metadata)
        yield {
            "filename": str(run.path / row.picture),
            "tag": metadata["tag"],
            "prompt": row.text,
            "correct": judgement.correct,
            "reason": judgement.reason,
            "metadata": orjson.dumps(metadata).decode(),
            "details": orjson.dumps(dict(judgement.details)).decode(),
        }
