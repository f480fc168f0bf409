"""Quantities in running text: where a number stands, how large it is, and how the picture's number must relate to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from countcheck.suites.language.numbers import WORDS
from countcheck.suites.language.word_lists import BUNDLES, SINGLE
from countcheck.suites.suite import Relation

_TOKEN = re.compile(
    r"[$€£]?\d+(?:[.,:/x×]\d+)*(?:[%+]|[A-Za-z°]+)?(?:-[^\W_]+)*\+?"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*(?:[-‐‑][^\W_]+(?:['’][^\W\d_]+)*)*['’]?"
    r"|[^\s]"
)
_DIGITS = re.compile(r"\d{1,3}(?:,\d{3}){1,2}|\d{1,7}")
_RANGE = re.compile(r"(\d{1,7})-(\d{1,7})")
_AT_LEAST = re.compile(r"(\d{1,7})\+")
_TIMES = re.compile(r"(\d{1,7})[x×]")
_MULTIPLES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "dozen": 12}
_JOINED = {"half-dozen": 6, "half-a-dozen": 6}
_TENS = frozenset(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"])
_UNITS = frozenset(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])


class Token(NamedTuple):
    """A word, number or sign of a text, with its place in it."""

    text: str
    low: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number in the text.

    Attributes:
        relation, count, upper: As in a target.
        end: The token after it.
        bundle: "pair", "trio" ... when a bundle word said the number; the things come after "of".
        loose: Said with "about", "several", "dozens of": a target only when asked for.
        word: Whether letters wrote it.
    """

    relation: Relation
    count: int
    end: int
    upper: int | None = None
    bundle: str = ""
    loose: bool = False
    word: bool = False


def tokens_of(text: str) -> list[Token]:
    """The text's words, numbers and signs, in order."""
    found = []
    for match in _TOKEN.finditer(text):
        word = match.group()
        low = word.lower()
        if not low.isascii():
            low = low.replace("’", "'").replace("‐", "-").replace("‑", "-")
        found.append(Token(word, low, match.start(), match.end()))
    return found


def low_at(tokens: Sequence[Token], i: int) -> str:
    """The lower-case word at a place; empty outside the text."""
    if i < 0:
        return ""
    try:
        return tokens[i].low
    except IndexError:
        return ""


def cardinal(tokens: Sequence[Token], i: int) -> tuple[int, int] | None:
    """The plain number that starts here, and the token after it; ``None`` when none does."""
    low = low_at(tokens, i)
    if _DIGITS.fullmatch(low):
        value = int(low.replace(",", ""))
        if low_at(tokens, i + 1) in _MULTIPLES and value < 1000:
            return value * _MULTIPLES[low_at(tokens, i + 1)], i + 2
        return value, i + 1
    if low in _JOINED:
        return _JOINED[low], i + 1
    if low == "half":
        for words, after in ((("a", "dozen"), 3), (("dozen",), 2)):
            if tuple(low_at(tokens, i + 1 + k) for k in range(len(words))) == words:
                return 6, i + after
        return None
    if low in ("a", "an"):
        inner = low_at(tokens, i + 1)
        if inner in _MULTIPLES:
            return _multiplied(tokens, 1, i + 1)
        if inner in ("half", "half-dozen"):
            return cardinal(tokens, i + 1)
        if inner == "baker's" and low_at(tokens, i + 2) == "dozen":
            return 13, i + 3
        return None
    if low == "dozen":
        return 12, i + 1
    if low not in WORDS:
        return None
    value, end = WORDS[low], i + 1
    if low in _TENS and low_at(tokens, end) in _UNITS:
        value, end = value + WORDS[low_at(tokens, end)], end + 1
    if low_at(tokens, end) in _MULTIPLES:
        return _multiplied(tokens, value, end)
    return value, end


def _multiplied(tokens: Sequence[Token], value: int, i: int) -> tuple[int, int]:
    """``value`` times the multiple at ``i``, with what "and" adds: "a hundred and five"."""
    multiple = low_at(tokens, i)
    value, end = value * _MULTIPLES[multiple], i + 1
    if multiple != "dozen":
        after = end + 1 if low_at(tokens, end) == "and" else end
        rest = cardinal(tokens, after) if low_at(tokens, after) in WORDS else None
        if rest is not None and 0 < rest[0] < _MULTIPLES[multiple]:
            return value + rest[0], rest[1]
    return value, end


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
)

_LOOSE_BEFORE = frozenset(["about", "approximately", "roughly", "nearly", "almost", "circa", "some"])
_LOOSE = {
    ("a", "few"): (Relation.BETWEEN, 3, 5),
    ("several",): (Relation.AT_LEAST, 3, None),
    ("many",): (Relation.AT_LEAST, 5, None),
    ("numerous",): (Relation.AT_LEAST, 5, None),
    ("lots", "of"): (Relation.AT_LEAST, 5, None),
    ("a", "lot", "of"): (Relation.AT_LEAST, 5, None),
    ("a", "handful", "of"): (Relation.BETWEEN, 3, 6),
    ("dozens", "of"): (Relation.AT_LEAST, 24, None),
    ("hundreds", "of"): (Relation.AT_LEAST, 200, None),
    ("thousands", "of"): (Relation.AT_LEAST, 2000, None),
    ("some",): (Relation.AT_LEAST, 2, None),
}


_BOUNDS_BY_WORD = {words[0]: [b for b in _BOUNDS if b[0][0] == words[0]] for words, *_ in _BOUNDS}
_LOOSE_BY_WORD = {words[0]: [(w, said) for w, said in _LOOSE.items() if w[0] == words[0]] for words in _LOOSE}

STARTS = frozenset(
    {*WORDS, *_JOINED, *_LOOSE_BEFORE, *_BOUNDS_BY_WORD, *_LOOSE_BY_WORD, *BUNDLES, *SINGLE}
    | {"half", "a", "an", "the", "dozen", "around", "between", "either"}
)
"""Every word that a quantity can begin with; digits aside."""


def quantity_at(tokens: Sequence[Token], i: int) -> Quantity | None:
    """The quantity that starts at a token, bounds and bundles included; ``None`` when none does."""
    low = low_at(tokens, i)
    if low not in STARTS and not low[:1].isdigit():
        return None
    for words, relation, step in _BOUNDS_BY_WORD.get(low, ()):
        if _follows(tokens, i, words):
            found = _plain(tokens, i + len(words))
            if found is None or found.relation is not Relation.EXACTLY or found.count + step < 0:
                return None
            if relation is Relation.AT_LEAST and low_at(tokens, found.end) in ("but", "and"):
                upper = quantity_at(tokens, found.end + 1)
                if upper is not None and upper.relation is Relation.AT_MOST and upper.count > found.count + step:
                    return replace(upper, relation=Relation.BETWEEN, count=found.count + step, upper=upper.count)
            return Quantity(
                relation=relation,
                count=found.count + step,
                end=found.end,
                bundle=found.bundle,
                word=found.word,
            )
    if low in _LOOSE_BEFORE or (low == "around" and _large(tokens, i + 1)):
        found = _plain(tokens, i + 1)
        if found is not None and found.relation is Relation.EXACTLY:
            least, most = (found.count * 4) // 5, -(-found.count * 6 // 5)
            return Quantity(relation=Relation.BETWEEN, count=least, upper=most, end=found.end, loose=True, word=True)
    plain = _plain(tokens, i)
    if plain is not None:
        return plain
    for words, (relation, count, ceiling) in _LOOSE_BY_WORD.get(low, ()):
        if _follows(tokens, i, words):
            return Quantity(relation=relation, count=count, upper=ceiling, end=i + len(words), loose=True, word=True)
    return None


def _large(tokens: Sequence[Token], i: int) -> bool:
    found = cardinal(tokens, i)
    return found is not None and found[0] >= 10


def _follows(tokens: Sequence[Token], i: int, words: Sequence[str]) -> bool:
    return all(low_at(tokens, i + k) == word for k, word in enumerate(words))


def _plain(tokens: Sequence[Token], i: int) -> Quantity | None:
    low = low_at(tokens, i)
    if low == "between":
        return _between(tokens, i)
    if low == "either":
        return _alternative(tokens, i + 1)
    if found := _RANGE.fullmatch(low):
        return _range(int(found[1]), int(found[2]), i + 1)
    if found := _AT_LEAST.fullmatch(low):
        return Quantity(relation=Relation.AT_LEAST, count=int(found[1]), end=i + 1)
    if found := _TIMES.fullmatch(low):
        return Quantity(relation=Relation.EXACTLY, count=int(found[1]), end=i + 1)
    single = i + 1 if low in ("a", "one") else i
    if low_at(tokens, single) in SINGLE:
        return Quantity(relation=Relation.EXACTLY, count=1, end=single + 1, word=True)
    if (bundle := _bundle(tokens, i)) is not None:
        return bundle
    return _alternative(tokens, i) or _exactly(tokens, i)


def _exactly(tokens: Sequence[Token], i: int) -> Quantity | None:
    found = cardinal(tokens, i)
    if found is None:
        return None
    count, end = found
    word = not low_at(tokens, i)[:1].isdigit()
    if low_at(tokens, end) in ("or", "and") and low_at(tokens, end + 1) in ("more", "fewer", "less"):
        relation = Relation.AT_LEAST if low_at(tokens, end + 1) == "more" else Relation.AT_MOST
        return Quantity(relation=relation, count=count, end=end + 2, word=word)
    after = low_at(tokens, end)
    if after.removesuffix("s") in BUNDLES and (after.endswith("s") or count == 1) and low_at(tokens, end + 1) == "of":
        kind = after.removesuffix("s")
        return Quantity(relation=Relation.EXACTLY, count=count * BUNDLES[kind], end=end + 2, bundle=kind, word=word)
    return Quantity(relation=Relation.EXACTLY, count=count, end=end, word=word)


def _bundle(tokens: Sequence[Token], i: int) -> Quantity | None:
    at = i + 1 if low_at(tokens, i) in ("a", "the", "one") else i
    kind = low_at(tokens, at)
    if kind not in BUNDLES:
        return None
    if low_at(tokens, at + 1) == "of":
        return Quantity(relation=Relation.EXACTLY, count=BUNDLES[kind], end=at + 2, bundle=kind, word=True)
    if kind == "couple" and at > i and low_at(tokens, at + 1):
        return Quantity(relation=Relation.EXACTLY, count=2, end=at + 1, bundle="couple?", word=True)
    return None


def _between(tokens: Sequence[Token], i: int) -> Quantity | None:
    first = cardinal(tokens, i + 1)
    if first is None or low_at(tokens, first[1]) not in ("and", "to"):
        return None
    second = cardinal(tokens, first[1] + 1)
    return _range(first[0], second[0], second[1]) if second is not None else None


def _alternative(tokens: Sequence[Token], i: int) -> Quantity | None:
    """ "two or three", "2 to 4", "3 – 5": a range."""
    first = cardinal(tokens, i)
    if first is None or low_at(tokens, first[1]) not in ("or", "to", "–", "-", "—"):
        return None
    second = cardinal(tokens, first[1] + 1)
    if second is None or (low_at(tokens, first[1]) == "—"):
        return None
    return _range(first[0], second[0], second[1])


def _range(least: int, most: int, end: int) -> Quantity | None:
    if most <= least:
        return None
    return Quantity(relation=Relation.BETWEEN, count=least, upper=most, end=end, word=True)
