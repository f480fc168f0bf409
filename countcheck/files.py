"""Writes files whole, holds a lock for one process, and turns disk errors into sentences."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from countcheck.errors import BadInput, DiskFull

PART = ".part"  # what a file not yet whole is called, after a dot and some letters

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NOT_ALLOWED = (
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
        durable: Wait until the file and its name are safely on disk, so that they survive a power cut.

    Raises:
        OSError: When it cannot be written; `disk_errors_as_sentences` turns that into a sentence.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     atomic_write(Path(folder) / "runs" / "report.html", b"<!doctype html>")
    ...     (Path(folder) / "runs" / "report.html").read_text()
    '<!doctype html>'
    """
    with whole_file(path, durable=durable) as file:
        file.write(data)


@contextlib.contextmanager
def whole_file(path: Path, *, durable: bool = False) -> Iterator[BinaryIO]:
    """Open a file that appears whole or not at all, when its block ends; for what is too large to hold in memory.

    A device, a pipe or a link is written to at the end of the block; see `atomic_write`.

    Args:
        path: Where the file belongs; its folder is made.
        durable: See `atomic_write`.

    Raises:
        OSError: When it cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "rows.csv") as file:
    ...         written = file.write(b"key")
    ...         before = (Path(folder) / "rows.csv").exists()
    ...     before, (Path(folder) / "rows.csv").read_text()
    (False, 'key')
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        with tempfile.TemporaryFile() as spooled:
            yield spooled
            spooled.seek(0)
            with path.open("wb") as target:
                shutil.copyfileobj(spooled, target)
        return
    make_folder(path.parent, durable=durable)
    part = path.with_name(f".{secrets.token_hex(8)}{PART}")
    try:
        with part.open("xb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def make_folder(folder: Path, *, durable: bool = False) -> None:
    """Make a folder and those above it; nothing happens when it is there.

    Args:
        folder: Which.
        durable: Wait until its name is safely on disk.

    Raises:
        OSError: When it cannot be made.
    """
    if folder.is_dir():
        return
    missing = [folder, *(above for above in folder.parents if not above.exists())]
    folder.mkdir(parents=True, exist_ok=True)
    if durable:
        for made in missing:
            sync_folder(made.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are safely on disk: a renamed file may be gone after a power cut until then."""
    if os.name == "nt":  # Windows opens no folders; it keeps names safe by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot
            raise
    finally:
        os.close(descriptor)


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

    The lock is the operating system's on an empty file of its own, and ends with its process.

    Raises:
        BadInput: When another process writes there, or it is not allowed.
        DiskFull: When there is no room.
    """
    from filelock import FileLock, Timeout  # brings asyncio: only what writes a run needs it

    with disk_errors_as_sentences(folder):
        make_folder(folder)
        # A lock that is a mere file would outlive a killed process.
        lock = FileLock(folder / "run.lock", timeout=0, fallback_to_soft=False)
        try:
            lock.acquire()
        except Timeout as error:
            raise BadInput(
                f"{folder}: another run is writing there. Wait for its end, or name another folder with -o."
            ) from error
        except OSError as error:
            if error.errno != errno.ENOSYS:
                raise
            raise BadInput(f"{folder}: its file system knows no locks. Choose another folder with -o.") from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def disk_errors_as_sentences(path: Path) -> Iterator[None]:
    """Turn errors of the file system and of SQLite about room and permission into one sentence; others pass.

    Raises:
        DiskFull: When there is no room.
        BadInput: When it is not allowed to write there, or another process holds the ledger.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise _full(path) from error
        if error.errno in _NOT_ALLOWED:
            raise BadInput(f"{path}: cannot write there ({error.strerror}). Choose another folder with -o.") from error
        raise
    except Exception as error:
        text = _ledger_refusal(error)
        if "full" in text:
            raise _full(path) from error
        if "locked" in text:
            raise BadInput(f"{path}: the ledger is locked. Wait for the end of what else is writing there.") from error
        if "readonly" in text or "unable to open" in text:
            raise BadInput(f"{path}: cannot write there ({text}). Choose another folder with -o.") from error
        raise


def _ledger_refusal(error: BaseException) -> str:
    """Return what SQLite says when SQLAlchemy cannot do something with a ledger; empty for any other error."""
    loaded = sys.modules.get("sqlalchemy")
    return str(error.orig) if loaded is not None and isinstance(error, loaded.exc.OperationalError) else ""


def _full(path: Path) -> DiskFull:
    return DiskFull(f"{path}: no room left on the disk. Make room and give the same command again: it goes on.")
