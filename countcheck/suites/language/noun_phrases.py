"""Noun phrases in running text: which thing a number counts, its name, its adjectives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from countcheck.suites.language import word_lists as lex
from countcheck.suites.language.nouns import PAIRED, SAME, classes_of, names_a_thing, singular_of
from countcheck.suites.language.numbers import cardinal
from countcheck.suites.language.tokens import Token, low_at

_LONGEST = 7
_ACRONYMS = re.compile("[A-Z]{2,6}s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A noun phrase.

    Attributes:
        noun: The thing's name, singular: the head with the nouns that belong to its name.
        phrase: The same with its adjectives.
        head: The head alone, singular.
        raw: The head as written, lower case.
        end: The token after the phrase.
    """

    noun: str
    phrase: str
    head: str
    raw: str
    end: int


def phrase_at(tokens: Sequence[Token], i: int, *, plural: bool) -> Phrase | None:
    """Find the noun phrase that starts at a token; ``None`` when there is none in that number.

    Args:
        tokens: The text.
        i: Where it starts; no determiner stands there.
        plural: Whether its head must be a plural.

    >>> from countcheck.suites.language.tokens import tokens_of
    >>> phrase_at(tokens_of("big red apples on a table"), 0, plural=True).noun
    'apple'
    """
    phrase = _plural_at(tokens, i) if plural else _singular_at(tokens, i)
    return _with_contents(tokens, phrase) if phrase is not None else None


def elided_at(tokens: Sequence[Token], i: int) -> tuple[int, Phrase] | None:
    """Find the noun that is left out after adjectives: at "red" in "three red and two blue balls", red balls.

    Returns:
        The token after the adjectives, and the phrase; ``None`` when no noun is left out.
    """
    things = _elided(tokens, i, chain=6)
    if things is None:
        return None
    end = _adjectives_end(tokens, i)
    adjectives = " ".join(token.low for token in tokens[i:end])
    return end, replace(things, phrase=f"{adjectives} {things.noun}", end=end)


def _adjectives_end(tokens: Sequence[Token], i: int) -> int:
    k = i
    while k < len(tokens) and k - i < _LONGEST and _word(tokens[k]) and is_adjective(tokens[k].low):
        k += 1
    return k


def _elided(tokens: Sequence[Token], i: int, *, chain: int) -> Phrase | None:
    """The phrase that ends a chain of numbers and adjectives: "four green, two red and one yellow pepper"."""
    k = _adjectives_end(tokens, i)
    if k == i or low_at(tokens, k) not in ("and", ",") or not chain:
        return None
    at = k + 2 if low_at(tokens, k) == "," and low_at(tokens, k + 1) == "and" else k + 1
    number = cardinal(tokens, at)
    if number is None:
        return None
    things = _plural_at(tokens, number[1]) if number[0] != 1 else _singular_at(tokens, number[1])
    if things is None:
        return _elided(tokens, number[1], chain=chain - 1)
    return things if things.phrase != things.noun and things.head not in ("one", "ones") else None


def _word(token: Token) -> bool:
    """Whether it can be part of a noun phrase at all."""
    return token.low[0].isalnum() and any(c.isalpha() for c in token.low) and token.low not in lex.STOP


def _plural_at(tokens: Sequence[Token], i: int) -> Phrase | None:
    modifiers: list[Token] = []
    k = i
    while k < len(tokens) and k - i <= _LONGEST:
        token = tokens[k]
        if token.low in (",", "and", "&"):
            if not _joins_adjectives(tokens, k, modifiers):
                return None
            modifiers.append(token)
            k += 1
            continue
        if not _word(token) and not _is_side(tokens, k):
            return None
        if cardinal(tokens, k) is not None:
            return None
        if token.low.endswith("'") or token.low.endswith("'s"):
            modifiers.append(token)
            k += 1
            continue
        singular = token.low[:-1] if _ACRONYMS.fullmatch(token.text) else singular_of(token.low)
        if singular is not None and not _leads_to_plural(tokens, k, singular):
            return _named(modifiers, token, singular, k + 1)
        modifiers.append(token)
        k += 1
    return None


def _is_side(tokens: Sequence[Token], k: int) -> bool:
    """ "two front paws": a side that describes a noun."""
    return tokens[k].low in lex.SIDES and k + 1 < len(tokens) and _word(tokens[k + 1])


def _leads_to_plural(tokens: Sequence[Token], k: int, singular: str) -> bool:
    """Whether the plural at ``k`` only begins a name: "sports balls", "fish tanks"; never "cats dogs"."""
    after = tokens[k + 1] if k + 1 < len(tokens) else None
    if after is None or not _word(after):
        return False
    later = singular_of(after.low)
    if later is not None and later != after.low and (singular not in lex.LIVING or tokens[k].low in SAME):
        return after.low not in lex.ACTIONS and later not in lex.ACTIONS
    return tokens[k].low == "sports" and "NOUN" in classes_of(after.low)


def _joins_adjectives(tokens: Sequence[Token], k: int, modifiers: Sequence[Token]) -> bool:
    if not modifiers or k + 1 >= len(tokens) or not _word(tokens[k + 1]) or cardinal(tokens, k + 1) is not None:
        return False
    before, after = modifiers[-1].low, tokens[k + 1].low
    if tokens[k].low == ",":
        return is_adjective(before) and singular_of(before) is None
    return is_adjective(before) and is_adjective(after)


def is_adjective(low: str) -> bool:
    """Return whether a word can describe a noun."""
    if low in lex.COLOURS:
        return True
    classes = classes_of(low)
    return "ADJ" in classes or (low.endswith(("ed", "ing", "y")) and "NOUN" not in classes) or "-" in low


def _singular_at(tokens: Sequence[Token], i: int) -> Phrase | None:
    modifiers: list[Token] = []
    head: int | None = None
    k = i
    while k < len(tokens) and k - i <= _LONGEST:
        token = tokens[k]
        if token.low in (",", "and", "&") and head is None and _joins_adjectives(tokens, k, modifiers):
            modifiers.append(token)
            k += 1
            continue
        if not _word(token) or cardinal(tokens, k) is not None or not _continues(tokens, k, head):
            break
        if _can_head(tokens, k):
            head = k
        modifiers.append(token)
        k += 1
    if head is None:
        return None
    modifiers = modifiers[: head - i]
    low = tokens[head].low
    return _named(modifiers, tokens[head], low, head + 1)


def _continues(tokens: Sequence[Token], k: int, head: int | None) -> bool:
    """Whether a word can go on with a singular phrase, or is already the verb or what follows it."""
    low = tokens[k].low
    classes = classes_of(low)
    if head is None:
        if low.endswith("ly") and "NOUN" not in classes:
            return True
        return not (classes and classes <= {"VERB", "AUX"} and not low.endswith(("ed", "ing", "en")))
    before = tokens[head].low
    if low in lex.COLOURS and low not in ("orange", "gold"):
        return False
    if low in lex.ACTIONS:
        # "one dog and one cat play"; but "one pocket watch".
        return before not in lex.LIVING and f"{before} {low}" in lex.COMPOUNDS
    if "-" in low and (not classes or low.startswith("mid-")):
        return False
    if low.endswith("ing") and "VERB" in classes:
        return low in lex.ING_THINGS and before not in lex.LIVING
    if classes and "NOUN" not in classes:
        return False
    if singular_of(low) is not None and low not in SAME:
        return low in ("sports", "glasses") or low in PAIRED
    return low in lex.ED_THINGS or not (low.endswith("ed") and "VERB" in classes)


def _can_head(tokens: Sequence[Token], k: int) -> bool:
    low = tokens[k].low
    if low in lex.SHADES and low_at(tokens, k + 1) in lex.COLOURS:
        return False
    if (low in lex.COLOURS and low != "orange") or low in lex.ORDINALS:
        return False
    if k and f"{tokens[k - 1].low} {low}" in lex.COMPOUNDS:
        return True
    if low in SAME or low in PAIRED:
        return True
    if singular_of(low) is not None:
        return False
    classes = classes_of(low)
    if not classes:
        return not low.endswith(("ed", "ly"))
    if "NOUN" not in classes:
        return False
    if low.endswith("ing") and "VERB" in classes:
        return low in lex.ING_THINGS
    return "ADJ" not in classes or low in lex.NOUNS_FIRST or names_a_thing(low)


def _named(modifiers: Sequence[Token], head: Token, singular: str, end: int) -> Phrase:
    words = [m.low for m in modifiers]
    name = [singular]
    for size in (3, 2, 1):
        joined = " ".join([*words[-size:], singular]) if len(words) >= size else ""
        if joined in lex.COMPOUNDS:
            name = [*words[-size:], singular]
            break
    else:
        for token in list(modifiers)[::-1][:2]:
            if not _belongs(token, singular):
                break
            name.insert(0, token.low)
    text = " ".join([*words, singular]).replace(" ,", ",")
    return Phrase(noun=" ".join(name), phrase=text, head=singular, raw=head.low, end=end)


def _belongs(token: Token, head: str) -> bool:
    """Whether a noun before the head is part of the thing's name rather than a description of it."""
    low = token.low
    if head in lex.LIVING or low in lex.DESCRIBING or low in lex.COLOURS or "-" in low or "'" in low:
        return False
    classes = classes_of(low)
    if not classes:
        return token.text == low
    if low.endswith("ing") and "VERB" in classes:
        return low in lex.ING_THINGS
    if low.endswith("ed") and "VERB" in classes and low not in lex.ED_THINGS:
        return False
    return "NOUN" in classes and "ADJ" not in classes


def _with_contents(tokens: Sequence[Token], phrase: Phrase) -> Phrase:
    """The phrase with what stands behind its "of", where the head is a container or a part."""
    if low_at(tokens, phrase.end) != "of":
        return phrase
    holds = phrase.head in lex.CONTAINERS
    if not holds and phrase.head not in lex.PART_HEADS:
        return phrase
    if cardinal(tokens, phrase.end + 1) is not None:
        return phrase
    inside = _plural_at(tokens, phrase.end + 1)
    single = _singular_at(tokens, phrase.end + 1)
    if inside is None or (single is not None and single.end < inside.end):
        inside = single
    if inside is None:
        return phrase
    contents = " ".join(t.low for t in tokens[phrase.end + 1 : inside.end]).replace(" ,", ",")
    noun = phrase.noun if holds else f"{phrase.noun} of {contents}"
    return replace(phrase, noun=noun, phrase=f"{phrase.phrase} of {contents}", end=inside.end)
