"""Small folders of pictures, made by the tests."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from countcheck.suites.suite import Prompt, Suite, Target


def png(value: int = 0) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (value, 0, 0)).save(out, "PNG")
    return out.getvalue()


def put(folder: Path, *names: str) -> None:
    for n, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(n))


PIGS = Prompt(id="pigs", text="three pigs", targets=(Target(noun="pig", count=3),))
CATS = Prompt(id="cats", text="two cats, film noir", targets=(Target(noun="cat", count=2),))
SUITE = Suite(name="s", prompts=(PIGS, CATS))
