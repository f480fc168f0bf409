"""Absences in running text: "no dogs", "without a wolf or a cat", "free of people", "nobody"."""

from __future__ import annotations

from collections.abc import Sequence

from countcheck.suites.language import word_lists as lex
from countcheck.suites.language.noun_phrases import Phrase, phrase_at
from countcheck.suites.language.nouns import classes_of
from countcheck.suites.language.quantities import quantity_at
from countcheck.suites.language.scan import Scan
from countcheck.suites.suite import Relation, Target

STARTS = frozenset(("nobody", "no-one", "no", "without", "free", "devoid", "empty", "not", "never"))
"""Words that an absence begins with; "don't" and its like besides."""

_NOBODY = "person"


def read_absence(scan: Scan, i: int) -> int:
    """Read what must be absent from a token on.

    Returns:
        The token after it; 0 when no absence starts there.
    """
    low, after = scan.low(i), scan.low(i + 1)
    if low in ("nobody", "no-one") or (low, after) == ("no", "one"):
        end = i + 1 if low != "no" else i + 2
        _add(scan, Phrase(noun=_NOBODY, phrase=_NOBODY, head=_NOBODY, raw=_NOBODY, end=end), i)
        return end
    if low == "no":
        return _sign_end(scan, i) or _absences(scan, i, i + 1, joined=("or", "nor"))
    if low == "without":
        at = i + 1
        while scan.low(at) in ("any", "a", "an", "single", "even", "one"):
            at += 1
        return _absences(scan, i, at, joined=("or", "and", "nor"))
    if low in ("free", "devoid", "empty") and after == "of":
        at = i + 3 if scan.low(i + 2) == "any" else i + 2
        return _absences(scan, i, at, joined=("or", "and"))
    negated = low in ("not", "never") or low.endswith("n't")
    if negated and (any_at := _any_after(scan, i)):
        return _absences(scan, i, any_at + 1, joined=("or",))
    if negated and after == "a" and scan.low(i + 2) == "single":
        return _absences(scan, i, i + 3, joined=("or",))
    return 0


def _sign_end(scan: Scan, i: int) -> int:
    """The token after "no smoking sign", which asks for no absence; 0 when it is no such name."""
    named = scan.low(i - 1) in ("a", "an", "the", "this", "that", "of") or scan.low(i + 1).endswith("ing")
    for k in range(i + 2, i + 4):
        if scan.low(k) in lex.NO_SIGNS and (named or k == i + 2):
            return k + 1
    return 0


def _any_after(scan: Scan, i: int) -> int:
    """Where "any" stands after "not", "must not be any", "don't include any"; 0 when it does not."""
    for k in range(i + 1, min(i + 5, len(scan.tokens))):
        if scan.low(k) == "any":
            return k
        if not scan.low(k)[:1].isalpha():
            return 0
    return 0


def _absences(scan: Scan, i: int, at: int, *, joined: Sequence[str]) -> int:
    """The things from ``at`` on, joined by commas and "or"; returns the token after them."""
    if scan.low(at) in lex.RELATIVE:
        if phrase_at(scan.tokens, at + 1, plural=True) is not None and scan.low(at) != "more":
            scan.give_up(i, min(at + 2, len(scan.tokens)))
        return at
    phrase = _absent_thing(scan, at)
    if phrase is None:
        return i + 1
    _add(scan, phrase, i)
    end = phrase.end
    while scan.low(end) in (*joined, ","):
        at = end + 1
        if scan.low(end) == "," and not _list_ends(scan, at, joined):
            break
        if scan.low(at) in joined:
            at += 1
        if scan.low(at) in ("any", "a", "an"):
            at += 1
        more = _absent_thing(scan, at)
        if more is None or quantity_at(scan.tokens, at) is not None:
            break
        _add(scan, more, at)
        end = more.end
    return end


def _list_ends(scan: Scan, at: int, joined: Sequence[str]) -> bool:
    """Whether a comma list of things that must be absent ends in "or Z"."""
    for _ in range(6):
        if scan.low(at) in joined:
            return True
        phrase = phrase_at(scan.tokens, at, plural=True)
        if phrase is None or scan.low(phrase.end) not in (",", *joined):
            return False
        at = phrase.end
        if scan.low(at) in joined:
            return True
        at += 1
    return False


def _absent_thing(scan: Scan, at: int) -> Phrase | None:
    if _is_done_without(scan, at):
        return None
    phrase = phrase_at(scan.tokens, at, plural=True)
    single = phrase_at(scan.tokens, at, plural=False)
    if phrase is None:
        return single
    if single is not None and single.end < phrase.end and single.head not in lex.DESCRIBING:
        return phrase if _is_one_phrase(scan, at, phrase) else single
    return phrase


def _is_done_without(scan: Scan, at: int) -> bool:
    """ "without looking": a verb."""
    first = scan.low(at)
    is_verb = first.endswith("ing") and "VERB" in classes_of(first) and first not in lex.ING_THINGS
    return is_verb and scan.low(at - 1) == "without"


def _is_one_phrase(scan: Scan, at: int, phrase: Phrase) -> bool:
    """Whether all before the plural is one phrase ("traffic lights"), with no verb between."""
    between = (classes_of(token.low) for token in scan.tokens[at : phrase.end - 1])
    return all(not classes or classes & {"NOUN", "ADJ"} for classes in between)


def _add(scan: Scan, phrase: Phrase, start: int) -> None:
    """Keep the absence of a thing, unless it is none that could be seen and counted."""
    unseen = (
        (phrase.noun in lex.UNCOUNTED and phrase.raw != "lights")
        or phrase.raw in lex.UNCOUNTED - {phrase.head}
        or phrase.head in lex.ABSTRACT
    )
    sign = phrase.head in ("sign", "trace", "hint") and scan.low(phrase.end) == "of"
    if not unseen and not sign:
        words = scan.words(start, phrase.end)
        target = Target(noun=phrase.noun, relation=Relation.NONE, count=0, phrase=phrase.phrase, words=words)
        scan.add(target, start, phrase.end)
