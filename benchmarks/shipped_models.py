"""How good the shipped models are: ``python benchmarks/shipped_models.py [counter|painter]``.

The counter is asked about scenes of seeds that no training used, by style and number, and about pictures in two art
families that no training saw (fetched with npm once; leave them out with ``--own-art``). A picture is right when every
noun of the vocabulary is counted exactly, the nouns that are not there included.
"""

from __future__ import annotations

import argparse
import platform
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from countcheck.counting.counter import Counter, load_counter
from countcheck.scenes import NOUNS, STYLES, TRANSFORMS, Scene, apply_style, compose, render
from countcheck.stats.intervals import wilson
from countcheck.suites.suite import Noun

ALL = tuple(Noun(name=noun) for noun in NOUNS)
GROUPS = {"0-3": range(0, 4), "4-6": range(4, 7), "7-9": range(7, 10), "0-6": range(0, 7), "0-9": range(0, 10)}
SIZE = 128
HELD_OUT_SEEDS = 700_000_000  # training makes its scenes from seeds below 100 million

Case = tuple[np.ndarray, dict[str, int]]


def scenes(style: str, number: int) -> Iterator[tuple[Scene, dict[str, int]]]:
    """Scenes of 0 to 9 things of one to three nouns, each number equally often."""
    for k in range(number):
        dice = random.Random(f"held out {k}")
        kinds = dice.sample(NOUNS, dice.choice((1, 2, 2, 3)))
        counts = dict.fromkeys(kinds, 0)
        for _ in range(k % 10):
            counts[dice.choice(kinds)] += 1
        yield compose(counts, style=style, seed=HELD_OUT_SEEDS + k), counts


def drawn(style: str, number: int) -> Iterator[Case]:
    """Scenes in our own art."""
    return ((render(scene, SIZE), counts) for scene, counts in scenes(style, number))


def in_family(family: str, art: Path, *, usual: bool = False) -> Callable[[str, int], Iterator[Case]]:
    """The same scenes in another family's art: any of its looks of a noun, or only the usual one."""
    from countcheck.scenes.art import cut
    from countcheck.scenes.rendering import backdrop, paste
    from models.train.art import looks, picture

    def cases(style: str, number: int) -> Iterator[Case]:
        for k, (scene, counts) in enumerate(scenes(style, number)):
            dice = random.Random(f"{family} {k}")
            dim = 0.34 if "noir" in style else 0.72 if style == "night" else 1.0
            canvas = backdrop(scene.backdrop, round(scene.horizon * 32) / 32, SIZE, dim).copy()
            for thing in scene.things:
                known = looks(family, thing.noun, art)
                look = known[0] if usual else dice.choice(known)
                sprite = cut(picture(look, art), round(thing.size * SIZE), thing.flip)
                h, w = sprite.cover.shape[:2]
                paste(canvas, sprite, round(thing.x * SIZE - w / 2), round(thing.y * SIZE - h / 2))
            yield apply_style(np.clip(canvas + 0.5, 0, 255).astype(np.uint8), style, scene.seed), counts

    return cases


def judged(counter: Counter, cases: Iterable[Case], style: str) -> Iterator[tuple[int, int, bool]]:
    """How many things are there, how many were counted, and whether every noun was right, for each picture."""
    batch: list[Case] = []
    for case in (*cases, None):
        if case is not None:
            batch.append(case)
        if batch and (case is None or len(batch) == 32):
            found = counter.detect([pixels for pixels, _ in batch], ALL)
            for detections, (_, true) in zip(found, batch, strict=True):
                counts = counter.count(detections, ALL, style).counts
                right = all(counts[noun.name] == true.get(noun.name, 0) for noun in ALL)
                yield sum(true.values()), sum(counts.values()), right
            batch = []


def row(name: str, outcomes: Sequence[tuple[int, int, bool]]) -> str:
    """One line of the table: the share exact by number of things, and over and under."""
    cells = []
    for numbers in GROUPS.values():
        inside = [right for true, _, right in outcomes if true in numbers]
        share = wilson(sum(inside), len(inside))
        cells.append(f"{share.value:.3f} ({share.low:.2f}-{share.high:.2f})")
    over = sum(counted > true for true, counted, _ in outcomes) / len(outcomes)
    under = sum(counted < true for true, counted, _ in outcomes) / len(outcomes)
    return f"| {name} | " + " | ".join(cells) + f" | {over:.3f} | {under:.3f} | {len(outcomes)} |"


def counter_table(spec: str, number: int, *, own_art: bool) -> None:
    """Print the counter's table."""
    counter = load_counter(spec)
    print(f"counter {spec}: share of pictures with every noun exact, by number of things (95 % Wilson)\n")
    print("| pictures | " + " | ".join(GROUPS) + " | over | under | n |")
    print("|" + "---|" * (len(GROUPS) + 4))
    seconds, pictures = 0.0, 0
    for style in TRANSFORMS:
        cases = list(drawn(style, number))
        began = time.perf_counter()
        outcomes = list(judged(counter, cases, style))
        seconds, pictures = seconds + time.perf_counter() - began, pictures + len(cases)
        print(row(f"own art, {style}", outcomes), flush=True)
    if not own_art:
        from models.train.art import HELD_OUT, TRAINED, fetch

        art = fetch()
        for family in (*HELD_OUT, *(name for name in TRAINED if name not in ("fxemoji", "streamline-emojis"))):
            cases_in = in_family(family, art)
            known = "held out" if family in HELD_OUT else "trained on"
            print(
                row(f"{family} ({known}), plain", list(judged(counter, cases_in("plain", number), "plain"))), flush=True
            )
            if family in HELD_OUT:
                mixed = [
                    outcome
                    for style in STYLES
                    for outcome in judged(counter, cases_in(style, max(10, number // 6)), style)
                ]
                print(row(f"{family} ({known}), six styles", mixed), flush=True)
                cases_in = in_family(family, art, usual=True)
                outcomes = list(judged(counter, cases_in("plain", number), "plain"))
                print(row(f"{family} ({known}), plain, usual looks", outcomes), flush=True)
    print(f"\n{pictures} pictures of {SIZE} px counted in {seconds:.1f} s: {pictures / seconds:.0f} a second")


def main() -> None:
    """Read the options and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", choices=("counter", "painter"), default="counter")
    parser.add_argument("--counter", default="tiny", help="the counter's spec")
    parser.add_argument("--painter", default="tiny", help="the painter's card")
    parser.add_argument("--pictures", type=int, default=300, help="counter: for each line of the table; painter: all")
    parser.add_argument("--keep", type=Path, help="painter: folder that gets the pictures, to be looked at")
    parser.add_argument("--own-art", action="store_true", help="fetch nothing; leave the other families out")
    options = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}\n")
    if options.model == "painter":
        from benchmarks.shipped_painter import painter_table

        painter_table(options.painter, options.counter, options.pictures, options.keep)
    else:
        counter_table(options.counter, options.pictures, own_art=options.own_art)


if __name__ == "__main__":
    main()
