"""What is a refusal, what is a fault, and what is neither: one reply read, by tables, in one order. Pure.

The order, first match wins: what the connection says; an error's codes, then its sentences, then its status; what a
2xx answer says in its fields; the picture itself; the assistant's words; silence. What matches nothing is a failure
called ``unknown`` with the raw body kept: never a picture and never a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from countcheck.generators.outcome import Fault, Reason, Stage
from countcheck.generators.refusals.blank_images import WITHHELD, Look
from countcheck.generators.refusals.codes import (
    ANYBODY,
    BLOCK_WORDS,
    CLOSED_WORDS,
    SAYS_NOTHING,
    SUPPORT,
    SUPPORT_CODES,
    TRANSIENT_WORDS,
    VIOLATIONS,
    Meaning,
    Sense,
    compact,
)
from countcheck.generators.refusals.phrases import (
    AGREES,
    AREAS,
    ASKS,
    CLAIMS,
    DECLINES,
    NOT_CLAIMS,
    NOT_DECLINES,
    OFFERS,
)
from countcheck.generators.remote.reply import Reply, Slot

MAX_WORDS = 2000
Codes: TypeAlias = Mapping[str, Meaning]


class Ended(StrEnum):
    """How one wanted picture ended."""

    PICTURE = "picture"
    REFUSAL = "refusal"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One wanted picture, read.

    Attributes:
        ended: Picture, refusal or failure.
        reason: Of a refusal.
        fault: Of a failure.
        category: What is objected to; empty when nothing is named.
        code: The provider's code that decided, if one did.
        message: The sentence that was read.
        stage: What was objected to.
        by: What decided: ``code``, ``message``, ``status``, ``field``, ``pixels``, ``words``, ``silence``, ``transport``.
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
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An assistant's words, read.

    Attributes:
        declines: It will not, or cannot.
        languages: In which languages a decline was recognised.
        category: The area it names; ``capability`` when it says that it has no means.
        claims: It announces a finished picture.
        asks: It ends in a question, or asks for more.
        offers: It declines and offers something else.
    """

    declines: bool = False
    languages: tuple[str, ...] = ()
    category: str = ""
    claims: bool = False
    asks: bool = False
    offers: bool = False


def read(
    reply: Reply,
    *,
    slot: Slot | None = None,
    look: Look | None = None,
    broken: str = "",
    others: bool = False,
    codes: Mapping[str, Meaning] | None = None,
) -> Reading:
    """Tell how one wanted picture ended.

    Args:
        reply: Everything that came.
        slot: The place of this picture in it; ``None`` when there is none.
        look: What the decoded picture is; ``None`` when nothing could be decoded.
        broken: Why a picture that did come cannot be used.
        others: Other pictures came with the same reply, so that its words speak of those.
        codes: What the provider's own codes mean.
    """
    provider: Codes = codes or {}
    if reply.transport:
        return _failure(Fault.TRANSIENT, by="transport", message=reply.message)
    if reply.error and not reply.slots:
        return _read_error(reply, provider)
    if slot is not None and (slot.withheld or (slot.codes and not slot.has_picture)):
        return _withheld(reply, slot, provider)
    if slot is not None and slot.has_picture:
        return _read_picture(reply, slot, look, broken, provider)
    return _read_nothing(reply, slot, others, provider)


def listen(words: str) -> Heard:
    """What an assistant's words amount to. Under 0.2 ms for a paragraph."""
    text = normal(words)
    if not text:
        return Heard()
    plain = NOT_DECLINES.sub(" ", text)
    found = tuple(name for name, pattern in DECLINES.items() if _may_be(name, plain) and pattern.search(plain))
    declines = bool(found)
    # "I've added the pig, but couldn't keep the hat" is a claim; "I can't. Here is a description" is not.
    asks = bool(ASKS.search(text))
    announces = CLAIMS.search(text) or (AGREES.search(text) and not asks)
    claims = bool(announces) and not declines and not NOT_CLAIMS.search(text)
    return Heard(
        declines=declines,
        languages=found,
        category=_area(plain) if declines else "",
        claims=claims,
        asks=asks,
        offers=declines and bool(OFFERS.search(text)),
    )


def claims_success(words: str) -> bool:
    """Whether words beside a picture, or instead of one, announce that what was asked is done."""
    return listen(words).claims


def area_of(text: str) -> str:
    """The first area of policy that a text names, in our word for it; empty when it names none."""
    return _area(normal(text))


def _area(text: str) -> str:
    if '"' in text:
        text = _QUOTED.sub(" ", text)
    for (name, pattern), cues in zip(AREAS, _AREA_CUES, strict=True):
        # A plain search for the words is many times quicker than the pattern, and hardly any area is ever named.
        if (not cues or any(cue in text for cue in cues)) and pattern.search(text):
            return name
    return ""


_QUOTED = re.compile(r"\"[^\"]{0,300}\"")


def _cues(pattern: str) -> tuple[str, ...]:
    """For each branch of a pattern some letters that it cannot match without; none when a branch has no such letters."""
    cues = []
    for branch in _branches(pattern):
        plain = re.sub(r"\(.*\)\??|\[[^\]]*\]|\\[a-zA-Z]|.[?*]", "\0", branch, flags=re.DOTALL)
        longest = max(re.findall(r"[^\x00-\x1f\\().|?*+]+", plain), key=len, default="").strip()
        if not longest:
            return ()
        cues.append(longest)
    return tuple(dict.fromkeys(cues))


def _branches(pattern: str) -> list[str]:
    """The pattern split at the bars outside of its brackets."""
    found, depth, start = [], 0, 0
    for place, char in enumerate(pattern):
        depth += (char in "([") - (char in ")]")
        if char == "|" and depth == 0:
            found.append(pattern[start:place])
            start = place + 1
    return [*found, pattern[start:]]


_AREA_CUES = tuple(_cues(pattern.pattern) for _, pattern in AREAS)

_SPACES = re.compile(r"[ \t\r\f\v\u00a0]+")
_QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "İ": "i"}
)
_MARKDOWN = re.compile(r"[*_#>~]{1,3}(?=\S)|(?<=\S)[*_~]{1,3}")


def normal(words: str) -> str:
    """Words as the tables expect them: case folded, straight quotes, single spaces, no emphasis marks."""
    text = words[:MAX_WORDS].translate(_QUOTES)
    return _SPACES.sub(" ", _MARKDOWN.sub("", text)).lower().strip()


_SCRIPTS = {
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "uk": re.compile(r"[\u0400-\u04ff]"),
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
    "zh": re.compile(r"[\u4e00-\u9fff]"),
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "ko": re.compile(r"[\uac00-\ud7af]"),
}


def _may_be(language: str, text: str) -> bool:
    """Whether the text's script allows the language."""
    if language in _SCRIPTS:
        return bool(_SCRIPTS[language].search(text))
    return True


def _read_error(reply: Reply, provider: Codes) -> Reading:
    message = reply.message
    closed = bool(CLOSED_WORDS.search(message)) and not (reply.retry_after and "exceeded your current quota" in message)
    meaning, code = _first(reply.codes, provider, (Sense.REFUSED,))
    if (meaning or reply.categories) and not closed:
        return _refusal(reply.categories, message, meaning, code, reply.stage, by="code", provider=provider)
    meaning, code = _first(reply.codes, provider, (Sense.CLOSED,))
    if not closed and compact(code) in _BARRED and reply.status not in (401, 402) and _blocks(reply, provider):
        meaning = None  # some services bar the prompt in the words in which others bar the caller
    if closed or meaning or reply.status in (401, 402):
        return _failure(Fault.CLOSED, by="code" if meaning else "message", code=code or _code(reply), message=message)
    if reply.refused or _blocks(reply, provider):
        return _refusal((), message, None, _code(reply), reply.stage, by="message", provider=provider)
    return _read_fault(reply, provider)


_BARRED = frozenset({"permissiondenied", "permissionerror"})


def _read_fault(reply: Reply, provider: Codes) -> Reading:
    for sense, fault in (
        (Sense.TRANSIENT, Fault.TRANSIENT),
        (Sense.BAD_REQUEST, Fault.BAD_REQUEST),
        (Sense.DAMAGED, Fault.DAMAGED),
    ):
        meaning, code = _first(reply.codes, provider, (sense,))
        if meaning:
            return _failure(fault, by="code", code=code, message=reply.message)
    meaning, code = _first(reply.codes, provider, (Sense.DEFLECTED,))
    if meaning:
        return Reading(ended=Ended.REFUSAL, reason=Reason.DEFLECTED, code=code, message=reply.message, by="code")
    status = reply.status or 0
    if status in (408, 409, 424, 425, 429) or status >= 500:
        return _failure(Fault.TRANSIENT, by="status", code=_code(reply), message=reply.message)
    if status in (403, 404, 410, 451):
        return _failure(Fault.CLOSED, by="status", code=_code(reply), message=reply.message)
    if 400 <= status < 500:
        return _failure(Fault.BAD_REQUEST, by="status", code=_code(reply), message=reply.message)
    if TRANSIENT_WORDS.search(reply.message):
        return _failure(Fault.TRANSIENT, by="message", code=_code(reply), message=reply.message)
    return _failure(Fault.UNKNOWN, code=_code(reply), message=reply.message or "an error that says nothing")


def _blocks(reply: Reply, provider: Codes) -> bool:
    """Whether an error's own sentence says that content was refused; a web page or a full queue says no such thing."""
    if isinstance(reply.raw, str | bytes) and reply.raw.lstrip()[:1] in ("<", b"<"):
        return False
    if SUPPORT.search(reply.message) or VIOLATIONS.search(reply.message):
        return True
    if TRANSIENT_WORDS.search(reply.message) or reply.status == 429:
        return False
    if BLOCK_WORDS.search(reply.message):
        return not _first(reply.codes, provider, (Sense.BAD_REQUEST, Sense.TRANSIENT))[0]
    return False


def _withheld(reply: Reply, slot: Slot, provider: Codes) -> Reading:
    meaning, code = _first(slot.codes, provider, (Sense.REFUSED, Sense.DEFLECTED))
    fault, fault_code = _first(slot.codes, provider, (Sense.TRANSIENT, Sense.CLOSED, Sense.BAD_REQUEST, Sense.DAMAGED))
    message = slot.message or reply.message
    if meaning is None and fault is not None and not slot.withheld and not slot.categories:
        return _failure(_FAULTS[fault.sense], by="code", code=fault_code, message=message)
    known = meaning or slot.categories or (message and BLOCK_WORDS.search(message))
    if known:
        return _refusal(slot.categories, message, meaning, code, _stage(slot, reply), by="field", provider=provider)
    if slot.withheld:
        return Reading(ended=Ended.REFUSAL, reason=Reason.SILENT, stage=Stage.PICTURE, message=message, by="field")
    return _read_nothing(reply, None, False, provider, again=True)


_FAULTS = {
    Sense.TRANSIENT: Fault.TRANSIENT,
    Sense.CLOSED: Fault.CLOSED,
    Sense.BAD_REQUEST: Fault.BAD_REQUEST,
    Sense.DAMAGED: Fault.DAMAGED,
}


def _read_picture(reply: Reply, slot: Slot, look: Look | None, broken: str, provider: Codes) -> Reading:
    if look is None:
        return _failure(Fault.DAMAGED, by="pixels", message=broken or "the picture could not be decoded")
    if look not in WITHHELD:
        return Reading(ended=Ended.PICTURE)
    meaning, code = _first((*slot.codes, *reply.codes), provider, (Sense.REFUSED,))
    categories = (*slot.categories, *reply.categories)
    if meaning or categories:
        return _refusal(
            categories, slot.message or reply.message, meaning, code, Stage.PICTURE, by="field", provider=provider
        )
    return Reading(ended=Ended.REFUSAL, reason=Reason.SILENT, stage=Stage.PICTURE, code=look.value, by="pixels")


def _read_nothing(reply: Reply, slot: Slot | None, others: bool, provider: Codes, *, again: bool = False) -> Reading:
    codes = (*(slot.codes if slot else ()), *reply.codes)
    message = (slot.message if slot else "") or reply.message
    categories = (slot.categories if slot else ()) or reply.categories
    stage = _stage(slot, reply)
    meaning, code = _first(codes, provider, tuple(Sense))
    for candidate in (Sense.REFUSED, *_FAULTS):
        better, better_code = _first(codes, provider, (candidate,))
        if better:
            meaning, code = better, better_code
            break
    if meaning and meaning.sense in _FAULTS:
        return _failure(_FAULTS[meaning.sense], by="code", code=code, message=message or reply.words)
    if categories or (meaning and meaning.sense is Sense.REFUSED):
        return _refusal(categories, message or reply.words, meaning, code, stage, by="field", provider=provider)
    if message and BLOCK_WORDS.search(message):
        return _refusal((), message, None, code, stage, by="message", provider=provider)
    unknown = [one for one in codes if _meaning(one, provider) is None] if meaning is None else []
    told = bool(reply.words.strip()) and not others
    if told and not (unknown and not listen(reply.words).declines and not reply.refused):
        return _read_words(reply, code if meaning and meaning.sense is Sense.DEFLECTED else "")
    if meaning and meaning.sense is Sense.DEFLECTED:
        return Reading(ended=Ended.REFUSAL, reason=Reason.DEFLECTED, code=code, message=message, by="field")
    if unknown and not others:
        return _failure(
            Fault.UNKNOWN, code=unknown[0], message=message or f"no picture, and {unknown[0]!r} is not known"
        )
    return Reading(
        ended=Ended.REFUSAL, reason=Reason.SILENT, stage=stage, message=message, by="silence", again=again or not others
    )


def _read_words(reply: Reply, code: str) -> Reading:
    heard = listen(reply.words)
    if not (heard.declines or reply.refused):
        return Reading(ended=Ended.REFUSAL, reason=Reason.DEFLECTED, code=code, message=reply.words, by="words")
    category = heard.category or area_of(reply.words)
    named = Reason.CAPABILITY if category == "capability" else Reason.STATED
    reason = named if category else Reason.UNEXPLAINED
    return Reading(
        ended=Ended.REFUSAL,
        reason=reason,
        category=category,
        code=code,
        message=reply.words,
        stage=Stage.PROMPT,
        by="words",
    )


def _refusal(
    categories: Iterable[str],
    message: str,
    meaning: Meaning | None,
    code: str,
    stage: Stage,
    *,
    by: str,
    provider: Codes,
) -> Reading:
    named = [one for one in dict.fromkeys(categories) if compact(one) not in SAYS_NOTHING]
    if not named and meaning and meaning.category:
        named = [meaning.category]
    if not named and (found := VIOLATIONS.search(message)):
        named = [one.strip(" '\"") for one in found[1].split(",") if one.strip(" '\"")]
    if found := SUPPORT.search(message):
        numbers = re.findall(r"\d{8}", found[1])
        known = [SUPPORT_CODES[number] for number in numbers if number in SUPPORT_CODES]
        named = named or list(dict.fromkeys(category for category, _ in known if category))
        code = code or numbers[0]
        stage = stage if stage is not Stage.UNKNOWN or not known else known[0][1]
    if not named and (area := area_of(message)):
        named = [area]
    if stage is Stage.UNKNOWN and meaning:
        stage = meaning.stage
    if stage is Stage.UNKNOWN:
        stage = _stage_of(message)
    if named == ["capability"]:
        return Reading(
            ended=Ended.REFUSAL,
            reason=Reason.CAPABILITY,
            category="capability",
            code=code,
            message=message,
            stage=stage,
            by=by,
        )
    reason = Reason.STATED if named else Reason.UNEXPLAINED
    return Reading(
        ended=Ended.REFUSAL, reason=reason, category=", ".join(named), code=code, message=message, stage=stage, by=by
    )


_OF_PICTURE = re.compile(
    r"image (?:we|that was) (?:created|generated)|generated images?|output (?:image|was)|created may violate|show generated|content moderated",
    re.IGNORECASE,
)
_OF_PROMPT = re.compile(
    r"\b(?:your|the|text|input) (?:text )?prompts?\b|your request|\binput\b|^prompts?\b|request moderated",
    re.IGNORECASE,
)


def _stage_of(message: str) -> Stage:
    if _OF_PICTURE.search(message):
        return Stage.PICTURE
    return Stage.PROMPT if _OF_PROMPT.search(message) else Stage.UNKNOWN


def _stage(slot: Slot | None, reply: Reply) -> Stage:
    return slot.stage if slot and slot.stage is not Stage.UNKNOWN else reply.stage


def _failure(fault: Fault, *, by: str = "", code: str = "", message: str = "") -> Reading:
    return Reading(ended=Ended.FAILURE, fault=fault, code=code, message=message, by=by)


def _first(codes: Iterable[str], provider: Codes, senses: tuple[Sense, ...]) -> tuple[Meaning | None, str]:
    """The first code with one of the senses, and itself as the provider wrote it."""
    for code in codes:
        meaning = _meaning(code, provider)
        if meaning and meaning.sense in senses:
            return meaning, code
    return None, ""


_SENSITIVE = re.compile(r"(input|output)?(?:text|image|video)?.*sensitivecontentdetected.*")


def _meaning(code: str, provider: Codes) -> Meaning | None:
    plain = compact(code)
    if (meaning := provider.get(plain) or ANYBODY.get(plain)) is not None:
        return meaning
    if found := _SENSITIVE.fullmatch(plain):
        stage = {"input": Stage.PROMPT, "output": Stage.PICTURE}.get(found[1] or "", Stage.UNKNOWN)
        return Meaning(Sense.REFUSED, stage=stage)
    for prefix, meaning in provider.items():
        if prefix.endswith("*") and plain.startswith(prefix[:-1]):
            return meaning
    if plain.startswith("malformed"):
        return Meaning(Sense.BAD_REQUEST)
    return None


def _code(reply: Reply) -> str:
    return reply.codes[0] if reply.codes else ""
