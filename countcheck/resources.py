"""The folders of suites, cards and models that ship with the program."""

from __future__ import annotations

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
