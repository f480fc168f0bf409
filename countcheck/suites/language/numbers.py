"""Numbers as words, and words as numbers: zero to nine hundred and ninety-nine."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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

PHRASES: Mapping[int, str] = MappingProxyType(
    {1: "a single", 2: "a pair of", 3: "a trio of", 4: "a quartet of", 6: "half a dozen", 12: "a dozen"}
)
"""Numbers that English can say without a number word before the plural noun."""


def spell(number: int) -> str:
    """A number from 0 to 999 in words: "twenty-one", "one hundred and five".

    Raises:
        ValueError: If the number is outside 0 to 999.
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
