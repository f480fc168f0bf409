"""A report onto disk: whole or not at all."""

from __future__ import annotations

from pathlib import Path

from countcheck.errors import BadInput


def write_text(text: str, target: Path) -> Path:
    """Write a text file and return its path; a reader never sees half of it.

    Raises:
        BadInput: When it cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}.part")
        # A lone surrogate from a damaged file name must not cost the report.
        unfinished.write_text(text, encoding="utf-8", errors="replace")
        unfinished.replace(target)
    except OSError as error:
        raise BadInput(f"{target} cannot be written ({error.strerror}). Name another file with -o.") from error
    return target
