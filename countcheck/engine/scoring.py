"""From an outcome, and what was found in its picture, to the ledger's entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from countcheck.counting.counter import Counter
from countcheck.counting.verdict import Kind, Verdict
from countcheck.detectors.base import Detections
from countcheck.generators.outcome import Failure, Outcome, Picture, Refusal
from countcheck.generators.refusals.words import claims_success
from countcheck.storage.records import OutcomeRecord
from countcheck.suites.suite import Noun, Suite, Target


def nouns_of(suite: Suite) -> list[Noun]:
    """Everything of a suite that must be counted, as the counter wants it."""
    phrases = {target.noun: target.phrase for target in suite.targets}
    return [
        suite.nouns[name] if name in suite.nouns else Noun(name=name, phrase=phrases.get(name, name))
        for name in suite.vocabulary
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPicture:
    """What was found in one picture."""

    detections: Detections
    verdict: Verdict | None
    counted: Mapping[str, tuple[int, int, int]]


def judge_detections(
    counter: Counter,
    found: Detections,
    targets: Sequence[Target],
    tags: Mapping[str, str],
    nouns: Sequence[Noun],
) -> JudgedPicture:
    """Count and judge what a detector found in one picture, against what had to hold there.

    A picture in which the counter gave a noun no number, as a vision-language model may, is uncertain.
    """
    asked = dict.fromkeys(noun for target in targets for noun in target.nouns)
    unknown = [noun for noun in asked if noun in found.unsupported]
    counted_nouns = [noun for noun in nouns if noun.name in asked]
    verdict: Verdict | None
    if targets and not unknown:
        verdict, counted = counter.judge(found, targets, tags, counted_nouns)
    else:
        verdict = _unknown(unknown) if unknown else None
        counted = counter.count(found, counted_nouns, tags.get("style"))
    return JudgedPicture(
        detections=found,
        verdict=verdict,
        counted={noun: (n, counted.low[noun], counted.high[noun]) for noun, n in counted.counts.items()},
    )


def _unknown(nouns: Sequence[str]) -> Verdict:
    reason = f"the counter gave no number for {', '.join(nouns)}"
    return Verdict(kind=Kind.UNCERTAIN, leaning=Kind.UNCERTAIN, reason=reason)


def entry_of(outcome: Outcome, price: float | None, *, text: str, picture: str = "", digest: str = "") -> OutcomeRecord:
    """The entry of an outcome that nobody has looked at; refusals and failures are judged as they are.

    Args:
        outcome: What the sample came to.
        price: USD a picture, when the outcome does not say its cost.
        text: What was asked.
        picture: Path inside the run folder of the file already safely written.
        digest: The file's SHA-256.
    """
    entry = OutcomeRecord(
        key=outcome.key,
        turn=outcome.turn,
        outcome=type(outcome).__name__.lower(),
        text=text,
        picture=picture,
        digest=digest,
        seconds=outcome.seconds,
        cost=cost_of(outcome, price),
        detail=detail_of(outcome),
    )
    match outcome:
        case Refusal():
            return replace(entry, verdict=Kind.REFUSED, leaning=Kind.REFUSED, reason=_refused(outcome))
        case Failure():
            return replace(entry, verdict=Kind.FAILED, leaning=Kind.FAILED, reason=outcome.message)
        case _:
            return entry


def judged(entry: OutcomeRecord, seen: JudgedPicture | None) -> OutcomeRecord:
    """A picture's entry with what was found in it; any other entry as it is."""
    if seen is None or entry.outcome != "picture":
        return entry
    if seen.verdict is None:
        return replace(entry, detections=seen.detections)
    return replace(
        entry,
        detections=seen.detections,
        verdict=seen.verdict.kind,
        leaning=seen.verdict.leaning,
        reason=seen.verdict.reason,
        counted=seen.counted,
    )


def cost_of(outcome: Outcome, price: float | None) -> float | None:
    """What an outcome cost in USD: as the provider says, or a picture's price."""
    return price if outcome.cost is None and isinstance(outcome, Picture) else outcome.cost


def _refused(outcome: Refusal) -> str:
    named = f" ({outcome.category})" if outcome.category else ""
    return f"refused, {outcome.reason}{named}"


def detail_of(outcome: Outcome) -> dict[str, Any]:
    """What the ledger keeps of an outcome beside its columns."""
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
