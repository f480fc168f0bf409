"""Write the results file that GenEval's own summary reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from countcheck.counting.geneval_rule import judge_geneval, metadata_of
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_folder import RunFolder


def result_lines(run: RunFolder, rows: Sequence[ResultRow]) -> Iterator[dict[str, Any]]:
    """The lines of GenEval's results file, for every picture of a prompt that its clauses can say.

    ``correct`` is null where only its colour check could decide.
    """
    seen = {(key, turn): found for key, turn, found in run.detections()}
    for row in rows:
        found = seen.get((row.key, row.turn))
        metadata = metadata_of(row.text, row.targets, row.tags)
        if row.outcome != "picture" or row.conversation or found is None or metadata is None:
            continue
        said = judge_geneval(found, metadata)
        yield {
            "filename": str(run.path / row.picture),
            "tag": metadata["tag"],
            "prompt": row.text,
            "correct": said.correct,
            "reason": said.reason,
            "metadata": orjson.dumps(metadata).decode(),
            "details": orjson.dumps(dict(said.details)).decode(),
        }
