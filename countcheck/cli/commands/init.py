"""``init``: write a suite, a gate policy, a configuration file and a CI workflow to start from."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from countcheck.cli.main import SET_UP, app
from countcheck.cli.output import note
from countcheck.errors import BadInput, BadSettings

_SUITE = """\
# Prompts, each with what a picture of it must hold. More: countcheck suite show {name}
name: {name}
about: Written by countcheck init; change it to what your users ask for.

prompts:
{prompts}
"""
_POLICY = """\
# What a run must reach: countcheck gate RUN --policy policy.yaml
level: 0.95
limits:
  lost: 0.05
rules:
  - rate: exact_rate
    at_least: {at_least:g}
  - rate: unclear_refusal_rate
    at_most: 0.05
"""
_CONFIG = """\
# Defaults of options: a flag or a COUNTCHECK_... variable goes before them.
counter = "{counter}"

[run]
generator = ["{generator}"]
repeats = {repeats}
"""
_WORKFLOW = """\
# Put the repository that you have countcheck from in place of OWNER. More: docs/ci.md of countcheck.
name: countcheck
on: [pull_request]
permissions: {{contents: read}}
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with: {{repository: OWNER/countcheck, path: countcheck}}
      - uses: actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065 # v5.6.0
        with: {{python-version: "3.12", cache: pip}}
      - run: pip install --constraint countcheck/constraints.txt './countcheck[local]'
      - run: countcheck run {suite} -o runs/ci
      - uses: ./countcheck
        with: {{run: runs/ci, policy: policy.yaml}}
"""
_PROMPTS = ("three pigs", "two cats and a dog", "five apples on a table")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@app.command(rich_help_panel=SET_UP)
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write the files.")] = Path(),
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the suite.")] = "my-suite",
    prompts: Annotated[
        list[str] | None, typer.Option("--prompt", metavar="TEXT", help="A prompt of the suite, such as 'three pigs'.")
    ] = None,
    generator: Annotated[
        str, typer.Option("-g", "--generator", metavar="GENERATOR", help="Default generator.")
    ] = "tiny",
    counter: Annotated[str, typer.Option("-d", "--counter", metavar="COUNTER", help="Default counter.")] = "tiny",
    at_least: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="Least exact rate that the gate accepts.")
    ] = 0.5,
    workflow: Annotated[bool, typer.Option("--workflow", help="Also write a GitHub workflow.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take the defaults.")] = False,
) -> None:
    """Write a suite, a gate policy and a configuration file to start from.

    In a terminal it asks for what no flag gives. Existing files are never replaced.

    Raises:
        BadInput: When one of the files exists already, or cannot be written.
        BadSettings: When the name cannot be a file's, or a generator or counter is unknown.

    Examples:
        countcheck init
        countcheck init checks --prompt "three pigs" --prompt "two cats" -g sdxl-turbo --yes
    """
    from countcheck.cards import read_generator_card
    from countcheck.counting.counter import counter_card
    from countcheck.files import write_text

    if not yes and not prompts and sys.stdin.isatty():
        name = typer.prompt("Name of the suite", default=name, err=True)
        texts = typer.prompt("Prompts, separated by ;", default="; ".join(_PROMPTS), err=True)
        prompts = [text.strip() for text in texts.split(";") if text.strip()]
        generator = typer.prompt("Generator (see: countcheck list generators)", default=generator, err=True)
        counter = typer.prompt("Counter (see: countcheck list counters)", default=counter, err=True)
    if _NAME.fullmatch(name) is None:
        raise BadSettings(f"--name {name!r} cannot name a file. Use letters, digits, dots and dashes.")
    read_generator_card(generator)
    counter_card(counter)
    files = {
        f"{name}.yaml": _suite(name, prompts or list(_PROMPTS)),
        "policy.yaml": _POLICY.format(at_least=at_least),
        "countcheck.toml": _CONFIG.format(counter=_toml(counter), generator=_toml(generator), repeats=2),
    }
    if workflow:
        files[".github/workflows/countcheck.yml"] = _WORKFLOW.format(suite=f"{name}.yaml")
    present = [file for file in files if (folder / file).exists()]
    if present:
        raise BadInput(f"{folder / present[0]} is already there. Name another folder; nothing was written.")
    for file, text in files.items():
        target = folder / file
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"{target.parent} cannot be made ({error.strerror}). Name another folder.") from error
        typer.echo(write_text(text, target))
    note(_next_step(folder, name))


def _next_step(folder: Path, name: str) -> str:
    """Say what to type next, and where: the configuration holds in the folder that it lies in."""
    where = "" if folder.resolve() == Path.cwd().resolve() else f", in {folder}"
    return f"next{where}: countcheck run {name}.yaml, then: countcheck gate RUN --policy policy.yaml"


def _suite(name: str, prompts: list[str]) -> str:
    """Write the suite's YAML with the targets that each prompt is read to have."""
    from countcheck.suites.language.read_targets import read_targets

    blocks = []
    for text in prompts:
        targets = read_targets(text, article="one").targets
        if not targets:
            raise BadInput(f"the prompt {text[:80]!r} asks for no number of things. Write one such as 'three pigs'.")
        lines = [f"  - text: {_quoted(text)}"]
        plain = {target.noun: target.count for target in targets if target.sentence().startswith("exactly ")}
        if len(plain) == len(targets):
            lines.append(f"    targets: {{{', '.join(f'{_quoted(noun)}: {n}' for noun, n in plain.items())}}}")
        blocks.append("\n".join(lines))
    return _SUITE.format(name=name, prompts="\n".join(blocks))


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def _toml(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
