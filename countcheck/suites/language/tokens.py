"""Words, numbers and signs of a text, in order."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

_TOKEN = re.compile(
    r"[$€£]?\d+(?:[.,:/x×]\d+)*(?:[%+]|[A-Za-z°]+)?(?:-[^\W_]+)*\+?"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*(?:[-‐‑][^\W_]+(?:['’][^\W\d_]+)*)*['’]?"
    r"|[^\s]"
)
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”')


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
    tokens = []
    for match in _TOKEN.finditer(text):
        word = match.group()
        low = word.lower()
        if not low.isascii():
            low = low.replace("’", "'").replace("‐", "-").replace("‑", "-")
        tokens.append(Token(word, low, match.start(), match.end()))
    return tokens


def low_at(tokens: Sequence[Token], i: int) -> str:
    """Return the lower-case word at a place; empty outside the text."""
    if i < 0:
        return ""
    try:
        return tokens[i].low
    except IndexError:
        return ""


def without_quotes(text: str, tokens: list[Token]) -> list[Token]:
    """Return the tokens outside quotation marks: words written on a sign ask for no things."""
    if '"' not in text and "“" not in text:
        return tokens
    spans = [match.span() for match in _QUOTED.finditer(text)]
    starts = [start for start, _ in spans]

    def quoted(token: Token) -> bool:
        nearest = bisect_right(starts, token.start) - 1
        return nearest >= 0 and token.start < spans[nearest][1]

    return [token for token in tokens if not quoted(token)]
