"""Numbers behind their noun: "cats x3", "apples (3)", "dogs: 2", "wolf = 1"."""

from __future__ import annotations

from collections.abc import Sequence

from countcheck.suites.language import word_lists as lex
from countcheck.suites.language.noun_phrases import Phrase, phrase_at
from countcheck.suites.language.nouns import classes_of
from countcheck.suites.language.numbers import cardinal
from countcheck.suites.language.scan import Scan
from countcheck.suites.language.tokens import Token, joined
from countcheck.suites.suite import Relation, Target


def read_trailing_number(scan: Scan, i: int) -> int:
    """Read a number whose noun stands before it.

    Returns:
        The token after it; 0 when no such number starts there.
    """
    number = cardinal(scan.tokens, i)
    if number is None or not scan.low(i)[:1].isdigit() or number[0] > 999:
        return 0
    count, end = number
    sign = scan.low(i - 1)
    if sign in ("x", "×"):
        if not joined(scan.tokens, i):
            return 0
        phrase = _phrase_before(scan.tokens, i - 2, plurals=(True, False))
    elif sign == "(" and scan.low(end) == ")":
        end += 1
        phrase = _phrase_before(scan.tokens, i - 2, plurals=(count != 1,))
    elif sign in (":", "=") and not scan.low(end)[:1].isalnum():
        phrase = _phrase_before(scan.tokens, i - 2, plurals=(count != 1,))
    else:
        return 0
    if phrase is None or phrase.head in lex.LABELS or phrase.head in lex.ABSTRACT or phrase.head in lex.UNITS:
        return 0
    start = phrase.end
    relation = Relation.EXACTLY if count else Relation.NONE
    words = scan.words(start, end)
    scan.add(Target(noun=phrase.noun, relation=relation, count=count, phrase=phrase.phrase, words=words), start, end)
    return end


def _phrase_before(tokens: Sequence[Token], last: int, *, plurals: Sequence[bool]) -> Phrase | None:
    """The longest noun phrase whose last word stands at ``last``; its ``end`` is where it starts."""
    first = max(0, last - 2)
    window = tokens[first : last + 1]
    for start in range(first, last + 1):
        if any(not token.low[0].isalpha() for token in window[start - first :]):
            continue
        for plural in plurals:
            phrase = phrase_at(window, start - first, plural=plural)
            known = phrase is not None and (plural or "NOUN" in classes_of(phrase.head))
            if phrase is not None and known and phrase.end == len(window):
                return Phrase(noun=phrase.noun, phrase=phrase.phrase, head=phrase.head, raw=phrase.raw, end=start)
    return None
