"""What a rule says of one picture: a number for each noun, and the range it may lie in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many of each noun one picture holds.

    Attributes:
        counts: Noun to number, 0 or more; unsupported nouns are absent.
        low: The smallest number over the margin and all opinions, by noun.
        high: The largest number over the margin and all opinions, by noun.
        unsupported: Nouns asked for that the counter cannot know.
        kept: Indices into the detections: the boxes that were counted.
    """

    counts: Mapping[str, int]
    low: Mapping[str, int]
    high: Mapping[str, int]
    unsupported: frozenset[str] = frozenset()
    kept: tuple[int, ...] = ()

    @property
    def uncertain(self) -> tuple[str, ...]:
        """Nouns whose number changes within the margin."""
        return tuple(noun for noun in self.counts if self.low[noun] != self.high[noun])
