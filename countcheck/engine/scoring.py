"""Turn an outcome, and what was detected in its picture, into an entry of the ledger.

>>> from countcheck.generators.outcome import Fault
>>> failure = Failure(key="0" * 32, fault=Fault.TRANSIENT, message="the server did not answer.")
>>> record = outcome_record(failure, price=0.04, text="three pigs")
>>> record.outcome, str(record.verdict), record.cost
('failure', 'failed', None)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from countcheck.counting.judging import JudgedPicture
from countcheck.counting.verdict import Kind
from countcheck.generators.outcome import Failure, Outcome, Picture, Refusal
from countcheck.generators.refusals.words import claims_success
from countcheck.storage.records import OutcomeRecord, VerdictRecord
from countcheck.suites.language.rewritten import numbers_after
from countcheck.suites.suite import Noun, Suite, Target


def nouns_of(suite: Suite) -> list[Noun]:
    """Return every noun of a suite that must be counted, with its phrase and synonyms."""
    phrases = {target.noun: target.phrase for target in suite.targets}
    return [
        suite.nouns[name] if name in suite.nouns else Noun(name=name, phrase=phrases.get(name, name))
        for name in suite.vocabulary
    ]


def outcome_record(
    outcome: Outcome, price: float | None, *, text: str, picture: str = "", digest: str = "", size: int | None = None
) -> OutcomeRecord:
    """Return the entry of an outcome; a refusal and a failure have their verdict, a picture has none yet.

    Args:
        outcome: What the sample came to.
        price: USD a picture, when the outcome does not say its cost; ``None`` when unknown.
        text: What was asked.
        picture: Path inside the run folder of the file, already safely written; empty when there is none.
        digest: The file's SHA-256, 64 hex digits; empty when there is none.
        size: Bytes of the file; ``None`` when there is none.
    """
    record = OutcomeRecord(
        key=outcome.key,
        turn=outcome.turn,
        outcome=type(outcome).__name__.lower(),
        text=text,
        picture=picture,
        digest=digest,
        bytes=size,
        seconds=outcome.seconds,
        cost=cost_of(outcome, price),
        detail=detail_of(outcome),
    )
    match outcome:
        case Refusal():
            return replace(
                record,
                verdict=Kind.REFUSED,
                leaning=Kind.REFUSED,
                reason=refusal_sentence(outcome.reason, outcome.category),
            )
        case Failure():
            return replace(record, verdict=Kind.FAILED, leaning=Kind.FAILED, reason=outcome.message)
        case _:
            return record


def with_numbers(outcome: Outcome, targets: Sequence[Target]) -> Outcome:
    """Return an outcome whose prompt was rewritten with a record of whether its numbers were kept; any other as it is.

    >>> from countcheck.generators.outcome import Reason
    >>> refusal = Refusal(key="0" * 32, reason=Reason.STATED, rewritten="Several pigs.")
    >>> with_numbers(refusal, [Target(noun="pig", count=3)]).extra
    {'numbers': 'changed'}
    """
    if isinstance(outcome, Failure) or not outcome.rewritten:
        return outcome
    return replace(outcome, extra={**outcome.extra, "numbers": str(numbers_after(targets, outcome.rewritten))})


def with_judgement(record: OutcomeRecord, judgement: JudgedPicture | None) -> OutcomeRecord:
    """Return a picture's entry with its detections and verdict; any other entry as it is."""
    if judgement is None or record.outcome != "picture":
        return record
    if judgement.verdict is None:
        return replace(record, detections=judgement.detections)
    return replace(
        record,
        detections=judgement.detections,
        verdict=judgement.verdict.kind,
        leaning=judgement.verdict.leaning,
        reason=judgement.verdict.reason,
        counted=judgement.counted,
    )


def verdict_record(key: str, turn: int, judgement: JudgedPicture) -> VerdictRecord | None:
    """Return the verdict on one picture, as the ledger keeps it; ``None`` when nothing countable was asked."""
    if judgement.verdict is None:
        return None
    return VerdictRecord(
        key=key,
        turn=turn,
        verdict=judgement.verdict.kind,
        leaning=judgement.verdict.leaning,
        reason=judgement.verdict.reason,
        counted=judgement.counted,
    )


def cost_of(outcome: Outcome, price: float | None) -> float | None:
    """Return what an outcome cost in USD: as the provider says, or a picture's price; ``None`` when unknown."""
    return price if outcome.cost is None and isinstance(outcome, Picture) else outcome.cost


def refusal_sentence(reason: str, category: str) -> str:
    """Say why a sample was refused, as the sentence of its verdict."""
    return f"refused, {reason} ({category})" if category else f"refused, {reason}"


def detail_of(outcome: Outcome) -> dict[str, Any]:
    """Return what the ledger keeps of an outcome beside its columns: plain JSON."""
    detail: dict[str, Any] = dict(outcome.extra)
    names = {
        Picture: ("words", "rewritten"),
        Refusal: ("reason", "category", "code", "words", "stage", "request_id", "rewritten"),
        Failure: ("fault", "message", "code", "raw", "request_id"),
    }[type(outcome)]
    for name in names:
        value = getattr(outcome, name)
        if value:
            detail[name] = str(value)
    if not isinstance(outcome, Failure) and claims_success(outcome.words):
        detail["claims"] = True
    if outcome.attempts:
        detail["attempts"] = [asdict(attempt) for attempt in outcome.attempts]
    return detail
