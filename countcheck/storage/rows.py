"""What statistics, reports and exports read of a run: one row a sample or turn, and people's labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from countcheck.counting.verdict import Kind
from countcheck.suites.serialize import target_to_json
from countcheck.suites.suite import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One sample, or one turn of a conversation, as statistics, reports and exports see it.

    Attributes:
        key: The sample's; a conversation's turns share it.
        turn: The number of the turn in its conversation, repairs included, from 0.
        script: Which turn of the suite's conversation it belongs to, from 0; 0 for a prompt.
        repair: 0 for the turn as scripted, 1 for the first repair asked for after it, and so on.
        text: What was said.
        outcome: ``picture``, ``refusal`` or ``failure``; ``missing`` when nothing came back yet.
        refusal: The reason class, of a refusal.
        failure: The fault, of a failure.
        category, code, words, stage: What the provider said of a refusal; words beside a picture too.
        message: Of a failure.
        verdict: See `Kind`; ``None`` only when the outcome is missing, or a picture was asked for nothing countable.
        leaning: What the counts alone say.
        reason: The verdict's sentence.
        asked: Noun to asked number (the lower end of a range; 0 for none); relations without a number are absent.
        counted: Noun to counted number, a half where people's median is one; empty unless a picture was counted.
        low, high: The margin of ``counted``.
        targets: What had to hold.
        picture: Path of the picture file inside the run folder; empty when there is none.
        digest, picture_bytes: SHA-256 and size of that file as it was written; empty and ``None`` when not known.
        seconds: Time this outcome took. cost: USD, or ``None`` when unknown.
        claims: The model's words announce success.
        conversation: Whether it is a turn of a conversation.
    """

    key: str
    generator: str
    prompt_id: str
    repeat: int
    seed: int
    text: str
    outcome: str
    turn: int = 0
    script: int = 0
    repair: int = 0
    refusal: str | None = None
    category: str = ""
    code: str = ""
    words: str = ""
    stage: str = ""
    failure: str | None = None
    message: str = ""
    verdict: Kind | None = None
    leaning: Kind | None = None
    reason: str = ""
    asked: Mapping[str, int] = field(default_factory=dict)
    counted: Mapping[str, float] = field(default_factory=dict)
    low: Mapping[str, int] = field(default_factory=dict)
    high: Mapping[str, int] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    picture: str = ""
    digest: str = ""
    picture_bytes: int | None = None
    seconds: float = 0.0
    cost: float | None = None
    claims: bool = False
    conversation: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    benign: bool = True
    rewritten: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


IS_REFUSAL = "(refusal)"
"""Stands for the noun in a label that says whether an answer is a refusal: 1 for yes, 0 for no. No suite can ask for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a person counted in a picture, or whether an answer is a refusal.

    Attributes:
        key, turn: Which picture or answer.
        noun: Which noun; `IS_REFUSAL` when the question was not a number.
        count: The number seen; ``None`` for "cannot tell".
        labeller: The person's name.
        at: When, ISO 8601, UTC.
        stratum: From which part of the run it was drawn, for weighting; empty when it was not drawn by chance.
        weight: Pictures of the run it stands for: stratum size over labels drawn from it; 1 when chosen by hand.
    """

    key: str
    noun: str
    count: int | None
    labeller: str
    turn: int = 0
    at: str = ""
    stratum: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNote:
    """What a person remarked on a picture, or on an answer without one, while labelling.

    Attributes:
        key, turn: Which picture.
        labeller: The person's name.
        text: The remark, of any characters; empty where there is none.
        at: When, ISO 8601, UTC.
    """

    key: str
    labeller: str
    text: str
    turn: int = 0
    at: str = ""


def row_to_json(row: ResultRow) -> dict[str, Any]:
    """Return a row as plain JSON values: the published fields first, then further ones."""
    return {
        "key": row.key,
        "generator": row.generator,
        "prompt_id": row.prompt_id,
        "repeat": row.repeat,
        "turn": row.turn,
        "text": row.text,
        "seed": row.seed,
        "outcome": row.outcome,
        "refusal": row.refusal,
        "failure": row.failure,
        "verdict": None if row.verdict is None else str(row.verdict),
        "asked": dict(row.asked),
        "counted": dict(row.counted),
        "picture": row.picture or None,
        "seconds": row.seconds,
        "cost": row.cost,
        "leaning": None if row.leaning is None else str(row.leaning),
        "reason": row.reason,
        "low": dict(row.low),
        "high": dict(row.high),
        "targets": [target_to_json(target) for target in row.targets],
        "tags": dict(row.tags),
        "group": row.group,
        "benign": row.benign,
        "conversation": row.conversation,
        "script": row.script,
        "repair": row.repair,
        "category": row.category,
        "code": row.code,
        "stage": row.stage,
        "words": row.words,
        "message": row.message,
        "claims": row.claims,
        "rewritten": row.rewritten,
    }
