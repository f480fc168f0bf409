"""Outcomes of prompts of which the model did not read the end: not scored, unless the run judges them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from countcheck.counting.verdict import Kind
from countcheck.storage.rows import ResultRow

TRUNCATED = "truncated"
"""Name of the record in an outcome's detail, and of the run's choice."""
JUDGE = "judge"
"""The choice to judge such outcomes."""


def without_truncated(row: ResultRow) -> ResultRow:
    """Return the row of a truncated prompt as a failure, which counts neither for nor against the model.

    >>> row = ResultRow(key="k", generator="g", prompt_id="p", repeat=0, seed=1, text="...", outcome="picture",
    ...                 extra={"truncated": {"tokens": 97, "limit": 77, "unseen": "and one wolf"}})
    >>> without_truncated(row).outcome, without_truncated(row).message
    ('failure', "the prompt is longer than the 77 tokens that the model's text encoder reads")
    """
    message = truncated_message(row.extra)
    if not message or row.outcome not in ("picture", "refusal"):
        return row
    return replace(
        row,
        outcome="failure",
        failure=TRUNCATED,
        refusal=None,
        message=message,
        verdict=Kind.FAILED,
        leaning=Kind.FAILED,
        reason=message,
        counted={},
        low={},
        high={},
    )


def truncated_message(detail: Mapping[str, Any]) -> str:
    """Return why an outcome with this detail is not scored; empty for one whose prompt was read to its end."""
    record = detail.get(TRUNCATED)
    if not isinstance(record, dict):
        return ""
    return f"the prompt is longer than the {record.get('limit')} tokens that the model's text encoder reads"
