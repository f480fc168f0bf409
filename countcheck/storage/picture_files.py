"""Where a run's picture files lie: in its folder, or at a URL that fsspec knows (``s3://``, ``gs://``, ``file://``).

Names are relative, as the ledger holds them: ``images/ab/<key>.png``.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from countcheck.errors import BadInput, BadSettings, CountcheckError, DiskFull, MissingExtra, first_line
from countcheck.files import atomic_write, disk_errors_as_sentences

_URL = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+://")
_DENIED = ("credential", "access denied", "accessdenied", "forbidden", "unauthorized", "invalidaccesskey", "signature")
_FULL = ("quota", "no space", "insufficient storage", "storage full", "entitytoolarge", "full")


class PictureFiles(Protocol):
    """Picture files under relative names."""

    def write(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Write a file whole or not at all; when ``durable``, return once it is safely stored."""
        ...

    def read(self, name: str) -> bytes:
        """Read a file. Raises `BadInput` when it is not there."""
        ...

    def sizes(self, inside: str) -> dict[str, int]:
        """Return the name and the length in bytes of every file inside a folder."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file that is there."""
        ...


def open_files(place: str | Path) -> PictureFiles:
    """Return the files of a folder or of a URL.

    Args:
        place: A folder, or a URL; ``file://`` is a folder.

    Raises:
        MissingExtra: When fsspec is not installed.
        BadSettings: For a URL that fsspec has no driver for, naming the package to install, or that holds a password.

    >>> type(open_files("runs/pigs")).__name__
    'FolderFiles'
    """
    if isinstance(place, Path) or not is_url(place):
        return FolderFiles(Path(place))
    parts = urlsplit(place)
    if parts.password:
        raise BadSettings(
            f"{parts.scheme}://...{parts.path} holds a password. Leave it out: the driver reads keys where it always does."
        )
    if parts.scheme == "file":
        return FolderFiles(Path(unquote(parts.path)))
    return UrlFiles(place)


def is_url(place: str) -> bool:
    """Whether this is a URL and no path of a folder."""
    return _URL.match(place) is not None


class FolderFiles:
    """The files of a folder on this machine, or shared by several.

    Args:
        folder: That the names are relative to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Write a file whole or not at all; when ``durable``, return once it is safely stored.

        Raises:
            DiskFull: When there is no room.
            BadInput: When it may not be written.
        """
        with disk_errors_as_sentences(self.folder):
            atomic_write(self.folder / name, data, durable=durable)

    def read(self, name: str) -> bytes:
        """Read a file.

        Raises:
            BadInput: When it cannot be read.
        """
        path = self.folder / name
        try:
            return path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path} cannot be read ({error.strerror or error}). Restore it from a copy.") from error

    def sizes(self, inside: str) -> dict[str, int]:
        """Return the name and the length in bytes of every file inside a folder."""
        found = {}
        for parent, _, names in os.walk(self.folder / inside):
            inside_of = Path(parent).relative_to(self.folder).as_posix()
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    found[f"{inside_of}/{name}"] = os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 (100,000 of them)
        return found

    def remove(self, name: str) -> None:
        """Remove a file.

        Raises:
            BadInput: When it may not be removed.
        """
        with disk_errors_as_sentences(self.folder):
            (self.folder / name).unlink()


class UrlFiles:
    """The objects under a URL. An object store writes each whole or not at all.

    Args:
        url: That the names are relative to.

    Raises:
        MissingExtra: When fsspec is not installed.
        BadSettings: When fsspec has no driver for it, naming the package to install.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._files, self._root = _file_system(self.url)

    def write(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Write an object.

        Raises:
            DiskFull: When there is no room.
            BadInput: When it may not be written.
        """
        with self._errors_as_sentences("write to"):
            path = f"{self._root}/{name}"
            with contextlib.suppress(NotImplementedError):  # object stores have no folders
                self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, data)

    def read(self, name: str) -> bytes:
        """Read an object.

        Raises:
            BadInput: When it cannot be read.
        """
        with self._errors_as_sentences("read", name):
            return bytes(self._files.cat_file(f"{self._root}/{name}"))

    def sizes(self, inside: str) -> dict[str, int]:
        """Return the name and the length in bytes of every object inside a folder.

        Raises:
            BadInput: When they cannot be listed.
        """
        root = self._root.lstrip("/")
        with self._errors_as_sentences("list"):
            self._files.invalidate_cache()
            try:
                found = self._files.find(f"{self._root}/{inside}", detail=True)
            except FileNotFoundError:
                return {}
        return {path.lstrip("/")[len(root) :].lstrip("/"): int(entry.get("size") or 0) for path, entry in found.items()}

    def remove(self, name: str) -> None:
        """Remove an object.

        Raises:
            BadInput: When it may not be removed.
        """
        with self._errors_as_sentences("remove from"):
            self._files.rm_file(f"{self._root}/{name}")

    @contextlib.contextmanager
    def _errors_as_sentences(self, action: str, name: str = "") -> Iterator[None]:
        """Drivers raise exceptions of every kind."""
        place = f"{self.url}/{name}" if name else self.url
        try:
            yield
        except CountcheckError:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {first_line(error)}"[:300]
            text = said.lower()
            if isinstance(error, PermissionError) or any(word in text for word in _DENIED):
                raise BadInput(
                    f"cannot {action} {place} ({said}). Set the credentials of the bucket on every machine of the run; "
                    "nothing is lost, and the same command goes on."
                ) from error
            if any(word in text for word in _FULL):
                raise DiskFull(
                    f"{self.url} has no room left ({said}). Make room and give the same command again: it goes on."
                ) from error
            raise BadInput(
                f"cannot {action} {place} ({said}). Look at the bucket and the network; the same command goes on."
            ) from error


def _file_system(url: str) -> tuple[Any, str]:
    """The driver of a URL, and the path that it stands for."""
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtra("remote", feature="a folder of pictures at a URL") from error
    scheme = url.partition("://")[0]
    try:
        files, path = fsspec.core.url_to_fs(url)
    except ImportError as error:  # fsspec says which package to install
        raise BadSettings(f"{url} needs a driver that is not installed: {first_line(error)}.") from error
    except ValueError as error:
        raise BadSettings(
            f"{url}: {scheme}:// is not known ({first_line(error)}). Give s3://, gs:// or file://."
        ) from error
    except Exception as error:  # drivers may look for keys at once
        raise BadSettings(f"{url} cannot be opened ({type(error).__name__}: {first_line(error)}).") from error
    return files, str(path).rstrip("/")
