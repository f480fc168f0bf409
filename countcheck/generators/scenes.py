"""The generator ``scenes``: pictures with exactly the numbers asked for, drawn by rule from the package's own art.

It serves tests, self-tests and demos. It reads the targets of a prompt, not its words, and the look from the tag
``style``. The setting ``error_rate`` makes it miscount in a seeded share of its pictures, to test counters and statistics.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from countcheck.cards import Card, fill
from countcheck.errors import BadSettings
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Failure, Fault, Outcome, Picture
from countcheck.images.types import Pixels
from countcheck.scenes import MAX_THINGS, NOUNS, TRANSFORMS, compose, render
from countcheck.suites.samples import Recipe, Sample
from countcheck.suites.suite import Conversation, Relation, Target, Turn

ART = "1"  # changes whenever the same scene is drawn differently
_DEFAULTS = {"size": 128, "error_rate": 0.0}


class ScenesGenerator:
    """Draw scenes with the numbers that the targets ask for.

    Settings: ``size``, the side of the pictures, 16 to 4096 pixels; ``error_rate``, the share of pictures, 0 to 1, in
    which one noun is off by one or two, decided by the seed.

    Raises:
        BadSettings: If a source is named, or a setting is unknown or out of range.
    """

    traits = Traits(seeded=True, batched=True, converses=True, edits=True)

    def __init__(self, card: Card) -> None:
        settings = fill(card, _DEFAULTS)
        size, error_rate = settings["size"], settings["error_rate"]
        if card.source:
            raise BadSettings(
                f"{card.name}: scenes are drawn from nothing, so {card.source!r} would mean nothing. "
                "Settings go behind a question mark, as in scenes?error_rate=0.3."
            )
        if not isinstance(size, int) or not 16 <= size <= 4096:
            raise BadSettings(f"{card.name}: size is {size!r}. Give a whole number of pixels from 16 to 4096.")
        if error_rate is None or not 0 <= error_rate <= 1:
            raise BadSettings(f"{card.name}: error_rate is {error_rate!r}. Give a share from 0 to 1.")
        self.name = card.name
        self.recipe = Recipe(name=card.name, revision=ART, settings={"size": size, "error_rate": float(error_rate)})
        self._size = size
        self._error_rate = float(error_rate)

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """Yield one picture per sample, in order; a `Failure` where the targets cannot be drawn."""
        for sample in samples:
            targets = _first_targets(sample)
            yield self._draw(sample, targets, _first_tags(sample).get("style"), turn=0)

    def open(self, sample: Sample) -> SceneDialogue:
        """Begin a conversation. The backdrop stays the same in all its turns."""
        return SceneDialogue(self, sample)

    def edit(self, sample: Sample, pixels: Pixels, instruction: str, turn: int, targets: Sequence[Target]) -> Outcome:
        """Draw the sample's scene again, with the numbers that must hold now."""
        return self._draw(sample, targets, _first_tags(sample).get("style"), turn=turn)

    def _draw(
        self, sample: Sample, targets: Sequence[Target], style: str | None, *, turn: int, words: bool = False
    ) -> Outcome:
        began = time.perf_counter()
        look = style if style in TRANSFORMS else "plain"
        try:
            asked = numbers_for(targets, seed=sample.seed)
            drawn = self._with_errors(asked, targets, seed=sample.seed, turn=turn)
            pixels = render(compose(drawn, style=look, seed=sample.seed), self._size)
        except ValueError as error:
            return Failure(key=sample.key, turn=turn, fault=Fault.BAD_REQUEST, message=f"scenes: {error}.")
        return Picture(
            key=sample.key,
            turn=turn,
            pixels=pixels,
            seconds=time.perf_counter() - began,
            cost=0.0,
            # The words repeat what was asked even where the picture is wrong, as models' words do.
            words=f"Here is the picture: {_listed(asked)}." if words else "",
            extra={"drawn": drawn, "style": look},
        )

    def _with_errors(self, asked: dict[str, int], targets: Sequence[Target], *, seed: int, turn: int) -> dict[str, int]:
        """The numbers asked for; in the seeded share of cases, numbers that miss a target."""
        dice = random.Random(f"slip {seed} {turn}")
        if not asked or dice.random() >= self._error_rate:
            return asked
        slips = [(noun, step) for noun in sorted(asked) for step in (-1, 1, -2, 2)]
        dice.shuffle(slips)
        for noun, step in slips:
            wrong = {**asked, noun: asked[noun] + step}
            if (
                wrong[noun] >= 0
                and sum(wrong.values()) <= MAX_THINGS
                and not all(target.holds(wrong) for target in targets)
            ):
                return wrong
        return asked  # no slip of one or two can break these targets


class SceneDialogue:
    """A conversation with the scene generator: every turn draws the numbers that must hold then."""

    def __init__(self, generator: ScenesGenerator, sample: Sample) -> None:
        self._generator = generator
        self._sample = sample
        self._styles: list[str | None] = [_first_tags(sample).get("style")]

    def state(self) -> Any:
        """Return the styles asked for so far."""
        return {"styles": list(self._styles)}

    def restore(self, state: Any, picture: Callable[[int], Pixels]) -> None:
        """Continue from a state."""
        self._styles = list(state["styles"])

    def say(self, text: str, turn: int, expected: Turn) -> Outcome:
        """Draw the targets expected now. A style stays until another is asked for."""
        self._styles.append(expected.tags.get("style", self._styles[-1]))
        return self._generator._draw(self._sample, expected.targets, self._styles[-1], turn=turn, words=True)

    def rewind(self) -> None:
        """Go back to the style before the last turn."""
        if len(self._styles) > 1:
            self._styles.pop()


def numbers_for(targets: Sequence[Target], *, seed: int = 0) -> dict[str, int]:
    """Choose how many of each noun to draw so that every target holds.

    The smallest numbers that fit are taken, except for "at most", which is drawn in full.

    Raises:
        ValueError: If a noun has no art, or the targets cannot hold together in one scene.

    >>> numbers_for([Target(noun="pig", count=3), Target(noun="wolf", relation=Relation.MORE_THAN, other="pig")])
    {'pig': 3, 'wolf': 4}
    """
    nouns = sorted({noun for target in targets for noun in target.nouns})
    for noun in nouns:
        if noun not in NOUNS:
            raise ValueError(f"there is no art for {noun[:60]!r}; there is art for {', '.join(NOUNS)}")
    low, high = dict.fromkeys(nouns, 0), dict.fromkeys(nouns, MAX_THINGS)
    at_most: set[str] = set()
    for target in targets:
        fewest, most = _range(target)
        low[target.noun] = max(low[target.noun], fewest)
        high[target.noun] = min(high[target.noun], most)
        if target.relation is Relation.AT_MOST:
            at_most.add(target.noun)
    counts = {noun: high[noun] if noun in at_most and low[noun] == 0 else low[noun] for noun in nouns}
    _satisfy_comparisons(counts, low, high, [target for target in targets if target.other is not None], seed)
    if not all(target.holds(counts) for target in targets) or sum(counts.values()) > MAX_THINGS:
        asked = " and ".join(target.sentence() for target in targets)
        raise ValueError(f"{asked[:200]} cannot be drawn in one scene of at most {MAX_THINGS} things")
    return counts


def _range(target: Target) -> tuple[int, int]:
    """The fewest and the most that a target allows, whatever the other noun's number."""
    match target.relation:
        case Relation.EXACTLY | Relation.NONE:
            return target.count or 0, target.count or 0
        case Relation.AT_LEAST:
            return target.count or 0, MAX_THINGS
        case Relation.AT_MOST:
            return 0, target.count or 0
        case Relation.BETWEEN:
            return target.count or 0, target.upper or 0
        case _:
            return 0, MAX_THINGS


def _satisfy_comparisons(
    counts: dict[str, int], low: Mapping[str, int], high: Mapping[str, int], targets: Sequence[Target], seed: int
) -> None:
    """Raise numbers (or lower them, where they cannot be raised) until the comparisons between nouns hold."""
    for target in targets:
        assert target.other is not None
        for noun in (target.noun, target.other):
            if high[noun] == MAX_THINGS and counts[noun] == 0:  # no target bounds it: draw a few
                counts[noun] = 1 + seed % 2
    for _ in range(MAX_THINGS):
        for target in targets:
            assert target.other is not None
            lead = 1 if target.relation is Relation.MORE_THAN else 0
            if counts[target.noun] < counts[target.other] + lead:
                _move(counts, low, high, up=target.noun, down=target.other)
            elif not lead and counts[target.noun] > counts[target.other]:
                _move(counts, low, high, up=target.other, down=target.noun)


def _move(counts: dict[str, int], low: Mapping[str, int], high: Mapping[str, int], *, up: str, down: str) -> None:
    if counts[up] < high[up]:
        counts[up] += 1
    elif counts[down] > low[down]:
        counts[down] -= 1


def _listed(counts: Mapping[str, int]) -> str:
    return " and ".join(f"{number} {noun}" for noun, number in counts.items()) or "nothing in particular"


def _first_targets(sample: Sample) -> Sequence[Target]:
    asked = sample.asked
    return asked.turns[0].targets if isinstance(asked, Conversation) else asked.targets


def _first_tags(sample: Sample) -> Mapping[str, str]:
    asked = sample.asked
    return {**asked.tags, **asked.turns[0].tags} if isinstance(asked, Conversation) else asked.tags
