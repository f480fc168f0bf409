"""Numbers in running text that count no things: times, years, names, sizes, alternatives, parts of a whole.

`is_no_count` is a table of small rules (`_NO_COUNT`): a number is no count when one of them fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from countcheck.suites.language import word_lists as lex
from countcheck.suites.language.noun_phrases import Phrase, phrase_at
from countcheck.suites.language.nouns import classes_of, singular_of
from countcheck.suites.language.numbers import WORDS, cardinal
from countcheck.suites.language.quantities import Quantity
from countcheck.suites.language.tokens import Token, joined, low_at
from countcheck.suites.suite import Relation

Rule = Callable[[Sequence[Token], int, Quantity], bool]


def is_no_count(tokens: Sequence[Token], i: int, quantity: Quantity, *, title_case: bool) -> bool:
    """Return whether a number is a time, date, year, size, price, score or name.

    Args:
        tokens: The text.
        i: Where the quantity starts.
        quantity: The number.
        title_case: Whether every word of the text begins with a capital, so that a capital marks no name.
    """
    if any(rule(tokens, i, quantity) for rule in _NO_COUNT):
        return True
    if _is_year_shaped(tokens, i, quantity):
        return _is_year(tokens, i, quantity)
    if any(rule(tokens, i, quantity) for rule in _NO_COUNT_BUT_YEAR):
        return True
    return not title_case and _is_name(tokens, i, quantity)


def _has_unit(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "5 km", "three o'clock"; letters such as x and g are units of digits alone."""
    after = low_at(tokens, quantity.end)
    return after in lex.UNITS and (tokens[i].text[0].isdigit() or after not in lex.DIGIT_UNITS)


def _has_sign(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "$5", "#3", "5 %", "5* hotel", "1/2"; a hyphen with a space is a bullet, and a slash between words a comma."""
    after, before = low_at(tokens, quantity.end), low_at(tokens, i - 1)
    if (
        after in ("%", "°")
        or (after == "*" and joined(tokens, quantity.end))
        or before in ("$", "€", "£", "#", "№", "@")
    ):
        return True
    digits = tokens[i].text[0].isdigit()
    if before in ("x", "×"):
        return digits and low_at(tokens, i - 2)[:1].isdigit()
    if before == "/" and digits:
        return low_at(tokens, i - 2)[:1].isdigit() or low_at(tokens, i - 2) == "f"
    if after == "/" and digits:
        return low_at(tokens, quantity.end + 1)[:1].isdigit()
    return before == "-" and digits and joined(tokens, i) and not _starts_item(tokens, i - 1)


def _starts_item(tokens: Sequence[Token], i: int) -> bool:
    """Whether a hyphen begins a line of a list rather than a negative number: at the start, or after another item."""
    return i == 0 or low_at(tokens, i - 1) in (":", ";", ",", "-")


def _is_identifier(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "mp3", "R2D2", "E=mc2": digits written on to letters."""
    return (
        joined(tokens, i)
        and tokens[i].text[0].isdigit()
        and tokens[i - 1].text[-1].isalpha()
        and tokens[i - 1].low not in ("x", "×")
    )


def _is_turn(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "360 panorama", "180 view"."""
    return quantity.count in (90, 180, 270, 360) and low_at(tokens, quantity.end) in _TURNS


_TURNS = frozenset(
    ("panorama", "panoramic", "view", "video", "photo", "image", "vr", "turn", "spin", "shot", "rotation")
)


def _is_enumerator(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "1. two cats 2. three dogs", "a) ... 2) ...": the number of an item."""
    after = low_at(tokens, quantity.end)
    if after not in (".", ")") or not tokens[i].text[0].isdigit() or quantity.count > 20:
        return False
    if after == ")" and low_at(tokens, i - 1) == "(":
        return i == 1
    return (
        low_at(tokens, quantity.end + 1) != ""
        and (i == 0 or quantity.count >= 2 or after == ")")
        and joined(tokens, quantity.end)
        and _item_follows(tokens, quantity.end + 1)
    )


def _item_follows(tokens: Sequence[Token], i: int) -> bool:
    return cardinal(tokens, i) is not None or low_at(tokens, i) in ("a", "an", "the") or low_at(tokens, i)[:1].isalpha()


def _is_year_shaped(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    text = tokens[i].text
    return text[0].isdigit() and 1000 <= quantity.count <= 2100 and "," not in text and len(text) == 4


def _is_year(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "1920", "in 1500"; "1200 candles" is a count."""
    phrase = phrase_at(tokens, quantity.end, plural=True)
    if phrase is None or low_at(tokens, i - 1) in lex.YEAR_BEFORE:
        return True
    return quantity.count >= 1800 and not (quantity.count % 100 == 0 and phrase.head in lex.LIVING)


def _is_date(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "3 May", "July 4"."""
    return quantity.count <= 31 and (_is_month(tokens, i - 1) or _is_month(tokens, quantity.end))


def _is_month(tokens: Sequence[Token], i: int) -> bool:
    return low_at(tokens, i) in lex.MONTHS and tokens[i].text[0].isupper()


def _is_label(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "chapter 3", "no. 5", "seed 7"."""
    before = low_at(tokens, i - 1)
    if before in lex.NAMING_DIGITS:
        return tokens[i].text[0].isdigit() and phrase_at(tokens, quantity.end, plural=True) is None
    return before in lex.NAMING or (before == "." and low_at(tokens, i - 2) in lex.NAMING | {"no"})


_NO_COUNT: tuple[Rule, ...] = (_has_unit, _has_sign, _is_identifier, _is_turn, _is_enumerator)
_NO_COUNT_BUT_YEAR: tuple[Rule, ...] = (_is_date, _is_label)


def _is_name(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    if starts_sentence(tokens, i):
        return _is_title(tokens, i, quantity)
    after = tokens[quantity.end] if quantity.end < len(tokens) else None
    before = tokens[i - 1]
    capital = tokens[i].text[0].isupper()
    if (
        capital
        and before.low not in (",", ";", "&", "+", "•")
        and (before if after is None else after).text[0].isupper()
    ):
        return True
    if capital and before.low == "of" and i > 1 and tokens[i - 2].text[0].isupper():
        return True
    named = before.text[0].isupper() and before.low not in lex.STOP and not starts_sentence(tokens, i - 1)
    return named and (tokens[i].text[0].isdigit() or capital)


def _is_title(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "Five Guys restaurant": a capitalised plural that only begins a longer name."""
    if quantity.end + 1 >= len(tokens) or quantity.end != i + 1 or tokens[i].text[0].isdigit():
        return False
    plural, head = tokens[quantity.end], tokens[quantity.end + 1]
    if not plural.text[0].isupper() or plural.text.isupper() or singular_of(plural.low) in (None, plural.low):
        return False
    return head.text.islower() and head.low not in lex.STOP | lex.ACTIONS and classes_of(head.low) == {"NOUN"}


def starts_sentence(tokens: Sequence[Token], i: int) -> bool:
    """Return whether a sentence starts at a token, so that a capital there marks no name."""
    return i == 0 or low_at(tokens, i - 1) in (".", "!", "?", ":", ";", "\n", "(", "|")


def is_harmless(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """Return whether a number without a noun can be passed over: "one of them", "a 5 star hotel", "at five", "not two"."""
    return any(rule(tokens, i, quantity) for rule in _HARMLESS)


def _follows_label(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "day 5", "steps: 30", "not two", "instead of three"."""
    before = low_at(tokens, i - 1)
    if before in ("not", "to", "by", "or", "than") or before in lex.LABELS:
        return True
    return (before == ":" and low_at(tokens, i - 2) in lex.LABELS) or (
        before == "of" and low_at(tokens, i - 2) == "instead"
    )


def _precedes_of(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "one of the dogs", "two of the four dogs"; "three of the dogs" may be lost."""
    if low_at(tokens, quantity.end) != "of":
        return False
    if low_at(tokens, quantity.end + 1) not in _DEFINITE:
        return True
    return quantity.count == 1 or cardinal(tokens, quantity.end + 2) is not None


def _is_shown(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "a die showing six", "two dice showing five and three"."""
    before = low_at(tokens, i - 1)
    return before in _SHOWS or (before == "and" and low_at(tokens, i - 3) in _SHOWS)


def _is_time(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "at five", "half past two", "ten at night", "three in the morning"."""
    after, second, third = (low_at(tokens, quantity.end + k) for k in range(3))
    if after == "past" or (after, second) == ("at", "night"):
        return True
    if after == "in" and third in ("morning", "afternoon", "evening"):
        return True
    return low_at(tokens, i - 1) in lex.TIME_BEFORE and quantity.count <= 60


def _is_age(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "a teenager, 16, with a skateboard", "a man of sixty"."""
    if quantity.count > 110 or low_at(tokens, i - 2) not in lex.PERSONS:
        return False
    if low_at(tokens, i - 1) == "of":
        return True
    return (
        low_at(tokens, i - 1) == "," and low_at(tokens, quantity.end) in (",", ".", "") and tokens[i].text[0].isdigit()
    )


def _is_model(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "a boeing 747", "gate 12": a number of two digits or more behind a noun in the singular."""
    before = low_at(tokens, i - 1)
    if not tokens[i].text[:2].isdigit() or len(tokens[i].text) < 2 or not before[:1].isalpha() or before in lex.STOP:
        return False
    classes = classes_of(before)
    return singular_of(before) is None and (not classes or "NOUN" in classes)


def _is_ratio(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "4 by 6", "3 to 1"."""
    return low_at(tokens, quantity.end) in ("to", "by") and cardinal(tokens, quantity.end + 1) is not None


def _describes(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "a 5 star hotel", "three star restaurant", "zero gravity": a number that makes an adjective."""
    described = phrase_at(tokens, quantity.end, plural=False)
    if described is None:
        return False
    if quantity.count == 0 or low_at(tokens, i - 1) in _DETERMINERS:
        return True
    adjectival = low_at(tokens, quantity.end) in lex.ADJECTIVAL and quantity.count > 1
    return adjectival and described.end - quantity.end >= 2


def _is_pronoun(tokens: Sequence[Token], i: int, quantity: Quantity) -> bool:
    """ "one", "a single"."""
    return quantity.count == 1 and tokens[i].low in ("one", *lex.SINGLE, "a")


_HARMLESS: tuple[Rule, ...] = (
    _follows_label,
    _precedes_of,
    _is_shown,
    _is_time,
    _is_age,
    _is_model,
    _is_ratio,
    _describes,
    _is_pronoun,
)
_DETERMINERS = frozenset(("a", "an", "the", "this", "that", "his", "her", "my", "your", "their", "its"))
_DEFINITE = frozenset(("them", "these", "those", "the", "his", "her", "their", "my", "our", "your"))
_SHOWS = frozenset(
    ("showing", "shows", "reading", "reads", "marked", "labelled", "labeled", "numbered", "rolled", "turned")
)


def is_not_seen(tokens: Sequence[Token], i: int, phrase: Phrase) -> bool:
    """Return whether a phrase names nothing that a picture shows as things: "two halves", "cut into four slices"."""
    measure = phrase.head in lex.ABSTRACT or (phrase.raw in lex.UNITS and phrase.raw not in lex.LIVING)
    if measure and phrase.noun not in lex.COMPOUNDS:
        return True
    if phrase.head in lex.CUT_INTO and low_at(tokens, i - 1) == "into":
        return True
    before = low_at(tokens, i - 1)
    if phrase.head == "wheel" and before in ("on", "in"):
        return True
    if phrase.noun in lex.PIECES and _is_cut(tokens):
        return True
    if phrase.head == "end" or (before == "in" and low_at(tokens, i) == "one" and phrase.head in lex.DEPICTIONS):
        # "on one end", "five women in one portrait".
        return True
    return phrase.head in lex.BODY and is_pose(tokens, i, phrase)


def is_pose(tokens: Sequence[Token], i: int, phrase: Phrase) -> bool:
    """Return whether a part of the body is only told how it is held: "one arm raised", "on one leg", "with two hands"."""
    before, after = low_at(tokens, i - 1), low_at(tokens, phrase.end)
    if phrase.end - i > 3 or (cardinal(tokens, i) not in ((1, i + 1), (2, i + 1)) and low_at(tokens, i) != "both"):
        return False
    if before in lex.POSED or after in lex.POSES:
        return True
    limbs = phrase.head not in ("eye", "ear", "leg", "eyebrow")
    return limbs and before == "with" and not low_at(tokens, phrase.end)[:1].isalnum()


def _is_cut(tokens: Sequence[Token]) -> bool:
    return any(token.low in lex.CUTTING for token in tokens[:200])


def is_unclear(
    tokens: Sequence[Token], i: int, quantity: Quantity, phrase: Phrase, end: int, *, last_end: int | None
) -> bool:
    """Return whether a number says what no target can: alternatives, multiples, differences.

    Args:
        tokens: The text.
        i: Where the quantity starts.
        quantity: The number.
        phrase: What it counts.
        end: The token after both.
        last_end: The token after the last target before it; ``None`` for the first.
    """
    before, after = low_at(tokens, i - 1), low_at(tokens, end)
    if before in _DETERMINERS | _DEFINITE and low_at(tokens, i - 2) in (
        "without",
        "not",
        "except",
        "excluding",
        "minus",
    ):
        return True
    if before in ("the", "these", "those") and low_at(tokens, i - 2) == "of" and low_at(tokens, i - 3) == "any":
        return True
    if before in ("not", "another", "either", "other", "plus", "times", "every"):
        return True
    if before == "and" and (low_at(tokens, i - 2) in WORDS or low_at(tokens, i - 2).isdigit()):
        return low_at(tokens, i - 3) != "of" and not _is_model(tokens, i - 2, quantity)
    if low_at(tokens, quantity.end) in lex.RELATIVE or "'" in phrase.phrase:
        return True
    if after in ("each", "apiece", "per"):
        return True
    if after in ("in", "on", "for", "by", "at") and low_at(tokens, end + 1) in ("each", "every"):
        return True
    if any(low_at(tokens, k) in ("each", "every") for k in range(_clause_start(tokens, i), i)):
        return True
    if after == "or":
        return True
    return before == "or" and last_end == i - 1


def _clause_start(tokens: Sequence[Token], i: int) -> int:
    start = i
    while start > 0 and i - start < 10 and low_at(tokens, start - 1) not in (".", ";", "!", "?", "and"):
        start -= 1
    return start


def is_adjectival(tokens: Sequence[Token], i: int, quantity: Quantity, phrase: Phrase) -> bool:
    """Return whether the number makes an adjective with the first noun: "one way street", "one hit wonder"."""
    first = low_at(tokens, quantity.end)
    compound = f"{first} {phrase.head}" in lex.COMPOUNDS
    exact = quantity.relation is Relation.EXACTLY and not quantity.bundle
    if exact and quantity.count > 1 and low_at(tokens, i - 1) in ("a", "an"):
        # "a 5 stars hotel": the article goes with what follows.
        return low_at(tokens, phrase.end)[:1].isalpha() and low_at(tokens, phrase.end) not in lex.STOP
    if quantity.count != 1 or phrase.end - quantity.end < 2 or compound:
        return False
    # "a one horse town": an article before "one" leaves it no number.
    return first in lex.ADJECTIVAL or (low_at(tokens, i - 1) in ("a", "an") and low_at(tokens, i) == "one")


def is_unnamed(tokens: Sequence[Token], i: int, quantity: Quantity, phrase: Phrase) -> bool:
    """Return whether it is open which thing a number counts: "two others", "four ones", "five star hotels", "over fifty cups"."""
    if phrase.head in ("one", "ones", "other", "others"):
        return True
    first = low_at(tokens, quantity.end)
    before = low_at(tokens, i - 1)
    if quantity.count > 1 and first in lex.ADJECTIVAL and phrase.end - quantity.end >= 2 and before not in ("a", "the"):
        return f"{first} {phrase.head}" not in lex.COMPOUNDS and not low_at(tokens, i)[:1].isupper()
    if i == 1 and tokens[1].text[0].isdigit() and tokens[0].text[0].isupper() and not tokens[0].text.isupper():
        # "Fahrenheit 451 firefighters": perhaps a name.
        return classes_of(before) <= {"NOUN"} and singular_of(before) is None and before not in lex.PICTURES | {"there"}
    bound = before in ("over", "under", "above", "below", "beyond") and quantity.count >= 5
    return bound and (not low_at(tokens, i - 2)[:1].isalnum() or low_at(tokens, i - 2) in ("well", "just", "slightly"))


def is_order(tokens: Sequence[Token], i: int, phrase: Phrase) -> bool:
    """Return whether a number orders pictures, and counts nothing in one: "generate 4 images of a cat"."""
    if phrase.head not in lex.PICTURES or i > 8:
        return False
    return any(low_at(tokens, k) in lex.ORDERS for k in range(i))
