"""What a detector is asked for: a suite's nouns mapped to its vocabulary, and its answers mapped back.

Synonyms are joined, lookalikes are offered beside the nouns asked for so that a boar is called a boar, and what the
detector cannot know is `unsupported`, never 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from countcheck.detectors.base import Detections
from countcheck.detectors.common.vocabulary import lookalikes_of, synonyms_of
from countcheck.suites.language.nouns import singular_of
from countcheck.suites.suite import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryMap:
    """What a detector is asked for, and the noun that each query stands for.

    Attributes:
        meaning: Query to noun, in the order asked: a noun's phrase and synonyms to the noun, a lookalike to itself.
        unsupported: Nouns that the detector cannot know.
    """

    meaning: Mapping[str, str]
    unsupported: frozenset[str]

    @property
    def queries(self) -> tuple[str, ...]:
        """What the detector is asked for."""
        return tuple(self.meaning)


def query_map(nouns: Sequence[Noun], vocabulary: frozenset[str] | None) -> QueryMap:
    """Choose the queries for these nouns, the same whatever their order.

    A word that is one noun's name and another's synonym belongs to the noun it names. In a closed vocabulary a noun
    is looked for by its own name, or else by a synonym that no other noun asked for needs.
    """
    nouns = sorted({noun.name: noun for noun in nouns}.values(), key=lambda noun: noun.name)
    return _open(nouns) if vocabulary is None else _closed(nouns, vocabulary)


def _open(nouns: Sequence[Noun]) -> QueryMap:
    meaning = {noun.phrase or noun.name: noun.name for noun in nouns}
    for noun in nouns:
        for word in noun.synonyms:
            meaning.setdefault(word, noun.name)
    known = {*meaning, *meaning.values()}
    for noun in nouns:
        same = {*synonyms_of(noun.name), *noun.synonyms}
        for word in noun.distractors or lookalikes_of(noun.name):
            if word not in known and word not in same:
                meaning.setdefault(word, word)
    return QueryMap(meaning=meaning, unsupported=frozenset())


def _closed(nouns: Sequence[Noun], vocabulary: frozenset[str]) -> QueryMap:
    spelling = _Spelling(vocabulary)
    meaning: dict[str, str] = {}
    for noun in nouns:
        exact = spelling.exact(noun.name)
        if exact is not None:
            meaning.setdefault(exact, noun.name)
    for noun in nouns:
        own = [found for word in (noun.phrase, *noun.synonyms) if (found := spelling.find(word)) is not None]
        if not own and noun.name not in meaning.values():
            candidates = map(spelling.find, (noun.name, *synonyms_of(noun.name.lower())))
            own = [found for found in candidates if found is not None and found not in meaning][:1]
        for found in own:
            meaning.setdefault(found, noun.name)
    for noun in nouns:
        for word in noun.distractors or lookalikes_of(noun.name):
            known = spelling.exact(word)
            if known is not None:
                meaning.setdefault(known, word)
    missing = frozenset(noun.name for noun in nouns) - frozenset(meaning.values())
    return QueryMap(meaning=meaning, unsupported=missing)


# Classes whose plural names another thing, or a heap of them: "glasses" are no drinking glass, "grapes" are a bunch.
_NOT_SINGLE = frozenset(
    ["glasses", "sunglasses", "goggles", "grapes", "chips", "nuts", "fries", "noodles", "beans", "vegetables"]
)


class _Spelling:
    """The words of a closed vocabulary, found whatever their capitals, hyphens, spaces and number.

    COCO writes "skis", "hot dog" and "hair drier"; Objects365 "Handbag/Satchel" and "Gloves"; others "pottedplant",
    "traffic_light" or "cow (animal)".
    """

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._exact: dict[str, str] = {}
        self._joined: dict[str, set[str]] = {}
        self._singular: dict[str, set[str]] = {}
        for name in sorted(vocabulary):
            self._exact[name.lower()] = name
            for word in re.sub(r"[([].*?[)\]]", " ", name).split("/"):
                self._joined.setdefault(_key(word), set()).add(name)
                last = word.lower().split()[-1:]
                if last and last[0] not in _NOT_SINGLE:
                    self._singular.setdefault(_key(_singular(word)), set()).add(name)

    def exact(self, word: str) -> str | None:
        """The class of that name, whatever its capitals."""
        return self._exact.get(word.lower())

    def find(self, word: str) -> str | None:
        """The class that a word names; ``None`` where there is none, or more than one."""
        exact = self.exact(word)
        if exact is not None or not _key(word):
            return exact
        for table, key in ((self._joined, _key(word)), (self._singular, _key(_singular(word)))):
            names = table.get(key, set())
            if len(names) == 1:
                return next(iter(names))
        return None


def _key(word: str) -> str:
    return re.sub(r"[^\w]|_", "", word.lower())


def _singular(word: str) -> str:
    """A word or phrase in the singular, its last word at least."""
    *first, last = word.lower().replace("-", " ").replace("_", " ").split() or [""]
    return " ".join([*first, (singular_of(last) or last) if last else last])


def renamed_nouns(detections: Detections, queries: QueryMap) -> Detections:
    """Put detections under the suite's nouns; boxes for words that were not asked for are left out.

    A detector may write a word with other capitals than it was asked for.
    """
    by_case = {word.casefold(): word for word in reversed(queries.queries)}
    words = [word if word in queries.meaning else by_case.get(word.casefold(), word) for word in detections.nouns]
    keep = [i for i, word in enumerate(words) if word in queries.meaning]
    unsupported = {queries.meaning[word] for word in detections.unsupported if word in queries.meaning}
    # A noun is known when any of its queries is.
    unsupported -= {noun for word, noun in queries.meaning.items() if word not in detections.unsupported}
    opinions: dict[str, tuple[int, ...]] = {}
    for word, numbers in detections.opinions.items():
        if word in queries.meaning:
            opinions[queries.meaning[word]] = (*opinions.get(queries.meaning[word], ()), *numbers)
    return Detections(
        boxes=detections.boxes[keep],
        scores=detections.scores[keep],
        nouns=tuple(queries.meaning[words[i]] for i in keep),
        size=detections.size,
        unsupported=queries.unsupported | unsupported,
        opinions=opinions,
        not_auditable=frozenset(queries.meaning[word] for word in detections.not_auditable if word in queries.meaning),
        masks=tuple(detections.masks[i] for i in keep) if detections.masks else (),
    )
