"""A detector that sees a pig in every bright spot, and pictures with such spots."""

import numpy as np

from countcheck.detectors.base import Detections


class Bright:
    """Sees a pig wherever a connected column of the picture is brighter than its limit."""

    name, vocabulary = "bright", frozenset({"pig"})

    def __init__(self, limit=200):
        self.limit, self.looked = limit, 0

    def detect(self, pictures, nouns):
        self.looked += len(pictures)
        return [self.one(picture) for picture in pictures]

    def one(self, picture):
        on = (picture.max(axis=2) > self.limit).any(axis=0).astype(int)
        starts = np.flatnonzero(np.diff(np.concatenate([[0], on, [0]])) == 1)
        ends = np.flatnonzero(np.diff(np.concatenate([[0], on, [0]])) == -1)
        rows = [
            (np.flatnonzero((picture[:, a:b].max(axis=2) > self.limit).any(axis=1)), a, b)
            for a, b in zip(starts, ends, strict=True)
        ]
        boxes = [(a, r.min(), b, r.max() + 1) for r, a, b in rows]
        return Detections(
            boxes=np.array(boxes, np.float32).reshape(-1, 4),
            scores=np.full(len(boxes), 0.9, np.float32),
            nouns=("pig",) * len(boxes),
            size=(picture.shape[1], picture.shape[0]),
        )


def field(*spots, level=255, size=(120, 200)):
    picture = np.full((*size, 3), 20, np.uint8)
    for x, y in spots:
        picture[y : y + 12, x : x + 12] = level
    return picture
