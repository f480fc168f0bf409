"""How well pictures that look unlike the tested ones are told apart: false alarms on our own, misses on photographs.

    python benchmarks/familiarity.py [FOLDER OF PHOTOGRAPHS ...] [--write]

The reference is made of drawn scenes in every style that scenes can imitate and of pictures of the two generators that ship;
false alarms are measured on others of both. ``--write`` writes it to ``models/familiar-pictures.json``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from machine import machine

from countcheck.cards import read_generator_card
from countcheck.counting.familiarity import describe, make_reference
from countcheck.counting.self_test import draw_pictures
from countcheck.engine.run import load_generator
from countcheck.images.convert import as_rgb
from countcheck.images.decode import read_picture
from countcheck.images.files import find_pictures
from countcheck.resources import shipped
from countcheck.scenes import NOUNS, TRANSFORMS
from countcheck.suites.catalog import load_suite
from countcheck.suites.samples import plan

EACH = 12  # drawn pictures a style
MADE = 40  # pictures a generator and suite


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", nargs="*", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    names = list(NOUNS)
    drawn = {style: _described(draw_pictures(names, style, EACH, salt="familiar")[0]) for style in TRANSFORMS}
    others = {style: _described(draw_pictures(names[::-1], style, EACH, salt="unfamiliar")[0]) for style in TRANSFORMS}
    made = {name: _described(_made(name)) for name in ("tiny", "scenes", "scenes?size=64", "scenes?size=128")}
    reference = make_reference(np.concatenate([*drawn.values(), *(rows[::2] for rows in made.values())]))
    print(machine())
    for style, descriptions in others.items():
        print(f"drawn, {style:14} {_share(reference, descriptions)}")
    print(f"drawn, all           {_share(reference, np.concatenate(list(others.values())))}")
    for name, descriptions in made.items():
        print(f"generator {name:16} {_share(reference, descriptions[1::2])}")
    for folder in arguments.photographs:
        pictures = [as_rgb(read_picture(path)) for path in find_pictures([folder])]
        print(f"{folder}: {_share(reference, _described(pictures))}")
    if arguments.write:
        rows = np.concatenate([*drawn.values(), *(rows[::2] for rows in made.values())]).round(4).tolist()
        target = shipped("models") / "familiar-pictures.json"
        lines = ",\n".join(json.dumps(row) for row in rows)
        target.write_text(f'{{"descriptions": [\n{lines}\n]}}\n', encoding="utf-8")


def _made(name: str) -> Iterator[np.ndarray]:
    """Pictures of a generator that ships, for two of the suites that ship."""
    generator = load_generator(read_generator_card(name))
    for suite in ("demo", "three-little-pigs"):
        samples = list(plan(load_suite(suite), generator.recipe))
        for outcome in generator.generate(samples[:: max(1, len(samples) // MADE)]):
            yield as_rgb(outcome.pixels)


def _described(pictures) -> np.ndarray:
    return np.stack([describe(picture) for picture in pictures])


def _share(reference, descriptions) -> str:
    unlike = reference.distances(descriptions) > reference.limit
    return f"{unlike.sum()} of {len(unlike)} look unlike the tested ones ({unlike.mean():.1%})"


if __name__ == "__main__":
    main()
