"""How good and how fast the painter that ships is; a part of ``shipped_models.py``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from countcheck.cards import read_generator_card
from countcheck.counting.counter import load_counter
from countcheck.engine.run import load_generator
from countcheck.generators.outcome import Picture
from countcheck.images.convert import as_image
from countcheck.scenes import PAINTER_NOUNS, STYLES
from countcheck.stats.intervals import wilson
from countcheck.suites.samples import Sample, seed_of
from countcheck.suites.suite import Noun, Prompt

NUMBERS = tuple(range(1, 10))
LOOKS = {
    "plain": "",
    "noir": ", film noir",
    "rain": ", in the rain",
    "night": ", at night",
    "watercolour": ", watercolour",
    "noir-rain": ", film noir, in the rain",
}
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PLURALS = {"wolf": "wolves", "sheep": "sheep", "fish": "fish"}

Asked = tuple[str, int, str]


def asked(pictures: int) -> list[Asked]:
    """(noun, number, style) of that many prompts: each noun, number and style about equally often."""
    found = []
    for k in range(pictures):
        noun = PAINTER_NOUNS[(5 * k + k // 12) % len(PAINTER_NOUNS)]
        found.append((noun, NUMBERS[k % 9], STYLES[(k + k // 18) % len(STYLES)]))
    return found


def text(k: int, noun: str, number: int, style: str) -> str:
    """The prompt: the number in words and in digits by turns."""
    many = noun if number == 1 else PLURALS.get(noun, noun + "s")
    return f"{WORDS[number] if k % 2 else number} {many}{LOOKS[style]}"


def painter_table(spec: str, counter_spec: str, pictures: int, keep: Path | None) -> None:
    """Print exact_rate by number, look and noun as the counter sees it, and the seconds for 48 pictures."""
    everything = asked(pictures)
    texts = [text(k, *what) for k, what in enumerate(everything)]
    generator = load_generator(read_generator_card(spec))
    began = time.perf_counter()
    samples = [sample(spec, k, words) for k, words in enumerate(texts)]
    outcomes = list(generator.generate(samples[:8]))  # loading is not painting
    loaded, began = time.perf_counter() - began, time.perf_counter()
    outcomes += list(generator.generate(samples[8:]))
    seconds = time.perf_counter() - began
    images = [as_image(o.pixels) for o in outcomes if isinstance(o, Picture)]
    if len(images) != len(texts):
        raise SystemExit(f"{len(texts) - len(images)} pictures are missing")
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        for k, (image, words) in enumerate(zip(images, texts, strict=True)):
            image.save(keep / f"{k:03} {words}.png")
    began = time.perf_counter()
    errors = counted(counter_spec, images, everything)
    looked = time.perf_counter() - began

    print(f"painter {spec}, as counted by {counter_spec}: every noun exact; 95 % Wilson\n")
    print("| asked | exact | too many | too few | n |\n|---|---|---|---|---|")
    for place, values in ((1, NUMBERS), (2, STYLES), (0, PAINTER_NOUNS)):
        for value in values:
            chosen = [error for error, what in zip(errors, everything, strict=True) if what[place] == value]
            print(row(str(value), chosen))
    print(row("1 to 6", [e for e, what in zip(errors, everything, strict=True) if what[1] <= 6]))
    per = seconds / max(1, len(images) - 8)
    print(f"\n48 pictures in batches of 8: {48 * per:.1f} s painted, {48 * looked / len(images):.1f} s counted")
    print(f"(loaded and first 8 painted in {loaded:.1f} s)")


def sample(spec: str, k: int, words: str) -> Sample:
    """A sample of its own for every picture."""
    prompt = Prompt(id=f"{k}", text=words)
    return Sample(key=f"{k:032x}", generator=spec, asked=prompt, repeat=k, seed=seed_of(prompt, k))


def counted(spec: str, images: Sequence[Image.Image], everything: Sequence[Asked]) -> list[tuple[int, bool]]:
    """(counted minus asked, whether every noun is exact) for each picture."""
    counter = load_counter(spec)
    nouns = tuple(Noun(name=noun) for noun in PAINTER_NOUNS)
    found = []
    for start in range(0, len(images), 32):
        part = [np.asarray(image.convert("RGB")) for image in images[start : start + 32]]
        for detections, (noun, number, style) in zip(
            counter.detect(part, nouns), everything[start : start + 32], strict=True
        ):
            counts = counter.count(detections, nouns, style).counts
            exact = all(counts[other.name] == (number if other.name == noun else 0) for other in nouns)
            found.append((counts[noun] - number, exact))
    return found


def row(name: str, errors: Sequence[tuple[int, bool]]) -> str:
    """A line of the table."""
    share = wilson(sum(exact for _, exact in errors), len(errors))
    over, under = (sum(sign * e > 0 for e, _ in errors) for sign in (1, -1))
    return f"| {name} | {share.value:.2f} ({share.low:.2f}-{share.high:.2f}) | {over} | {under} | {len(errors)} |"
