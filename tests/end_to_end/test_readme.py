"""The README's commands, run as written and in order, from a directory that looks like a clone."""

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


def test_every_command_in_the_readme_runs_as_written(tmp_path):
    bin_folder = tmp_path / ".venv/bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "activate").write_text("")
    command = bin_folder / "countcheck"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m countcheck "$@"\n')
    command.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "COLUMNS": "100",
    }
    script = "\n".join(["set -euo pipefail", *blocks()])
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert (tmp_path / "runs/report.html").stat().st_size > 100_000
    assert "Traceback" not in done.stderr


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


def test_every_page_and_picture_that_the_docs_link_to_is_there():
    pages = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
    missing = [
        f"{page.name}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert missing == []
