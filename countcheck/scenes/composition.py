"""The layout of a scene: counts in, places and sizes out. Nothing is drawn here."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from countcheck.scenes.art import NOUNS, VARIANTS
from countcheck.scenes.styles import TRANSFORMS

BACKDROPS: tuple[str, ...] = ("meadow", "beach", "street", "room")
MAX_THINGS = 24  # in one scene; more of them would be too small to recognise

_TRIES = 40  # places tried for one thing before all things are made smaller
_SHRINK = 0.94  # factor by which they are made smaller


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One thing in a scene.

    Attributes:
        noun: What it is, one of :data:`~countcheck.scenes.art.NOUNS`.
        x: Its centre from the left, 0 to 1 of the picture's side.
        y: Its centre from the top, 0 to 1 of the picture's side.
        size: Its longer side, 0 to 1 of the picture's side.
        flip: Whether it is mirrored.
        variant: Index of its colour among the noun's, from 0.
    """

    noun: str
    x: float
    y: float
    size: float
    flip: bool = False
    variant: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A picture before it is drawn.

    Attributes:
        things: What stands in it; later ones are drawn over earlier ones.
        style: One of :data:`~countcheck.scenes.styles.TRANSFORMS`.
        backdrop: One of :data:`BACKDROPS`.
        horizon: Where the ground begins, from the top, 0 to 1 of the picture's side.
        seed: Seed of the rain, the grain and the paper.
    """

    things: tuple[Thing, ...]
    style: str
    backdrop: str
    horizon: float
    seed: int

    def count(self, noun: str) -> int:
        """Count how many of ``noun`` stand in the scene."""
        return sum(thing.noun == noun for thing in self.things)


def compose(
    counts: Mapping[str, int],
    *,
    style: str = "plain",
    seed: int,
    overlap: float = 0.05,
    size: float = 1.0,
    backdrop: str | None = None,
) -> Scene:
    """Lay out a scene that holds exactly ``counts``; the same arguments always give the same scene.

    Args:
        counts: How many of each noun; at most 24 things in all.
        style: One of :data:`~countcheck.scenes.styles.TRANSFORMS`.
        seed: Seed of places, sizes, colours and (unless given) the backdrop.
        overlap: How far two things may overlap, as a share of their size; below 0 is a gap.
        size: Factor of all sizes, above 0; things are made smaller anyway until all of them find a place.
        backdrop: One of :data:`BACKDROPS`.

    Raises:
        ValueError: If a noun, style or backdrop is unknown, a count negative, or there are too many things.

    >>> scene = compose({"pig": 2, "wolf": 1}, seed=4)
    >>> scene.count("pig"), scene.count("wolf"), scene.backdrop in BACKDROPS
    (2, 1, True)
    """
    _check(counts, style, backdrop)
    dice = random.Random(f"{seed}")
    # The backdrop first, so that it stays when only the numbers change.
    chosen, horizon = dice.choice(BACKDROPS), dice.uniform(0.25, 0.6)
    backdrop = backdrop or chosen
    nouns = [noun for noun in sorted(counts) for _ in range(counts[noun])]
    dice.shuffle(nouns)
    side = size * min(0.5, 0.84 / max(1, len(nouns)) ** 0.5)
    while (places := _places(len(nouns), side, overlap, dice)) is None:
        side *= _SHRINK
    things = [
        Thing(noun=noun, x=x, y=y, size=s, flip=dice.random() < 0.5, variant=dice.randrange(VARIANTS))
        for noun, (x, y, s) in zip(nouns, places, strict=True)
    ]
    things.sort(key=lambda thing: thing.y + thing.size / 2)
    return Scene(things=tuple(things), style=style, backdrop=backdrop, horizon=horizon, seed=seed)


def _check(counts: Mapping[str, int], style: str, backdrop: str | None) -> None:
    for noun, count in counts.items():
        if noun not in NOUNS:
            raise ValueError(f"no art for {noun!r}; there is art for {', '.join(NOUNS)}")
        if count < 0:
            raise ValueError(f"the number of {noun!r} is {count}; it must be 0 or more")
    if sum(counts.values()) > MAX_THINGS:
        raise ValueError(f"{sum(counts.values())} things do not fit into one scene; {MAX_THINGS} do")
    if style not in TRANSFORMS:
        raise ValueError(f"no style {style!r}; there are {', '.join(TRANSFORMS)}")
    if backdrop is not None and backdrop not in BACKDROPS:
        raise ValueError(f"no backdrop {backdrop!r}; there are {', '.join(BACKDROPS)}")


def _places(number: int, side: float, overlap: float, dice: random.Random) -> list[tuple[float, float, float]] | None:
    """Find (x, y, size) for every thing, or None when they do not fit at this size."""
    placed: list[tuple[float, float, float]] = []
    for _ in range(number):
        s = side * dice.uniform(0.85, 1.1)
        for _ in range(_TRIES):
            x = dice.uniform(s * 0.52, 1 - s * 0.52)
            y = dice.uniform(s * 0.52, 1 - s * 0.52)
            if all(max(abs(x - x2), abs(y - y2)) >= (s + s2) / 2 * (1 - overlap) for x2, y2, s2 in placed):
                placed.append((x, y, s))
                break
        else:
            return None
    return placed
