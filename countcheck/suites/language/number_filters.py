"""Numbers in running text that count no things: times, years, names, sizes, alternatives, parts of a whole.

`is_no_count` is a table of small rules (`_NO_COUNT`): a number is no count when one of them fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from countcheck.suites.language import word_lists as lex
from countcheck.suites.language.noun_phrases import Phrase, phrase_at
from countcheck.suites.language.numbers import WORDS, cardinal
from countcheck.suites.language.quantities import Quantity
from countcheck.suites.language.tokens import Token, low_at

Rule = Callable[[Sequence[Token], int, Quantity], bool]


def is_no_count(tokens: Sequence[Token], i: int, quantity: Quantity, *, title_case: bool) -> bool:
    """Return whether a number is a time, date, year, size, price, score or name.

    Args:
        tokens: The text.
        i: Where the quantity starts.
        quantity: The number.
        title_case: Whether every word of the text begins with a capital, so that a capital marks no name.
    """
    if any(rule(tokens, i, quantity) for rule in _NO_COUNT):
        return True
    if _is_year_shaped(tokens, i, quantity):
        return _is_year(tokens, i, quantity)
    if any(rule(tokens, i, quantity) for rule in _NO_COUNT_BUT_YEAR):
        return True
    return not title_case and _is_name(tokens, i, quantity)


def _has_unit(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "5 km", "three o'clock"; letters such as x and g are units of digits alone."""
    after = low_at(tokens, quantity.end)
    return after in lex.UNITS and (tokens[i].text[0].isdigit() or after not in lex.DIGIT_UNITS)


def _has_sign(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "$5", "#3", "5 %", "1/2"."""
    after, before = low_at(tokens, quantity.end), low_at(tokens, i - 1)
    return after in ("%", "/", "°") or before in ("$", "€", "£", "#", "№", "@", "-", "/", "x", "×")


def _is_year_shaped(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    text = tokens[i].text
    return text[0].isdigit() and 1000 <= quantity.count <= 2100 and "," not in text and len(text) == 4


def _is_year(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "1920", "in 1500"; "1200 candles" is a count."""
    if phrase_at(tokens, quantity.end, plural=True) is None or low_at(tokens, i - 1) in lex.YEAR_BEFORE:
        return True
    return quantity.count >= 1800


def _is_date(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "3 May", "July 4"."""
    return quantity.count <= 31 and (_is_month(tokens, i - 1) or _is_month(tokens, quantity.end))


def _is_month(tokens: Sequence[Token], i: int) -> bool:
    return low_at(tokens, i) in lex.MONTHS and tokens[i].text[0].isupper()


def _is_label(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "chapter 3", "no. 5", "seed 7"."""
    before = low_at(tokens, i - 1)
    return before in lex.NAMING or (before == "." and low_at(tokens, i - 2) in lex.NAMING | {"no"})


_NO_COUNT: tuple[Rule, ...] = (_has_unit, _has_sign)
_NO_COUNT_BUT_YEAR: tuple[Rule, ...] = (_is_date, _is_label)


def _is_name(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    if starts_sentence(tokens, i):
        return False
    after = tokens[quantity.end] if quantity.end < len(tokens) else None
    before = tokens[i - 1]
    capital = tokens[i].text[0].isupper()
    if capital and (before if after is None else after).text[0].isupper():
        return True
    named = before.text[0].isupper() and before.low not in lex.STOP and not starts_sentence(tokens, i - 1)
    return named and tokens[i].text[0].isdigit()


def starts_sentence(tokens: Sequence[Token], i: int) -> bool:
    """Return whether a sentence starts at a token, so that a capital there marks no name."""
    return i == 0 or low_at(tokens, i - 1) in (".", "!", "?", ":", ";", "\n", "(", "|")


def is_harmless(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """Return whether a number without a noun can be passed over: "one of them", "a 5 star hotel", "at five", "not two"."""
    before, after = low_at(tokens, i - 1), low_at(tokens, quantity.end)
    if after == "of" or before in ("not", "to", "by", "or", "than") or before in lex.LABELS:
        return True
    if after in ("to", "by") and cardinal(tokens, quantity.end + 1) is not None:
        return True
    if quantity.count == 0:
        return phrase_at(tokens, quantity.end, plural=False) is not None
    if quantity.count == 1 and tokens[i].low in ("one", *lex.SINGLE, "a"):
        return True
    if before in lex.TIME_BEFORE and quantity.count <= 60:
        return True
    adjectival = before in ("a", "an", "the", "this", "that", "his", "her", "my", "your", "their", "its")
    return adjectival and phrase_at(tokens, quantity.end, plural=False) is not None


def is_not_seen(tokens: Sequence[Token], i: int, phrase: Phrase) -> bool:
    """Return whether a phrase names nothing that a picture shows as things: "two halves", "cut into four slices"."""
    if phrase.head in lex.ABSTRACT or (phrase.raw in lex.UNITS and phrase.raw not in lex.LIVING):
        return True
    if phrase.head in lex.CUT_INTO and low_at(tokens, i - 1) == "into":
        return True
    before = low_at(tokens, i - 1)
    return phrase.head in ("hand", "foot", "leg", "knee", "wheel", "arm", "eye") and before in ("on", "in")


def is_unclear(
    tokens: Sequence[Token], i: int, quantity: Quantity, phrase: Phrase, end: int, *, last_end: int | None
) -> bool:
    """Return whether a number says what no target can: alternatives, multiples, differences.

    Args:
        tokens: The text.
        i: Where the quantity starts.
        quantity: The number.
        phrase: What it counts.
        end: The token after both.
        last_end: The token after the last target before it; ``None`` for the first.
    """
    before, after = low_at(tokens, i - 1), low_at(tokens, end)
    if before in ("not", "another", "either", "other", "plus", "times", "every"):
        return True
    if before == "and" and (low_at(tokens, i - 2) in WORDS or low_at(tokens, i - 2).isdigit()):
        return True
    if low_at(tokens, quantity.end) in lex.RELATIVE or "'" in phrase.phrase:
        return True
    if after in ("each", "apiece", "per"):
        return True
    if after in ("in", "on", "for", "by", "at") and low_at(tokens, end + 1) in ("each", "every"):
        return True
    if any(low_at(tokens, k) in ("each", "every") for k in range(_clause_start(tokens, i), i)):
        return True
    if after == "or":
        return True
    return before == "or" and last_end == i - 1


def _clause_start(tokens: Sequence[Token], i: int) -> int:
    start = i
    while start > 0 and i - start < 5 and low_at(tokens, start - 1) not in (".", ";", "!", "?", "and"):
        start -= 1
    return start
