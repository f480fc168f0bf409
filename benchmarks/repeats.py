"""How quickly pictures are hashed, how far encoding anew moves a hash, and whether any pictures of other prompts are
taken for each other.

    python -m benchmarks.repeats [FOLDER ...]

Compared are drawn scenes, pictures of the painter that ships, small things in the middle of white, nights (a bright
spot in the dark), beasts of the night (one scene with another animal in each, very dark), dark cards such as providers
show in place of a picture, and the pictures of every FOLDER (of which no two should show the same).
"""

from __future__ import annotations

import io
import itertools
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from countcheck.images.hashes import colour_distance, hash_distance, picture_hash
from countcheck.scenes import NOUNS, STYLES, compose, render
from countcheck.storage.repeats import same_picture

PAINTED = Path(__file__).parent / "painted"


def milliseconds(picture: Image.Image, times: int = 100) -> float:
    picture_hash(picture)
    taken = []
    for _ in range(times):
        start = time.process_time()
        picture_hash(picture)
        taken.append(1000 * (time.process_time() - start))
    return statistics.median(taken)


def scenes() -> list[Image.Image]:
    return [
        Image.fromarray(render(compose({noun: 1 + k % 3}, style=style, seed=100 * s + k), 256))
        for s, style in enumerate(STYLES)
        for k, noun in enumerate(NOUNS)
    ]


def painted() -> list[Image.Image]:
    sheet = Image.open(PAINTED / "pictures.webp").convert("RGB")
    labels = json.loads((PAINTED / "labels.json").read_text())
    side = int(labels.get("side", 96)) if isinstance(labels, dict) else 96
    return [
        sheet.crop((x, y, x + side, y + side))
        for y in range(0, sheet.height - side + 1, side)
        for x in range(0, sheet.width - side + 1, side)
    ]


def on_white() -> list[Image.Image]:
    pictures = []
    for noun in NOUNS:
        page = Image.new("RGB", (256, 256), "white")
        page.paste(Image.fromarray(render(compose({noun: 1}, seed=3), 256)).resize((90, 90)), (83, 83))
        pictures.append(page)
    return pictures


def nights() -> list[Image.Image]:
    dice = np.random.default_rng(0)
    pictures = []
    for k in range(60):
        levels = dice.normal(4 + k % 9, 1 + k % 3, (256, 256, 3))
        x, y = dice.integers(20, 200, 2)
        levels[y : y + 12, x : x + 12] += 30
        pictures.append(Image.fromarray(levels.clip(0, 255).astype(np.uint8)))
    return pictures


def beasts_of_the_night() -> list[Image.Image]:
    return [
        Image.fromarray((render(compose({noun: 1}, style="noir", seed=seed), 256) * light).round().astype(np.uint8))
        for light, seed in ((0.04, 0), (0.1, 1), (0.2, 2))
        for noun in NOUNS
    ]


def dark_cards() -> list[Image.Image]:
    dice = np.random.default_rng(3)
    words = ("Content not available", "Blocked", "Your request was refused", "Policy violation", "Try again later")
    cards = []
    for k in range(40):
        card = Image.new("RGB", (512, 512), tuple(dice.integers(0, 24, 3).tolist()))
        pen, level = ImageDraw.Draw(card), int(dice.integers(18, 90))
        if k % 3 == 0:
            pen.rectangle([150 + 5 * k % 60, 150, 360, 330], outline=(level,) * 3, width=3)
        elif k % 3 == 1:
            pen.ellipse([200, 150 + 3 * k % 90, 312, 262 + 3 * k % 90], fill=(level // 2,) * 3)
        pen.text((100 + 7 * k % 150, 240 + 3 * k % 60), words[k % 5], fill=(level,) * 3, font_size=22)
        cards.append(card)
    return cards


def recoded(picture: Image.Image) -> list[Image.Image]:
    copies = [picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)), Image.Resampling.LANCZOS)]
    for quality in (95, 85, 75):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        copies.append(Image.open(buffer).convert("RGB"))
    return copies


def main() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1024, 1024, 3)).astype(np.uint8)
    print(f"hashing 1024 x 1024: {milliseconds(Image.fromarray(noise)):.2f} ms of one core (median of 100)\n")
    sets = {
        "drawn scenes": scenes(),
        "painter": painted(),
        "small on white": on_white(),
        "nights": nights(),
        "beasts of the night": beasts_of_the_night(),
        "dark cards": dark_cards(),
    }
    for name in sys.argv[1:]:
        files = [
            path for path in sorted(Path(name).rglob("*")) if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")
        ]
        sets[Path(name).name] = [Image.open(path).convert("RGB") for path in files]
    print("| pictures | n | nearest two, bits of 256 | pairs taken for one | copies encoded anew that are found |")
    print("|---|---|---|---|---|")
    for name, pictures in sets.items():
        marks = [picture_hash(picture) for picture in pictures]
        pairs = list(itertools.combinations(marks, 2))
        nearest = min(pairs, key=lambda pair: hash_distance(*pair))
        wrong = sum(same_picture(*pair) for pair in pairs)
        copies = [
            same_picture(mark, picture_hash(copy))
            for mark, picture in zip(marks, pictures, strict=True)
            for copy in recoded(picture)
        ]
        print(
            f"| {name} | {len(pictures)} | {hash_distance(*nearest)} (colour {colour_distance(*nearest)}) | "
            f"{wrong} of {len(pairs)} | {sum(copies)} of {len(copies)} |"
        )


if __name__ == "__main__":
    main()
