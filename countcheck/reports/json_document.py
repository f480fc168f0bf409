"""The report as one JSON document, for programs; see ``schemas/report.json``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from countcheck.reports.report import Report, headline, losses
from countcheck.reports.sections import inconsistencies, refusals, talks, worst_prompts
from countcheck.version import __version__

SCHEMA = "countcheck/report/1"


def report_to_json(report: Report) -> dict[str, Any]:
    """Everything the report says, pictures aside."""
    chosen, in_all = talks(report)
    return {
        "schema": SCHEMA,
        "version": __version__,
        "suite": report.suite,
        "created": report.created,
        "headline": headline(report),
        "losses": losses(report),
        "baseline": report.models[report.baseline].label if report.models else None,
        "runs": [{"name": source.name, "summary": source.summary} for source in report.runs],
        "models": [
            {
                "label": model.label,
                "generator": model.generator,
                "run": report.runs[model.run].name,
                "counts": dict(model.counts),
                "rates": model.rates,
                "corrected": model.corrected,
                "by": model.by,
                "matrix": model.matrix,
            }
            for model in report.models
        ],
        "differences": report.differences,
        "worst_prompts": [
            {
                "prompt_id": one.prompt_id,
                "text": one.text,
                "wrong": one.wrong,
                "asked": one.asked,
                "samples": [None if row is None else row.key for row in one.tries],
            }
            for one in worst_prompts(report)
        ],
        "refusals": [
            {
                "reason": group.reason,
                "n": group.n,
                "sayings": [
                    {**asdict(one), "models": _by_label(report, one.models), "prompts": list(one.prompts)}
                    for one in group.sayings
                ],
            }
            for group in refusals(report, most=1000)
        ],
        "inconsistent": [
            {
                "model": report.models[one.model].label,
                "group": one.group,
                "drawn": [row.key for row in one.drawn],
                "refused": [row.key for row in one.refused],
            }
            for one in inconsistencies(report, most=1000)
        ],
        "conversations": {
            "held": in_all,
            "shown": [
                {
                    "id": talk.prompt_id,
                    "repeat": talk.repeat,
                    "turns": {
                        report.models[index].label: [
                            {"key": s.row.key, "turn": s.row.turn, "verdict": s.row.verdict, "event": s.event}
                            for s in said
                        ]
                        for index, said in enumerate(talk.turns)
                        if said
                    },
                }
                for talk in chosen
            ],
        },
    }


def _by_label(report: Report, counts: tuple[tuple[int, int], ...]) -> dict[str, int]:
    return {report.models[index].label: n for index, n in counts}
