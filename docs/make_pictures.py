"""Make the pictures of the README from a run of the models that ship: python docs/make_pictures.py

Needs Chromium and the extra ``test``.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

IMAGES = Path(__file__).parent / "images"
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from chromium import chromium  # noqa: E402 -- the same browser that the tests use

COLUMNS = 92
LINES = 17  # of the comparison: up to the shares of wrong pictures
# Colours that can be read on the dark ground: the eight of a terminal, and their bright ones.
_EIGHT = [
    (40, 44, 52),
    (240, 113, 120),
    (152, 195, 121),
    (229, 192, 123),
    (97, 175, 239),
    (198, 120, 221),
    (86, 182, 194),
]
THEME = TerminalTheme((20, 23, 28), (216, 222, 233), [*_EIGHT, (216, 222, 233)], [*_EIGHT, (255, 255, 255)])
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 22px 26px; background: #14171c; color: #d8dee9; width: max-content; }}
pre {{ margin: 0; font: 14px/1.45 "DejaVu Sans Mono", monospace; }}
.r1 {{ font-weight: bold; }}
</style><pre>{lines}</pre>"""


def countcheck(folder: Path, *arguments: str) -> str:
    """Run the program in a terminal of its own and return what it printed, with its colours."""
    environment = os.environ | {"COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    done = subprocess.run(
        [sys.executable, "-m", "countcheck", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def terminal_page(texts: list[tuple[str, str]]) -> str:
    """Return a page that shows commands and what they printed."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for command, printed in texts:
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        console.print(Text.from_ansi(printed.rstrip("\n")), no_wrap=True)
        console.print()
    return PAGE.format(lines=console.export_html(theme=THEME, inline_styles=True, code_format="{code}").strip())


def main() -> None:
    """Write docs/images/report.png and docs/images/terminal.png."""
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        countcheck(folder, "run", "demo", "-g", "tiny", "-d", "tiny", "--limit", "24", "-o", "runs/tiny")
        noisy = "noisy=scenes?error_rate=0.4"
        countcheck(folder, "run", "demo", "-g", noisy, "-d", "tiny", "--limit", "24", "-o", "runs/noisy")
        countcheck(folder, "report", "runs/tiny", "runs/noisy", "-o", "report.html")
        compared = countcheck(folder, "compare", "runs/tiny", "runs/noisy").splitlines()
        page = terminal_page([("countcheck compare runs/tiny runs/noisy", "\n".join(compared[:LINES]))])
        (folder / "terminal.html").write_text(page, encoding="utf-8")
        for file, width, height in (("report", 1280, 1000), ("terminal", 900, 300)):
            tab = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1.5)
            tab.goto((folder / f"{file}.html").as_uri())
            part = tab.locator("body") if file == "terminal" else tab
            shot = Image.open(io.BytesIO(part.screenshot()))
            shot.convert("RGB").quantize(255).save(IMAGES / f"{file}.png", optimize=True)


if __name__ == "__main__":
    main()
