"""Text to targets: what an English prompt asks to be counted.

Numbers that are no counts (times, years, ages, sizes, names, ordinals, fractions) are left alone. A number whose noun
is not found is reported, and so is one that says what no target can; nothing is guessed. No files here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from countcheck.suites.language import absences, comparisons, quantities
from countcheck.suites.language import word_lists as lex
from countcheck.suites.language.absences import read_absence
from countcheck.suites.language.comparisons import read_comparison
from countcheck.suites.language.noun_phrases import Phrase, elided_at, phrase_at
from countcheck.suites.language.nouns import PAIRED
from countcheck.suites.language.number_filters import is_harmless, is_no_count, is_not_seen, is_unclear, starts_sentence
from countcheck.suites.language.quantities import Quantity, quantity_at
from countcheck.suites.language.reconcile import drop_repeated, reconcile
from countcheck.suites.language.scan import Article, Scan
from countcheck.suites.suite import Relation, Target

__all__ = ["Article", "Reading", "read_targets"]

_HINT = re.compile(
    r"\d|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty"
    r"|sixty|seventy|eighty|ninety|hundred|thousand|dozens?|half-dozen|pairs?|couple|duos?|trios?|quartets?|quintets?"
    r"|sextets?|octets?|septets?|twins?|triplets|quadruplets|quintuplets|single|lone|solitary|sole|no|nobody|without"
    r"|not|free|devoid|more|fewer|less|many|equal|same|few|several|numerous|lots?|handful|hundreds|thousands|some)"
    r"(?:\b|-)|n['’]t\b",
    re.IGNORECASE,
)
# Words at which a number, a comparison or an absence can begin.
_TRIGGERS = frozenset(
    quantities.STARTS | comparisons.STARTS | absences.STARTS | lex.SIBLINGS.keys() | {"twin", "triplet"}
)
_DECIMAL = re.compile(r"\d+[.,]\d+|\d+/\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The targets of a text.

    Attributes:
        targets: In the order of the text; each says which words it came from.
        not_understood: Pieces of the text with a number that could not be read, as written.
    """

    targets: tuple[Target, ...] = ()
    not_understood: tuple[str, ...] = ()


_NOTHING = Reading()


def read_targets(text: str, *, article: Article = "ignore", approximate: bool = False) -> Reading:
    """Read what a prompt asks to be counted.

    Args:
        text: One prompt, in English.
        article: How "a dog" is read: not at all, as exactly one, or as at least one.
        approximate: Whether "several", "a few" or "about twenty" give targets too: a few is 3 to 5, a handful 3 to
            6, some 2 or more, several 3 or more, many 5 or more, "about n" n within a fifth.

    >>> reading = read_targets("three pink pigs and at least two wolves, no dogs")
    >>> [target.sentence() for target in reading.targets]
    ['exactly 3 pig', 'at least 2 wolf', 'no dog']
    >>> read_targets("two cats or three dogs").not_understood
    ('two cats', 'three dogs')
    """
    if article == "ignore" and not _HINT.search(text):
        return _NOTHING
    scan = Scan(text, article, approximate)
    i = 0
    while i < len(scan.tokens):
        low = scan.tokens[i].low
        if low not in _TRIGGERS and not low[0].isdigit() and not low.endswith("n't"):
            i += 1
            continue
        i = (
            read_comparison(scan, i)
            or _read_quantity(scan, i)
            or read_absence(scan, i)
            or _read_siblings(scan, i)
            or _read_article(scan, i)
        )
    return _reading(scan)


# Each step below returns the token after what it read, or 0 when nothing of its kind starts there.


def _read_quantity(scan: Scan, i: int) -> int:
    quantity = quantity_at(scan.tokens, i)
    if quantity is None:
        return _read_decimal(scan, i)
    if is_no_count(scan.tokens, i, quantity, title_case=scan.title_case):
        return quantity.end
    phrase = _counted_phrase(scan, quantity)
    if phrase is None:
        if not quantity.loose and not quantity.bundle and not is_harmless(scan.tokens, i, quantity):
            scan.give_up(i, _clause_end(scan, i, quantity.end))
        return quantity.end
    if is_not_seen(scan.tokens, i, phrase):
        return phrase.end
    if quantity.loose and not scan.approximate:
        return phrase.end
    return _add_count(scan, i, quantity, phrase)


def _counted_phrase(scan: Scan, quantity: Quantity) -> Phrase | None:
    """The noun phrase that a number counts."""
    tokens, start = scan.tokens, quantity.end
    if scan.low(start) == "of" and scan.low(start - 1) == "dozen":
        start += 1
    plural = quantity.relation is not Relation.EXACTLY or quantity.count != 1 or bool(quantity.bundle)
    phrase = phrase_at(tokens, start, plural=plural)
    if phrase is None and scan.low(quantity.end - 1) in ("one", "1"):
        # "more than one dog", "at least 1 dog": the number that is said rules the noun.
        phrase = phrase_at(tokens, start, plural=False)
    if phrase is None and quantity.count != 1 and (elided := elided_at(tokens, start)) is not None:
        phrase = elided[1]
    return phrase


def _add_count(scan: Scan, i: int, quantity: Quantity, phrase: Phrase) -> int:
    count, relation = quantity.count, quantity.relation
    if quantity.bundle == "pair" and (phrase.head in PAIRED or phrase.noun == "glass"):
        # "a pair of glasses" is one thing to wear; "a pair of wine glasses" is two to drink from.
        count //= 2
        if phrase.noun == "glass":
            phrase = replace(phrase, noun="glasses", phrase=f"{phrase.phrase}es")
    relation, end = _trailing_bound(scan, relation, phrase.end)
    if relation is Relation.EXACTLY and count == 0:
        relation = Relation.NONE
    holds = not is_unclear(scan.tokens, i, quantity, phrase, end, last_end=scan.last_end)
    if scan.low(end) == "of" and (inner := quantity_at(scan.tokens, end + 1)) is not None:
        # "three rows of five chairs": how many chairs that makes is arithmetic, not reading.
        things = phrase_at(scan.tokens, inner.end, plural=True)
        end, holds = things.end if things is not None else inner.end, False
    target = Target(
        noun=phrase.noun,
        relation=relation,
        count=count,
        upper=quantity.upper,
        phrase=phrase.phrase,
        words=scan.words(i, end),
    )
    scan.add(target, i, end, holds=holds)
    return max(phrase.end, end)


def _trailing_bound(scan: Scan, relation: Relation, end: int) -> tuple[Relation, int]:
    """ "three dogs or more", "three dogs at most"."""
    pair = (scan.low(end), scan.low(end + 1))
    if relation is Relation.EXACTLY:
        if pair in (("or", "more"), ("at", "least"), ("and", "more")):
            return Relation.AT_LEAST, end + 2
        if pair in (("or", "fewer"), ("or", "less"), ("at", "most")):
            return Relation.AT_MOST, end + 2
    return relation, end


def _clause_end(scan: Scan, i: int, end: int) -> int:
    while end < len(scan.tokens) and end - i < 5 and scan.low(end)[0].isalnum():
        end += 1
    return end


def _read_decimal(scan: Scan, i: int) -> int:
    """ "2.5 apples": a number that no whole count meets."""
    if not _DECIMAL.fullmatch(scan.tokens[i].low) or scan.low(i + 1) in lex.UNITS:
        return 0
    phrase = phrase_at(scan.tokens, i + 1, plural=True)
    if phrase is None or phrase.head in lex.ABSTRACT or phrase.end - i > 3:
        return 0
    scan.give_up(i, phrase.end)
    return phrase.end


def _read_siblings(scan: Scan, i: int) -> int:
    low = scan.low(i)
    if low in ("twin", "triplet") and scan.low(i - 1) not in ("a", "his", "her", "one", "evil"):
        phrase = phrase_at(scan.tokens, i + 1, plural=True)
        if phrase is not None and not scan.tokens[i].text[0].isupper():
            count = 2 if low == "twin" else 3
            return _add_count(scan, i, Quantity(relation=Relation.EXACTLY, count=count, end=i + 1), phrase)
    if low in lex.SIBLINGS and not (scan.tokens[i].text[0].isupper() and not starts_sentence(scan.tokens, i)):
        words = scan.tokens[i].text
        scan.add(Target(noun="person", count=lex.SIBLINGS[low], phrase=low.removesuffix("s"), words=words), i, i + 1)
        return i + 1
    return 0


def _read_article(scan: Scan, i: int) -> int:
    """ "a dog", when asked for; the last step, so it always goes on."""
    if scan.article == "ignore" or scan.low(i) not in ("a", "an"):
        return i + 1
    phrase = phrase_at(scan.tokens, i + 1, plural=False)
    if phrase is None or phrase.head in lex.DEPICTIONS or phrase.head in lex.ABSTRACT:
        return i + 1
    if phrase.head in lex.PART_HEADS and scan.low(phrase.end) == "of":
        return i + 1
    relation = Relation.EXACTLY if scan.article == "one" else Relation.AT_LEAST
    return _add_count(scan, i, Quantity(relation=relation, count=1, end=i + 1), phrase)


def _reading(scan: Scan) -> Reading:
    """The targets that do not contradict each other; the rest as not understood."""
    reconcile(scan)
    unread = scan.unread + [(each.start, each.target.words) for each in scan.candidates if not each.holds]
    pieces = dict.fromkeys(words for _, words in sorted(unread))
    targets = drop_repeated([each.target for each in scan.candidates if each.holds])
    return Reading(targets=targets, not_understood=tuple(pieces))
