"""A counter: a detector with its rule. Turns pictures and a suite's nouns into detections and counts.

What a detector is asked for, see `countcheck.counting.queries`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from countcheck.cards import Card, read_counter_card
from countcheck.counting.counts import Count
from countcheck.counting.queries import query_map, renamed_nouns
from countcheck.counting.rule import CountingRule, count
from countcheck.counting.rule_settings import RULE_SETTINGS, rule_of_card
from countcheck.counting.setting_names import renamed
from countcheck.counting.verdict import Verdict
from countcheck.detectors.base import Detections, Detector
from countcheck.detectors.common import views
from countcheck.detectors.common.checked import CheckedDetector
from countcheck.detectors.common.colours import ColourClassifier
from countcheck.errors import BadSettings
from countcheck.images.types import Pixels
from countcheck.registry import load_detector_class
from countcheck.suites.suite import Noun, Target

# What a counter's card may set beside its detector's own settings.
COUNTER_SETTINGS: dict[str, Any] = {
    "views": "",  # of every picture, as in as_is,flip,contrast; auto: see `countcheck.counting.view_search`
    "views_by_style": {},  # the same by style, where it differs
    "fusion": "mean",  # or best
    "opinions": "",  # views whose own counts widen the margin, as in contrast: where they differ, the count is uncertain
    "classify": "",  # color: GenEval's colour check of every box
    "classifier": "openai/clip-vit-large-patch14",  # folder or hub id of the CLIP model that checks colours
    "second_counter": "",  # the spec of another counter, whose counts widen the margin
}


class Counter:
    """A detector with its rule, as a run uses it.

    Attributes:
        name: As the user calls it.
        card: What it is: source, licence, settings, measured error.
        rule: How its boxes become counts.
        vocabulary: The nouns it knows; ``None`` for an open vocabulary.
        detector: Finds the boxes.
        second_counter: Another counter whose counts are opinions; usually ``None``.
        chooses_views: Whether the views of each style are still to be chosen (``views: auto``).

    Args:
        card: With the rule as written, unless ``rule`` is given.
        detector: Finds the boxes.
        rule: In place of the card's.
        second_counter: Another counter whose counts widen the margin.
        colours: Names the colours of boxes, where ``classify: color`` asks for it.

    Raises:
        BadSettings: For a rule or a setting of the card that makes no sense.
        UnknownName: For a view that does not exist.
    """

    def __init__(
        self,
        card: Card,
        detector: Detector,
        *,
        rule: CountingRule | None = None,
        second_counter: Counter | None = None,
        colours: ColourClassifier | None = None,
    ) -> None:
        self.name = card.name
        self.card = card
        self.rule: CountingRule = rule if rule is not None else rule_of_card(card)
        self.detector = detector
        self._checked = CheckedDetector(detector, card.name)
        self.second_counter = second_counter
        self.colours = colours
        settings = {**COUNTER_SETTINGS, **{k: v for k, v in card.settings.items() if k in COUNTER_SETTINGS}}
        self.chooses_views = settings["views"] == "auto"
        self._views = () if self.chooses_views else views.chosen(settings["views"], f"{card.name}: views")
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
        """Name the views it takes of a picture of this style; empty for the plain one alone."""
        return tuple(self._by_style.get(style or "", self._views))

    def unsupported(self, nouns: Iterable[Noun]) -> list[str]:
        """Name the nouns that it cannot know, sorted."""
        return sorted(query_map(list(nouns), self.vocabulary).unsupported)

    def detect(
        self, pictures: Sequence[Pixels], nouns: Sequence[Noun], styles: Sequence[str | None] | None = None
    ) -> list[Detections]:
        """Detect the suite's nouns in each picture, in order; lookalikes under their own names.

        What is found in a picture depends neither on the other pictures nor on the order of nouns, but for the
        rounding of a network's scores, see `Detector`. ``styles`` is each picture's style, for a counter that takes
        other views of some.
        """
        results: dict[int, Detections] = {}
        style_of = list(styles) if styles is not None else [None] * len(pictures)
        groups: dict[tuple[str, ...], list[int]] = {}
        for k, style in enumerate(style_of):
            groups.setdefault(self.views(style), []).append(k)
        for names, members in groups.items():
            detections = self._detect([pictures[k] for k in members], nouns, names, [style_of[k] for k in members])
            if self.colours is not None:
                detections = [
                    replace(found, colours=self.colours.classify(pictures[k], found))
                    for k, found in zip(members, detections, strict=True)
                ]
            results |= {k: replace(found, masks=()) for k, found in zip(members, detections, strict=True)}
        return [results[k] for k in range(len(pictures))]

    def count(self, detections: Detections, nouns: Sequence[Noun], style: str | None = None) -> Count:
        """Count each noun under its rule."""
        return count(detections, [noun.name for noun in nouns], self.rule, style=style)

    def judge(
        self, detections: Detections, targets: Sequence[Target], tags: Mapping[str, str], nouns: Sequence[Noun]
    ) -> tuple[Verdict, Count]:
        """Count the nouns and judge the picture against its targets, as its rule does.

        Raises:
            KeyError: If a target's noun is unsupported.
        """
        return self.rule.judge(detections, targets, tags, [noun.name for noun in nouns])

    def with_rule(self, rule: CountingRule) -> Counter:
        """Give the same detector under another rule."""
        return type(self)(self.card, self.detector, rule=rule, second_counter=self.second_counter, colours=self.colours)

    def with_views(self, by_style: Mapping[str, Sequence[str]]) -> Counter:
        """Give the same counter with these views of the pictures of some styles."""
        settings = {
            **self.card.settings,
            "fusion": self._fusion,
            "views": ",".join(self._views),
            "views_by_style": {**self._by_style, **{style: list(names) for style, names in by_style.items()}},
        }
        card = replace(self.card, settings=settings)
        return type(self)(card, self.detector, rule=self.rule, second_counter=self.second_counter, colours=self.colours)

    def close(self) -> None:
        """Free memory and connections, where the detector holds any."""
        self._checked.close()
        if self.second_counter is not None:
            self.second_counter.close()

    def _detect(
        self, pictures: Sequence[Pixels], nouns: Sequence[Noun], names: Sequence[str], styles: Sequence[str | None]
    ) -> list[Detections]:
        queries = query_map(nouns, self.vocabulary)
        if not names and not self._opinions:
            detected = [renamed_nouns(d, queries) for d in self._checked.detect(pictures, queries.queries)]
            return self._with_second_counter(detected, pictures, nouns, styles)
        shown = names or ("as_is",)
        every = tuple(dict.fromkeys((*shown, *self._opinions)))
        results = []
        by_picture = views.detect_views(self._checked, pictures, queries.queries, every)
        for detected, style in zip(by_picture, styles, strict=True):
            by_view = {name: renamed_nouns(view, queries) for name, view in zip(every, detected, strict=True)}
            fused = views.fused([by_view[name] for name in shown], how=self._fusion, place=self.name)
            opinions = [self.count(by_view[name], nouns, style) for name in self._opinions]
            results.append(_with_opinions(fused, opinions))
        return self._with_second_counter(results, pictures, nouns, styles)

    def _with_second_counter(
        self,
        detected: Sequence[Detections],
        pictures: Sequence[Pixels],
        nouns: Sequence[Noun],
        styles: Sequence[str | None],
    ) -> list[Detections]:
        """Add the second counter's counts as opinions, where there is one."""
        if self.second_counter is None:
            return [rounded(detections) for detections in detected]
        others = self.second_counter.detect(pictures, nouns, styles)
        return [
            rounded(_with_opinions(detections, [self.second_counter.count(other, nouns, style)]))
            for detections, other, style in zip(detected, others, styles, strict=True)
        ]


def _with_opinions(detections: Detections, counts: Sequence[Count]) -> Detections:
    opinions = {noun: tuple(numbers) for noun, numbers in detections.opinions.items()}
    for counted in counts:
        for noun, number in counted.counts.items():
            opinions[noun] = (*opinions.get(noun, ()), number)
    return replace(detections, opinions=opinions)


def rounded(detections: Detections) -> Detections:
    """Round boxes and scores as the ledger keeps them, so that a recount starts from the very same numbers."""
    return replace(detections, boxes=np.round(detections.boxes, 2), scores=np.round(detections.scores, 5))


def counter_card(spec: str) -> Card:
    """Read the card behind a counter's spec, old setting names read as new ones.

    Raises:
        UnknownName: For an unknown card or family, with near names.
        BadSettings: For a card that cannot be read, or a setting under its old and its new name.
    """
    card = read_counter_card(spec, rule_settings=RULE_SETTINGS)
    return replace(card, settings=renamed(card.settings, place=str(card.path or spec)))


def load_counter(spec: str) -> Counter:
    """Load the counter behind a spec, with its weights.

    Raises:
        UnknownName: For an unknown card or family, with near names.
        CountcheckError: For settings or weights that its detector does not take.

    >>> load_counter("tiny?threshold=0.4").rule.threshold
    0.4
    """
    card = counter_card(spec)
    rule = rule_of_card(card)
    own = {name: value for name, value in card.settings.items() if name not in COUNTER_SETTINGS}
    second = str(card.settings.get("second_counter") or "")
    classify = str(card.settings.get("classify") or "")
    if classify not in ("", "color", "colour"):
        raise BadSettings(f"{spec}: classify is {classify!r}. Give color, or leave it out.")
    detector = load_detector_class(card.family)(replace(card, settings=own))
    colours = None
    if classify:
        source = str(card.settings.get("classifier") or COUNTER_SETTINGS["classifier"])
        colours = ColourClassifier(source, name=card.name, device=str(card.settings.get("device", "auto")))
    return Counter(card, detector, rule=rule, second_counter=load_counter(second) if second else None, colours=colours)
