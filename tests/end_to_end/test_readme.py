"""The README's Python gives what it says, and its commands exist. Its commands run in test_documented_commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def blocks(language: str = "bash") -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.M | re.S
    )


def test_the_readme_names_only_commands_that_exist():
    from typer.main import get_command

    from countcheck.cli.main import app, execute

    execute(["--help"])
    known = set(get_command(app).commands)
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    used = set(re.findall(r"countcheck ([a-z]+)\b(?= |`|$)", text)) - {"measures", "as"}
    assert used <= known, used - known


def test_the_python_of_the_readme_gives_what_it_says(tmp_path):
    """Every line ends in the value that its comment names."""
    lines = []
    for block in blocks("python"):
        for line in block.splitlines():
            code, comment, value = line.partition("  # ")
            lines.append(f"assert ({code}) == {value}, {code}" if comment else line)
    assert sum(line.startswith("assert") for line in lines) == 4
    subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        check=True,
    )
