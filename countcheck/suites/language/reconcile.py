"""Numbers of one noun in several places of a text: kept when they agree, told apart by adjectives, or given up."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from countcheck.suites.language.nouns import singular_of
from countcheck.suites.language.tokens import Token, low_at
from countcheck.suites.suite import Relation, Target


@dataclass(slots=True)
class Candidate:
    """A target with the tokens that it comes from, and whether it holds."""

    target: Target
    start: int
    end: int
    holds: bool = True


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


def drop_repeated(targets: Sequence[Target]) -> tuple[Target, ...]:
    """Return the targets without those that repeat the number of a noun."""
    first: dict[object, Target] = {}
    for each in targets:
        first.setdefault((each.noun, each.relation, each.count, each.upper, each.other), each)
    return tuple(first.values())
