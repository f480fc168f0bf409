"""Tell a refusal from a fault and a picture: evidence is collected from one reply, then ordered rules decide. Pure.

The first rule with an answer decides. The order is: what the connection says; an error's codes, then its sentences,
then its status; what a 2xx answer says in its fields; the picture itself; the assistant's words; silence. What matches
no rule is a failure called ``unknown`` with the raw body kept: never a picture and never a refusal.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from countcheck.generators.outcome import Fault, Reason, Stage
from countcheck.generators.refusals.blank_images import WITHHELD, Look
from countcheck.generators.refusals.codes import (
    ANYBODY,
    BAD_REQUEST_WORDS,
    BLOCK_WORDS,
    CLOSED_WORDS,
    REFUSES,
    SAYS_NOTHING,
    SUPPORT,
    SUPPORT_CODES,
    TRANSIENT_WORDS,
    VIOLATIONS,
    Meaning,
    Sense,
    compact,
    meaning_by_words,
)
from countcheck.generators.refusals.words import area_of, read_words
from countcheck.generators.remote.reply import Reply, Slot
from countcheck.generators.remote.waits import wait_in_words

Codes: TypeAlias = Mapping[str, Meaning]


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


def read(
    reply: Reply,
    *,
    slot: Slot | None = None,
    look: Look | None = None,
    broken: str = "",
    others: bool = False,
    codes: Codes | None = None,
    asked: str = "",
) -> Reading:
    """Tell how one wanted picture ended.

    Args:
        reply: Everything that came.
        slot: The place of this picture in it; ``None`` when there is none.
        look: What the decoded picture is; ``None`` when nothing could be decoded.
        broken: Why a picture that did come cannot be used.
        others: Other pictures came with the same reply, so that its words speak of those.
        codes: What the provider's own codes mean.
        asked: The prompt. A service that repeats it does not mean it.

    >>> reading = read(Reply(error=True, status=400, codes=("moderation_blocked",), message="Blocked: violence."))
    >>> str(reading.ended), str(reading.reason), reading.category
    ('refusal', 'stated', 'violence')
    >>> str(read(Reply(error=True, status=503)).fault)
    'transient'
    """
    table = codes or {}
    if asked and reply.words:
        reply = replace(reply, words=_without_prompt(reply.words, asked))
    if reply.transport:
        return _failure(Fault.TRANSIENT, by="transport", message=reply.message)
    if reply.error and not reply.slots:
        return _decided(_ERROR_RULES, _evidence(reply, None, table, asked))
    if slot is not None and (slot.withheld or (slot.codes and not slot.has_picture)):
        reading = _decide(_PLACE_RULES, _evidence_of_slot(reply, slot, table, asked))
        return reading or _decided(_NOTHING_RULES, _evidence(reply, None, table, asked))
    if slot is not None and slot.has_picture:
        return _read_picture(reply, slot, look, broken, table, asked)
    return _decided(_NOTHING_RULES, _evidence(reply, slot, table, asked, others=others))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """What a reply says of one wanted picture that is not there.

    Attributes:
        codes: Most telling first, with what they mean; ``None`` for one that nothing is known of.
        message: The service's sentence, to be kept. ``sentence`` is the same without the prompt it repeats, to be read.
        others: Other pictures came, so the words speak of those.
    """

    reply: Reply
    codes: tuple[tuple[str, Meaning | None], ...]
    categories: tuple[str, ...]
    message: str
    sentence: str
    stage: Stage
    withheld: bool = False
    others: bool = False

    def first(self, *senses: Sense, guessed: bool = False) -> tuple[Meaning | None, str]:
        """Return the first code of the tables with one of the senses, its meaning first.

        Args:
            senses: Any of these.
            guessed: Look at the codes that no table knows instead, by the words they are made of.
        """
        for code, meaning in self.codes:
            if meaning is not None and meaning.sense in senses and meaning.guessed is guessed:
                return meaning, code
        return None, ""

    def first_in_order(self, *senses: Sense) -> tuple[Meaning | None, str]:
        """Return the first code with the first sense, else with the second, and so on."""
        answers = (self.first(sense) for sense in senses)
        return next((answer for answer in answers if answer[0]), (None, ""))

    @property
    def unknown_code(self) -> str:
        """Return the first code that no table knows, when none knows any."""
        return self.code if all(meaning is None or meaning.guessed for _, meaning in self.codes) else ""

    @property
    def code(self) -> str:
        """Return the most telling code, known or not."""
        return self.codes[0][0] if self.codes else ""

    @property
    def is_enigmatic(self) -> bool:
        """Tell whether the service gave a code that nothing is known of, or said nothing at all."""
        unknown = [code for code, meaning in self.codes if meaning is None and not _STATUS_OR_CLASS.fullmatch(code)]
        return (bool(unknown) and not self.reply.invalid_field) or not (self.message or self.codes)

    @property
    def is_page(self) -> bool:
        """Tell whether a web page came in place of an answer."""
        raw = self.reply.raw
        return isinstance(raw, str | bytes) and raw.lstrip()[:1] in ("<", b"<")

    @property
    def says_closed(self) -> bool:
        """Tell whether the sentence says that nobody is served; a quota with a time to wait is only a limit."""
        waits = self.reply.retry_after and "exceeded your current quota" in self.sentence
        return _says(CLOSED_WORDS, self.sentence) and not waits

    @property
    def blocks(self) -> bool:
        """Tell whether an error's sentence says that content was refused; web pages and full queues say no such thing."""
        if self.is_page:
            return False
        if SUPPORT.search(self.sentence) or VIOLATIONS.search(self.sentence):
            return True
        if _says(TRANSIENT_WORDS, self.sentence) or self.reply.status == 429:
            return False
        faults = (Sense.BAD_REQUEST, Sense.TRANSIENT)
        if self.first(*faults)[0] or self.first(*faults, guessed=True)[0]:
            return False
        if self.first(Sense.REFUSED, guessed=True)[0]:
            return True
        if _says(BAD_REQUEST_WORDS, self.sentence) and not _says(REFUSES, self.sentence):
            return False
        return _says(BLOCK_WORDS, self.sentence) or self.declines

    @property
    def declines(self) -> bool:
        """Tell whether a 4xx, or an error without a status, declines in the words of any language."""
        status = self.reply.status or 400
        if not (status < 300 or 400 <= status < 500) or status in (401, 402, 404, 408, 409, 410, 429):
            return False
        words = read_words(self.sentence)
        return words.declines and not words.limited and not words.broken and words.category != "capability"


# A bare HTTP status, or the name of a client's exception: neither is a code of the service.
_STATUS_OR_CLASS = re.compile(r"\d{3}|\w*(?:Error|Exception)")

# A prompt that a service repeats stands in quotes after one of these words.
_QUOTED_PROMPT = re.compile(
    r"(\b(?:prompt|input|text|query|caption|description)s?\b\W{0,3})(?:\"[^\"]{3,4000}\"?|'.{3,4000}?(?:'(?!\w)|$)|[“«][^”»]{3,4000}[”»]?)",
    re.IGNORECASE | re.DOTALL,
)


def _without_prompt(text: str, asked: str) -> str:
    """Take the repeated prompt out of a service's sentence: it says nothing of the service's opinion."""
    plain = asked.strip()
    if len(plain) >= 8 and plain.casefold() in text.casefold():
        text = re.sub(re.escape(plain), "…", text, flags=re.IGNORECASE)
    return _QUOTED_PROMPT.sub(r"\1…", text) if "'" in text or '"' in text or "“" in text or "«" in text else text


@functools.lru_cache(maxsize=4096)
def _says(pattern: re.Pattern[str], message: str) -> bool:
    """Tell whether a sentence matches. Rules ask the same of one sentence several times, and services repeat theirs."""
    return bool(pattern.search(message))


_Rule: TypeAlias = Callable[[_Evidence], Reading | None]


def _evidence(reply: Reply, slot: Slot | None, table: Codes, asked: str, *, others: bool = False) -> _Evidence:
    codes = (*(slot.codes if slot else ()), *reply.codes)
    message = (slot.message if slot else "") or reply.message
    return _Evidence(
        reply=reply,
        codes=tuple((code, _meaning(code, table)) for code in codes),
        categories=(slot.categories if slot else ()) or reply.categories,
        message=message,
        sentence=_without_prompt(message, asked),
        stage=_stage(slot, reply),
        others=others,
    )


def _evidence_of_slot(reply: Reply, slot: Slot, table: Codes, asked: str) -> _Evidence:
    """Collect what one place of an answer says of itself."""
    return _Evidence(
        reply=reply,
        codes=tuple((code, _meaning(code, table)) for code in slot.codes),
        categories=slot.categories,
        message=slot.message or reply.message,
        sentence=_without_prompt(slot.message or reply.message, asked),
        stage=_stage(slot, reply),
        withheld=slot.withheld,
    )


def _decide(rules: Iterable[_Rule], evidence: _Evidence) -> Reading | None:
    """Return the answer of the first rule that has one."""
    return next((reading for rule in rules if (reading := rule(evidence)) is not None), None)


def _decided(rules: Iterable[_Rule], evidence: _Evidence) -> Reading:
    """Decide by rules of which the last answers everything."""
    reading = _decide(rules, evidence)
    assert reading is not None
    return reading


# Errors.


def _error_refuses_by_code(evidence: _Evidence) -> Reading | None:
    meaning, code = evidence.first(Sense.REFUSED)
    if (meaning is None and not evidence.categories) or evidence.says_closed:
        return None
    return _refusal(evidence, meaning, code, by="code")


# Some services bar the prompt in the words in which others bar the caller.
_BARRED = frozenset({"permissiondenied", "permissionerror"})


def _error_closes(evidence: _Evidence) -> Reading | None:
    unpaid = evidence.reply.status in (401, 402)
    meaning, code = evidence.first(Sense.CLOSED)
    if not evidence.says_closed and not unpaid and compact(code) in _BARRED and evidence.blocks:
        meaning = None
    if not (evidence.says_closed or meaning or unpaid):
        return None
    by = "code" if meaning else "message"
    return _failure(Fault.CLOSED, by=by, code=code or evidence.code, message=evidence.message)


def _error_refuses_by_words(evidence: _Evidence) -> Reading | None:
    if not (evidence.reply.refused or evidence.blocks):
        return None
    return _refusal(replace(evidence, categories=()), None, evidence.code, by="message")


def _error_breaks_by_code(evidence: _Evidence) -> Reading | None:
    for sense in (Sense.TRANSIENT, Sense.BAD_REQUEST, Sense.DAMAGED):
        meaning, code = evidence.first(sense)
        if meaning:
            return _failure(_FAULTS[sense], by="code", code=code, message=evidence.message)
    return None


def _error_is_deflected(evidence: _Evidence) -> Reading | None:
    meaning, code = evidence.first(Sense.DEFLECTED)
    if meaning is None:
        return None
    return Reading(ended=Ended.REFUSAL, reason=Reason.DEFLECTED, code=code, message=evidence.message, by="code")


def _error_closes_by_guess(evidence: _Evidence) -> Reading | None:
    meaning, code = evidence.first(Sense.CLOSED, guessed=True)
    if meaning is None:
        return None
    return _failure(Fault.CLOSED, by="code", code=code, message=evidence.message)


def _error_breaks_by_guess(evidence: _Evidence) -> Reading | None:
    meaning, code = evidence.first(Sense.TRANSIENT, Sense.BAD_REQUEST, guessed=True)
    if meaning is None:
        return None
    return _failure(_FAULTS[meaning.sense], by="code", code=code, message=evidence.message)


def _error_by_status(evidence: _Evidence) -> Reading | None:
    status = evidence.reply.status or 0
    fault = _FAULTS_BY_STATUS.get(status, Fault.TRANSIENT if status >= 500 else None)
    if status == 403:  # a page before the service says nothing of the account
        fault = Fault.TRANSIENT if evidence.is_page else Fault.CLOSED
    if fault is None:
        return None
    return _failure(fault, by="status", code=evidence.code, message=evidence.message)


_FAULTS_BY_STATUS = {
    **dict.fromkeys((408, 409, 424, 425, 429), Fault.TRANSIENT),
    **dict.fromkeys((404, 410), Fault.CLOSED),
    **dict.fromkeys((405, 406, 411, 413, 414, 415, 416, 431), Fault.BAD_REQUEST),
}


def _error_is_illegal(evidence: _Evidence) -> Reading | None:
    """Read a 451: the answer is withheld for legal reasons, and other prompts are served."""
    if evidence.reply.status != 451 or evidence.is_page:
        return None
    return _refusal(evidence, None, evidence.code, by="status")


def _error_passes_by_words(evidence: _Evidence) -> Reading | None:
    if not _says(TRANSIENT_WORDS, evidence.sentence):
        return None
    return _failure(Fault.TRANSIENT, by="message", code=evidence.code, message=evidence.message)


def _error_blames_request(evidence: _Evidence) -> Reading | None:
    """Read any other 4xx: a code that nothing is known of makes it unknown, unless the sentence tells."""
    status = evidence.reply.status or 0
    if 400 <= status < 500 and not evidence.is_enigmatic:
        return _failure(Fault.BAD_REQUEST, by="status", code=evidence.code, message=evidence.message)
    if not status or not _says(BAD_REQUEST_WORDS, evidence.sentence):
        return None
    return _failure(Fault.BAD_REQUEST, by="message", code=evidence.code, message=evidence.message)


def _error_is_unknown(evidence: _Evidence) -> Reading:
    message = evidence.message or "an error that says nothing"
    return _failure(Fault.UNKNOWN, code=evidence.code, message=message)


_ERROR_RULES: tuple[_Rule, ...] = (
    _error_refuses_by_code,
    _error_closes,
    _error_refuses_by_words,
    _error_breaks_by_code,
    _error_is_deflected,
    _error_is_illegal,
    _error_closes_by_guess,
    _error_by_status,
    _error_breaks_by_guess,
    _error_passes_by_words,
    _error_blames_request,
    _error_is_unknown,
)

_FAULTS = {
    Sense.TRANSIENT: Fault.TRANSIENT,
    Sense.CLOSED: Fault.CLOSED,
    Sense.BAD_REQUEST: Fault.BAD_REQUEST,
    Sense.DAMAGED: Fault.DAMAGED,
}


# A place that the provider flagged, or that holds a code in place of a picture.


def _place_is_broken(evidence: _Evidence) -> Reading | None:
    known, _ = evidence.first(Sense.REFUSED, Sense.DEFLECTED)
    fault, code = evidence.first(*_FAULTS)
    if known or fault is None or evidence.withheld or evidence.categories:
        return None
    return _failure(_FAULTS[fault.sense], by="code", code=code, message=evidence.message)


def _place_is_refused(evidence: _Evidence) -> Reading | None:
    meaning, code = evidence.first(Sense.REFUSED, Sense.DEFLECTED)
    if meaning is None and not evidence.withheld:
        meaning, code = evidence.first(Sense.REFUSED, guessed=True)
    if not (meaning or evidence.categories or _says(BLOCK_WORDS, evidence.sentence)):
        return None
    return _refusal(evidence, meaning, code, by="field")


def _place_is_withheld(evidence: _Evidence) -> Reading | None:
    if not evidence.withheld:
        return None
    return Reading(ended=Ended.REFUSAL, reason=Reason.SILENT, stage=Stage.PICTURE, message=evidence.message, by="field")


_PLACE_RULES: tuple[_Rule, ...] = (_place_is_broken, _place_is_refused, _place_is_withheld)


# An answer that is well in itself, and holds no picture.


def _nothing_breaks_by_code(evidence: _Evidence) -> Reading | None:
    fault, code = evidence.first_in_order(*_FAULTS)
    if fault is None and not evidence.first(*Sense)[0]:
        fault, code = evidence.first(*_FAULTS, guessed=True)
    if fault is None or evidence.first(Sense.REFUSED)[0]:
        return None
    message = evidence.message or evidence.reply.words
    return _failure(_FAULTS[fault.sense], by="code", code=code, message=message)


def _nothing_is_refused(evidence: _Evidence) -> Reading | None:
    meaning, code = evidence.first(Sense.REFUSED)
    if meaning is None:
        meaning, code = evidence.first(Sense.REFUSED, guessed=True)
    if not (evidence.categories or meaning):
        return None
    if meaning is None:
        meaning, code = evidence.first(*Sense)
    worded = replace(
        evidence,
        message=evidence.message or evidence.reply.words,
        sentence=evidence.sentence or evidence.reply.words,
    )
    return _refusal(worded, meaning, code, by="field")


def _nothing_is_blocked_by_message(evidence: _Evidence) -> Reading | None:
    if not _says(BLOCK_WORDS, evidence.sentence):
        return None
    code = evidence.first(*Sense)[1]
    return _refusal(replace(evidence, categories=()), None, code, by="message")


def _nothing_has_words(evidence: _Evidence) -> Reading | None:
    reply = evidence.reply
    if evidence.others or not reply.words.strip():
        return None
    words = read_words(reply.words)
    if (words.limited or words.broken) and not reply.refused:
        wait = wait_in_words(reply.words)
        return Reading(
            ended=Ended.FAILURE,
            fault=Fault.TRANSIENT,
            message=reply.words,
            by="words",
            wait=wait,
            lasting=words.limited and wait is None,
        )
    declines = words.declines or reply.refused
    code = evidence.first(Sense.DEFLECTED)[1]
    if not declines:
        if evidence.unknown_code:
            return None
        return Reading(ended=Ended.REFUSAL, reason=Reason.DEFLECTED, code=code, message=reply.words, by="words")
    category = words.category or area_of(reply.words)
    return Reading(
        ended=Ended.REFUSAL,
        reason=_reason(category),
        category=category,
        code=code,
        message=reply.words,
        stage=Stage.PROMPT,
        by="words",
    )


def _nothing_is_deflected(evidence: _Evidence) -> Reading | None:
    meaning, code = evidence.first(Sense.DEFLECTED)
    if meaning is None:
        return None
    return Reading(ended=Ended.REFUSAL, reason=Reason.DEFLECTED, code=code, message=evidence.message, by="field")


def _nothing_is_unknown(evidence: _Evidence) -> Reading | None:
    code = evidence.unknown_code
    if not code or evidence.others:
        return None
    message = evidence.message or f"no picture, and {code!r} is not known"
    return _failure(Fault.UNKNOWN, code=code, message=message)


def _nothing_is_silent(evidence: _Evidence) -> Reading:
    return Reading(
        ended=Ended.REFUSAL,
        reason=Reason.SILENT,
        stage=evidence.stage,
        message=evidence.message,
        by="silence",
        again=not evidence.others,
    )


_NOTHING_RULES: tuple[_Rule, ...] = (
    _nothing_breaks_by_code,
    _nothing_is_refused,
    _nothing_is_blocked_by_message,
    _nothing_has_words,
    _nothing_is_deflected,
    _nothing_is_unknown,
    _nothing_is_silent,
)


# A picture that came.


def _read_picture(reply: Reply, slot: Slot, look: Look | None, broken: str, table: Codes, asked: str) -> Reading:
    if look is None:
        return _failure(Fault.DAMAGED, by="pixels", message=broken or "the picture could not be decoded")
    if look not in WITHHELD:
        return Reading(ended=Ended.PICTURE)
    evidence = replace(
        _evidence(reply, slot, table, asked), categories=(*slot.categories, *reply.categories), stage=Stage.PICTURE
    )
    meaning, code = evidence.first(Sense.REFUSED)
    if meaning or evidence.categories:
        return _refusal(evidence, meaning, code, by="field")
    return Reading(ended=Ended.REFUSAL, reason=Reason.SILENT, stage=Stage.PICTURE, code=look.value, by="pixels")


# What a refusal names.


def _refusal(evidence: _Evidence, meaning: Meaning | None, code: str, *, by: str) -> Reading:
    message, sentence = evidence.message, evidence.sentence
    numbers = _support_numbers(sentence)
    named = _named(evidence.categories, sentence, meaning, numbers)
    category = ", ".join(named)
    return Reading(
        ended=Ended.REFUSAL,
        reason=_reason(category),
        category=category,
        code=code or (numbers[0] if numbers else ""),
        message=message,
        stage=_stage_of_refusal(evidence.stage, sentence, meaning, numbers),
        by=by,
    )


def _reason(category: str) -> Reason:
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


def _stage(slot: Slot | None, reply: Reply) -> Stage:
    return slot.stage if slot and slot.stage is not Stage.UNKNOWN else reply.stage


def _failure(fault: Fault, *, by: str = "", code: str = "", message: str = "") -> Reading:
    return Reading(ended=Ended.FAILURE, fault=fault, code=code, message=message, by=by)


_SENSITIVE = re.compile(r"(input|output)?(?:text|image|video)?.*sensitivecontentdetected.*")


def _meaning(code: str, table: Codes) -> Meaning | None:
    """Return what a code means, by the provider's own table first; ``None`` when nothing is known of it."""
    plain = compact(code)
    if (meaning := table.get(plain) or ANYBODY.get(plain)) is not None:
        return meaning
    if sensitive := _SENSITIVE.fullmatch(plain):
        stage = {"input": Stage.PROMPT, "output": Stage.PICTURE}.get(sensitive[1] or "", Stage.UNKNOWN)
        return Meaning(Sense.REFUSED, stage=stage)
    for prefix, meaning in table.items():
        if prefix.endswith("*") and plain.startswith(prefix[:-1]):
            return meaning
    return Meaning(Sense.BAD_REQUEST) if plain.startswith("malformed") else meaning_by_words(code)
