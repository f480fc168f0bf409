"""Files by name: the folders that ship with the program, and paths as printable text. Writing is `countcheck.files`'s."""

from __future__ import annotations

import os
from pathlib import Path


def shipped(folder: str) -> Path:
    """Return a shipped folder: inside an installed wheel, or beside the package in a checkout.

    Args:
        folder: ``prompts`` or ``models``.

    >>> (shipped("prompts") / "demo.yaml").is_file()
    True
    """
    package = Path(__file__).parent
    inside = package / "_shipped" / folder
    return inside if inside.is_dir() else package.parent / folder


def printable_path(path: Path | str) -> str:
    r"""Return a path as text that every terminal, JSON file and database takes: bytes that are not UTF-8 are escaped.

    >>> printable_path(Path("pigs") / os.fsdecode(b"caf\xe9.png"))
    'pigs/caf\\xe9.png'
    """
    text = os.fspath(path)
    try:
        return text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="backslashreplace")
    except UnicodeEncodeError:  # half of a character beyond 16 bits, which no file name holds
        return text.encode("utf-8", errors="backslashreplace").decode("utf-8")
