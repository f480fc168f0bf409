"""Comparisons in running text: "more cats than dogs", "as many cups as plates", "the same number of forks and knives"."""

from __future__ import annotations

from countcheck.suites.language.noun_phrases import Phrase, phrase_at
from countcheck.suites.language.numbers import cardinal
from countcheck.suites.language.scan import Scan
from countcheck.suites.suite import Relation, Target

STARTS = frozenset(("more", "fewer", "less", "as", "same", "equal"))
"""Words that a comparison begins with."""


def read_comparison(scan: Scan, i: int) -> int:
    """Read the comparison that starts at a token.

    Returns:
        The token after it; 0 when none starts there.
    """
    low, after = scan.low(i), scan.low(i + 1)
    if low in ("more", "fewer", "less") and after != "than":
        return _more(scan, i, swapped=low != "more")
    if low == "as" and after == "many":
        return _as_many(scan, i)
    if low in ("same", "equal") and after in ("number", "numbers", "amount"):
        return _same_number(scan, i)
    return 0


def _more(scan: Scan, i: int, *, swapped: bool) -> int:
    first = phrase_at(scan.tokens, i + 1, plural=True)
    if first is None or scan.low(first.end) != "than":
        return 0
    before = scan.low(i - 1)
    if before in ("times", "twice") or (i and cardinal(scan.tokens, i - 1) is not None):
        # "two more cats than dogs" is a difference, "three times more" a multiple: no target says either.
        scan.give_up(i - 2 if before == "times" and i > 1 else i - 1, first.end)
        return first.end
    second = _bare(scan, first.end + 1)
    if second is None:
        return first.end
    noun, other = (second, first) if swapped else (first, second)
    _relate(scan, Relation.MORE_THAN, noun, other, i, second.end)
    return second.end


def _as_many(scan: Scan, i: int) -> int:
    first = phrase_at(scan.tokens, i + 2, plural=True)
    if first is None or scan.low(first.end) != "as":
        return 0
    at = first.end + 1
    if scan.low(at) == "there" and scan.low(at + 1) == "are":
        at += 2
    second = _bare(scan, at)
    if second is None:
        return 0
    if scan.low(i - 1) in ("twice", "thrice", "times", "half"):
        scan.give_up(i - 1, second.end)
    else:
        _relate(scan, Relation.AS_MANY_AS, first, second, i, second.end)
    return second.end


def _same_number(scan: Scan, i: int) -> int:
    if scan.low(i + 2) != "of":
        return 0
    first = phrase_at(scan.tokens, i + 3, plural=True)
    if first is None or scan.low(first.end) not in ("and", "as"):
        return 0
    second = _bare(scan, first.end + 1)
    if second is None:
        return 0
    start = i - 1 if scan.low(i - 1) in ("the", "an") else i
    _relate(scan, Relation.AS_MANY_AS, first, second, start, second.end)
    return second.end


def _bare(scan: Scan, i: int) -> Phrase | None:
    at = i + 1 if scan.low(i) in ("the", "of") else i
    return phrase_at(scan.tokens, at, plural=True)


def _relate(scan: Scan, relation: Relation, noun: Phrase, other: Phrase, start: int, end: int) -> None:
    target = Target(
        noun=noun.noun,
        relation=relation,
        other=other.noun,
        phrase=noun.phrase,
        words=scan.words(start, end),
    )
    scan.add(target, start, end, holds=noun.noun != other.noun)
