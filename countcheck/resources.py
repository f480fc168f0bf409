"""Where the suites, cards and models that ship with the program lie."""

from __future__ import annotations

from pathlib import Path


def shipped(folder: str) -> Path:
    """``prompts`` or ``models`` as shipped: inside an installed wheel, or beside the package in a checkout."""
    package = Path(__file__).parent
    inside = package / "_shipped" / folder
    return inside if inside.is_dir() else package.parent / folder
