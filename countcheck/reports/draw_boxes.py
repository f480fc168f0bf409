"""Boxes drawn on a picture, for a person to check a count by eye."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from countcheck.detectors.base import Detections
from countcheck.images.types import RgbArray

# Okabe and Ito's colours: told apart by colour-blind readers too.
_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")


def with_boxes(picture: RgbArray, found: Detections, kept: Sequence[int]) -> Image.Image:
    """The picture with the counted boxes numbered noun by noun; a new image of the same size."""
    image = Image.fromarray(picture).convert("RGB")
    draw = ImageDraw.Draw(image)
    thick = max(1, round(max(image.size) / 300))
    font = ImageFont.load_default(max(9, round(max(image.size) / 45)))
    numbers: dict[str, int] = {}
    for i in sorted(kept, key=lambda i: (found.nouns[i], -float(found.scores[i]))):
        noun = found.nouns[i]
        numbers[noun] = numbers.get(noun, 0) + 1
        x1, y1, x2, y2 = (float(v) for v in found.boxes[i])
        colour = _colour(noun)
        draw.rectangle((x1, y1, max(x2, x1), max(y2, y1)), outline=colour, width=thick)
        label = f"{_printable(noun)} {numbers[noun]}"
        left, top, right, bottom = draw.textbbox((x1 + thick, y1 + thick), label, font=font)
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=colour)
        draw.text((x1 + thick, y1 + thick), label, fill="black", font=font)
    return image


def _colour(noun: str) -> str:
    return _COLOURS[hashlib.sha256(noun.encode()).digest()[0] % len(_COLOURS)]


def _printable(noun: str) -> str:
    """What the built-in font can draw: other scripts become question marks, long phrases are cut."""
    return noun[:24].encode("latin-1", "replace").decode("latin-1")
