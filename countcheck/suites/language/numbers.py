"""Numbers as words, and numbers in running text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from countcheck.suites.language.tokens import Token, low_at

_UNITS = tuple(
    [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ]
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
MOST = 999
"""The largest number that is spelled."""

PHRASES: Mapping[int, str] = MappingProxyType(
    {1: "a single", 2: "a pair of", 3: "a trio of", 4: "a quartet of", 6: "half a dozen", 12: "a dozen"}
)
"""Numbers that English can say without a number word before the plural noun."""


def spell(number: int) -> str:
    """Return a number from 0 to 999 in words.

    Raises:
        ValueError: If the number is outside 0 to 999.

    >>> spell(105)
    'one hundred and five'
    """
    if not 0 <= number <= MOST:
        raise ValueError(f"{number} cannot be spelled; give 0 to {MOST}")
    if number < 20:
        return _UNITS[number]
    if number < 100:
        tens, unit = divmod(number, 10)
        return _TENS[tens] + (f"-{_UNITS[unit]}" if unit else "")
    hundreds, rest = divmod(number, 100)
    return f"{_UNITS[hundreds]} hundred" + (f" and {spell(rest)}" if rest else "")


WORDS: Mapping[str, int] = MappingProxyType({spell(n): n for n in range(100)})
"""Number words without a space, zero to ninety-nine, with their hyphens."""

_DIGITS = re.compile(r"\d{1,3}(?:,\d{3}){1,2}|\d{1,7}")
_MULTIPLES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "dozen": 12, "dozens": 12}
_TENS_ALONE = frozenset(_TENS[2:])
_UNITS_ALONE = frozenset(_UNITS[1:10])

# Dozens: the words, longest first, and the number.
_FIXED: tuple[tuple[tuple[str, ...], int], ...] = (
    (("half", "a", "dozen"), 6),
    (("half", "dozen"), 6),
    (("a", "half", "a", "dozen"), 6),
    (("a", "half", "dozen"), 6),
    (("an", "half", "a", "dozen"), 6),
    (("an", "half", "dozen"), 6),
    (("a", "half-dozen"), 6),
    (("an", "half-dozen"), 6),
    (("a", "baker's", "dozen"), 13),
    (("an", "baker's", "dozen"), 13),
    (("half-dozen",), 6),
    (("half-a-dozen",), 6),
    (("dozen",), 12),
    (("a", "couple", "dozen"), 24),
    (("couple", "dozen"), 24),
    (("a", "couple", "of", "dozen"), 24),
)
_FIXED_BY_WORD = {words[0]: [row for row in _FIXED if row[0][0] == words[0]] for words, _ in _FIXED}


def cardinal(tokens: Sequence[Token], i: int) -> tuple[int, int] | None:
    """Read the plain number that starts at a token.

    Returns:
        The number, 0 or more, and the token after it; ``None`` when no number starts there.

    >>> from countcheck.suites.language.tokens import tokens_of
    >>> cardinal(tokens_of("two hundred and five pigs"), 0)
    (205, 4)
    """
    low = low_at(tokens, i)
    if low[:1].isdigit():
        return _in_digits(tokens, i, low)
    for words, value in _FIXED_BY_WORD.get(low, ()):
        if follows(tokens, i, words):
            return value, i + len(words)
    if low in ("a", "an"):
        return _multiplied(tokens, 1, i + 1) if low_at(tokens, i + 1) in _MULTIPLES.keys() - {"dozens"} else None
    return _in_words(tokens, i, low) if low in WORDS else None


def follows(tokens: Sequence[Token], i: int, words: Sequence[str]) -> bool:
    """Return whether these words stand in the text from a token on."""
    # The first word is known to fit where this is asked; the second decides most of the time.
    end = i + len(words)
    if end > len(tokens) or (len(words) > 1 and tokens[i + 1].low != words[1]):
        return False
    return all(token.low == word for token, word in zip(tokens[i:end], words, strict=True))


def _in_digits(tokens: Sequence[Token], i: int, low: str) -> tuple[int, int] | None:
    if not _DIGITS.fullmatch(low):
        return None
    value = int(low.replace(",", ""))
    multiple = _MULTIPLES.get(low_at(tokens, i + 1))
    return (value * multiple, i + 2) if multiple is not None and value < 1000 else (value, i + 1)


def _in_words(tokens: Sequence[Token], i: int, low: str) -> tuple[int, int]:
    value, end = _below_hundred(tokens, i, low)
    return _multiplied(tokens, value, end) if low_at(tokens, end) in _MULTIPLES else (value, end)


def _below_hundred(tokens: Sequence[Token], i: int, low: str) -> tuple[int, int]:
    value, end = WORDS[low], i + 1
    if low in _TENS_ALONE and low_at(tokens, end) in _UNITS_ALONE:
        return value + WORDS[low_at(tokens, end)], end + 1
    return value, end


def _multiplied(tokens: Sequence[Token], value: int, i: int) -> tuple[int, int]:
    """``value`` times the multiple at ``i``, with what "and" adds: "a hundred and five"."""
    multiple = _MULTIPLES[low_at(tokens, i)]
    value, end = value * multiple, i + 1
    if low_at(tokens, i) in ("dozen", "dozens"):
        return value, end
    after = end + 1 if low_at(tokens, end) == "and" else end
    low = low_at(tokens, after)
    if low in WORDS:
        rest, rest_end = _below_hundred(tokens, after, low)
        inner = _MULTIPLES.get(low_at(tokens, rest_end))
        if inner is not None:
            # Each multiple inside another is smaller, so this ends.
            rest, rest_end = _multiplied(tokens, rest, rest_end) if inner < multiple else (0, 0)
        if 0 < rest < multiple:
            return value + rest, rest_end
    return value, end
