"""A counter: a detector with its rule. Pictures and a suite's nouns in, detections and counts out.

Here nouns meet the detector's vocabulary: synonyms are joined, lookalikes are offered beside the nouns asked for so
that a boar is called a boar, and what the detector cannot know is `unsupported`, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from countcheck.counting import Count, Rule, count
from countcheck.detectors.base import Detections, Detector
from countcheck.detectors.lexicon import lookalikes_of, synonyms_of
from countcheck.generators.base import Pixels
from countcheck.plugins import load_detector_class
from countcheck.settings import Card, read_counter_card
from countcheck.suites.suite import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrasebook:
    """What a detector is asked, and under which noun its answers are kept.

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


def phrasebook(nouns: Sequence[Noun], vocabulary: frozenset[str] | None) -> Phrasebook:
    """The queries for these nouns, the same whatever their order.

    A word that is one noun's name and another's synonym belongs to the noun it names. In a closed vocabulary a noun
    is looked for by its own name, or else by a synonym that no other noun asked for needs.
    """
    nouns = sorted({noun.name: noun for noun in nouns}.values(), key=lambda noun: noun.name)
    return _open(nouns) if vocabulary is None else _closed(nouns, vocabulary)


def _open(nouns: Sequence[Noun]) -> Phrasebook:
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
    return Phrasebook(meaning=meaning, unsupported=frozenset())


def _closed(nouns: Sequence[Noun], vocabulary: frozenset[str]) -> Phrasebook:
    spelled = {word.lower(): word for word in sorted(vocabulary)}
    meaning: dict[str, str] = {}
    for noun in nouns:
        if noun.name.lower() in spelled:
            meaning.setdefault(spelled[noun.name.lower()], noun.name)
    for noun in nouns:
        own = [word for word in (noun.phrase, *noun.synonyms) if word.lower() in spelled]
        if not own and noun.name not in meaning.values():
            free = (word for word in synonyms_of(noun.name.lower()) if spelled.get(word, word) not in meaning)
            own = [word for word in free if word in spelled][:1]
        for word in own:
            meaning.setdefault(spelled[word.lower()], noun.name)
    for noun in nouns:
        for word in noun.distractors or lookalikes_of(noun.name):
            if word.lower() in spelled:
                meaning.setdefault(spelled[word.lower()], word)
    missing = frozenset(noun.name for noun in nouns) - frozenset(meaning.values())
    return Phrasebook(meaning=meaning, unsupported=missing)


def renamed(found: Detections, book: Phrasebook) -> Detections:
    """The detections under the suite's nouns; boxes for words that nobody asked for are left out."""
    keep = [i for i, word in enumerate(found.nouns) if word in book.meaning]
    unsupported = {book.meaning[word] for word in found.unsupported if word in book.meaning}
    # A noun is known when any of its queries is.
    unsupported -= {noun for word, noun in book.meaning.items() if word not in found.unsupported}
    return Detections(
        boxes=found.boxes[keep],
        scores=found.scores[keep],
        nouns=tuple(book.meaning[found.nouns[i]] for i in keep),
        size=found.size,
        unsupported=book.unsupported | unsupported,
    )


class Counter:
    """A detector with its rule, as a run uses it.

    Attributes:
        name: As the user calls it.
        card: What it is: source, licence, settings, measured error.
        rule: How its boxes become counts.
        vocabulary: The nouns it knows; ``None`` for an open vocabulary.
        detector: Who looks.
    """

    def __init__(self, card: Card, detector: Detector) -> None:
        self.name = card.name
        self.card = card
        self.rule: Rule = card.rule
        self.detector = detector

    @property
    def vocabulary(self) -> frozenset[str] | None:
        """The nouns it knows; ``None`` for an open vocabulary."""
        return self.detector.vocabulary

    def unsupported(self, nouns: Iterable[Noun]) -> list[str]:
        """Names of the nouns that it cannot know, sorted."""
        return sorted(phrasebook(list(nouns), self.vocabulary).unsupported)

    def detect(self, pictures: Sequence[Pixels], nouns: Sequence[Noun]) -> list[Detections]:
        """What is in each picture, in order, under the suite's nouns; lookalikes under their own names.

        What is found in a picture depends neither on the other pictures nor on the order of nouns.
        """
        book = phrasebook(nouns, self.vocabulary)
        if not pictures:
            return []
        return [renamed(found, book) for found in self.detector.detect(pictures, book.queries)]

    def count(self, detections: Detections, nouns: Sequence[Noun], style: str | None = None) -> Count:
        """How many of each noun, under its rule."""
        return count(detections, [noun.name for noun in nouns], self.rule, style=style)

    def with_rule(self, rule: Rule) -> Counter:
        """The same detector under another rule."""
        return type(self)(replace(self.card, rule=rule), self.detector)

    def close(self) -> None:
        """Give back memory and connections, where the detector holds any."""
        closing = getattr(self.detector, "close", None)
        if closing is not None:
            closing()


def load_counter(spec: str) -> Counter:
    """The counter behind a spec, its weights loaded.

    Raises:
        UnknownName: For an unknown card or family, with near names.
        CountcheckError: Whatever its detector has to say against its settings or weights.
    """
    card = read_counter_card(spec)
    return Counter(card, load_detector_class(card.family)(card))
