"""From what a user types to a suite: the name of one that ships, a suite file, or somebody else's file as it is."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from countcheck.errors import BadSuite, UnknownName
from countcheck.resources import shipped
from countcheck.suites.load import read_suite
from countcheck.suites.readers import EXTENSIONS, looks_like
from countcheck.suites.suite import Suite

# Name -> "module:function"; each takes a path and the two ways of reading text.
FORMATS = {
    "geneval": "countcheck.suites.formats.geneval:read",
    "geneval2": "countcheck.suites.formats.geneval2:read",
    "compbench": "countcheck.suites.formats.compbench:read",
    "cococount": "countcheck.suites.formats.cococount:read",
    "geckonum": "countcheck.suites.formats.geckonum:read",
    "drawbench": "countcheck.suites.formats.drawbench:read",
    "parti": "countcheck.suites.formats.parti:read",
    "overt": "countcheck.suites.formats.overt:read",
    "text": "countcheck.suites.formats.plain:read_lines",
    "csv": "countcheck.suites.formats.plain:read_csv",
    "jsonl": "countcheck.suites.formats.plain:read_jsonl",
    "json": "countcheck.suites.formats.plain:read_json",
    "datasets": "countcheck.suites.formats.plain:read_dataset",
}

# Formats whose files a more general reader takes as well.
_TAKES = {
    "csv": {"csv", "geckonum", "parti", "drawbench"},
    "jsonl": {"jsonl", "geneval", "geneval2"},
    "json": {"json", "cococount"},
    "text": {"text"},
    "compbench": {"text"},
    "overt": {"overt", "csv", "json", "jsonl"},
    "parti": {"parti", "csv"},
}


def shipped_suites() -> dict[str, Path]:
    """Every suite that ships: name to file."""
    return {path.stem: path for path in sorted(shipped("prompts").glob("*.yaml"))}


def load_suite(spec: str) -> Suite:
    """The suite behind a name or a path. Raises `UnknownName`, `BadSuite`."""
    known = shipped_suites()
    if spec in known:
        return read_suite(known[spec])
    path = Path(spec)
    if not path.exists():
        if path.suffix or "/" in spec:
            raise BadSuite(f"{spec}: no such file. Give a file, or the name of a suite: {', '.join(known)}.")
        raise UnknownName("suite", spec, known)
    return import_suite("auto", path)


def import_suite(format: str, path: Path, *, article: str = "ignore", approximate: bool = False) -> Suite:
    """The suite in somebody else's file, or in one of ours.

    Args:
        format: One of `FORMATS`, or ``auto``.
        path: The file; a folder for a dataset.
        article, approximate: How text is read, where a format leaves targets to it.

    Raises:
        UnknownName: For a format that does not exist.
        BadSuite: For a file of another format; says which it looks like.
    """
    if format not in (*FORMATS, "auto", "yaml"):
        raise UnknownName("format", format, [*FORMATS, "auto"])
    if not path.exists():
        raise BadSuite(f"{path}: no such file. Name a file with prompts: {EXTENSIONS}.")
    like = looks_like(path)
    if format == "auto":
        format = like
    elif like not in _TAKES.get(format, {format}):
        told = f"it looks like {like}" if like else "it looks like none that is known"
        raise BadSuite(f"{path}: this is no {format} file; {told}. Say which it is, or say auto.")
    if format == "yaml":
        return read_suite(path)
    if format not in FORMATS:
        hint = " It holds labels: give it to `score --labels`." if format == "geckonum-labels" else ""
        raise BadSuite(f"{path}: no prompts can be read from it.{hint} Name a file with prompts: {EXTENSIONS}.")
    module, _, name = FORMATS[format].partition(":")
    read: Callable[..., Any] = getattr(importlib.import_module(module), name)
    suite: Suite = read(path, article=article, approximate=approximate)
    return suite
