"""What an assistant's words amount to: a decline, an announcement, a question. Pure.

`countcheck.generators.refusals.classify` decides what follows from it for a picture.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from countcheck.generators.refusals.phrases import (
    AGREES,
    AREAS,
    ASKS,
    CLAIMS,
    DECLINES,
    FAULTS,
    HEDGES,
    LIMITS,
    NOT_CLAIMS,
    NOT_DECLINES,
    OBJECTS,
    OFFERS,
    RECOVERED,
)

MAX_WORDS = 2000  # characters read of one text


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsReading:
    """What an assistant's words amount to.

    Attributes:
        declines: The assistant will not draw, or cannot.
        languages: Languages in which a decline was recognised.
        category: The policy area that is named; ``capability`` when the assistant says that it has no means.
        claims: The words announce a finished picture.
        asks: The words end in a question, or ask for more.
        offers: The assistant declines and offers something else.
        limited: A limit of use is reached; nothing was objected to.
        broken: Something broke while the picture was made; nothing was objected to.
    """

    declines: bool = False
    languages: tuple[str, ...] = ()
    category: str = ""
    claims: bool = False
    asks: bool = False
    offers: bool = False
    limited: bool = False
    broken: bool = False


@functools.lru_cache(maxsize=512)
def read_words(words: str) -> WordsReading:
    """Read an assistant's words.

    >>> read_words("I'm sorry, but I can't create that image.").declines
    True
    >>> read_words("Here are your three pigs!").claims
    True
    """
    text = normal(words)
    if not text:
        return WordsReading()
    plain = NOT_DECLINES.sub(" ", text)
    limited, broken = _limited_or_broken(text)
    languages = tuple(name for name, pattern in DECLINES.items() if _may_be(name, plain) and pattern.search(plain))
    declines = bool(languages)
    if declines and _only_hedges(text):
        languages, declines = (), False
    # "I've added the pig, but couldn't keep the hat" is a claim; "I can't. Here is a description" is not.
    asks = bool(ASKS.search(text))
    announces = CLAIMS.search(text) or (AGREES.search(text) and not asks)
    claims = bool(announces) and not declines and not limited and not broken and not NOT_CLAIMS.search(text)
    return WordsReading(
        declines=declines,
        languages=languages,
        category=_area(plain) if declines else "",
        claims=claims,
        asks=asks,
        offers=declines and bool(OFFERS.search(text)),
        limited=limited,
        broken=broken,
    )


def _limited_or_broken(text: str) -> tuple[bool, bool]:
    """Tell whether a text names a limit of use, or a fault, and no objection to the picture."""
    # A question about a server room with technical problems reports none.
    stated = _QUESTION.sub(" ", text) if "?" in text or "？" in text else text
    limited = bool(LIMITS.search(stated))
    broken = not limited and bool(FAULTS.search(stated))
    if not (limited or broken) or OBJECTS.search(text) or RECOVERED.search(text):
        return False, False
    return limited, broken


def _only_hedges(text: str) -> bool:
    """Tell whether a text thinks of several reasons and gives none: an apology, not an answer."""
    if len(HEDGES.findall(text)) < 2:
        return False
    clauses = (_REASON.split(sentence, maxsplit=1)[0] for sentence in _SENTENCE_END.split(text))
    plain = [clause for clause in clauses if clause.strip() and not HEDGES.search(clause)]
    # "I can't draw that, because it could be taken badly" declines outright, whatever it thinks of reasons.
    return not any(DECLINES["en"].search(clause.strip()) for clause in plain)


_QUESTION = re.compile(r"[^.!?。！？\n]{1,400}[?？]")
_SENTENCE_END = re.compile(r"[.!?\n]+")
_REASON = re.compile(r"\b(?:because|since|due to|as it|as this|which)\b")


def claims_success(words: str) -> bool:
    """Tell whether words beside a picture, or instead of one, announce that what was asked is done.

    >>> claims_success("Sure, here are three little pigs.")
    True
    """
    return read_words(words).claims


def area_of(text: str) -> str:
    """Name the first policy area that a text mentions; empty when it mentions none.

    >>> area_of("That would show graphic violence.")
    'violence'
    """
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
    """Find letters without which each branch of a pattern cannot match; none when a branch has no such letters."""
    cues = []
    for branch in _branches(pattern):
        plain = re.sub(r"\(.*\)\??|\[[^\]]*\]|\\[a-zA-Z]|.[?*]", "\0", branch, flags=re.DOTALL)
        longest = max(re.findall(r"[^\x00-\x1f\\().|?*+]+", plain), key=len, default="").strip()
        if not longest:
            return ()
        cues.append(longest)
    return tuple(dict.fromkeys(cues))


def _branches(pattern: str) -> list[str]:
    """Split a pattern at the bars outside of its brackets."""
    branches, depth, start = [], 0, 0
    for place, char in enumerate(pattern):
        depth += (char in "([") - (char in ")]")
        if char == "|" and depth == 0:
            branches.append(pattern[start:place])
            start = place + 1
    return [*branches, pattern[start:]]


_AREA_CUES = tuple(_cues(pattern.pattern) for _, pattern in AREAS)

_SPACES = re.compile(r"[ \t\r\f\v\u00a0]+")
_QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "İ": "i"}
)
_MARKDOWN = re.compile(r"[*_#>~]{1,3}(?=\S)|(?<=\S)[*_~]{1,3}")


def normal(words: str) -> str:
    """Normalise words as the tables expect them: lower case, straight quotes, single spaces, no emphasis marks.

    >>> normal("  **I CAN\u2019T**  do that ")
    "i can't do that"
    """
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
    """Tell whether the text's script allows the language."""
    if language in _SCRIPTS:
        return bool(_SCRIPTS[language].search(text))
    return True
