"""Files that are read: the folders that ship, paths as printable text, and what files contain, as a digest.

Writing is `countcheck.files`'s.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

# A file that changed this recently may change again within the same tick of the file system's clock.
_SETTLED_NS = 2_000_000_000
# Of a model's folder: what no program loads.
_NOT_CONTENT = (".md", ".png", ".jpg", ".jpeg", ".webp", ".gif")


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


def exists(path: Path) -> bool:
    """Return whether a file or folder is there; no file can have a name that is too long or has a NUL in it.

    >>> exists(Path("x" * 300)), exists(Path("a\\0b")), exists(Path("."))
    (False, False, True)
    """
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def content_digest(path: Path) -> str:
    """Return a digest of a file, or of a folder with everything a model in it is loaded from: "sha256:" and 64 hex digits.

    Of a folder, names and bytes of all files count but hidden ones, texts for people (.md) and pictures. The digest of
    a file is remembered beside its size and times, in `cache_folder`, so that an unchanged file is not read again.

    Raises:
        OSError: If a file cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     weights = Path(folder) / "weights.bin"
    ...     _ = weights.write_bytes(b"one")
    ...     before = content_digest(Path(folder))
    ...     _ = weights.write_bytes(b"two")
    ...     content_digest(Path(folder)) == before
    False
    """
    if not path.is_dir():
        return f"sha256:{next(iter(_file_digests([path])))}"
    files = sorted(p for p in path.rglob("*") if _is_content(p.relative_to(path)) and p.is_file())
    return files_digest({p.relative_to(path).as_posix(): p for p in files})


def files_digest(files: dict[str, Path]) -> str:
    """Return a digest of files under names: "sha256:" and 64 hex digits. It changes with any name and any byte.

    Raises:
        OSError: If a file cannot be read.
    """
    whole = hashlib.sha256()
    names = sorted(files)
    for name, digest in zip(names, _file_digests([files[name] for name in names]), strict=True):
        whole.update(f"{printable_path(name)}\0{digest}\n".encode())
    return f"sha256:{whole.hexdigest()}"


def cache_folder() -> Path:
    """Return the folder for what can be made again: COUNTCHECK_CACHE, or ``countcheck`` in the user's cache folder."""
    if chosen := os.environ.get("COUNTCHECK_CACHE"):
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "countcheck"


def _is_content(path: Path) -> bool:
    return not any(part.startswith(".") for part in path.parts) and path.suffix.lower() not in _NOT_CONTENT


def _file_digests(paths: Iterable[Path]) -> Iterator[str]:
    """SHA-256 of each file, 64 hex digits; from the cache where the file has not changed since."""
    with contextlib.ExitStack() as stack:
        cache = _open_cache(stack)
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=4, thread_name_prefix="digest"))
        pending = []
        for path in paths:
            status = path.stat()
            state = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
            place = printable_path(path.resolve())
            known = _cached(cache, place, state)
            pending.append((place, state, status, known or pool.submit(_sha256, path)))
        for place, state, status, digest in pending:
            if not isinstance(digest, str):
                digest = digest.result()
                if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS:
                    _remember(cache, place, state, digest)
            yield digest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_cache(stack: contextlib.ExitStack) -> sqlite3.Connection | None:
    """The cache of digests; ``None`` where there can be none: digests are computed then."""
    import sqlite3

    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        cache = sqlite3.connect(folder / "digests.sqlite", timeout=5)
        stack.callback(cache.close)
        cache.execute("CREATE TABLE IF NOT EXISTS digests (path TEXT PRIMARY KEY, state TEXT, digest TEXT)")
        return cache
    except (sqlite3.Error, OSError, RuntimeError):  # RuntimeError: no home folder
        return None


def _cached(cache: sqlite3.Connection | None, place: str, state: str) -> str | None:
    import sqlite3

    if cache is None:
        return None
    with contextlib.suppress(sqlite3.Error):
        row = cache.execute("SELECT digest FROM digests WHERE path = ? AND state = ?", (place, state)).fetchone()
        return str(row[0]) if row and len(str(row[0])) == 64 else None
    return None


def _remember(cache: sqlite3.Connection | None, place: str, state: str, digest: str) -> None:
    import sqlite3

    if cache is not None:
        with contextlib.suppress(sqlite3.Error), cache:
            cache.execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", (place, state, digest))
