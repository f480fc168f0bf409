"""A generator that sleeps as long as a graphics card computes, and a counter that sees nothing, for benchmarks of workers."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.encoding import pictures
from benchmarks.made_ledgers import blind_counter
from countcheck.cards import Card
from countcheck.counting.counter import Counter
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


def load_blind(spec: str) -> Counter:
    return blind_counter()


def suite_of(prompts: int) -> Suite:
    """A suite of that many prompts."""
    return Suite(
        name="synthetic",
        prompts=tuple(
            Prompt(id=f"p{i}", text=f"{i % 6} blobs, number {i}", targets=(Target(noun="blob", count=i % 6),))
            for i in range(prompts)
        ),
    )
