"""Art for training: our own drawings, and emoji families fetched by pinned package name and version.

``python -m models.train.art`` fetches the families with npm into ``models/train/output/art`` and draws a contact sheet
of them. Nothing of them is kept in the repository; the model cards name families, versions and licences.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from PIL import Image, ImageDraw

from countcheck.scenes import NOUNS, VARIANTS
from countcheck.scenes.art import drawing

WORK = Path(__file__).parent / "output"
OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family of emoji on npm, as ``@iconify-json/NAME``."""

    name: str
    version: str
    licence: str
    author: str
    held_out: bool = False


FAMILIES = (
    Family(name="noto", version="1.2.9", licence="Apache-2.0", author="Google Inc"),
    Family(name="noto-v1", version="1.2.5", licence="Apache-2.0", author="Google Inc"),
    Family(name="fxemoji", version="1.2.2", licence="Apache-2.0", author="Mozilla"),
    Family(name="fluent-emoji-flat", version="1.2.6", licence="MIT", author="Microsoft Corporation"),
    Family(name="twemoji", version="1.2.5", licence="CC-BY-4.0", author="Twitter"),
    Family(name="emojione", version="1.2.3", licence="CC-BY-4.0", author="Emoji One"),
    Family(name="streamline-emojis", version="1.2.4", licence="CC-BY-4.0", author="Streamline"),
    Family(name="fluent-emoji", version="1.2.7", licence="MIT", author="Microsoft Corporation", held_out=True),
    Family(name="openmoji", version="1.2.29", licence="CC-BY-SA-4.0", author="OpenMoji", held_out=True),
)
TRAINED = tuple(family.name for family in FAMILIES if not family.held_out)
HELD_OUT = tuple(family.name for family in FAMILIES if family.held_out)

# The first name in a list is the noun's own picture; the others are further looks of the same thing.
_ICONS: dict[str, tuple[str, ...]] = {
    "pig": ("pig-face", "pig"),
    "wolf": ("wolf", "wolf-face"),
    "cat": ("cat-face", "cat"),
    "dog": ("dog-face", "dog"),
    "sheep": ("ewe", "sheep"),
    "frog": ("frog", "frog-face"),
    "fish": ("fish", "tropical-fish"),
    "car": ("automobile", "sport-utility-vehicle", "taxi", "oncoming-automobile"),
    "apple": ("red-apple", "green-apple"),
    "star": ("star", "glowing-star", "white-medium-star"),
    "balloon": ("balloon",),
    "umbrella": ("umbrella", "umbrella-with-rain-drops", "open-umbrella"),
    "duck": ("duck",),
    "banana": ("banana",),
    "flower": ("hibiscus", "blossom", "sunflower", "tulip", "rose", "cherry-blossom"),
    "tree": ("evergreen-tree", "deciduous-tree", "christmas-tree"),
    "house": ("house", "house-building"),
    "mushroom": ("mushroom",),
    "ball": ("soccer-ball", "basketball", "volleyball"),
    "cup": ("teacup-without-handle", "hot-beverage"),
}
# Things that are none of the nouns; a counter that has seen them does not take a bear for a dog.
_OTHERS = (
    "horse-face", "cow-face", "bear", "bear-face", "tiger-face", "mouse-face", "rabbit-face", "hamster",
    "lion", "lion-face", "monkey-face", "panda", "panda-face", "koala", "chicken", "penguin", "turtle", "snail",
    "octopus", "elephant", "camel", "honeybee", "lady-beetle", "lemon", "tangerine", "pear", "strawberry",
    "pineapple", "grapes", "watermelon", "hammer", "key", "open-book", "books", "guitar", "airplane", "bicycle",
    "bus", "locomotive", "sailboat", "rocket", "anchor", "alarm-clock", "wrapped-gift", "crown", "top-hat", "t-shirt",
    "jeans", "pizza", "hamburger", "doughnut", "birthday-cake", "cactus", "palm-tree", "crescent-moon", "cloud",
    "snowflake", "candle", "bell", "camera", "television", "umbrella-on-ground", "robot", "ghost", "skull",
    "jack-o-lantern", "grinning-face", "person", "man", "woman",
)  # fmt: skip


def fetch(into: Path = WORK / "art") -> Path:
    """Install every family with npm (once) and give the folder that holds them.

    Raises:
        SystemExit: When there is no npm, or it failed; training with ``--art own`` needs neither.
    """
    wanted = [f"@iconify-json/{family.name}@{family.version}" for family in FAMILIES]
    stamp = into / "fetched.json"
    if stamp.exists() and json.loads(stamp.read_text()) == wanted:
        return into
    if shutil.which("npm") is None:
        raise SystemExit("npm is needed to fetch the art. Install Node.js, or train on our own art with --art own.")
    into.mkdir(parents=True, exist_ok=True)
    (into / "package.json").write_text('{"private": true}')
    command = ["npm", "install", "--prefix", str(into), "--no-audit", "--no-fund", "--ignore-scripts", *wanted]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit("npm could not fetch the art; its own message is above. Try again with a network.")
    stamp.write_text(json.dumps(wanted))
    return into


@dataclass(frozen=True, slots=True)
class Look:
    """One picture of a noun: its family and its place among the family's pictures of that noun."""

    family: str
    noun: str
    index: int


@cache
def looks(family: str, noun: str, art: Path = WORK / "art") -> tuple[Look, ...]:
    """Give every picture that a family has of a noun; possibly none. The noun "" gives what is none of the nouns."""
    if family == OWN:
        return tuple(Look(family, noun, k) for k in range(VARIANTS)) if noun else ()
    return tuple(Look(family, noun, k) for k in range(len(_names(family, noun, art))))


@lru_cache(maxsize=4096)
def picture(look: Look, art: Path = WORK / "art") -> Image.Image:
    """Draw a look: RGBA, 128 px on its longer side, cut to its bounds."""
    if look.family == OWN:
        image = drawing(look.noun, look.index)
    else:
        image = _drawn(look.family, _names(look.family, look.noun, art)[look.index], art)
    scale = 128 / max(image.size)
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.BOX)


@cache
def _icons(family: str, art: Path) -> dict[str, dict[str, object]]:
    body: dict[str, dict[str, object]] = json.loads(
        (art / "node_modules" / "@iconify-json" / family / "icons.json").read_text(encoding="utf-8")
    )
    return body


@cache
def _names(family: str, noun: str, art: Path) -> tuple[str, ...]:
    body = _icons(family, art)
    names = _ICONS[noun] if noun else _OTHERS
    return tuple(name for name in names if name in body["icons"] or name in body.get("aliases", {}))


def _drawn(family: str, name: str, art: Path) -> Image.Image:
    from resvg_py import svg_to_bytes

    body = _icons(family, art)
    parent = body.get("aliases", {}).get(name, {})
    icon = body["icons"][parent["parent"] if isinstance(parent, dict) and parent else name]
    assert isinstance(icon, dict)
    width, height = (icon.get(side, body.get(side, 16)) for side in ("width", "height"))
    view = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" color="#222">{icon["body"]}</svg>'
    data = svg_to_bytes(svg_string=svg, width=192, height=192)
    image = Image.open(io.BytesIO(bytes(data))).convert("RGBA")
    return image.crop(image.getchannel("A").getbbox())


def sheet(families: tuple[str, ...], art: Path = WORK / "art", side: int = 40) -> Image.Image:
    """Draw every look of every noun: a row for each family, a column for each noun's looks."""
    columns = [(noun, k) for noun in NOUNS for k in range(max(len(looks(f, noun, art)) for f in families))]
    page = Image.new("RGB", (110 + len(columns) * side, len(families) * side), (196, 206, 190))
    draw = ImageDraw.Draw(page)
    for row, family in enumerate(families):
        draw.text((4, row * side + 12), family, fill=(0, 0, 0))
        for column, (noun, k) in enumerate(columns):
            if k < len(looks(family, noun, art)):
                image = picture(looks(family, noun, art)[k], art)
                image.thumbnail((side - 2, side - 2))
                page.paste(image, (110 + column * side, row * side), image)
    return page


def main() -> None:
    """Fetch the families and draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheet", type=Path, default=WORK / "art.png", help="where the contact sheet goes")
    options = parser.parse_args()
    art = fetch()
    sheet((OWN, *(family.name for family in FAMILIES)), art).save(options.sheet)
    print(f"{options.sheet}: {len(FAMILIES)} families and our own")


if __name__ == "__main__":
    main()
