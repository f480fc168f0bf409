"""Parts of a group that was counted before: "three kittens, one white, two asleep" asks for three kittens and no more."""

from __future__ import annotations

from countcheck.suites.language import word_lists as lex
from countcheck.suites.language.noun_phrases import Phrase, is_adjective
from countcheck.suites.language.nouns import classes_of
from countcheck.suites.language.quantities import Quantity
from countcheck.suites.language.reconcile import Candidate
from countcheck.suites.language.scan import Scan
from countcheck.suites.suite import Relation

_ENDS = frozenset((".", "!", "?"))
_OPENS = frozenset((",", ":", ";", "-", "–", "—", "(", "•", "*"))
_LINKS = frozenset(
    [
        "with",
        "without",
        "is",
        "are",
        "was",
        "were",
        "has",
        "have",
        "in",
        "on",
        "at",
        "of",
        "by",
        "from",
        "under",
        "over",
        "behind",
        "near",
        "and",
        "or",
        "to",
        "looks",
        "seems",
        "stands",
    ]
)
_PRONOUNS = frozenset(("one", "ones", "others"))


def part_of_group(scan: Scan, i: int, quantity: Quantity, phrase: Phrase | None) -> Candidate | None:
    """Find the group that a number counts a part of.

    Args:
        scan: The text so far.
        i: Where the quantity starts.
        quantity: The number.
        phrase: The noun phrase after it, if any.

    Returns:
        The group's candidate; ``None`` when the number is no part of a group.
    """
    group = scan.candidates[-1] if scan.candidates else None
    if group is None or not _can_have_parts(group, quantity) or not _same_sentence(scan, group.end, i):
        return None
    if not (_opens(scan, i) or (scan.low(i - 1) in ("and", "or", "but", "only", "just") and group.parts)):
        return None
    return group if _lacks_noun(scan, quantity, phrase, group) else None


def _can_have_parts(group: Candidate, quantity: Quantity) -> bool:
    target = group.target
    whole = target.relation is Relation.EXACTLY and (target.count or 0) >= 2
    return whole and quantity.relation is Relation.EXACTLY and group.parts + quantity.count <= (target.count or 0)


def _same_sentence(scan: Scan, start: int, end: int) -> bool:
    return end - start <= 24 and not any(token.low in _ENDS for token in scan.tokens[start:end])


def _opens(scan: Scan, i: int) -> bool:
    before = scan.low(i - 1)
    return before in _OPENS or (before in ("and", "only", "just", "but") and scan.low(i - 2) in _OPENS)


def _lacks_noun(scan: Scan, quantity: Quantity, phrase: Phrase | None, group: Candidate) -> bool:
    """Whether a number stands without a noun of its own: before an adjective, a verb, "with", "ones", or the clause's end."""
    if phrase is not None and phrase.head not in _PRONOUNS:
        # "three kittens, one orange": a colour, of what has no colour for a name.
        completes = group.parts > 0 and group.parts + quantity.count == group.target.count
        participle = "VERB" in classes_of(phrase.raw) and phrase.raw.endswith(("ed", "en"))
        alone = phrase.end - quantity.end == 1 and (participle or completes or phrase.raw in lex.COLOURS | {"orange"})
        living = group.target.noun.split(" ")[-1] in lex.LIVING
        return alone and (bool(group.parts) or living) and not scan.low(phrase.end)[:1].isalnum()
    following = scan.low(quantity.end)
    if not following or not following[0].isalnum() or following in _LINKS or following in _PRONOUNS:
        return True
    if phrase is not None:
        return True
    return is_adjective(following) or following in lex.COLOURS or "VERB" in classes_of(following)
