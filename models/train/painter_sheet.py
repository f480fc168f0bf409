"""Contact sheets of the painter: every noun by number, and every noun by style."""

from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import AutoPipelineForText2Image
from PIL import Image, ImageDraw

from models.train.painter_latents import NOUNS, STYLES
from models.train.painter_parts import PIXELS
from models.train.painter_prompts import SAYS, WORDS, plural

BATCH = 8
_MARGIN, _LINE = 3, 12


def draw_sheets(folder: Path, *, steps: int = 20) -> None:
    """Writes numbers.png (a noun a row, 1 to 9) and styles.png (a noun a row, all styles) to it."""
    pipeline = AutoPipelineForText2Image.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    by_number = [[asked(noun, number) for number in range(1, 10)] for noun in NOUNS]
    by_style = [
        [asked(noun, 2 + (i + k) % 3) + SAYS[style][-1] for k, style in enumerate(STYLES)]
        for i, noun in enumerate(NOUNS)
    ]
    for name, rows in (("numbers.png", by_number), ("styles.png", by_style)):
        texts = [text for row in rows for text in row]
        pictures = paint(pipeline, texts, steps=steps)
        sheet(texts, pictures, len(rows[0])).quantize(255).save(folder / name, optimize=True)


def asked(noun: str, number: int) -> str:
    """The plainest prompt for so many."""
    return f"{WORDS[number]} {noun if number == 1 else plural(noun)}"


def paint(pipeline: object, texts: Sequence[str], *, steps: int) -> list[Image.Image]:
    """A picture for each text; its noise goes by its place in the list."""
    pictures: list[Image.Image] = []
    for start in range(0, len(texts), BATCH):
        part = list(texts[start : start + BATCH])
        dice = [torch.Generator().manual_seed(start + k) for k in range(len(part))]
        pictures += pipeline(part, num_inference_steps=steps, generator=dice).images  # type: ignore[operator]
    return pictures


def sheet(texts: Sequence[str], pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """The pictures in rows, each under its text."""
    wide, high = PIXELS + _MARGIN, PIXELS + _MARGIN + _LINE
    page = Image.new("RGB", (columns * wide, -(-len(texts) // columns) * high), "white")
    pen = ImageDraw.Draw(page)
    for i, (text, picture) in enumerate(zip(texts, pictures, strict=True)):
        x, y = i % columns * wide, i // columns * high
        pen.text((x, y), text[:20], fill="black", font_size=9)
        page.paste(picture, (x, y + _LINE))
    return page
