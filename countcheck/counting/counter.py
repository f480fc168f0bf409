"""A counter: a detector with its rule. Pictures and a suite's nouns in, detections and counts out.

Here nouns meet the detector's vocabulary: synonyms are joined, lookalikes are offered beside the nouns asked for so
that a boar is called a boar, and what the detector cannot know is `unsupported`, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from countcheck.cards import Card, read_counter_card
from countcheck.counting.rule import Count, Rule, count
from countcheck.detectors.base import Detections, Detector
from countcheck.detectors.common import views
from countcheck.detectors.common.vocabulary import lookalikes_of, synonyms_of
from countcheck.images.types import Pixels
from countcheck.registry import load_detector_class
from countcheck.suites.suite import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryMap:
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


def phrasebook(nouns: Sequence[Noun], vocabulary: frozenset[str] | None) -> QueryMap:
    """The queries for these nouns, the same whatever their order.

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
    return QueryMap(meaning=meaning, unsupported=missing)


def renamed(found: Detections, book: QueryMap) -> Detections:
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


# What a counter's card may set beside its detector's own settings.
COUNTER_SETTINGS: dict[str, Any] = {
    "views": "",  # looks at every picture, as in as_is,flip,contrast; auto: those that pay, see `countcheck.counting.view_search`
    "views_by_style": {},  # the same by style, where it differs
    "fusion": "mean",  # or best
    "opinions": "",  # looks whose own numbers widen the margin, as in contrast: where they differ, the count is uncertain
    "second": "",  # the spec of another counter, whose numbers widen the margin
}


class Counter:
    """A detector with its rule, as a run uses it.

    Attributes:
        name: As the user calls it.
        card: What it is: source, licence, settings, measured error.
        rule: How its boxes become counts.
        vocabulary: The nouns it knows; ``None`` for an open vocabulary.
        detector: Who looks.
        second: Another counter whose numbers are heard as opinions; ``None`` as a rule.
        choosing: Whether it wants to be told which looks pay in which style.
    """

    def __init__(self, card: Card, detector: Detector, *, second: Counter | None = None) -> None:
        self.name = card.name
        self.card = card
        self.rule: Rule = card.rule
        self.detector = detector
        self.second = second
        settings = {**COUNTER_SETTINGS, **{k: v for k, v in card.settings.items() if k in COUNTER_SETTINGS}}
        self.choosing = settings["views"] == "auto"
        self._views = () if self.choosing else views.chosen(settings["views"], f"{card.name}: views")
        self._by_style = {
            str(style): list(views.chosen(names, f"{card.name}: views_by_style: {style}"))
            for style, names in dict(settings["views_by_style"]).items()
        }
        self._fusion = str(settings["fusion"])
        self._opinions = views.chosen(settings["opinions"], f"{card.name}: opinions")

    @property
    def vocabulary(self) -> frozenset[str] | None:
        """The nouns it knows; ``None`` for an open vocabulary."""
        return self.detector.vocabulary

    def views(self, style: str | None = None) -> tuple[str, ...]:
        """The looks it takes at a picture of this style; empty for the plain one alone."""
        return tuple(self._by_style.get(style or "", self._views))

    def unsupported(self, nouns: Iterable[Noun]) -> list[str]:
        """Names of the nouns that it cannot know, sorted."""
        return sorted(phrasebook(list(nouns), self.vocabulary).unsupported)

    def detect(
        self, pictures: Sequence[Pixels], nouns: Sequence[Noun], styles: Sequence[str | None] | None = None
    ) -> list[Detections]:
        """What is in each picture, in order, under the suite's nouns; lookalikes under their own names.

        What is found in a picture depends neither on the other pictures nor on the order of nouns. ``styles`` tells
        each picture's style to a counter that takes other views of some.
        """
        found: dict[int, Detections] = {}
        told = list(styles) if styles is not None else [None] * len(pictures)
        groups: dict[tuple[str, ...], list[int]] = {}
        for k, style in enumerate(told):
            groups.setdefault(self.views(style), []).append(k)
        for names, members in groups.items():
            seen = self._look([pictures[k] for k in members], nouns, names, [told[k] for k in members])
            found |= dict(zip(members, seen, strict=True))
        return [found[k] for k in range(len(pictures))]

    def count(self, detections: Detections, nouns: Sequence[Noun], style: str | None = None) -> Count:
        """How many of each noun, under its rule."""
        return count(detections, [noun.name for noun in nouns], self.rule, style=style)

    def with_rule(self, rule: Rule) -> Counter:
        """The same detector under another rule."""
        return type(self)(replace(self.card, rule=rule), self.detector, second=self.second)

    def with_views(self, by_style: Mapping[str, Sequence[str]]) -> Counter:
        """The same counter with these looks at the pictures of some styles."""
        settings = {
            **self.card.settings,
            "fusion": self._fusion,
            "views": ",".join(self._views),
            "views_by_style": {**self._by_style, **{style: list(names) for style, names in by_style.items()}},
        }
        return type(self)(replace(self.card, settings=settings), self.detector, second=self.second)

    def close(self) -> None:
        """Give back memory and connections, where the detector holds any."""
        closing = getattr(self.detector, "close", None)
        if closing is not None:
            closing()
        if self.second is not None:
            self.second.close()

    def _look(
        self, pictures: Sequence[Pixels], nouns: Sequence[Noun], names: Sequence[str], styles: Sequence[str | None]
    ) -> list[Detections]:
        book = phrasebook(nouns, self.vocabulary)
        if not names and not self._opinions:
            found = [renamed(one, book) for one in self.detector.detect(pictures, book.queries)]
            return self._heard(found, pictures, nouns, styles)
        shown = names or ("as_is",)
        every = tuple(dict.fromkeys((*shown, *self._opinions)))
        found = []
        for one, style in zip(views.looks(self.detector, pictures, book.queries, every), styles, strict=True):
            seen = {name: renamed(view, book) for name, view in zip(every, one, strict=True)}
            whole = views.fused([seen[name] for name in shown], how=self._fusion, place=self.name)
            opinions = [self.count(seen[name], nouns, style) for name in self._opinions]
            found.append(self._with_opinions(whole, opinions))
        return self._heard(found, pictures, nouns, styles)

    def _heard(
        self,
        found: Sequence[Detections],
        pictures: Sequence[Pixels],
        nouns: Sequence[Noun],
        styles: Sequence[str | None],
    ) -> list[Detections]:
        """The detections with the second counter's numbers, where there is one."""
        if self.second is None:
            return [rounded(one) for one in found]
        others = self.second.detect(pictures, nouns, styles)
        return [
            rounded(self._with_opinions(one, [self.second.count(other, nouns, style)]))
            for one, other, style in zip(found, others, styles, strict=True)
        ]

    def _with_opinions(self, found: Detections, counts: Sequence[Count]) -> Detections:
        opinions = {noun: tuple(numbers) for noun, numbers in found.opinions.items()}
        for one in counts:
            for noun, number in one.counts.items():
                opinions[noun] = (*opinions.get(noun, ()), number)
        return replace(found, opinions=opinions)


def rounded(found: Detections) -> Detections:
    """The detections as the ledger keeps them, so that a recount starts from the very same numbers."""
    return replace(found, boxes=np.round(found.boxes, 2), scores=np.round(found.scores, 5))


def load_counter(spec: str) -> Counter:
    """The counter behind a spec, its weights loaded.

    Raises:
        UnknownName: For an unknown card or family, with near names.
        CountcheckError: Whatever its detector has to say against its settings or weights.
    """
    card = read_counter_card(spec)
    own = {name: value for name, value in card.settings.items() if name not in COUNTER_SETTINGS}
    second = str(card.settings.get("second") or "")
    detector = load_detector_class(card.family)(replace(card, settings=own))
    return Counter(card, detector, second=load_counter(second) if second else None)
