"""A detector as a stranger would write it: one file, nothing registered. Finds squares of pure red and pure blue."""

import numpy as np

from countcheck.cards import Card, fill
from countcheck.detectors.base import Detections
from countcheck.images.convert import as_rgb

COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255)}


class Squares:
    def __init__(self, card: Card):
        settings = fill(card, {"cell": 8})
        self.name, self.cell = card.name, settings["cell"]
        self.vocabulary = frozenset(COLOURS)

    def detect(self, pictures, nouns):
        return [self.look(as_rgb(picture), nouns) for picture in pictures]

    def look(self, picture, nouns):
        tall, wide = picture.shape[:2]
        boxes, names = [], []
        for noun in sorted(set(nouns) & self.vocabulary):
            for y in range(0, tall - self.cell + 1, self.cell):
                for x in range(0, wide - self.cell + 1, self.cell):
                    if (picture[y : y + self.cell, x : x + self.cell] == COLOURS[noun]).all():
                        boxes.append((x, y, x + self.cell, y + self.cell))
                        names.append(noun)
        return Detections(
            boxes=np.array(boxes, np.float32).reshape(-1, 4),
            scores=np.ones(len(names), np.float32),
            nouns=tuple(names),
            size=(wide, tall),
            unsupported=frozenset(nouns) - self.vocabulary,
        )
