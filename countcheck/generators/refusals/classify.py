"""Tell a refusal from a fault and a picture: evidence is collected from one reply, then ordered rules decide. Pure.

The first rule with an answer decides. The order is: what the connection says; an error's codes, then its sentences,
then its status; what a 2xx answer says in its fields; the picture itself; the assistant's words; silence. What matches
no rule is a failure called ``unknown`` with the raw body kept: never a picture and never a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from countcheck.generators.outcome import Fault, Reason, Stage
from countcheck.generators.refusals.blank_images import WITHHELD, Look
from countcheck.generators.refusals.codes import BAD_REQUEST_WORDS, BLOCK_WORDS, TRANSIENT_WORDS, Sense, compact
from countcheck.generators.refusals.evidence import Codes, Evidence, evidence_of, evidence_of_slot, says, without_prompt
from countcheck.generators.refusals.reading import Ended, Reading, failure, reason_of, refusal
from countcheck.generators.refusals.words import area_of, read_words
from countcheck.generators.remote.reply import Reply, Slot
from countcheck.generators.remote.waits import wait_in_words


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
        reply = replace(reply, words=without_prompt(reply.words, asked))
    if reply.transport:
        return failure(Fault.TRANSIENT, by="transport", message=reply.message)
    if reply.error and not reply.slots:
        return _decided(_ERROR_RULES, evidence_of(reply, None, table, asked))
    if slot is not None and (slot.withheld or (slot.codes and not slot.has_picture)):
        reading = _decide(_PLACE_RULES, evidence_of_slot(reply, slot, table, asked))
        return reading or _decided(_NOTHING_RULES, evidence_of(reply, None, table, asked))
    if slot is not None and slot.has_picture:
        return _read_picture(reply, slot, look, broken, table, asked)
    return _decided(_NOTHING_RULES, evidence_of(reply, slot, table, asked, others=others))


_Rule: TypeAlias = Callable[[Evidence], Reading | None]


def _decide(rules: Iterable[_Rule], evidence: Evidence) -> Reading | None:
    """Return the answer of the first rule that has one."""
    return next((reading for rule in rules if (reading := rule(evidence)) is not None), None)


def _decided(rules: Iterable[_Rule], evidence: Evidence) -> Reading:
    """Decide by rules of which the last answers everything."""
    reading = _decide(rules, evidence)
    assert reading is not None
    return reading


# Errors.


def _error_refuses_by_code(evidence: Evidence) -> Reading | None:
    meaning, code = evidence.first(Sense.REFUSED)
    if (meaning is None and not evidence.categories) or evidence.says_closed:
        return None
    return refusal(evidence, meaning, code, by="code")


# Some services bar the prompt in the words in which others bar the caller.
_BARRED = frozenset({"permissiondenied", "permissionerror"})


def _error_closes(evidence: Evidence) -> Reading | None:
    unpaid = evidence.reply.status in (401, 402)
    meaning, code = evidence.first(Sense.CLOSED)
    if not evidence.says_closed and not unpaid and compact(code) in _BARRED and evidence.blocks:
        meaning = None
    if not (evidence.says_closed or meaning or unpaid):
        return None
    by = "code" if meaning else "message"
    return failure(Fault.CLOSED, by=by, code=code or evidence.code, message=evidence.message)


def _error_refuses_by_words(evidence: Evidence) -> Reading | None:
    if not (evidence.reply.refused or evidence.blocks):
        return None
    return refusal(replace(evidence, categories=()), None, evidence.code, by="message")


def _error_breaks_by_code(evidence: Evidence) -> Reading | None:
    for sense in (Sense.TRANSIENT, Sense.BAD_REQUEST, Sense.DAMAGED):
        meaning, code = evidence.first(sense)
        if meaning:
            return failure(_FAULTS[sense], by="code", code=code, message=evidence.message)
    return None


def _error_is_deflected(evidence: Evidence) -> Reading | None:
    meaning, code = evidence.first(Sense.DEFLECTED)
    if meaning is None:
        return None
    return Reading(ended=Ended.REFUSAL, reason=Reason.DEFLECTED, code=code, message=evidence.message, by="code")


def _error_closes_by_guess(evidence: Evidence) -> Reading | None:
    meaning, code = evidence.first(Sense.CLOSED, guessed=True)
    if meaning is None:
        return None
    return failure(Fault.CLOSED, by="code", code=code, message=evidence.message)


def _error_breaks_by_guess(evidence: Evidence) -> Reading | None:
    meaning, code = evidence.first(Sense.TRANSIENT, Sense.BAD_REQUEST, guessed=True)
    if meaning is None:
        return None
    return failure(_FAULTS[meaning.sense], by="code", code=code, message=evidence.message)


def _error_by_status(evidence: Evidence) -> Reading | None:
    status = evidence.reply.status or 0
    fault = _FAULTS_BY_STATUS.get(status, Fault.TRANSIENT if status >= 500 else None)
    if status == 403:  # a page before the service says nothing of the account
        fault = Fault.TRANSIENT if evidence.is_page else Fault.CLOSED
    if fault is None:
        return None
    return failure(fault, by="status", code=evidence.code, message=evidence.message)


_FAULTS_BY_STATUS = {
    **dict.fromkeys((408, 409, 424, 425, 429), Fault.TRANSIENT),
    **dict.fromkeys((404, 410), Fault.CLOSED),
    **dict.fromkeys((405, 406, 411, 413, 414, 415, 416, 431), Fault.BAD_REQUEST),
}


def _error_is_illegal(evidence: Evidence) -> Reading | None:
    """Read a 451: the answer is withheld for legal reasons, and other prompts are served."""
    if evidence.reply.status != 451 or evidence.is_page:
        return None
    return refusal(evidence, None, evidence.code, by="status")


def _error_passes_by_words(evidence: Evidence) -> Reading | None:
    if not says(TRANSIENT_WORDS, evidence.sentence):
        return None
    return failure(Fault.TRANSIENT, by="message", code=evidence.code, message=evidence.message)


def _error_blames_request(evidence: Evidence) -> Reading | None:
    """Read any other 4xx: a code that nothing is known of makes it unknown, unless the sentence tells."""
    status = evidence.reply.status or 0
    if 400 <= status < 500 and not evidence.is_enigmatic:
        return failure(Fault.BAD_REQUEST, by="status", code=evidence.code, message=evidence.message)
    if not status or not says(BAD_REQUEST_WORDS, evidence.sentence):
        return None
    return failure(Fault.BAD_REQUEST, by="message", code=evidence.code, message=evidence.message)


def _error_is_unknown(evidence: Evidence) -> Reading:
    message = evidence.message or "an error that says nothing"
    return failure(Fault.UNKNOWN, code=evidence.code, message=message)


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


def _place_is_broken(evidence: Evidence) -> Reading | None:
    known, _ = evidence.first(Sense.REFUSED, Sense.DEFLECTED)
    fault, code = evidence.first(*_FAULTS)
    if known or fault is None or evidence.withheld or evidence.categories:
        return None
    return failure(_FAULTS[fault.sense], by="code", code=code, message=evidence.message)


def _place_is_refused(evidence: Evidence) -> Reading | None:
    meaning, code = evidence.first(Sense.REFUSED, Sense.DEFLECTED)
    if meaning is None and not evidence.withheld:
        meaning, code = evidence.first(Sense.REFUSED, guessed=True)
    if not (meaning or evidence.categories or says(BLOCK_WORDS, evidence.sentence)):
        return None
    return refusal(evidence, meaning, code, by="field")


def _place_is_withheld(evidence: Evidence) -> Reading | None:
    if not evidence.withheld:
        return None
    return Reading(ended=Ended.REFUSAL, reason=Reason.SILENT, stage=Stage.PICTURE, message=evidence.message, by="field")


_PLACE_RULES: tuple[_Rule, ...] = (_place_is_broken, _place_is_refused, _place_is_withheld)


# An answer that is well in itself, and holds no picture.


def _nothing_breaks_by_code(evidence: Evidence) -> Reading | None:
    fault, code = evidence.first_in_order(*_FAULTS)
    if fault is None and not evidence.first(*Sense)[0]:
        fault, code = evidence.first(*_FAULTS, guessed=True)
    if fault is None or evidence.first(Sense.REFUSED)[0]:
        return None
    message = evidence.message or evidence.reply.words
    return failure(_FAULTS[fault.sense], by="code", code=code, message=message)


def _nothing_is_refused(evidence: Evidence) -> Reading | None:
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
    return refusal(worded, meaning, code, by="field")


def _nothing_is_blocked_by_message(evidence: Evidence) -> Reading | None:
    if not says(BLOCK_WORDS, evidence.sentence):
        return None
    code = evidence.first(*Sense)[1]
    return refusal(replace(evidence, categories=()), None, code, by="message")


def _nothing_has_words(evidence: Evidence) -> Reading | None:
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
        reason=reason_of(category),
        category=category,
        code=code,
        message=reply.words,
        stage=Stage.PROMPT,
        by="words",
    )


def _nothing_is_deflected(evidence: Evidence) -> Reading | None:
    meaning, code = evidence.first(Sense.DEFLECTED)
    if meaning is None:
        return None
    return Reading(ended=Ended.REFUSAL, reason=Reason.DEFLECTED, code=code, message=evidence.message, by="field")


def _nothing_is_unknown(evidence: Evidence) -> Reading | None:
    code = evidence.unknown_code
    if not code or evidence.others:
        return None
    message = evidence.message or f"no picture, and {code!r} is not known"
    return failure(Fault.UNKNOWN, code=code, message=message)


def _nothing_is_silent(evidence: Evidence) -> Reading:
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
        return failure(Fault.DAMAGED, by="pixels", message=broken or "the picture could not be decoded")
    if look not in WITHHELD:
        return Reading(ended=Ended.PICTURE)
    evidence = replace(
        evidence_of(reply, slot, table, asked), categories=(*slot.categories, *reply.categories), stage=Stage.PICTURE
    )
    meaning, code = evidence.first(Sense.REFUSED)
    if meaning or evidence.categories:
        return refusal(evidence, meaning, code, by="field")
    return Reading(ended=Ended.REFUSAL, reason=Reason.SILENT, stage=Stage.PICTURE, code=look.value, by="pixels")
