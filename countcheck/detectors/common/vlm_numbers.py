"""Read bare numbers and names from a reply of a vision-language model, and never make one up."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence

from countcheck.suites.language.nouns import plural_of, singular_of
from countcheck.suites.language.numbers import WORDS
from countcheck.suites.language.word_lists import word_set

MOST = 9999

# What may stand before a name without changing the thing: a pink pig is a pig, a guinea pig is none.
_MODIFIERS = word_set(
    "a an the this that one two three first second third fourth fifth left right middle centre center top bottom upper "
    "lower front back near far other another small large big little tiny huge young old baby adult red green blue yellow "
    "orange pink purple black white brown grey gray dark light partial hidden standing sitting lying sleeping"
)
_AFTER = word_set("on in at with behind beside near under over by of to and left right number no instance")
_REFUSAL = re.compile(
    r"\b(?:can ?not|can['\u2019]?t|unable|sorry|impossible|not able|won['\u2019]?t|decline)\b", re.IGNORECASE
)
_HEDGE = r"(?:at least|at most|more than|fewer than|less than|up to|over|under|around \d+ to|between)"
_NUMBER = rf"(?:\d{{1,4}}|{'|'.join(sorted(WORDS, key=len, reverse=True))})"


def matching_word(label: str | None, words: Sequence[str]) -> str | None:
    """Find the word that a label stands for: in any number, with a counter or a plain adjective; ``None`` for none.

    A place without a label belongs to the only word asked for, if there is only one.

    >>> matching_word("Pink pigs #2", ["pig", "guinea pig"])
    'pig'
    """
    if label is None or not label.strip():
        return words[0] if len(words) == 1 else None
    text = unicodedata.normalize("NFKC", label).casefold()
    tokens = [token for token in re.findall(r"[^\W_]+(?:['\u2019-][^\W_]+)*", text) if not token.isdecimal()]
    by_length = sorted(words, key=lambda word: -len(word.split()))
    for word in by_length:
        if _names(tokens, word.casefold().split()):
            return word
    return None


def _names(tokens: Sequence[str], noun: Sequence[str]) -> bool:
    n = len(noun)
    for start in range(len(tokens) - n + 1):
        if not all(token in _MODIFIERS for token in tokens[:start]):
            return False
        after = tokens[start + n : start + n + 1]
        if _same(tokens[start : start + n], noun) and (not after or after[0] in _AFTER):
            return True
    return False


def _same(tokens: Sequence[str], noun: Sequence[str]) -> bool:
    if list(tokens[:-1]) != list(noun[:-1]):
        return False
    last, wanted = tokens[-1], noun[-1]
    return (
        last == wanted
        or singular_of(last) == wanted
        or last == plural_of(wanted)
        or last in (f"{wanted}s", f"{wanted}es")
    )


def read_numbers(answer: str, words: Sequence[str]) -> dict[str, int]:
    """Read the number of each word from an answer: JSON with anything round it, "pigs: 3", "three pigs", a bare number.

    A range, a bound ("at least 3") and a refusal give none.

    >>> read_numbers('Here you are: {"pig": 3}', ["pig", "wolf"])
    {'pig': 3}
    """
    in_json = _in_json(answer, words)
    if in_json:
        return in_json
    text = re.sub(r"\d+(?:[.,]\d+)?\s?%", " ", answer)
    named = {}
    for word in words:
        numbers = _beside(text, word)
        if len(numbers) == 1:
            named[word] = numbers.pop()
        elif numbers:
            return {}  # two numbers for one thing: no number
    if named or len(words) != 1 or _REFUSAL.search(text):
        return named
    return _alone(text, words[0])


def stated_total(text: str, words: Sequence[str]) -> dict[str, int]:
    """Read the total that stands beside places, as in "a total of 5", or for each noun as in "3 pigs".

    >>> stated_total("Counting the pigs shows a total of 5.", ["pig"])
    {'pig': 5}
    """
    total = re.search(r"\btotal(?: of| is|:)? (\d{1,4})\b", text, re.IGNORECASE)
    if total and len(words) == 1:
        return {words[0]: int(total[1])}
    stated = {word: _beside(text, word) for word in words}
    return {word: numbers.pop() for word, numbers in stated.items() if len(numbers) == 1}


def _in_json(answer: str, words: Sequence[str]) -> dict[str, int]:
    for text in re.findall(r"\{[^{}]*\}", answer, flags=re.DOTALL)[::-1]:
        try:
            body = json.loads(text)
        except ValueError:
            continue
        numbers: dict[str, int] = {}
        for name, value in body.items():
            word = matching_word(str(name), words) if str(name).strip() else None
            number = _whole(value)
            if word is not None and number is not None:
                numbers[word] = number
            elif (
                len(words) == 1
                and number is not None
                and len(body) == 1
                and str(name).lower() in ("count", "number", "answer")
            ):
                numbers[words[0]] = number
        if numbers:
            return {word: numbers[word] for word in words if word in numbers}
    return {}


def _beside(text: str, word: str) -> set[int]:
    """Find the numbers that stand with a noun: "pigs: 3", "3 pink pigs", "no pigs"."""
    forms = "|".join(map(re.escape, sorted({word, f"{word}s", f"{word}es", plural_of(word)}, key=len, reverse=True)))
    numbers = set()
    after = rf"(?i)\b(?:{forms})\b[\"'*_]{{0,3}}(?: ?[:=]| is| are| \|)\s*[\"'*_]{{0,3}}({_NUMBER})\b"
    before = rf"(?i)(?<![\w.-])({_NUMBER}|no|a single)[\"'*_]{{0,3}} (?:(?:{'|'.join(sorted(_MODIFIERS - set(WORDS)))}) ){{0,2}}[\"'*_]{{0,3}}(?:{forms})\b"
    for pattern in (after, before):
        for match in re.finditer(pattern, text):
            if _bounded(text, match.start(1), match.end(1)):
                return {-1, -2}
            numbers.add(_value(match[1]))
    if re.search(rf"(?i)\b(?:do not|don['\u2019]t|cannot|can['\u2019]t) see any (?:{forms})\b", text):
        numbers.add(0)
    return numbers


def _alone(text: str, word: str) -> dict[str, int]:
    """Read the number of an answer to a question for one thing."""
    plain = text.strip(" .!*_\"'`\n").lower()
    if plain in WORDS:
        return {word: WORDS[plain]}
    if plain in ("none", "there are none", "there is none", "no", "this isn't in the image", "not in the image"):
        return {word: 0}
    matches = list(re.finditer(rf"(?i)(?<![A-Za-z0-9_.\-–])(?:{_NUMBER})(?![A-Za-z0-9_]|\.\d)", text))
    matches = [m for m in matches if m[0].lower() != "one"]  # "one" is mostly no number
    numbers = {_value(match[0]) for match in matches}
    if len(numbers) != 1 or any(_bounded(text, match.start(), match.end()) for match in matches):
        return {}
    return {word: numbers.pop()}


def _bounded(text: str, start: int, end: int) -> bool:
    """Whether a number is an end of a range or a bound."""
    before, after = text[:start], text[end:]
    return bool(
        re.search(rf"(?i)(?:{_HEDGE})\s*[\"'*_]*$|(?:{_NUMBER})\s*(?:-|–|to|or)\s*$", before)
        or re.match(rf"(?i)\s*(?:\+|or more|or so|(?:-|–|to|or)\s*{_NUMBER}\b)", after)
    )


def _value(text: str) -> int:
    low = text.lower()
    return {"no": 0, "a single": 1}.get(low, WORDS[low] if low in WORDS else int(low) if low.isdecimal() else 0)


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().lower() in WORDS:
        value = WORDS[value.strip().lower()]
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= MOST else None


def number_of_token(token: str, *, most: int = 20) -> int | None:
    """Read the number that a first token stands for, in digits or as a word; ``None`` when it could be none or several.

    >>> number_of_token(" Three"), number_of_token("7"), number_of_token("The")
    (3, 7, None)
    """
    low = token.strip().lower()
    if low.isascii() and low.isdecimal():
        return int(low) if int(low) <= most else None
    return WORDS[low] if WORDS.get(low, most + 1) <= most else None


def token_distribution(tokens: Mapping[str, float]) -> dict[int, float]:
    """Add up the probabilities of first tokens by the number they stand for."""
    numbers: dict[int, float] = {}
    for token, probability in tokens.items():
        number = number_of_token(token)
        if number is not None:
            numbers[number] = numbers.get(number, 0.0) + probability
    return numbers
