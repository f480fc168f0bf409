"""A generator that paints white squares and a detector that finds them: the smallest honest pair for engine tests."""

from __future__ import annotations

import time

import numpy as np
from scipy import ndimage

from countcheck.cards import Card, fill
from countcheck.counting.counter import Counter
from countcheck.detectors.base import Detections
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Failure, Fault, Picture, Reason, Refusal
from countcheck.images.convert import as_rgb
from countcheck.suites.samples import Recipe
from countcheck.suites.suite import Prompt, Suite, Target


class SquaresGenerator:
    """Paints as many squares as asked; wrong, refused or failed where the text says so."""

    def __init__(self, card: Card) -> None:
        self.name = card.name
        settings = fill(card, {"pause": 0.0, "batch": 1, "extra": 0})
        self._pause, self._extra = float(settings["pause"]), int(settings["extra"])
        self._stopped = False
        self.asked: list[str] = []

    traits = Traits(seeded=True, batched=True)

    @property
    def recipe(self) -> Recipe:
        return Recipe(name=self.name, settings={"extra": self._extra})

    def stop(self) -> None:
        self._stopped = True

    def generate(self, samples):
        self._stopped = False
        for sample in samples:
            if self._stopped:
                return
            time.sleep(self._pause)
            self.asked.append(sample.key)
            yield self._one(sample)

    def _one(self, sample):
        if "refuse" in sample.text:
            return Refusal(key=sample.key, reason=Reason.UNEXPLAINED, words="I can't draw that.", cost=0.01)
        if "break" in sample.text:
            return Failure(key=sample.key, fault=Fault.TRANSIENT, message="the line went dead")
        n = sample.asked.targets[0].count + self._extra + sample.text.count("+1")
        return Picture(key=sample.key, pixels=squares(n, sample.seed), seconds=0.5, cost=0.02)


def squares(n: int, seed: int = 0) -> np.ndarray:
    """(64, 64, 3) uint8, black, with n separate white squares."""
    picture = np.zeros((64, 64, 3), np.uint8)
    for place in np.random.default_rng(seed).permutation(64)[:n]:
        y, x = divmod(int(place), 8)
        picture[8 * y + 2 : 8 * y + 6, 8 * x + 2 : 8 * x + 6] = 255
    return picture


class SquaresDetector:
    """Finds white squares; knows nothing else."""

    name = "squares"
    vocabulary = frozenset({"square"})

    def detect(self, pictures, nouns):
        found = []
        for pixels in pictures:
            array = as_rgb(pixels)
            slices = ndimage.find_objects(ndimage.label(array[..., 0] > 128)[0])
            boxes = np.array([(s[1].start, s[0].start, s[1].stop, s[0].stop) for s in slices], np.float32)
            found.append(
                Detections(
                    boxes=boxes.reshape(-1, 4),
                    scores=np.full(len(boxes), 0.9, np.float32),
                    nouns=("square",) * len(boxes),
                    size=(array.shape[1], array.shape[0]),
                )
            )
        return found


def counter(**rule) -> Counter:
    return Counter(Card(name="squares", family="squares", rule=rule), SquaresDetector())


def suite(*texts: str, name: str = "squares") -> Suite:
    """One prompt per text, asking for as many squares as its first word says."""
    prompts = tuple(
        Prompt(
            id=f"p{i}", text=text, targets=(Target(noun="square", count=int(text.split()[0])),), tags={"style": "plain"}
        )
        for i, text in enumerate(texts)
    )
    return Suite(name=name, prompts=prompts)
