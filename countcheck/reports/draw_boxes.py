"""Boxes drawn on a picture, for a person to check a count by eye. The one place that draws them on pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from countcheck.reports.safe_text import visible

if TYPE_CHECKING:
    from countcheck.detectors.base import Detections

# Okabe and Ito's colours: told apart by colour-blind readers too.
_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
_STRIP, _STRIP_TEXT = (24, 23, 21), (240, 236, 228)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBox:
    """A box to draw.

    Attributes:
        noun: Decides the colour.
        corners: Left, top, right, bottom in pixels, origin at the top left.
        text: Written into the box; nothing when empty.
        counted: Drawn thick when true, as a thin line when false.
    """

    noun: str
    corners: tuple[float, float, float, float]
    text: str = ""
    counted: bool = True


def draw_boxes(image: Image.Image, boxes: Iterable[DrawnBox], caption: str = "") -> Image.Image:
    """Return a copy of the picture with the boxes drawn, and a caption on a strip below when there is one."""
    edge = max(image.size)
    stroke = max(1, round(edge / 300))
    size = max(9, round(edge / 45))
    font = ImageFont.load_default(size)
    strip = 2 * size if caption else 0
    page = Image.new("RGB", (image.width, image.height + strip), _STRIP)
    page.paste(image.convert("RGB"), (0, 0))
    pen = ImageDraw.Draw(page)
    for box in boxes:
        left, top, right, bottom = box.corners
        colour = _colour(box.noun)
        corners = (left, top, max(right, left), max(bottom, top))
        pen.rectangle(corners, outline=colour, width=stroke if box.counted else 1)
        if box.text:
            text, place = _printable(box.text), (left + stroke, top + stroke)
            x1, y1, x2, y2 = pen.textbbox(place, text, font=font)
            pen.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), fill=colour)
            pen.text(place, text, fill="black", font=font)
    if caption:
        place = (size // 2, image.height + size // 3)
        pen.text(place, _printable(visible(caption), 160), fill=_STRIP_TEXT, font=font)
    return page


def drawn_corners(box: Sequence[float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Give the corners to draw for a box in a picture of this (width, height); a point becomes a small square."""
    left, top, right, bottom = box
    if left == right and top == bottom:
        half = max(size) / 80
        return left - half, top - half, left + half, top + half
    return left, top, right, bottom


def numbered_boxes(detections: Detections, counted: Sequence[int]) -> list[DrawnBox]:
    """Number the counted boxes noun by noun, the surest first; what has no place is left out.

    Args:
        counted: Places in ``detections`` of the boxes to draw.
    """
    numbers: dict[str, int] = {}
    boxes = []
    for place in sorted(counted, key=lambda i: (detections.nouns[i], -float(detections.scores[i]))):
        noun = detections.nouns[place]
        if noun in detections.not_auditable:
            continue
        numbers[noun] = numbers.get(noun, 0) + 1
        corners = drawn_corners(detections.boxes[place].tolist(), detections.size)
        boxes.append(DrawnBox(noun=noun, corners=corners, text=f"{noun[:24]} {numbers[noun]}"))
    return boxes


def _colour(noun: str) -> str:
    return _COLOURS[hashlib.sha256(noun.encode(errors="replace")).digest()[0] % len(_COLOURS)]


def _printable(text: str, max_length: int = 32) -> str:
    """Replace what the built-in font cannot draw by question marks, and cut long text."""
    return text[:max_length].encode("latin-1", "replace").decode("latin-1")
