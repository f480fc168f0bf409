"""Numbers of one noun in several places of a text: kept when they agree, told apart by adjectives, or given up."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from countcheck.suites.language.nouns import classes_of, singular_of
from countcheck.suites.language.tokens import Token, low_at
from countcheck.suites.suite import Relation, Target


@dataclass(slots=True)
class Candidate:
    """A target with the tokens that it comes from, and whether it holds.

    Attributes:
        parts: How many of its things later numbers told apart ("three kittens, one white").
    """

    target: Target
    start: int
    end: int
    holds: bool = True
    parts: int = 0


class _Scanned(Protocol):
    """What is reconciled: a text, its tokens and the candidates in it."""

    text: str
    tokens: list[Token]
    candidates: list[Candidate]


def reconcile(scan: _Scanned) -> None:
    """Settle the candidates of one text among each other, in place."""
    _spread_doubt(scan.candidates, scan.tokens)
    by_noun: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in scan.candidates:
        if candidate.holds and candidate.target.other is None:
            by_noun[candidate.target.noun].append(candidate)
    goes_on = _nouns_gone_on_about(scan.text)
    _doubt_before_another(scan)
    for noun, same in by_noun.items():
        numbers = {(each.target.relation, each.target.count, each.target.upper) for each in same}
        phrases = [each.target.phrase for each in same]
        if len(same) > 1 and len(set(phrases)) == len(phrases) and noun not in phrases:
            for each in same:
                each.target = replace(each.target, noun=each.target.phrase)
        elif len(numbers) > 1 or (same[0].target.relation is Relation.EXACTLY and noun.split(" ")[-1] in goes_on):
            for each in same:
                each.holds = False


def _spread_doubt(candidates: Sequence[Candidate], tokens: Sequence[Token]) -> None:
    """ "two cats or three dogs": the number after "or" spoils the one before it too."""
    for before, candidate in pairwise(candidates):
        joined = low_at(tokens, candidate.start - 1) == "or" and before.end == candidate.start - 1
        if joined and not candidate.holds:
            before.holds = False


_ANOTHER = re.compile(r"\b(?:another|second|third|fourth|fifth|extra)\s+([\w-]+)(?:\s+([\w-]+))?", re.IGNORECASE)


def _nouns_gone_on_about(text: str) -> frozenset[str]:
    """The words that follow "another" or "a second", themselves or after an adjective: their number is not the whole."""
    if "other" not in text and not re.search("second|third|extra", text):
        return frozenset()
    words = {word.lower() for match in _ANOTHER.finditer(text) for word in match.groups() if word}
    return frozenset(words | {singular_of(word) or word for word in words})


_ANOTHER_ONE = re.compile(
    r"\b(?:another|an? (?:second|third|fourth|fifth|sixth)|the other two)\s+(?:one\b|[\w-]+ing\b|[\w-]+s\b)"
    r"|,\s*(?:second|third|fourth|fifth|sixth)\s+one\b",
    re.IGNORECASE,
)


def _doubt_before_another(scan: _Scanned) -> None:
    """ "two cats, a third one behind the sofa": the number before it is not the whole."""
    if "other" not in scan.text and not re.search("second|third|fourth|fifth|sixth", scan.text):
        return
    counted = [each for each in scan.candidates if each.target.relation is Relation.EXACTLY and each.target.count]
    starts = [scan.tokens[each.start].start for each in counted]
    for match in _ANOTHER_ONE.finditer(scan.text):
        word = match.group().rsplit(None, 1)[-1].lower()
        if word != "one" and "VERB" not in classes_of(word):
            continue
        place = bisect_left(starts, match.start()) - 1
        before = counted[place] if place >= 0 else None
        if before is not None and not before.parts:
            before.holds = False


def drop_repeated(targets: Sequence[Target]) -> tuple[Target, ...]:
    """Return the targets without those that repeat the number of a noun."""
    first: dict[object, Target] = {}
    for each in targets:
        first.setdefault((each.noun, each.relation, each.count, each.upper, each.other), each)
    return tuple(first.values())
