"""What one reply says of a wanted picture that is not there: codes with what they mean, sentences, categories. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from countcheck.generators.outcome import Stage
from countcheck.generators.refusals.codes import (
    ANYBODY,
    BAD_REQUEST_WORDS,
    BLOCK_WORDS,
    CLOSED_WORDS,
    REFUSES,
    SUPPORT,
    TRANSIENT_WORDS,
    VIOLATIONS,
    Meaning,
    Sense,
    compact,
    meaning_by_words,
)
from countcheck.generators.refusals.words import area_of, read_words
from countcheck.generators.remote.reply import Reply, Slot

Codes: TypeAlias = Mapping[str, Meaning]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
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
        return says(CLOSED_WORDS, self.sentence) and not waits

    @property
    def blocks(self) -> bool:
        """Tell whether an error's sentence says that content was refused; web pages and full queues say no such thing."""
        if self.is_page:
            return False
        if SUPPORT.search(self.sentence) or VIOLATIONS.search(self.sentence):
            return True
        if says(TRANSIENT_WORDS, self.sentence) or self.reply.status == 429:
            return False
        faults = (Sense.BAD_REQUEST, Sense.TRANSIENT)
        if self.first(*faults)[0] or self.first(*faults, guessed=True)[0]:
            return False
        if self.first(Sense.REFUSED, guessed=True)[0]:
            return True
        if says(BAD_REQUEST_WORDS, self.sentence) and not says(REFUSES, self.sentence):
            return False
        return says(BLOCK_WORDS, self.sentence) or self.declines

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


def without_prompt(text: str, asked: str) -> str:
    """Take the repeated prompt out of a service's sentence: it says nothing of the service's opinion."""
    plain = asked.strip()
    if len(plain) >= 8 and plain.casefold() in text.casefold():
        text = re.sub(re.escape(plain), "…", text, flags=re.IGNORECASE)
    return _QUOTED_PROMPT.sub(r"\1…", text) if "'" in text or '"' in text or "“" in text or "«" in text else text


@functools.lru_cache(maxsize=4096)
def says(pattern: re.Pattern[str], message: str) -> bool:
    """Tell whether a sentence matches. Rules ask the same of one sentence several times, and services repeat theirs."""
    return bool(pattern.search(message))


def evidence_of(reply: Reply, slot: Slot | None, table: Codes, asked: str, *, others: bool = False) -> Evidence:
    """Collect what a reply says of a place that holds no picture, or of the picture that has no place.

    Args:
        reply: Everything that came.
        slot: The place; ``None`` when there is none.
        table: What the provider's own codes mean.
        asked: The prompt.
        others: Other pictures came with the same reply.
    """
    codes = (*(slot.codes if slot else ()), *reply.codes)
    message = (slot.message if slot else "") or reply.message
    return Evidence(
        reply=reply,
        codes=tuple((code, meaning_of(code, table)) for code in codes),
        categories=(slot.categories if slot else ()) or reply.categories,
        message=message,
        sentence=without_prompt(message, asked),
        stage=_stage(slot, reply),
        others=others,
    )


def evidence_of_slot(reply: Reply, slot: Slot, table: Codes, asked: str) -> Evidence:
    """Collect what one place of an answer says of itself."""
    return Evidence(
        reply=reply,
        codes=tuple((code, meaning_of(code, table)) for code in slot.codes),
        categories=slot.categories,
        message=slot.message or reply.message,
        sentence=without_prompt(slot.message or reply.message, asked),
        stage=_stage(slot, reply),
        withheld=slot.withheld,
    )


def _stage(slot: Slot | None, reply: Reply) -> Stage:
    return slot.stage if slot and slot.stage is not Stage.UNKNOWN else reply.stage


_SENSITIVE = re.compile(r"(input|output)?(?:text|image|video)?.*sensitivecontentdetected.*")


def meaning_of(code: str, table: Codes) -> Meaning | None:
    """Return what a code means, by the provider's own table first; ``None`` when nothing is known of it."""
    plain = compact(code)
    if (meaning := table.get(plain) or ANYBODY.get(plain)) is not None:
        return meaning
    if sensitive := _SENSITIVE.fullmatch(plain):
        stage = {"input": Stage.PROMPT, "output": Stage.PICTURE}.get(sensitive[1] or "", Stage.UNKNOWN)
        return Meaning(Sense.REFUSED, area_of(code.rpartition(".")[2]), stage)
    for prefix, meaning in table.items():
        if prefix.endswith("*") and plain.startswith(prefix[:-1]):
            return meaning
    return Meaning(Sense.BAD_REQUEST) if plain.startswith("malformed") else meaning_by_words(code)
