"""A generator that sleeps as long as a GPU computes, and a counter that finds the same boxes at once, for benchmarks of workers."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.encoding import pictures
from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.detectors.base import Detections
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Picture
from countcheck.suites.samples import Recipe
from countcheck.suites.suite import Prompt, Suite, Target

SECONDS = 0.25  # a picture
CARD = Card(name="sleeper", family="sleeper", price=0.0)


class Sleeper:
    """Sleeps, and gives a noisy picture of 1024²."""

    traits = Traits(seeded=True, batched=True)

    def __init__(self, card: Card) -> None:
        self.name = card.name
        self.recipe = Recipe(name=card.name)
        self._picture: np.ndarray | None = None

    def generate(self, samples):
        for sample in samples:
            if self._picture is None:
                self._picture = pictures(None, 1)[0]
            began = time.perf_counter()
            time.sleep(SECONDS)
            pixels = np.roll(self._picture, sample.seed % 1024, axis=0)
            yield Picture(key=sample.key, pixels=pixels, seconds=time.perf_counter() - began)


def load_sleeper(card: Card) -> Sleeper:
    return Sleeper(card)


class FiveBoxes:
    """A detector that finds five blobs in every picture."""

    name = "five-boxes"
    vocabulary = frozenset({"blob"})

    def __init__(self) -> None:
        corner = 200 * np.arange(5, dtype=np.float32)[:, None]
        self._boxes = np.hstack([corner, corner, corner + 150, corner + 150])
        self._scores = np.linspace(0.9, 0.5, 5, dtype=np.float32)

    def detect(self, pictures, nouns):
        size = (1024, 1024)
        found = Detections(boxes=self._boxes, scores=self._scores, nouns=("blob",) * 5, size=size)
        return [found if "blob" in nouns else Detections.nothing(size) for _ in pictures]


def load_five_boxes(spec: str) -> Counter:
    return Counter(Card(name="five-boxes", family="five-boxes", rule={"margin": 0.05}), FiveBoxes())


def suite_of(prompts: int, noun: str = "blob") -> Suite:
    """A suite of that many prompts for some of one noun."""
    return Suite(
        name="synthetic",
        prompts=tuple(
            Prompt(id=f"p{i}", text=f"{i % 6} {noun}s, number {i}", targets=(Target(noun=noun, count=i % 6),))
            for i in range(prompts)
        ),
    )
