"""The interface of every detector, and what it returns.

A new detector is one file: a class made from a `countcheck.cards.Card` (its only argument) that has a ``name``, a
``vocabulary`` and ``detect``. It reports every box down to a low score; which boxes count is decided later, by the pure
rule in `countcheck.counting.rule`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from countcheck.images.types import Pixels

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detections:
    """What a detector found in one picture, down to its lowest score.

    Attributes:
        boxes: float32 (n, 4): x1, y1, x2, y2 in pixels of the picture as given, origin top left.
        scores: float32 (n,), 0 to 1.
        nouns: The noun each box was found for, n of them.
        size: Width and height of the picture in pixels.
        unsupported: Nouns that were asked for and that this detector cannot know.
        opinions: Noun to the numbers that others counted in the picture: a second counter, other views.
        not_auditable: Nouns of which only a number is known: their boxes hold no places, and are never drawn.
        colours: Of each box, where they were classified; empty text for a box that was not.
        masks: bool (height, width) of each box at any resolution, where the detector gives them; never stored.

    Raises:
        ValueError: When boxes, scores and nouns are not of one length.
    """

    boxes: Floats
    scores: Floats
    nouns: tuple[str, ...]
    size: tuple[int, int]
    unsupported: frozenset[str] = frozenset()
    opinions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    not_auditable: frozenset[str] = frozenset()
    colours: tuple[str, ...] = ()
    masks: tuple[np.ndarray[Any, np.dtype[np.bool_]], ...] = ()

    def __post_init__(self) -> None:
        n = len(self.nouns)
        if self.boxes.shape != (n, 4):
            raise ValueError(f"boxes must have shape ({n}, 4), got {tuple(self.boxes.shape)}")
        if self.scores.shape != (n,):
            raise ValueError(f"scores must have shape ({n},), got {tuple(self.scores.shape)}")
        for name, values in (("colours", self.colours), ("masks", self.masks)):
            if values and len(values) != n:
                raise ValueError(f"there must be {n} {name} or none, got {len(values)}")

    @classmethod
    def nothing(cls, size: tuple[int, int], unsupported: frozenset[str] = frozenset()) -> Detections:
        """Give the detections of a picture of this (width, height) in which nothing was found."""
        return cls(
            boxes=np.zeros((0, 4), np.float32),
            scores=np.zeros(0, np.float32),
            nouns=(),
            size=size,
            unsupported=unsupported,
        )


@runtime_checkable
class Detector(Protocol):
    """Finds instances of nouns in pictures.

    What it finds in a picture must not depend on the other pictures of the call, nor on the order of nouns. Rounding
    may: in a batch of another size a network's scores differ in the fifth decimal or so, up to 0.002.
    """

    @property
    def name(self) -> str:
        """As the user calls it."""
        ...

    @property
    def vocabulary(self) -> frozenset[str] | None:
        """The nouns it knows; ``None`` for an open vocabulary."""
        ...

    def detect(self, pictures: Sequence[Pixels], nouns: Sequence[str]) -> list[Detections]:
        """Return one `Detections` per picture, in order; a noun it cannot know is ``unsupported``, never counted 0."""
        ...


@runtime_checkable
class Closable(Protocol):
    """A detector that holds memory or connections."""

    def close(self) -> None:
        """Free them; the detector is not used again."""
        ...
