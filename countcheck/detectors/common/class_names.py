"""Class names of weights that name none themselves."""

from __future__ import annotations

from pathlib import Path

from countcheck.errors import BadSettings


def read_class_names(path: str | Path, name: str) -> list[str]:
    """Read a text file with one class name a line, in the order of the network's outputs; empty lines are skipped.

    Args:
        path: Of the file.
        name: Of the counter, for the error.

    Raises:
        BadSettings: When the file cannot be read.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{name}: names: {path} cannot be read ({error}).") from error
    return [line.strip() for line in lines if line.strip()]
