"""Show pictures with their boxes, and tables of rates, in a notebook. Text from models and suites is escaped."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from countcheck.images.convert import as_image
from countcheck.images.thumbnails import encode_thumbnail
from countcheck.reports.safe_text import visible

if TYPE_CHECKING:
    from countcheck.images.types import Pixels

# Okabe and Ito's colours, which colour-blind readers can tell apart.
_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#0072B2")


def figure_html(
    pixels: Pixels, size: tuple[int, int], boxes: Sequence[tuple[str, float, Sequence[float]]], caption: str
) -> str:
    """Return an HTML figure: a small copy of the picture, its boxes with their nouns, and the caption below.

    Args:
        pixels: The picture.
        size: Its width and height in pixels, in which the boxes are given.
        boxes: Noun, score (0 to 1) and (x1, y1, x2, y2) of each box.
        caption: One line of text.
    """
    data = base64.b64encode(encode_thumbnail(as_image(pixels))).decode()
    wide, tall = max(size[0], 1), max(size[1], 1)
    stroke, font = max(wide, tall) / 160, max(wide, tall) / 24
    nouns = sorted({noun for noun, _, _ in boxes})
    colours = {noun: _COLOURS[place % len(_COLOURS)] for place, noun in enumerate(nouns)}
    frames, labels = [], []
    for noun, score, (x1, y1, x2, y2) in boxes:
        label = html.escape(f"{visible(noun, 40)} {score:.2f}")
        frames.append(
            f'<rect x="{x1:.1f}" y="{y1:.1f}" width="{x2 - x1:.1f}" height="{y2 - y1:.1f}" fill="none" '
            f'stroke="{colours[noun]}" stroke-width="{stroke:.1f}"><title>{label}</title></rect>'
        )
        # Dark letters with a border in the box's colour can be read on every picture.
        labels.append(
            f'<text x="{x1 + 2 * stroke:.1f}" y="{y1 + font:.1f}" font-size="{font:.1f}" font-weight="bold" fill="#000" '
            f'stroke="{colours[noun]}" stroke-width="{font / 3:.1f}" stroke-linejoin="round" '
            f'paint-order="stroke">{label}</text>'
        )
    marks = [*frames, *labels]
    return (
        f'<figure style="display:inline-block;margin:4px"><svg viewBox="0 0 {wide} {tall}" width="320" role="img" '
        f'aria-label="{html.escape(visible(caption, 200))}">'
        f'<image href="data:image/webp;base64,{data}" width="{wide}" height="{tall}"/>{"".join(marks)}</svg>'
        f"<figcaption>{html.escape(visible(caption, 200))}</figcaption></figure>"
    )


def table_html(caption: str, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Return an HTML table with these columns; cells that a row lacks are empty. A wide one scrolls sideways."""
    head = "".join(_cell("th", name, place) for place, name in enumerate(columns))
    body = "".join(
        "<tr>" + "".join(_cell("td", row.get(name, ""), place) for place, name in enumerate(columns)) + "</tr>"
        for row in rows
    )
    return (
        f'<div style="overflow-x:auto"><table><caption style="text-align:left">{html.escape(visible(caption))}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(kind: str, text: str, place: int) -> str:
    """A cell that is never broken; notebooks have styles of their own for cells, so each carries its own."""
    return (
        f'<{kind} style="{"" if place else "text-align:left;"}white-space:nowrap">{html.escape(visible(text))}</{kind}>'
    )
