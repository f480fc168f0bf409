"""Check what a third-party detector returns, before it is counted: a wrong box must not become a wrong number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from countcheck.detectors.base import Closable, Detections, Detector
from countcheck.detectors.common.pictures import size_of
from countcheck.errors import BadInput
from countcheck.images.types import Pixels

_SMALLEST = 16  # pixels a side; in smaller pictures boxes of 0 to 1 pixels may be real


class CheckedDetector:
    """A detector whose output is checked; those that ship are passed through.

    Attributes:
        name: Of the counter, for errors.
        vocabulary: Of the detector.
    """

    def __init__(self, detector: Detector, name: str) -> None:
        self.detector, self.name = detector, name
        self.vocabulary = detector.vocabulary
        self._trusted = type(detector).__module__.startswith("countcheck.")

    def detect(self, pictures: Sequence[Pixels], nouns: Sequence[str]) -> list[Detections]:
        """Detect in each picture, in order.

        Raises:
            BadInput: For output that cannot be counted, naming the value: numbers that are not finite, scores outside
                0 to 1, corners the wrong way round, boxes outside the picture or in shares of it, names that are none.
        """
        if self._trusted:
            return self.detector.detect(pictures, nouns)
        results = list(self.detector.detect(pictures, nouns))
        if len(results) != len(pictures):
            raise self._wrong(
                f"returned {len(results)} results for {len(pictures)} pictures", "Return one Detections per picture"
            )
        return [self._checked(result, picture, nouns) for result, picture in zip(results, pictures, strict=True)]

    def close(self) -> None:
        """Close the detector, where it holds memory or connections."""
        if isinstance(self.detector, Closable):
            self.detector.close()

    def _checked(self, result: Detections, picture: Pixels, nouns: Sequence[str]) -> Detections:
        if not isinstance(result, Detections):
            raise self._wrong(f"returned {type(result).__name__} for a picture", "Return Detections")
        if not result.nouns:
            return result
        try:
            boxes, scores = _numbers(result.boxes), _numbers(result.scores)
        except (TypeError, ValueError) as error:
            raise self._wrong(f"returned boxes that are no numbers ({str(error)[:100]})", "Return float32") from error
        result = replace(result, boxes=boxes, scores=scores, nouns=tuple(result.nouns))
        if result.size != size_of(picture):
            wide, tall = size_of(picture)
            raise self._wrong(
                f"returned the size {result.size} for a picture {wide} pixels wide and {tall} high",
                "Give (width, height) of the picture, and boxes in its pixels",
            )
        self._check_scores(result)
        self._check_boxes(result)
        self._check_names(result, nouns)
        return result

    def _check_scores(self, result: Detections) -> None:
        for noun, score in zip(result.nouns, result.scores.tolist(), strict=True):
            if not 0 <= score <= 1:  # also true of NaN
                raise self._wrong(
                    f"returned the score {score:g} for {noun!r}",
                    "Scores are 0 to 1: divide percentages by 100, put logits through a sigmoid",
                )

    def _check_boxes(self, result: Detections) -> None:
        wide, tall = result.size
        for noun, box in zip(result.nouns, result.boxes.tolist(), strict=True):
            x1, y1, x2, y2 = box
            said = (
                f"returned the box ({x1:g}, {y1:g}, {x2:g}, {y2:g}) for {noun!r} in a picture of {wide} x {tall} pixels"
            )
            if not np.isfinite(box).all():
                raise self._wrong(said, "Return finite numbers")
            if x2 < x1 or y2 < y1:
                raise self._wrong(said, "Boxes are x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, not widths and heights")
            inside = _overlap(x1, x2, wide) * _overlap(y1, y2, tall)
            if inside < 0.5:
                raise self._wrong(f"{said}: most of it is outside", "Boxes are in pixels of the picture as given")
        largest = float(result.boxes.max())
        if largest <= 1 and min(result.size) > _SMALLEST and (result.boxes[:, 2:] > result.boxes[:, :2]).any():
            raise self._wrong(
                f"returned only boxes within 0 to {largest:g} in a picture of {wide} x {tall} pixels",
                "Boxes are in pixels: multiply shares by width and height",
            )

    def _check_names(self, result: Detections, nouns: Sequence[str]) -> None:
        asked = set(nouns)
        for name in dict.fromkeys(result.nouns):
            if not isinstance(name, str) or not name.strip():
                raise self._wrong(f"returned a box for {name!r}", "Name the noun of every box")
            words = name.split()
            joined = name not in asked and any(
                {" ".join(words[:k]), " ".join(words[k:])} <= asked for k in range(1, len(words))
            )
            if joined:
                raise self._wrong(f"returned a box for {name!r}, two of the nouns asked for", "Give a box one noun")

    def _wrong(self, what: str, fix: str) -> BadInput:
        return BadInput(f"{self.name}: the detector {what}. {fix}.")


def _numbers(values: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    detached = values.detach().cpu() if hasattr(values, "detach") else values
    return np.asarray(detached, dtype=np.float32)


def _overlap(low: float, high: float, side: float) -> float:
    """Share of a stretch that lies within 0 to ``side``; of a point, whether it does."""
    if high == low:
        return float(0 <= low <= side)
    return max(min(high, side) - max(low, 0.0), 0.0) / (high - low)
