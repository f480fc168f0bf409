"""Whether a text is in English; what has a number in another language is reported, not guessed at."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from countcheck.suites.language.nouns import classes_of
from countcheck.suites.language.tokens import Token
from countcheck.suites.language.word_lists import word_set

# Numbers of other languages that are no English words.
_NUMBERS = word_set(
    "deux trois quatre cinq huit neuf dix douze "  # French
    "dos tres cuatro cinco seis siete ocho nueve diez "  # Spanish
    "zwei drei vier fünf sechs sieben neun zehn zwölf "  # German
    "tre quattro cinque sette otto nove dieci "  # Italian
    "dois duas três sete oito dez "  # Portuguese
    "twee drie vijf zes zeven negen tien "  # Dutch
    "två fyra fem sju åtta nio tio dwa trzy cztery pięć"  # Swedish, Polish
)
# Short words of other languages that English prompts hardly have.
_FUNCTION_WORDS = word_set(
    "et un une les des dans avec sur sous est aux du le la "
    "y el los las del unos unas sobre una "
    "und ein eine einen einem einer der im auf mit ist sind von "
    "il lo gli di sul sulla nel nella della "
    "uma com dentro een het och på med ett"
)
_ENGLISH = word_set(
    "the of and with at by for from into on is are an a no without this that their his her its near behind under over "
    "beside between next to one two three four five seven eight nine ten"
)
MAY_BE_FOREIGN = re.compile(rf"\b(?:{'|'.join(sorted(_NUMBERS))})\b|[\u0370-\u1fff\u3040-\ud7ff]", re.IGNORECASE)
"""What a text in another language with a number has somewhere; digits aside."""

_HAN_NUMERALS = frozenset("一二三四五六七八九十两兩百千")


def is_foreign(tokens: Sequence[Token]) -> bool:
    """Return whether a text is written in another language than English.

    >>> from countcheck.suites.language.tokens import tokens_of
    >>> is_foreign(tokens_of("drei Schweine und ein Wolf")), is_foreign(tokens_of("three pigs and one wolf"))
    (True, False)
    """
    if not tokens:
        return False
    words = [token.low for token in tokens if token.low[0].isalpha()]
    if _mostly_other_script(words):
        return True
    hits = sum(word in _NUMBERS or word in _FUNCTION_WORDS for word in words)
    if not hits:
        return False
    english = sum(word in _ENGLISH for word in words)
    if 2 * english >= hits:
        return False
    unknown = sum(word not in _NUMBERS and word not in _FUNCTION_WORDS and not classes_of(word) for word in words)
    return hits >= 2 or unknown >= 2


def _mostly_other_script(words: Sequence[str]) -> bool:
    if all(word.isascii() for word in words):
        return False
    letters = [c for word in words for c in word]
    other = sum(not c.isascii() and not unicodedata.name(c, "").startswith("LATIN") for c in letters)
    return other > 0.4 * len(letters)


def numbers_in(text: str, tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Find the pieces of a text in another language that may have a number.

    Returns:
        First and last token (exclusive) of each piece; all of the text where its script has no word boundaries.
    """
    if not text.isascii() and _mostly_other_script([token.low for token in tokens if token.low[0].isalpha()]):
        numbered = any(c.isnumeric() or c in _HAN_NUMERALS for c in text) or not _HAN.search(text)
        return [(0, len(tokens))] if numbered else []
    return [
        (i, min(i + 4, len(tokens)))
        for i, token in enumerate(tokens)
        if token.low[0].isdigit() or token.low in _NUMBERS or token.low in ("un", "une", "ein", "eine", "una", "uma")
    ]


_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
