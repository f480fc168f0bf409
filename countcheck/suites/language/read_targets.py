"""Text to targets: what an English prompt asks to be counted.

Numbers that are no counts (times, years, ages, sizes, names, ordinals, fractions) are left alone. A number whose thing
is not found is reported, and so is one that says something a target cannot; nothing is guessed. No files here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from countcheck.suites.language import word_lists as lex
from countcheck.suites.language.nouns import PAIRED, classes_of
from countcheck.suites.language.number_filters import is_harmless, is_no_count, is_not_seen, is_unclear, starts_sentence
from countcheck.suites.language.quantities import STARTS, Quantity, Token, cardinal, low_at, quantity_at, tokens_of
from countcheck.suites.language.reconcile import Found, once, settle
from countcheck.suites.language.tokens import Phrase, elided_at, phrase_at
from countcheck.suites.suite import Relation, Target

Article = Literal["ignore", "one", "at_least"]

_HINT = re.compile(
    r"\d|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty"
    r"|sixty|seventy|eighty|ninety|hundred|thousand|dozens?|half-dozen|pairs?|couple|duos?|trios?|quartets?|quintets?"
    r"|sextets?|octets?|septets?|twins?|triplets|quadruplets|quintuplets|single|lone|solitary|sole|no|nobody|without"
    r"|not|free|devoid|more|fewer|less|many|equal|same|few|several|numerous|lots?|handful|hundreds|thousands|some)"
    r"(?:\b|-)|n['’]t\b",
    re.IGNORECASE,
)
# Words at which something to count, or its absence, can begin.
_TRIGGERS = frozenset(
    STARTS
    | lex.SIBLINGS.keys()
    | {"more", "fewer", "less", "as", "same", "equal", "nobody", "no-one", "no", "without", "free", "devoid", "empty"}
    | {"not", "twin", "triplet"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a text asks for.

    Attributes:
        targets: In the order of the text; each says which words it came from.
        not_understood: Pieces of the text with a number that could not be read, as written.
    """

    targets: tuple[Target, ...] = ()
    not_understood: tuple[str, ...] = ()


_NOTHING = Reading()


def read_targets(text: str, *, article: Article = "ignore", approximate: bool = False) -> Reading:
    """What a prompt asks to be counted.

    Args:
        text: One prompt, in English.
        article: How "a dog" is read: not at all, as exactly one, or as at least one.
        approximate: Whether "several", "a few" or "about twenty" give targets too: a few is 3 to 5, a handful 3 to
            6, some 2 or more, several 3 or more, many 5 or more, "about n" n within a fifth.
    """
    if article == "ignore" and not _HINT.search(text):
        return _NOTHING
    reader = _Reader(text, article, approximate)
    reader.read()
    return reader.reading()


class _Reader:
    """One pass over one text."""

    def __init__(self, text: str, article: Article, approximate: bool) -> None:
        self.text = text
        self.tokens = _without_quotes(text, tokens_of(text))
        self.article = article
        self.approximate = approximate
        self.found: list[Found] = []
        self.lost: list[tuple[int, str]] = []
        words = [t for t in self.tokens if t.text[0].isalpha() and len(t.text) > 3]
        starts = bool(self.tokens) and self.tokens[0].text[0].isupper()
        self.title_case = starts and len(words) > 1 and all(t.text[0].isupper() for t in words)

    def read(self) -> None:
        i = 0
        while i < len(self.tokens):
            low = self.tokens[i].low
            if low not in _TRIGGERS and not low[0].isdigit() and not low.endswith("n't"):
                i += 1
                continue
            i = self._comparison(i) or self._quantity(i) or self._absence(i) or self._siblings(i) or self._article(i)

    # What each step returns: the token to go on from, or 0 for "not mine".

    def _quantity(self, i: int) -> int:
        quantity = quantity_at(self.tokens, i)
        if quantity is None:
            return self._decimal(i)
        if is_no_count(self.tokens, i, quantity, title_case=self.title_case):
            return quantity.end
        start = quantity.end
        if low_at(self.tokens, start) == "of" and low_at(self.tokens, start - 1) == "dozen":
            start += 1
        plural = quantity.relation is not Relation.EXACTLY or quantity.count != 1 or bool(quantity.bundle)
        phrase = phrase_at(self.tokens, start, plural=plural)
        if phrase is None and low_at(self.tokens, quantity.end - 1) in ("one", "1"):
            # "more than one dog", "at least 1 dog": the number that is said rules the noun.
            phrase = phrase_at(self.tokens, start, plural=False)
        if phrase is None and quantity.count != 1 and (elided := elided_at(self.tokens, start)) is not None:
            phrase = elided[1]
        if phrase is None:
            if not quantity.loose and not quantity.bundle and not is_harmless(self.tokens, i, quantity):
                self._lose(i, self._clause_end(i, quantity.end))
            return quantity.end
        if is_not_seen(self.tokens, i, phrase):
            return phrase.end
        if quantity.loose and not self.approximate:
            return phrase.end
        self._count(i, quantity, phrase)
        return self._after(phrase.end)

    def _count(self, i: int, quantity: Quantity, phrase: Phrase) -> None:
        count, relation = quantity.count, quantity.relation
        if quantity.bundle == "pair" and (phrase.head in PAIRED or phrase.noun == "glass"):
            # "a pair of glasses" is one thing to wear; "a pair of wine glasses" is two to drink from.
            count //= 2
            if phrase.noun == "glass":
                phrase = replace(phrase, noun="glasses", phrase=f"{phrase.phrase}es")
        relation, end = self._trailing(relation, phrase.end)
        if relation is Relation.EXACTLY and count == 0:
            relation = Relation.NONE
        target = Target(
            noun=phrase.noun,
            relation=relation,
            count=count,
            upper=quantity.upper,
            phrase=phrase.phrase,
            words=self._words(i, end),
        )
        found_to = self.found[-1].end if self.found else None
        good = not is_unclear(self.tokens, i, quantity, phrase, end, found_to=found_to)
        if low_at(self.tokens, end) == "of" and (inner := quantity_at(self.tokens, end + 1)) is not None:
            # "three rows of five chairs": how many chairs that makes is arithmetic, not reading.
            things = phrase_at(self.tokens, inner.end, plural=True)
            end = things.end if things is not None else inner.end
            target, good = replace(target, words=self._words(i, end)), False
        self.found.append(Found(target, i, end, good))

    def _trailing(self, relation: Relation, end: int) -> tuple[Relation, int]:
        """ "three dogs or more", "three dogs at most"."""
        pair = (low_at(self.tokens, end), low_at(self.tokens, end + 1))
        if relation is Relation.EXACTLY:
            if pair in (("or", "more"), ("at", "least"), ("and", "more")):
                return Relation.AT_LEAST, end + 2
            if pair in (("or", "fewer"), ("or", "less"), ("at", "most")):
                return Relation.AT_MOST, end + 2
        return relation, end

    def _after(self, end: int) -> int:
        return max(end, self.found[-1].end)

    def _clause_end(self, i: int, end: int) -> int:
        while end < len(self.tokens) and end - i < 5 and low_at(self.tokens, end)[0].isalnum():
            end += 1
        return end

    def _decimal(self, i: int) -> int:
        """ "2.5 apples": a number that no whole count meets."""
        if re.fullmatch(r"\d+[.,]\d+|\d+/\d+", self.tokens[i].low):
            phrase = phrase_at(self.tokens, i + 1, plural=True)
            after = low_at(self.tokens, i + 1)
            if (
                phrase is not None
                and after not in lex.UNITS
                and phrase.head not in lex.ABSTRACT
                and phrase.end - i <= 3
            ):
                self._lose(i, phrase.end)
                return phrase.end
        return 0

    def _comparison(self, i: int) -> int:
        low = low_at(self.tokens, i)
        if low in ("more", "fewer", "less") and low_at(self.tokens, i + 1) != "than":
            return self._more(i, swapped=low != "more")
        if low == "as" and low_at(self.tokens, i + 1) == "many":
            return self._as_many(i)
        if low in ("same", "equal") and low_at(self.tokens, i + 1) in ("number", "numbers", "amount"):
            return self._same_number(i)
        return 0

    def _more(self, i: int, *, swapped: bool) -> int:
        first = phrase_at(self.tokens, i + 1, plural=True)
        if first is None or low_at(self.tokens, first.end) != "than":
            return 0
        if cardinal(self.tokens, i - 1 if i else len(self.tokens)) is not None:
            self._lose(i - 1, first.end)
            return first.end
        second = self._bare(first.end + 1)
        if second is None:
            return first.end
        noun, other = (second, first) if swapped else (first, second)
        self._relate(Relation.MORE_THAN, noun, other, i, second.end)
        return second.end

    def _as_many(self, i: int) -> int:
        first = phrase_at(self.tokens, i + 2, plural=True)
        if first is None or low_at(self.tokens, first.end) != "as":
            return 0
        at = first.end + 1
        if low_at(self.tokens, at) == "there" and low_at(self.tokens, at + 1) == "are":
            at += 2
        second = self._bare(at)
        if second is None:
            return 0
        if low_at(self.tokens, i - 1) in ("twice", "thrice", "times", "half"):
            self._lose(i - 1, second.end)
        else:
            self._relate(Relation.AS_MANY_AS, first, second, i, second.end)
        return second.end

    def _same_number(self, i: int) -> int:
        if low_at(self.tokens, i + 2) != "of":
            return 0
        first = phrase_at(self.tokens, i + 3, plural=True)
        if first is None or low_at(self.tokens, first.end) not in ("and", "as"):
            return 0
        second = self._bare(first.end + 1)
        if second is None:
            return 0
        start = i - 1 if low_at(self.tokens, i - 1) in ("the", "an") else i
        self._relate(Relation.AS_MANY_AS, first, second, start, second.end)
        return second.end

    def _bare(self, i: int) -> Phrase | None:
        at = i + 1 if low_at(self.tokens, i) in ("the", "of") else i
        return phrase_at(self.tokens, at, plural=True)

    def _relate(self, relation: Relation, noun: Phrase, other: Phrase, start: int, end: int) -> None:
        target = Target(
            noun=noun.noun,
            relation=relation,
            other=other.noun,
            phrase=noun.phrase,
            words=self._words(start, end),
        )
        self.found.append(Found(target, start, end, noun.noun != other.noun))

    def _absence(self, i: int) -> int:
        low, after = low_at(self.tokens, i), low_at(self.tokens, i + 1)
        if low in ("nobody", "no-one") or (low, after) == ("no", "one"):
            end = i + 1 if low != "no" else i + 2
            self._absent(Phrase(noun="person", phrase="person", head="person", raw="person", end=end), i)
            return end
        if low == "no":
            return self._absences(i, i + 1, joined=("or", "nor"))
        if low == "without":
            at = i + 1
            while low_at(self.tokens, at) in ("any", "a", "an", "single", "even", "one"):
                at += 1
            return self._absences(i, at, joined=("or", "and", "nor"))
        if low in ("free", "devoid", "empty") and after == "of":
            at = i + 3 if low_at(self.tokens, i + 2) == "any" else i + 2
            return self._absences(i, at, joined=("or", "and"))
        negated = low == "not" or low.endswith("n't")
        if negated and after == "any":
            return self._absences(i, i + 2, joined=("or",))
        if negated and after == "a" and low_at(self.tokens, i + 2) == "single":
            return self._absences(i, i + 3, joined=("or",))
        return 0

    def _absences(self, i: int, at: int, *, joined: Sequence[str]) -> int:
        if low_at(self.tokens, at) in lex.RELATIVE:
            if phrase_at(self.tokens, at + 1, plural=True) is not None and low_at(self.tokens, at) != "more":
                self._lose(i, min(at + 2, len(self.tokens)))
            return at
        phrase = self._absent_thing(at)
        if phrase is None:
            return i + 1
        self._absent(phrase, i)
        end = phrase.end
        while low_at(self.tokens, end) in (*joined, ","):
            at = end + 1
            if low_at(self.tokens, end) == "," and not self._list_ends(at, joined):
                break
            if low_at(self.tokens, at) in joined:
                at += 1
            if low_at(self.tokens, at) in ("any", "a", "an"):
                at += 1
            more = self._absent_thing(at)
            if more is None or quantity_at(self.tokens, at) is not None:
                break
            self._absent(more, at)
            end = more.end
        return end

    def _list_ends(self, at: int, joined: Sequence[str]) -> bool:
        """Whether a comma list of things that must be absent ends in "or Z"."""
        for _ in range(6):
            if low_at(self.tokens, at) in joined:
                return True
            phrase = phrase_at(self.tokens, at, plural=True)
            if phrase is None or low_at(self.tokens, phrase.end) not in (",", *joined):
                return False
            at = phrase.end
            if low_at(self.tokens, at) in joined:
                return True
            at += 1
        return False

    def _absent_thing(self, at: int) -> Phrase | None:
        first = low_at(self.tokens, at)
        if (
            low_at(self.tokens, at - 1) == "without"
            and first.endswith("ing")
            and "VERB" in classes_of(first)
            and first not in lex.ING_THINGS
        ):
            return None
        phrase = phrase_at(self.tokens, at, plural=True)
        single = phrase_at(self.tokens, at, plural=False)
        if phrase is None or (single is not None and single.end < phrase.end and single.head not in lex.DESCRIBING):
            phrase = single if phrase is None or not self._leads_on(at, phrase) else phrase
        return phrase

    def _leads_on(self, at: int, phrase: Phrase) -> bool:
        """Whether all before the plural is one phrase ("traffic lights"), with no verb between."""
        between = (classes_of(token.low) for token in self.tokens[at : phrase.end - 1])
        return all(not classes or classes & {"NOUN", "ADJ"} for classes in between)

    def _absent(self, phrase: Phrase, start: int) -> None:
        unseen = (
            phrase.noun in lex.UNCOUNTED or phrase.raw in lex.UNCOUNTED - {phrase.head} or phrase.head in lex.ABSTRACT
        )
        sign = phrase.head in ("sign", "trace", "hint") and low_at(self.tokens, phrase.end) == "of"
        if not unseen and not sign:
            words = self._words(start, phrase.end)
            target = Target(noun=phrase.noun, relation=Relation.NONE, count=0, phrase=phrase.phrase, words=words)
            self.found.append(Found(target, start, phrase.end))

    def _siblings(self, i: int) -> int:
        low = low_at(self.tokens, i)
        before = low_at(self.tokens, i - 1)
        if low in ("twin", "triplet") and before not in ("a", "his", "her", "one", "evil"):
            phrase = phrase_at(self.tokens, i + 1, plural=True)
            if phrase is not None and not self.tokens[i].text[0].isupper():
                self._count(i, Quantity(relation=Relation.EXACTLY, count=2 if low == "twin" else 3, end=i + 1), phrase)
                return self._after(phrase.end)
        if low in lex.SIBLINGS and not (self.tokens[i].text[0].isupper() and not starts_sentence(self.tokens, i)):
            target = Target(noun="person", count=lex.SIBLINGS[low], phrase="twin", words=self.tokens[i].text)
            self.found.append(Found(replace(target, phrase=low.removesuffix("s")), i, i + 1))
            return i + 1
        return 0

    def _article(self, i: int) -> int:
        if self.article == "ignore" or low_at(self.tokens, i) not in ("a", "an"):
            return i + 1
        phrase = phrase_at(self.tokens, i + 1, plural=False)
        if phrase is None or phrase.head in lex.DEPICTIONS or phrase.head in lex.ABSTRACT:
            return i + 1
        if phrase.head in lex.PART_HEADS and low_at(self.tokens, phrase.end) == "of":
            return i + 1
        relation = Relation.EXACTLY if self.article == "one" else Relation.AT_LEAST
        self._count(i, Quantity(relation=relation, count=1, end=i + 1), phrase)
        return self._after(phrase.end)

    def _words(self, start: int, end: int) -> str:
        return self.text[self.tokens[start].start : self.tokens[end - 1].end]

    def _lose(self, start: int, end: int) -> None:
        self.lost.append((start, self._words(max(start, 0), max(end, start + 1))))

    def reading(self) -> Reading:
        """The targets that do not contradict each other; the rest as not understood."""
        for k, one in enumerate(self.found):
            # "two cats or three dogs": the number after "or" spoils the one before it too.
            if (
                not one.good
                and k
                and low_at(self.tokens, one.start - 1) == "or"
                and self.found[k - 1].end == one.start - 1
            ):
                self.found[k - 1].good = False
        settle(self.found, self.text)
        for one in self.found:
            if not one.good:
                self.lost.append((one.start, one.target.words))
        lost = dict.fromkeys(text for _, text in sorted(self.lost))
        targets = dict.fromkeys(one.target for one in self.found if one.good)
        return Reading(targets=once(list(targets)), not_understood=tuple(lost))


def _without_quotes(text: str, tokens: list[Token]) -> list[Token]:
    """The tokens outside quotation marks: what is written on a sign is not asked to be there."""
    if '"' not in text and "“" not in text:
        return tokens
    spans = [m.span() for m in re.finditer(r'"[^"]*"|“[^”]*”', text)]
    return [t for t in tokens if not any(a <= t.start < b for a, b in spans)]
