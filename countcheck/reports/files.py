"""A report onto disk: whole or not at all."""

from __future__ import annotations

from pathlib import Path

from countcheck.errors import BadInput
from countcheck.whole import put


def write_text(text: str, target: Path) -> Path:
    """Write a text file and return its path; a reader never sees half of it.

    Raises:
        BadInput: When it cannot be written.
    """
    try:
        # A lone surrogate from a damaged file name must not cost the report.
        put(target, text.encode("utf-8", errors="replace"))
    except OSError as error:
        raise BadInput(f"{target} cannot be written ({error.strerror}). Name another file.") from error
    return target
