"""Quantities in running text: where a number stands, how large it is, how the picture's number must relate to it.

A quantity is read by an ordered table of patterns (`_PATTERNS`): the first that fits decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from countcheck.suites.language.numbers import WORDS, cardinal, follows
from countcheck.suites.language.tokens import Token, low_at
from countcheck.suites.language.word_lists import BUNDLES, SINGLE, WORKS
from countcheck.suites.suite import Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number in the text.

    Attributes:
        relation, count, upper: As in a target.
        end: The token after it.
        bundle: "pair", "trio" ... when a bundle word gives the number; the things come after "of". "couple?" for "a
            couple", which may be two things or two people.
        loose: Whether it is vague ("about", "several", "dozens of"): a target only when asked for.
        word: Whether it is written in letters.
    """

    relation: Relation
    count: int
    end: int
    upper: int | None = None
    bundle: str = ""
    loose: bool = False
    word: bool = False


# Words before a number, the relation they make of it, and what they add to it.
_BOUNDS: tuple[tuple[tuple[str, ...], Relation, int], ...] = (
    (("at", "least"), Relation.AT_LEAST, 0),
    (("no", "fewer", "than"), Relation.AT_LEAST, 0),
    (("no", "less", "than"), Relation.AT_LEAST, 0),
    (("not", "fewer", "than"), Relation.AT_LEAST, 0),
    (("not", "less", "than"), Relation.AT_LEAST, 0),
    (("a", "minimum", "of"), Relation.AT_LEAST, 0),
    (("minimum", "of"), Relation.AT_LEAST, 0),
    (("at", "most"), Relation.AT_MOST, 0),
    (("up", "to"), Relation.AT_MOST, 0),
    (("no", "more", "than"), Relation.AT_MOST, 0),
    (("not", "more", "than"), Relation.AT_MOST, 0),
    (("a", "maximum", "of"), Relation.AT_MOST, 0),
    (("maximum", "of"), Relation.AT_MOST, 0),
    (("more", "than"), Relation.AT_LEAST, 1),
    (("fewer", "than"), Relation.AT_MOST, -1),
    (("less", "than"), Relation.AT_MOST, -1),
    (("exactly",), Relation.EXACTLY, 0),
    (("precisely",), Relation.EXACTLY, 0),
    (("only",), Relation.EXACTLY, 0),
    (("just",), Relation.EXACTLY, 0),
    (("never", "more", "than"), Relation.AT_MOST, 0),
    (("never", "fewer", "than"), Relation.AT_LEAST, 0),
    (("never", "less", "than"), Relation.AT_LEAST, 0),
    (("max", "."), Relation.AT_MOST, 0),
    (("min", "."), Relation.AT_LEAST, 0),
    (("max",), Relation.AT_MOST, 0),
    (("min",), Relation.AT_LEAST, 0),
    (("maximum",), Relation.AT_MOST, 0),
    (("minimum",), Relation.AT_LEAST, 0),
)

# Vague words, the relation they make, the least and the most.
_VAGUE: tuple[tuple[tuple[str, ...], Relation, int, int | None], ...] = (
    (("a", "few"), Relation.BETWEEN, 3, 5),
    (("several",), Relation.AT_LEAST, 3, None),
    (("many",), Relation.AT_LEAST, 5, None),
    (("numerous",), Relation.AT_LEAST, 5, None),
    (("lots", "of"), Relation.AT_LEAST, 5, None),
    (("a", "lot", "of"), Relation.AT_LEAST, 5, None),
    (("a", "handful", "of"), Relation.BETWEEN, 3, 6),
    (("dozens", "of"), Relation.AT_LEAST, 24, None),
    (("hundreds", "of"), Relation.AT_LEAST, 200, None),
    (("thousands", "of"), Relation.AT_LEAST, 2000, None),
    (("some",), Relation.AT_LEAST, 2, None),
)
_ABOUT = frozenset(["about", "approximately", "roughly", "nearly", "almost", "circa", "some"])
_SIGNED = (
    (re.compile(r"(\d{1,7})\+"), Relation.AT_LEAST),
    (re.compile(r"(\d{1,7})[x×]"), Relation.EXACTLY),
)
_RANGE = re.compile(r"(\d{1,7})-(\d{1,7})")

_BOUNDS_BY_WORD = {words[0]: [row for row in _BOUNDS if row[0][0] == words[0]] for words, *_ in _BOUNDS}
_VAGUE_BY_WORD = {words[0]: [row for row in _VAGUE if row[0][0] == words[0]] for words, *_ in _VAGUE}

STARTS = frozenset(
    {*WORDS, *_ABOUT, *_BOUNDS_BY_WORD, *_VAGUE_BY_WORD, *BUNDLES, *SINGLE}
    | {"half", "half-dozen", "half-a-dozen", "a", "an", "the", "dozen", "around", "between", "either", "both", "couple"}
)
"""Every word that a quantity can begin with; digits aside."""

Pattern = Callable[[Sequence[Token], int, str], "Quantity | None"]


def quantity_at(tokens: Sequence[Token], i: int) -> Quantity | None:
    """Read the quantity that starts at a token, bounds and bundles included.

    Returns:
        The quantity; ``None`` when none starts there.

    >>> from countcheck.suites.language.tokens import tokens_of
    >>> quantity = quantity_at(tokens_of("at least three pigs"), 0)
    >>> str(quantity.relation), quantity.count, quantity.end
    ('at_least', 3, 3)
    """
    low = low_at(tokens, i)
    if low not in STARTS and not low[:1].isdigit():
        return None
    if low in _BOUNDS_BY_WORD:
        for words, relation, step in _BOUNDS_BY_WORD[low]:
            if follows(tokens, i, words):
                return _bounded(tokens, i + len(words), relation, step)
    return _first(_PATTERNS, tokens, i, low)


def _first(patterns: Sequence[Pattern], tokens: Sequence[Token], i: int, low: str) -> Quantity | None:
    for pattern in patterns:
        quantity = pattern(tokens, i, low)
        if quantity is not None:
            return quantity
    return None


def _bounded(tokens: Sequence[Token], i: int, relation: Relation, step: int) -> Quantity | None:
    """The number at ``i`` after "at least", "fewer than"; "at least 2 but at most 5" is a range."""
    number = _first(_PLAIN, tokens, i, low_at(tokens, i))
    if number is None or number.relation is not Relation.EXACTLY or number.count + step < 0:
        return None
    count = number.count + step
    if relation is Relation.AT_LEAST and low_at(tokens, number.end) in ("but", "and"):
        upper = _upper_bound(tokens, number.end + 1)
        if upper is not None and upper.count > count:
            return replace(upper, relation=Relation.BETWEEN, count=count, upper=upper.count)
    return Quantity(relation=relation, count=count, end=number.end, bundle=number.bundle, word=number.word)


def _upper_bound(tokens: Sequence[Token], i: int) -> Quantity | None:
    for words, relation, step in _BOUNDS_BY_WORD.get(low_at(tokens, i), ()):
        if relation is Relation.AT_MOST and follows(tokens, i, words):
            return _bounded(tokens, i + len(words), relation, step)
    upper = _first(_PLAIN, tokens, i, low_at(tokens, i))
    return upper if upper is not None and upper.relation is Relation.AT_MOST else None


def _approximate(tokens: Sequence[Token], i: int, low: str) -> Quantity | None:
    """ "about twenty": a fifth less to a fifth more."""
    if low not in _ABOUT and not (low == "around" and _is_large(tokens, i + 1)):
        return None
    if low == "about" and not _is_large(tokens, i + 1) and _names_a_work(low_at(tokens, i - 1)):
        return _first(_PLAIN, tokens, i + 1, low_at(tokens, i + 1))
    number = _first(_PLAIN, tokens, i + 1, low_at(tokens, i + 1))
    if number is None or number.relation is not Relation.EXACTLY:
        return None
    least, most = (number.count * 4) // 5, -(-number.count * 6 // 5)
    return Quantity(relation=Relation.BETWEEN, count=least, upper=most, end=number.end, loose=True, word=True)


def _is_large(tokens: Sequence[Token], i: int) -> bool:
    number = cardinal(tokens, i)
    return number is not None and number[0] >= 10


def _names_a_work(low: str) -> bool:
    """ "a comic about two cats" tells of exactly two."""
    return low in WORKS


def _both(tokens: Sequence[Token], i: int, low: str) -> Quantity | None:
    """ "both dogs"; not "both cats and dogs", which are two kinds."""
    if low != "both":
        return None
    end = i + 1
    while low_at(tokens, end) in ("of", "the", "these", "those", "his", "her", "its", "my", "your", "their", "our"):
        end += 1
    return Quantity(relation=Relation.EXACTLY, count=2, end=end, bundle="both", word=True)


def _between(tokens: Sequence[Token], i: int, low: str) -> Quantity | None:
    """ "between 2 and 4"."""
    first = cardinal(tokens, i + 1) if low == "between" else None
    if first is None or low_at(tokens, first[1]) not in ("and", "to"):
        return None
    second = cardinal(tokens, first[1] + 1)
    return _range(first[0], second[0], second[1]) if second is not None else None


def _either(tokens: Sequence[Token], i: int, low: str) -> Quantity | None:
    """ "either two or three"."""
    return _alternative(tokens, i + 1, low_at(tokens, i + 1)) if low == "either" else None


def _signed(tokens: Sequence[Token], i: int, low: str) -> Quantity | None:
    """ "2-4", "3+", "3x"."""
    if not low[:1].isdigit():
        return None
    if match := _RANGE.fullmatch(low):
        return _range(int(match[1]), int(match[2]), i + 1)
    for pattern, relation in _SIGNED:
        if match := pattern.fullmatch(low):
            return Quantity(relation=relation, count=int(match[1]), end=i + 1)
    return None


def _single(tokens: Sequence[Token], i: int, low: str) -> Quantity | None:
    """ "a single", "one lone", "solitary"."""
    at = i + 1 if low in ("a", "one") else i
    if low_at(tokens, at) not in SINGLE:
        return None
    return Quantity(relation=Relation.EXACTLY, count=1, end=at + 1, word=True)


def _couple_dozen(tokens: Sequence[Token], i: int, low: str) -> Quantity | None:
    """ "a couple dozen" is a number, and no couple."""
    at = i + 1 if low == "a" else i
    return _exact(tokens, i, low) if low_at(tokens, at) == "couple" and cardinal(tokens, i) is not None else None


def _bundle(tokens: Sequence[Token], i: int, low: str) -> Quantity | None:
    """ "a pair of", "trio of", "a couple"."""
    at = i + 1 if low in ("a", "the", "one") else i
    kind = low_at(tokens, at)
    if kind not in BUNDLES:
        return None
    if low_at(tokens, at + 1) == "of":
        return Quantity(relation=Relation.EXACTLY, count=BUNDLES[kind], end=at + 2, bundle=kind, word=True)
    if kind == "couple" and at > i and low_at(tokens, at + 1):
        return Quantity(relation=Relation.EXACTLY, count=2, end=at + 1, bundle="couple?", word=True)
    return None


def _alternative(tokens: Sequence[Token], i: int, low: str) -> Quantity | None:
    """ "two or three", "2 to 4", "3 – 5": a range."""
    first = cardinal(tokens, i)
    if first is None or low_at(tokens, first[1]) not in ("or", "to", "–", "-"):
        return None
    second = cardinal(tokens, first[1] + 1)
    return _range(first[0], second[0], second[1]) if second is not None else None


def _range(least: int, most: int, end: int) -> Quantity | None:
    if most <= least:
        return None
    return Quantity(relation=Relation.BETWEEN, count=least, upper=most, end=end, word=True)


def _exact(tokens: Sequence[Token], i: int, low: str) -> Quantity | None:
    """ "three", "3 or more", "two pairs of"."""
    number = cardinal(tokens, i)
    if number is None:
        return None
    count, end = number[0], _after_repetition(tokens, *number)
    word = not low[:1].isdigit()
    if low_at(tokens, end) in ("x", "×") and not word and low_at(tokens, end + 1)[:1].isalpha():
        # "3 x apples".
        end += 1
    after, next_word = low_at(tokens, end), low_at(tokens, end + 1)
    if after in ("or", "and") and next_word in ("more", "fewer", "less"):
        relation = Relation.AT_LEAST if next_word == "more" else Relation.AT_MOST
        return Quantity(relation=relation, count=count, end=end + 2, word=word)
    kind = after.removesuffix("s")
    if kind in BUNDLES and (after.endswith("s") or count == 1) and next_word == "of":
        return Quantity(relation=Relation.EXACTLY, count=count * BUNDLES[kind], end=end + 2, bundle=kind, word=word)
    return Quantity(relation=Relation.EXACTLY, count=count, end=end, word=word)


def _after_repetition(tokens: Sequence[Token], count: int, end: int) -> int:
    """The token after "(2)" in "two (2) bicycles"."""
    repeated = cardinal(tokens, end + 1) if low_at(tokens, end) == "(" and low_at(tokens, end + 2) == ")" else None
    if repeated == (count, end + 2):
        return end + 3
    return end


def _vague(tokens: Sequence[Token], i: int, low: str) -> Quantity | None:
    """ "several", "a few", "dozens of"."""
    for words, relation, count, upper in _VAGUE_BY_WORD.get(low, ()):
        if follows(tokens, i, words):
            return Quantity(relation=relation, count=count, upper=upper, end=i + len(words), loose=True, word=True)
    return None


# Numbers that a bound can stand before; the first pattern that fits decides.
_PLAIN: tuple[Pattern, ...] = (_between, _either, _both, _signed, _single, _couple_dozen, _bundle, _alternative, _exact)
_PATTERNS: tuple[Pattern, ...] = (_approximate, *_PLAIN, _vague)
