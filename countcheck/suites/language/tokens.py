"""Words, numbers and signs of a text, in order."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from countcheck.suites.language.nouns import classes_of, singular_of
from countcheck.suites.language.word_lists import UNITS

_TOKEN = re.compile(
    r"[$€£]?\d+(?:[.,:/x×]\d+)*(?:[%+]|[A-Za-z°]+)?(?:-[^\W_]+)*\+?"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*(?:[-‐‑][^\W_]+(?:['’][^\W\d_]+)*)*['’]?"
    r"|[^\s_\u200b-\u200f\ufe0f\u20e3]"
)
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|«[^»]*»|(?<![\w\'])\'[^\'\n]{1,80}\'(?!\w)|(?<!\w)‘[^’\n]{1,80}’(?!\w)')
_TAG = re.compile(r"(\d{1,3})([a-z]{3,})")


class Token(NamedTuple):
    """A word, number or sign of a text.

    Attributes:
        text: As written.
        low: In lower case, with plain apostrophes and hyphens.
        start, end: Its place in the text, in characters.
    """

    text: str
    low: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Split a text into words, numbers and signs.

    >>> [token.text for token in tokens_of("3 pigs, one wolf")]
    ['3', 'pigs', ',', 'one', 'wolf']
    """
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        word = match.group()
        low = word.lower()
        if word in "-*+" and "\n" in text[tokens[-1].end if tokens else 0 : match.start()]:
            # What begins a line of a list is no minus.
            low = "•"
        if not low.isascii():
            low = low.replace("’", "'").replace("‐", "-").replace("‑", "-")
        tag = _TAG.fullmatch(word)
        if tag is not None and _is_tag(int(tag[1]), tag[2]):
            middle = match.start() + len(tag[1])
            tokens.append(Token(tag[1], tag[1], match.start(), middle))
            tokens.append(Token(tag[2], tag[2], middle, match.end()))
        else:
            tokens.append(Token(word, low, match.start(), match.end()))
    return tokens


def _is_tag(count: int, word: str) -> bool:
    """Whether a number and a word written together are a tag: "2girls", "1boy"; not "35mm", "2nd"."""
    if word in UNITS:
        return False
    singular = singular_of(word)
    if count == 1:
        return singular is None and "NOUN" in classes_of(word)
    return singular is not None


def low_at(tokens: Sequence[Token], i: int) -> str:
    """Return the lower-case word at a place; empty outside the text."""
    if i < 0:
        return ""
    try:
        return tokens[i].low
    except IndexError:
        return ""


_MARKS = re.compile("[\"'“‘«]")


def quoted_spans(text: str) -> list[tuple[int, int]]:
    """Find the spans inside quotation marks, the marks included; none when they hold the whole text."""
    if not _MARKS.search(text):
        return []
    spans = [match.span() for match in _QUOTED.finditer(text)]
    if len(spans) == 1 and not any(c.isalnum() for c in text[: spans[0][0]] + text[spans[0][1] :]):
        return []
    return spans


def outside(tokens: list[Token], spans: Sequence[tuple[int, int]]) -> list[Token]:
    """Return the tokens that begin outside all spans, which are sorted and do not overlap."""
    if not spans:
        return tokens
    starts = [start for start, _ in spans]

    def inside(token: Token) -> bool:
        nearest = bisect_right(starts, token.start) - 1
        return nearest >= 0 and token.start < spans[nearest][1]

    return [token for token in tokens if not inside(token)]


def joined(tokens: Sequence[Token], i: int) -> bool:
    """Return whether a token stands directly behind the one before it, without a space."""
    return 0 < i < len(tokens) and tokens[i - 1].end == tokens[i].start
