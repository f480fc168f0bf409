"""What one text says of one noun in several places: kept when it agrees, told apart by adjectives, or given up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from countcheck.suites.suite import Relation, Target


@dataclass(slots=True)
class Found:
    """A target with the tokens it came from, and whether it holds."""

    target: Target
    start: int
    end: int
    good: bool = True


def settle(found: list[Found], text: str) -> None:
    """Numbers of one noun: kept when they agree, told apart by their adjectives, or given up."""
    numbered = [one for one in found if one.good and one.target.other is None]
    for noun in dict.fromkeys(one.target.noun for one in numbered):
        same = [one for one in numbered if one.target.noun == noun]
        asked = {(one.target.relation, one.target.count, one.target.upper) for one in same}
        phrases = [one.target.phrase for one in same]
        if len(same) > 1 and len(set(phrases)) == len(phrases) and noun not in phrases:
            for one in same:
                one.target = replace(one.target, noun=one.target.phrase)
        elif len(asked) > 1 or _said_again(same[0].target, text):
            for one in same:
                one.good = False


def _said_again(target: Target, text: str) -> bool:
    """Whether the text goes on to speak of "another" or "a second" of them: then the number is not the whole."""
    head = target.noun.split(" ")[-1]
    if target.relation is not Relation.EXACTLY or ("other" not in text and not re.search("second|third|extra", text)):
        return False
    pattern = rf"\b(?:another|second|third|fourth|fifth|extra)\s+(?:[\w-]+\s+)?{re.escape(head)}"
    return re.search(pattern, text, re.IGNORECASE) is not None


def once(targets: Sequence[Target]) -> tuple[Target, ...]:
    """The targets, those that say the same of the same noun once."""
    seen: set[tuple[object, ...]] = set()
    kept: list[Target] = []
    for target in targets:
        key = (target.noun, target.relation, target.count, target.upper, target.other)
        if key not in seen:
            seen.add(key)
            kept.append(target)
    return tuple(kept)
