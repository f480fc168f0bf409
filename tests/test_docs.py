"""The documentation: pages written from the program are up to date, links lead somewhere, commands have such options."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"^    (?:\$ )?((?:[A-Z_]+=\S+ )*countcheck [^\n]*)", re.M)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.M | re.S)


def load_make_pages():
    spec = importlib.util.spec_from_file_location("make_pages", DOCS / "make_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE_PAGES = load_make_pages()


@pytest.mark.parametrize("name", MAKE_PAGES.PAGES)
def test_a_page_that_is_written_from_the_program_is_up_to_date(name):
    assert (DOCS / name).read_text(encoding="utf-8") == MAKE_PAGES.PAGES[name](), "run: python docs/make_pages.py"


def test_every_setting_and_every_option_is_described():
    pages = [MAKE_PAGES.PAGES[name]() for name in ("reference/families.md", "reference/commands.md")]
    bare = [line for page in pages for line in page.splitlines() if line.endswith("|  |")]
    assert bare == [], "write a comment behind the setting's default, or a line in MEANINGS of docs/make_pages.py"


def anchors(page: Path) -> set[str]:
    """The names by which the headings of a page are linked to."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_page_and_a_heading_that_are_there(page):
    wrong = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:  # no test reaches a network
            continue
        place, _, anchor = link.partition("#")
        target = page.parent / place if place else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


def test_the_site_has_every_page_once():
    def files(entries):
        for entry in entries:
            for value in entry.values():
                yield from files(value) if isinstance(value, list) else [value]

    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = list(files(site["nav"]))
    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def documented_commands():
    for page in PAGES:
        for line in COMMAND.findall(page.read_text(encoding="utf-8")):
            yield pytest.param(line, id=f"{page.stem}: {line[:60]}")


@pytest.mark.parametrize("line", list(documented_commands()))
def test_every_command_in_an_outline_has_such_options(line):
    """Commands with placeholders cannot run; their options must exist all the same."""
    from typer.main import get_command

    from countcheck.cli.main import app, execute

    execute(["--version"])  # imports the modules of all commands
    words = [word for word in shlex.split(line, comments=True) if not re.match(r"[A-Z_]+=", word)][1:]
    command = get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    if getattr(command, "commands", None) is not None:  # the outline of a group, as in "COMMAND --help"
        return
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help", "-h"}
    used = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert used <= known, used - known


def test_the_python_of_the_recipes_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = [block for page in sorted((DOCS / "recipes").glob("*.md")) for block in PYTHON.findall(page.read_text())]
    assert blocks
    for block in blocks:
        exec(compile(block, "recipe", "exec"), {})
