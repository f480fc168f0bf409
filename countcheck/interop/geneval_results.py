"""Write the results file that GenEval's own summary reads.

Its summary takes every line that is not ``true`` for wrong. A task with pictures that cannot be decided, because their
colours were not checked, is therefore left out as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from countcheck.counting.geneval_rule import judge_geneval, metadata_of
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_folder import RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class GenevalResults:
    """The lines of a results file, and what is not in it.

    Attributes:
        lines: One for every picture of a prompt that GenEval's clauses can express.
        left_out: Task to number of pictures, of tasks with pictures that could not be decided.
    """

    lines: Sequence[Mapping[str, Any]]
    left_out: Mapping[str, int]

    def score(self) -> str:
        """Word what GenEval's own summary makes of these lines: the share of true by task, and the mean over tasks.

        >>> GenevalResults(lines=[{"tag": "colors", "correct": True}, {"tag": "counting", "correct": False}], left_out={}).score()
        "GenEval's overall score: 0.50000, the mean of colors 100.00 %, counting 0.00 %"
        """
        marks: dict[str, list[bool]] = {}
        for line in self.lines:
            marks.setdefault(line["tag"], []).append(bool(line["correct"]))
        if not marks:
            return ""
        tasks = {task: sum(some) / len(some) for task, some in marks.items()}
        named = ", ".join(f"{task} {100 * share:.2f} %" for task, share in tasks.items())
        return f"GenEval's overall score: {sum(tasks.values()) / len(tasks):.5f}, the mean of {named}"

    def sentence(self) -> str:
        """Name the tasks that are left out, and why; empty when none is."""
        if not self.left_out:
            return ""
        tasks = ", ".join(f"{task} ({number} pictures)" for task, number in sorted(self.left_out.items()))
        return (
            f"left out, because colours were not checked: {tasks}. GenEval's summary of this file has no score for "
            "these tasks, and its overall score is that of the others. Count with classify=color to check colours."
        )


def geneval_results(run: RunFolder, rows: Sequence[ResultRow]) -> GenevalResults:
    """Judge every picture of a run by GenEval's rule.

    Args:
        run: Holds the detections.
        rows: Of the run.
    """
    by_picture = {(key, turn): detections for key, turn, detections in run.detections()}
    lines: list[dict[str, Any]] = []
    for row in rows:
        detections = by_picture.get((row.key, row.turn))
        metadata = metadata_of(row.text, row.targets, row.tags)
        if row.outcome != "picture" or row.conversation or detections is None or metadata is None:
            continue
        judgement = judge_geneval(detections, metadata)
        lines.append(
            {
                "filename": str(run.path / row.picture),
                "tag": metadata["tag"],
                "prompt": row.text,
                "correct": judgement.correct,
                "reason": judgement.reason,
                "metadata": orjson.dumps(metadata).decode(),
                "details": orjson.dumps(dict(judgement.details)).decode(),
            }
        )
    undecided = {line["tag"] for line in lines if line["correct"] is None}
    left_out = Counter(line["tag"] for line in lines if line["tag"] in undecided)
    return GenevalResults(lines=[line for line in lines if line["tag"] not in undecided], left_out=left_out)
