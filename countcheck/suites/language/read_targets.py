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
from countcheck.suites.language.foreign import MAY_BE_FOREIGN, is_foreign, numbers_in
from countcheck.suites.language.noun_phrases import Phrase, elided_at, is_adjective, phrase_at
from countcheck.suites.language.nouns import PAIRED
from countcheck.suites.language.number_filters import (
    is_adjectival,
    is_harmless,
    is_no_count,
    is_not_seen,
    is_order,
    is_unclear,
    is_unnamed,
    starts_sentence,
)
from countcheck.suites.language.numbers import cardinal, follows
from countcheck.suites.language.parts import part_of_group
from countcheck.suites.language.quantities import Quantity, quantity_at
from countcheck.suites.language.reconcile import drop_repeated, reconcile
from countcheck.suites.language.scan import Article, Scan
from countcheck.suites.language.tokens import tokens_of
from countcheck.suites.language.trailing_numbers import read_trailing_number
from countcheck.suites.suite import Relation, Target

__all__ = ["Article", "Reading", "read_targets"]

# Words joined by underscores or hyphens, two joints at least: "twenty-one" and "2-seater" are words of their own.
_SLUG = re.compile(r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+){2,}")
_HINT = re.compile(
    r"\d|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty"
    r"|sixty|seventy|eighty|ninety|hundred|thousand|dozens?|half-dozen|pairs?|couple|duos?|trios?|quartets?|quintets?"
    r"|sextets?|octets?|septets?|twins?|triplets|quadruplets|quintuplets|both|single|lone|solitary|sole|no|never|min|max|nobody|without"
    r"|not|free|devoid|more|fewer|less|many|equal|same|few|several|numerous|lots?|handful|hundreds|thousands|some)"
    r"(?:\b|-)|n['’]t\b",
    re.IGNORECASE,
)
# Words at which a number, a comparison or an absence can begin.
_TRIGGERS = frozenset(
    quantities.STARTS | comparisons.STARTS | absences.STARTS | lex.SIBLINGS.keys() | {"twin", "triplet"}
)
_IDIOMS = {words[0]: [row for row in lex.IDIOMS if row[0] == words[0]] for words in lex.IDIOMS}
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
    text = _spaced(text)
    if article == "ignore" and not _HINT.search(text) and not MAY_BE_FOREIGN.search(text):
        return _NOTHING
    scan = Scan(text, article, approximate)
    if is_foreign(scan.tokens):
        for start, end in numbers_in(text, scan.tokens):
            scan.give_up(start, end)
        return _reading(scan)
    i = 0
    while i < len(scan.tokens):
        low = scan.tokens[i].low
        if low not in _TRIGGERS and not low[0].isdigit() and not low.endswith("n't"):
            i += 1
            continue
        i = next(end for end in (step(scan, i) for step in _STEPS) if end)
    _report_quoted(scan)
    return _reading(scan)


def _spaced(text: str) -> str:
    """A file name's or address's way of writing a prompt, ``three_pigs_and_a_wolf``, with spaces; else the text itself."""
    if " " in text or not _SLUG.fullmatch(text):
        return text
    return text.replace("_", " ").replace("-", " ")


# Each step returns the token after what it read, or 0 when nothing of its kind starts there.


def _skip_idiom(scan: Scan, i: int) -> int:
    """Pass over a fixed phrase whose number counts nothing: "one on one", "zero gravity"."""
    for words in _IDIOMS.get(scan.low(i), ()):
        if follows(scan.tokens, i, words):
            return i + len(words)
    return 0


def _skip_saying(scan: Scan, i: int) -> int:
    """Pass over what is written somewhere: "a sign that says 5 apples"."""
    before = scan.low(i - 1)
    written = before in lex.SAYING or (before in ("reading", "labelled", "labeled") and scan.low(i - 2) in lex.SIGNS)
    if not written or _quote_follows(scan, i - 1):
        return 0
    end = i
    while end < len(scan.tokens) and end - i < 8 and scan.low(end)[0].isalnum():
        end += 1
    return end


def _quote_follows(scan: Scan, i: int) -> bool:
    """Whether a quotation follows a token directly; its words are no tokens of the scan."""
    after = scan.text[scan.tokens[i].end : scan.tokens[i].end + 3].lstrip()
    return after[:1] in ('"', "“", "‘", "'", "«")


def _read_quantity(scan: Scan, i: int) -> int:
    quantity = quantity_at(scan.tokens, i)
    if quantity is None:
        return _read_decimal(scan, i)
    if is_no_count(scan.tokens, i, quantity, title_case=scan.title_case):
        return quantity.end
    if end := _read_sum(scan, i, quantity):
        return end
    phrase = _counted_phrase(scan, i, quantity)
    if (group := part_of_group(scan, i, quantity, phrase)) is not None:
        group.parts += quantity.count
        return quantity.end
    if phrase is None:
        if end := _nameless_end(scan, quantity):
            if scan.candidates and i - scan.candidates[-1].end <= 3 and scan.low(end - 1) in ("one", "ones"):
                # "two large dogs and one small one": the first number is not the whole.
                scan.candidates[-1].holds = False
            scan.give_up(i, end)
            return end
        if not quantity.loose and not quantity.bundle and not is_harmless(scan.tokens, i, quantity):
            scan.give_up(i, _clause_end(scan, i, quantity.end))
        return quantity.end
    if is_order(scan.tokens, i, phrase):
        scan.give_up(i, phrase.end)
        return phrase.end
    if is_not_seen(scan.tokens, i, phrase) or is_adjectival(scan.tokens, i, quantity, phrase):
        return phrase.end
    if quantity.loose and not scan.approximate:
        return phrase.end
    if is_unnamed(scan.tokens, i, quantity, phrase):
        if phrase.raw == "others" and scan.candidates and i - scan.candidates[-1].end <= 12:
            # "two people hugging, three others watching": neither number is the whole.
            scan.candidates[-1].holds = False
        scan.give_up(i, phrase.end)
        return phrase.end
    return _add_count(scan, i, quantity, phrase)


def _nameless_end(scan: Scan, quantity: Quantity) -> int:
    """The token after "more cat" in "one more cat", and after "small one" in "two large dogs and one small one", whose noun stands elsewhere; 0 when none follows."""
    end = quantity.end
    if quantity.count == 1 and scan.low(end) in lex.RELATIVE:
        # "add one more cat".
        more = phrase_at(scan.tokens, end + 1, plural=False)
        return more.end if more is not None else 0
    while end - quantity.end < 4 and is_adjective(scan.low(end)) and scan.low(end) not in ("one", "ones"):
        end += 1
    return end + 1 if end > quantity.end and scan.low(end) in ("one", "ones") else 0


def _read_sum(scan: Scan, i: int, quantity: Quantity) -> int:
    """Report numbers that a second number changes: "one and a half bananas", "9 out of 10 dentists", "9 to 5 workers"."""
    end = quantity.end
    if follows(scan.tokens, end, ("and", "a")) and scan.low(end + 2) in ("half", "quarter", "third"):
        phrase = phrase_at(scan.tokens, end + 3, plural=True)
        end = phrase.end if phrase is not None else end + 3
    elif follows(scan.tokens, end, ("out", "of")) and (whole := cardinal(scan.tokens, end + 2)) is not None:
        phrase = phrase_at(scan.tokens, whole[1], plural=True)
        end = phrase.end if phrase is not None else whole[1]
    elif scan.low(end) in ("minus", "plus") and (other := cardinal(scan.tokens, end + 1)) is not None:
        phrase = phrase_at(scan.tokens, other[1], plural=True)
        end = phrase.end if phrase is not None else other[1]
    elif scan.low(end) == "to" and quantity.relation is Relation.EXACTLY:
        lower = cardinal(scan.tokens, end + 1)
        phrase = phrase_at(scan.tokens, lower[1], plural=True) if lower is not None else None
        if phrase is None:
            return 0
        end = phrase.end
    else:
        return 0
    scan.give_up(i, end)
    return end


def _counted_phrase(scan: Scan, i: int, quantity: Quantity) -> Phrase | None:
    """The noun phrase that a number counts."""
    tokens, start = scan.tokens, quantity.end
    if scan.low(start) == "of" and scan.low(start - 1) in ("dozen", "dozens"):
        start += 1
    if scan.low(start) in lex.TRANSITIVE:
        return None
    if quantity.bundle == "couple?" and _is_verb(scan.low(start)):
        return None
    plural = quantity.relation is not Relation.EXACTLY or quantity.count != 1 or bool(quantity.bundle)
    phrase = phrase_at(tokens, start, plural=plural)
    if quantity.bundle == "both":
        return phrase if phrase is not None and scan.low(phrase.end) != "and" else None
    if phrase is None and (scan.low(quantity.end - 1) in ("one", "1") or _is_multiplied(scan, quantity)):
        # "more than one dog", "at least 1 dog": the number that is said rules the noun. "2× lighthouse": any does.
        phrase = phrase_at(tokens, start, plural=False)
    if phrase is None and (elided := elided_at(tokens, start)) is not None:
        phrase = elided[1]
    return phrase


def _is_verb(low: str) -> bool:
    """ "a couple dances": the verb, not the things."""
    return low.endswith("s") and (low[:-1] in lex.ACTIONS or low.removesuffix("es") in lex.ACTIONS)


def _is_multiplied(scan: Scan, quantity: Quantity) -> bool:
    before = scan.low(quantity.end - 1)
    return before in ("x", "×") or (before[:1].isdigit() and before.endswith(("x", "×")))


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
    if set_end := _set_end(scan, count, phrase, end):
        scan.give_up(i, set_end)
        return set_end
    upper = quantity.upper
    if relation is Relation.AT_LEAST and (most := _later_bound(scan, end)) is not None and most.count > count:
        relation, upper, end = Relation.BETWEEN, most.count, most.end
    holds = not is_unclear(scan.tokens, i, quantity, phrase, end, last_end=scan.last_end)
    if scan.low(end) == "of" and (inner := quantity_at(scan.tokens, end + 1)) is not None:
        # "three rows of five chairs": how many chairs that makes is arithmetic, not reading.
        if phrase.head in lex.PICTURES | {"view", "angle"}:
            # "4 views of one knight": the pictures are ordered, and what they show is read next.
            scan.give_up(i, phrase.end)
            return phrase.end
        things = phrase_at(scan.tokens, inner.end, plural=inner.count != 1)
        end, holds = things.end if things is not None else inner.end, False
    target = Target(
        noun=phrase.noun,
        relation=relation,
        count=count,
        upper=upper,
        phrase=phrase.phrase,
        words=scan.words(i, end),
    )
    scan.add(target, i, end, holds=holds)
    return max(phrase.end, end)


def _set_end(scan: Scan, count: int, phrase: Phrase, end: int) -> int:
    """The token after "two sets of twins", of which nobody says how many things a set has; 0 when it is no such phrase."""
    if phrase.head not in ("set", "batch", "series") or scan.low(end) != "of":
        return 0
    siblings = _siblings_at(scan, end + 1)
    if count == 1 and not siblings:
        return 0
    things = phrase_at(scan.tokens, end + 1, plural=True)
    return things.end if things is not None else siblings or end


def _later_bound(scan: Scan, end: int) -> Quantity | None:
    """The bound after the noun in "at least two cats but no more than four"."""
    if scan.low(end) not in ("but", "and"):
        return None
    bound = quantity_at(scan.tokens, end + 1)
    if (
        bound is None
        or bound.relation is not Relation.AT_MOST
        or phrase_at(scan.tokens, bound.end, plural=True) is not None
    ):
        return None
    return bound


def _siblings_at(scan: Scan, i: int) -> int:
    """The token after "triplets"; 0 when no such word stands there."""
    return i + 1 if scan.low(i) in lex.SIBLINGS else 0


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


_STEPS = (
    _skip_idiom,
    _skip_saying,
    read_comparison,
    read_trailing_number,
    _read_quantity,
    read_absence,
    _read_siblings,
    _read_article,
)


def _report_quoted(scan: Scan) -> None:
    """Report a number of things inside quotation marks, unless the text speaks of writing."""
    if not scan.quoted or not any(character.isalnum() for character in scan.text):
        return
    if any(token.low in lex.WRITING for token in scan.tokens):
        return
    for start, end in scan.quoted:
        inside = tokens_of(scan.text[start:end])
        for k in range(len(inside)):
            quantity = quantity_at(inside, k) if inside[k].low in _TRIGGERS or inside[k].low[0].isdigit() else None
            if quantity is not None and not quantity.loose and phrase_at(inside, quantity.end, plural=True) is not None:
                scan.unread.append((len(scan.tokens), scan.text[start:end]))
                break


def _reading(scan: Scan) -> Reading:
    """The targets that do not contradict each other; the rest as not understood."""
    reconcile(scan)
    unread = scan.unread + [(each.start, each.target.words) for each in scan.candidates if not each.holds]
    pieces = dict.fromkeys(words for _, words in sorted(unread))
    targets = drop_repeated([each.target for each in scan.candidates if each.holds])
    return Reading(targets=targets, not_understood=tuple(pieces))
