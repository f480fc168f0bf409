"""Finds run folders below a folder."""

from __future__ import annotations

from pathlib import Path

MAX_DEPTH = 3


def find_runs(folder: Path) -> list[Path]:
    """Return the run folders in a folder and in its inner folders, at most three deep; links are not followed.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     find_runs(Path(folder))
    []
    """
    return _runs_in(folder, 0)


def _runs_in(folder: Path, depth: int) -> list[Path]:
    if (folder / "run.sqlite").is_file():
        return [folder]
    if depth >= MAX_DEPTH:
        return []
    try:
        inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return []
    return [run for path in inner for run in _runs_in(path, depth + 1)]
