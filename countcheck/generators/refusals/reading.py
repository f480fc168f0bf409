"""How one wanted picture ended, and what a refusal names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from countcheck.generators.outcome import Fault, Reason, Stage
from countcheck.generators.refusals.codes import SAYS_NOTHING, SUPPORT, SUPPORT_CODES, VIOLATIONS, Meaning, compact
from countcheck.generators.refusals.evidence import Evidence
from countcheck.generators.refusals.words import area_of


class Ended(StrEnum):
    """How one wanted picture ended."""

    PICTURE = "picture"
    REFUSAL = "refusal"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one wanted picture ended, and why.

    Attributes:
        ended: Picture, refusal or failure.
        reason: Of a refusal.
        fault: Of a failure.
        category: What is objected to; empty when nothing is named.
        code: The provider's code that decided, if one did.
        message: The sentence that was read.
        stage: What was objected to.
        by: What decided: ``code``, ``message``, ``status``, ``field``, ``pixels``, ``words``, ``silence``, ``transport``.
        wait: Seconds that the model's own words ask to wait; ``None`` when they do not.
        lasting: The same would come of another attempt soon.
        again: Doubtful (an empty answer where the provider should have given a reason): worth asking once more.
    """

    ended: Ended
    reason: Reason | None = None
    fault: Fault | None = None
    category: str = ""
    code: str = ""
    message: str = ""
    stage: Stage = Stage.UNKNOWN
    by: str = ""
    wait: float | None = None
    lasting: bool = False
    again: bool = False


def failure(fault: Fault, *, by: str = "", code: str = "", message: str = "") -> Reading:
    """Return the reading of a failure."""
    return Reading(ended=Ended.FAILURE, fault=fault, code=code, message=message, by=by)


def refusal(evidence: Evidence, meaning: Meaning | None, code: str, *, by: str) -> Reading:
    """Return the reading of a refusal: its reason, category and stage by the first source that tells each."""
    message, sentence = evidence.message, evidence.sentence
    numbers = _support_numbers(sentence)
    named = _named(evidence.categories, sentence, meaning, numbers)
    category = ", ".join(named)
    return Reading(
        ended=Ended.REFUSAL,
        reason=reason_of(category),
        category=category,
        code=code or (numbers[0] if numbers else ""),
        message=message,
        stage=_stage_of_refusal(evidence.stage, sentence, meaning, numbers),
        by=by,
    )


def reason_of(category: str) -> Reason:
    """Return the reason of a refusal that names a category; unexplained when it names none.

    >>> str(reason_of("violence")), str(reason_of("capability")), str(reason_of(""))
    ('stated', 'capability', 'unexplained')
    """
    if category == "capability":
        return Reason.CAPABILITY
    return Reason.STATED if category else Reason.UNEXPLAINED


def _named(categories: Iterable[str], message: str, meaning: Meaning | None, numbers: list[str]) -> list[str]:
    """Name what is objected to, by the first source that names anything."""
    named = [category for category in dict.fromkeys(categories) if compact(category) not in SAYS_NOTHING]
    if not named and meaning and meaning.category:
        named = [meaning.category]
    if not named and (listed := VIOLATIONS.search(message)):
        named = [name.strip(" '\"") for name in listed[1].split(",") if name.strip(" '\"")]
    if not named:
        named = list(dict.fromkeys(SUPPORT_CODES[number][0] for number in numbers if number in SUPPORT_CODES))
        named = [category for category in named if category]
    if not named and (area := area_of(message)):
        named = [area]
    return named


def _support_numbers(message: str) -> list[str]:
    listed = SUPPORT.search(message)
    return re.findall(r"\d{8}", listed[1]) if listed else []


def _stage_of_refusal(stage: Stage, message: str, meaning: Meaning | None, numbers: list[str]) -> Stage:
    """Tell what was objected to, by the first source that tells."""
    support = next((SUPPORT_CODES[number][1] for number in numbers if number in SUPPORT_CODES), Stage.UNKNOWN)
    for candidate in (stage, support, meaning.stage if meaning else Stage.UNKNOWN):
        if candidate is not Stage.UNKNOWN:
            return candidate
    if _OF_PICTURE.search(message):
        return Stage.PICTURE
    return Stage.PROMPT if _OF_PROMPT.search(message) else Stage.UNKNOWN


_OF_PICTURE = re.compile(
    r"image (?:we|that was) (?:created|generated)|generated images?|output (?:image|was)|created may violate|show generated|content moderated",
    re.IGNORECASE,
)
_OF_PROMPT = re.compile(
    r"\b(?:your|the|text|input) (?:text )?prompts?\b|your request|\binput\b|^prompts?\b|request moderated",
    re.IGNORECASE,
)
