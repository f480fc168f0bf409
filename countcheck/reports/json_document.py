"""The report as one JSON document, for programs; see ``schemas/report.json``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from countcheck.reports.headline import headline, losses, rewritings
from countcheck.reports.report import Model, Report
from countcheck.reports.sections import (
    HeldConversation,
    Inconsistency,
    RefusalGroup,
    WorstPrompt,
    conversations,
    inconsistencies,
    refusals,
    worst_prompts,
)
from countcheck.version import __version__

SCHEMA = "countcheck/report/1"
_ALL = 1000


def report_to_json(report: Report) -> dict[str, Any]:
    """Return everything the report shows, without the pictures, as plain JSON values."""
    shown, held = conversations(report)
    return {
        "schema": SCHEMA,
        "version": __version__,
        "suite": report.suite,
        "created": report.created,
        "headline": headline(report),
        "losses": losses(report),
        "rewriting": rewritings(report),
        "baseline": report.models[report.baseline].label if report.models else None,
        "runs": [{"name": source.name, "summary": source.summary} for source in report.runs],
        "models": [_model(report, model) for model in report.models],
        "differences": report.differences,
        "worst_prompts": [_worst_prompt(prompt) for prompt in worst_prompts(report)],
        "refusals": [_refusals(report, group) for group in refusals(report, most=_ALL)],
        "inconsistent": [_inconsistency(report, group) for group in inconsistencies(report, most=_ALL)],
        "conversations": {"held": held, "shown": [_conversation(report, conversation) for conversation in shown]},
    }


def _model(report: Report, model: Model) -> dict[str, Any]:
    return {
        "label": model.label,
        "generator": model.generator,
        "run": report.runs[model.run].name,
        "counts": dict(model.counts),
        "rates": model.rates,
        "corrected": model.corrected,
        "by": model.by,
        "matrix": model.matrix,
        **({"rewriting": model.rewriting} if model.rewriting else {}),
    }


def _worst_prompt(prompt: WorstPrompt) -> dict[str, Any]:
    return {
        "prompt_id": prompt.prompt_id,
        "text": prompt.text,
        "wrong": prompt.wrong,
        "asked": prompt.asked,
        "samples": [None if row is None else row.key for row in prompt.tries],
    }


def _refusals(report: Report, group: RefusalGroup) -> dict[str, Any]:
    wordings = [
        {
            **asdict(wording),
            "models": {report.models[index].label: n for index, n in wording.models},
            "prompts": list(wording.prompts),
        }
        for wording in group.wordings
    ]
    return {"reason": group.reason, "n": group.n, "sayings": wordings}


def _inconsistency(report: Report, group: Inconsistency) -> dict[str, Any]:
    return {
        "model": report.models[group.model].label,
        "group": group.group,
        "drawn": [row.key for row in group.drawn],
        "refused": [row.key for row in group.refused],
    }


def _conversation(report: Report, conversation: HeldConversation) -> dict[str, Any]:
    turns = {
        report.models[index].label: [
            {"key": turn.row.key, "turn": turn.row.turn, "verdict": turn.row.verdict, "event": turn.event}
            for turn in results
        ]
        for index, results in enumerate(conversation.turns)
        if results
    }
    return {"id": conversation.prompt_id, "repeat": conversation.repeat, "turns": turns}
