"""What a gate and a comparison read of one run: its summary, and its generators as sides of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from countcheck.metrics.sides import ComparisonSide, sides_of_run, sides_of_summary
from countcheck.metrics.summary import Summary, summarize
from countcheck.storage.result_table import MISSING, Results, table_of
from countcheck.storage.rows import Label
from countcheck.storage.run_info import RunInfo


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """All that a gate knows of one run.

    Attributes:
        summary: Its rates.
        sides: Generator to its samples.
        stopped_early: A gate ended the run after looking again and again, so intervals must hold at every look.
    """

    summary: Summary
    sides: Mapping[str, ComparisonSide]
    stopped_early: bool = False


def evidence_of_run(results: Results, info: RunInfo, labels: Sequence[Label] = (), level: float = 0.95) -> Evidence:
    """Collect the evidence of a run.

    Args:
        results: Of the run; missing samples included.
        info: What the run was made with.
        labels: People's counts.
        level: Confidence level of the intervals, strictly between 0 and 1.

    Raises:
        BadInput: If the level is not between 0 and 1.
    """
    table = table_of(results)
    summary = summarize(table, info, labels, level)
    sides = {
        name: replace(side, corrected=summary.generators[name].corrected)
        for name, side in sides_of_run(table, info).items()
    }
    stopped_early = bool(info.until_decided) and bool((table.outcome == MISSING).any())
    return Evidence(summary=summary, sides=sides, stopped_early=stopped_early)


def evidence_of_summary(summary: Summary) -> Evidence:
    """Collect the evidence that a kept summary holds of a run.

    Raises:
        BadInput: If the summary's samples are not written in outcome codes.
    """
    return Evidence(summary=summary, sides=sides_of_summary(summary))
