"""From what a user types to a suite: the name of one that ships, or a file."""

from __future__ import annotations

from pathlib import Path

from countcheck.errors import BadSuite, UnknownName
from countcheck.shipped import shipped
from countcheck.suites.files import read_suite
from countcheck.suites.suite import Suite


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
    return read_suite(path)
