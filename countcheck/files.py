"""Files put safely on disk, and the sentence for a disk with no room left."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from countcheck.errors import BadInput, DiskFull

_BARRED = (
    errno.EACCES,
    errno.EROFS,
    errno.EPERM,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EEXIST,
    errno.ENOENT,
)


def atomic_write(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write a file whole or not at all; its folder is made.

    A device, a pipe or a link (``/dev/null``, ``/dev/stdout``) is written to in place: a file must never replace it.

    Args:
        path: Where the file belongs.
        data: All of its bytes.
        durable: Wait until the file is safely on disk, so that it survives a power cut.

    Raises:
        OSError: When it cannot be written; `disk_errors_as_sentences` turns that into a sentence.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        path.write_bytes(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    with unfinished.open("wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    unfinished.replace(path)


def write_text(text: str, target: Path) -> Path:
    """Write a text file whole or not at all and return its path.

    Raises:
        BadInput: When it cannot be written.
    """
    try:
        # A lone surrogate from a damaged file name must not cost the report.
        atomic_write(target, text.encode("utf-8", errors="replace"))
    except OSError as error:
        raise BadInput(f"{target} cannot be written ({error.strerror}). Name another file.") from error
    return target


@contextlib.contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Let one process at a time write in a folder, which is made: two would make, and pay for, the same pictures.

    The lock is SQLite's on an empty file of its own, so that it works wherever the ledger does and dies with its process.

    Raises:
        BadInput: When another process writes there.
    """
    with disk_errors_as_sentences(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            lock = sqlite3.connect(folder / "run.lock", timeout=0, isolation_level=None)
            stack.enter_context(contextlib.closing(lock))
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if "locked" in str(error):
                raise BadInput(
                    f"{folder}: another run is writing there. Wait for its end, or name another folder with -o."
                ) from error
            raise BadInput(f"{folder}: cannot write there ({error}). Choose another folder with -o.") from error
        yield


@contextlib.contextmanager
def disk_errors_as_sentences(path: Path) -> Iterator[None]:
    """Turn "no room left" from the file system or SQLite into one sentence; anything else passes."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(path) from error
        if error.errno in _BARRED:
            raise BadInput(f"{path}: cannot write there ({error.strerror}). Choose another folder with -o.") from error
        raise
    except sa.exc.OperationalError as error:
        if "full" in str(error.orig):
            raise _full(path) from error
        if "readonly" in str(error.orig) or "locked" in str(error.orig):
            raise BadInput(f"{path}: the ledger is {first_line(error)}. Is another run writing there?") from error
        raise


def first_line(error: BaseException) -> str:
    """What an error says, in one line; of a database error what lies beneath it says."""
    return str(getattr(error, "orig", error)).splitlines()[0]


def _full(path: Path) -> DiskFull:
    return DiskFull(f"{path}: no room left on the disk. Make room and give the same command again: it goes on.")
