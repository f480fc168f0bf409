"""Try a counter on a run's own pictures, with things of known number pasted in.

A counter may pass on drawn scenes and fail on photographs. Here the background is real: a picture of the run, in which a
noun that its prompt does not ask for, and of which the counter finds none, is pasted a known number of times. The things
are the art that ships, or pieces of labelled pictures of the run in which counter and label agree.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from countcheck.counting.counter import Counter
from countcheck.detectors.base import Detections
from countcheck.images.types import RgbArray
from countcheck.scenes.art import NOUNS, VARIANTS, Sprite, cut, sprite
from countcheck.scenes.rendering import paste
from countcheck.suites.suite import Noun

MAX_PASTED = 4  # of one noun in a picture
TOTAL = 24  # pictures that are tried
_SIDES = (0.16, 0.26)  # longer side of a thing, as a share of the picture's shorter side
_TRIES = 60  # places tried for one thing
_BRIGHT = 150.0  # mean light of a picture in which things keep their own; darker pictures dim them
_DARKEST = 0.3
_NOUNS_TRIED = 4  # of one picture, until the counter finds none of one in it


@dataclass(frozen=True, slots=True, kw_only=True)
class PastedScore:
    """How many pictures with things pasted in the counter counted exactly; ``total`` is 0 when none could be made."""

    right: int = 0
    total: int = 0


def run_pasted_test(
    counter: Counter,
    pictures: Sequence[RgbArray],
    asked: Sequence[Set[str]],
    *,
    styles: Sequence[str | None] | None = None,
    things: Mapping[str, Sequence[Sprite]] | None = None,
    total: int = TOTAL,
) -> PastedScore:
    """Count things that are pasted into pictures, one noun a picture.

    Args:
        counter: Under the rule that judges the run.
        pictures: Backgrounds, RGB; used again and again when there are fewer than ``total``.
        asked: Of each picture the nouns that may be in it: those are never pasted.
        styles: Of each picture, for a counter with thresholds by style.
        things: Noun to its pieces, see `pieces_of`; the art that ships when ``None``.
        total: How many pictures are tried at most.
    """
    names = list(NOUNS if things is None else things)
    known = [name for name in names if not counter.unsupported([Noun(name=name)])]
    right = tried = 0
    for number in range(total if pictures and known else 0):
        place = number % len(pictures)
        dice = random.Random(f"pasted {number}")
        style = None if styles is None else styles[place]
        free = [name for name in known if name not in asked[place]]
        noun = _absent(counter, pictures[place], dice.sample(free, min(len(free), _NOUNS_TRIED)), style)
        if noun is None:
            continue
        wanted = 1 + number % MAX_PASTED
        shown, pasted = paste_things(pictures[place], noun, wanted, dice, things)
        if pasted:
            tried += 1
            right += _count(counter, shown, [noun], style)[noun] == pasted
    return PastedScore(right=right, total=tried)


def paste_things(
    picture: RgbArray,
    noun: str,
    number: int,
    dice: random.Random,
    things: Mapping[str, Sequence[Sprite]] | None = None,
) -> tuple[RgbArray, int]:
    """Paste things of one noun into a picture, apart from each other; return it, and how many found a place.

    >>> shown, pasted = paste_things(np.full((200, 300, 3), 120, np.uint8), "pig", 3, random.Random(1))
    >>> shown.shape, pasted
    ((200, 300, 3), 3)
    """
    tall, wide = picture.shape[:2]
    canvas = picture.astype(np.float32)
    light = min(1.0, max(_DARKEST, float(picture.mean()) / _BRIGHT))
    taken: list[tuple[int, int, int, int]] = []
    for _ in range(number):
        side = max(8, round(dice.uniform(*_SIDES) * min(tall, wide)))
        thing = _thing(noun, side, dice, things)
        high, broad = thing.cover.shape[:2]
        for _try in range(_TRIES):
            if broad >= wide or high >= tall:
                break
            x, y = dice.randrange(wide - broad), dice.randrange(tall - high)
            if all(_apart((x, y, x + broad, y + high), other) for other in taken):
                taken.append((x, y, x + broad, y + high))
                paste(canvas, Sprite(thing.ink * light if things is None else thing.ink, thing.cover), x, y)
                break
    return np.clip(canvas + 0.5, 0, 255).astype(np.uint8), len(taken)


def pieces_of(picture: RgbArray, detections: Detections, kept: Sequence[int]) -> dict[str, list[Sprite]]:
    """Cut the counted things out of a labelled picture whose count is right, with soft edges.

    Things at the edge of the picture, tiny ones and those that touch another are left out.

    Args:
        picture: RGB.
        detections: Of this picture.
        kept: Places of the boxes that were counted.
    """
    from PIL import Image

    tall, wide = picture.shape[:2]
    boxes = {i: tuple(round(float(v)) for v in detections.boxes[i]) for i in kept}
    pieces: dict[str, list[Sprite]] = {}
    for i, (x1, y1, x2, y2) in boxes.items():
        high, broad = y2 - y1, x2 - x1
        inside = x1 > 2 and y1 > 2 and x2 < wide - 2 and y2 < tall - 2
        alone = all(_apart((x1, y1, x2, y2), other) for j, other in boxes.items() if j != i)
        if min(high, broad) < 24 or not inside or not alone:
            continue
        rows, columns = np.mgrid[-1 : 1 : high * 1j, -1 : 1 : broad * 1j]
        # An ellipse that is a little fuller than the box's own keeps the corners of the background out.
        cover = np.clip((1.15 - (rows**4 + columns**4) ** 0.25) / 0.2, 0, 1)
        body = np.dstack([picture[y1:y2, x1:x2], np.round(255 * cover)]).astype(np.uint8)
        piece = cut(Image.fromarray(body, "RGBA"), max(high, broad))
        pieces.setdefault(detections.nouns[i], []).append(piece)
    return pieces


def _thing(noun: str, side: int, dice: random.Random, things: Mapping[str, Sequence[Sprite]] | None) -> Sprite:
    if things is None:
        return sprite(noun, dice.randrange(VARIANTS), side, dice.random() < 0.5)
    # A piece keeps its own size: how large things are is a part of what makes a run's pictures hard.
    return dice.choice(list(things[noun]))


def _apart(one: Sequence[int], other: Sequence[int]) -> bool:
    gap = 4
    return one[2] + gap < other[0] or other[2] + gap < one[0] or one[3] + gap < other[1] or other[3] + gap < one[1]


def _absent(counter: Counter, picture: RgbArray, names: Sequence[str], style: str | None) -> str | None:
    """Return the first of these nouns of which the counter finds none in the picture, for sure."""
    if not names:
        return None
    counts = _count(counter, picture, names, style)
    return next((name for name in names if counts[name] == 0), None)


def _count(counter: Counter, picture: RgbArray, names: Sequence[str], style: str | None) -> dict[str, int]:
    nouns = [Noun(name=name) for name in names]
    (detections,) = counter.detect([picture], nouns, [style])
    return dict(counter.count(detections, nouns, style).counts)
