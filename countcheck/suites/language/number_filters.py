"""Numbers in running text that ask for no things: times, years, names, sizes, alternatives, parts of a whole."""

from __future__ import annotations

from collections.abc import Sequence

from countcheck.suites.language import word_lists as lex
from countcheck.suites.language.numbers import WORDS
from countcheck.suites.language.quantities import Quantity, Token, cardinal, low_at
from countcheck.suites.language.tokens import Phrase, phrase_at


def is_no_count(tokens: Sequence[Token], i: int, quantity: Quantity, *, title_case: bool) -> bool:
    """A time, date, year, size, price, score or name. ``title_case``: every word of the text begins with a capital."""
    token, after, before = tokens[i], low_at(tokens, quantity.end), low_at(tokens, i - 1)
    digits = token.text[0].isdigit()
    if after in lex.UNITS and (digits or after not in ("k", "x", "m", "g", "c", "am", "st", "nd", "rd", "th", "f")):
        return True
    if after == "%" or before in ("$", "€", "£", "#", "№", "@", "-", "/", "x", "×") or after in ("/", "°"):
        return True
    if digits and 1000 <= quantity.count <= 2100 and "," not in token.text and len(token.text) == 4:
        following = phrase_at(tokens, quantity.end, plural=True)
        if following is None or before in ("in", "from", "since", "circa", "year", "of", "late", "early"):
            return True
        return quantity.count >= 1800
    if _month(tokens, i - 1) or _month(tokens, quantity.end):
        return quantity.count <= 31
    if before in lex.NAMING or (before == "." and low_at(tokens, i - 2) in lex.NAMING | {"no"}):
        return True
    return not title_case and _is_name(tokens, i, quantity)


def _month(tokens: Sequence[Token], i: int) -> bool:
    return low_at(tokens, i) in lex.MONTHS and tokens[i].text[0].isupper()


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
    """Whether a capital at this place says nothing."""
    return i == 0 or low_at(tokens, i - 1) in (".", "!", "?", ":", ";", "\n", "(", "|")


def is_harmless(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """A number without a thing that means no harm: "one of them", "a 5 star hotel", "at five", "not two"."""
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
    """What a picture cannot show as things: "two halves", "three times", "cut into four slices"."""
    if phrase.head in lex.ABSTRACT or (phrase.raw in lex.UNITS and phrase.raw not in lex.LIVING):
        return True
    if phrase.head in lex.CUT_INTO and low_at(tokens, i - 1) == "into":
        return True
    before = low_at(tokens, i - 1)
    return phrase.head in ("hand", "foot", "leg", "knee", "wheel", "arm", "eye") and before in ("on", "in")


def is_unclear(
    tokens: Sequence[Token], i: int, quantity: Quantity, phrase: Phrase, end: int, *, found_to: int | None
) -> bool:
    """Says a number that no target can: alternatives, multiples, differences. ``found_to``: where the last target ended."""
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
    return before == "or" and found_to == i - 1


def _clause_start(tokens: Sequence[Token], i: int) -> int:
    start = i
    while start > 0 and i - start < 5 and low_at(tokens, start - 1) not in (".", ";", "!", "?", "and"):
        start -= 1
    return start
