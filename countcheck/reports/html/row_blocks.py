"""Where a page keeps its rows: in blocks inside it, or as script files in a folder beside it, loaded when they are shown.

A page that is opened from a disk may load scripts from there, and nothing else. A block is base64 text, which holds
nothing that a browser could take for markup or code.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from countcheck.files import disk_errors_as_sentences, make_folder

_OLD = re.compile(r"[0-9a-f]{16}|\.[0-9a-f]{16}\.part")


class RowBlocks:
    """The blocks of one page.

    Args:
        folder: Where they become files; ``None`` to keep them for the page itself.

    Attributes:
        texts: Name to base64 text, of blocks inside the page.
    """

    def __init__(self, folder: Path | None) -> None:
        self.texts: dict[str, str] = {}
        self._folder = folder
        self._digest = hashlib.sha256()

    @property
    def inside(self) -> bool:
        """Whether they are inside the page."""
        return self._folder is None

    def add(self, name: str, text: str) -> None:
        """Add a block. Raises ``OSError`` when its file cannot be written."""
        self.note(self.write(name, text))

    def write(self, name: str, text: str) -> bytes:
        """Write a block and return its digest, for `note`. Raises ``OSError`` when its file cannot be written."""
        if self._folder is None:
            self.texts[name] = text
            return b""
        code = f'countcheckBlock("{name}","{text}")'.encode()
        (self._folder / f"{name}.js").write_bytes(code)
        return hashlib.sha256(code).digest()

    def note(self, digest: bytes) -> None:
        """Note that a block was written, maybe by another process; always in the same order."""
        self._digest.update(digest)

    @property
    def token(self) -> str:
        """What changes whenever a block does."""
        return self._digest.hexdigest()[:16]


@contextlib.contextmanager
def blocks_beside(page: Path) -> Iterator[tuple[RowBlocks, list[str]]]:
    """Open a new folder of blocks beside a page; it appears whole, under a name of its own, when the block ends.

    A page that is there goes on with its own folder until `remove_old_blocks`.

    Yields:
        The blocks, and a list that gets the folder's address, relative to the page.

    Raises:
        BadInput, DiskFull: When it cannot be written.
    """
    home = _home(page)
    part = home / f".{secrets.token_hex(8)}.part"
    address: list[str] = []
    with disk_errors_as_sentences(page):
        make_folder(part)
        try:
            blocks = RowBlocks(part)
            yield blocks, address
            target = home / blocks.token
            if target.exists():
                shutil.rmtree(part)
            else:
                part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    address.append(quote(f"{home.name}/{target.name}".encode("utf-8", "surrogateescape")))


def remove_old_blocks(page: Path, address: str) -> None:
    """Remove the blocks of earlier versions of a page; those at ``address`` stay."""
    home = _home(page)
    if not home.is_dir():
        return
    for folder in home.iterdir():
        if _OLD.fullmatch(folder.name) and not address.endswith(f"/{folder.name}"):
            shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # others keep something there
        home.rmdir()


def _home(page: Path) -> Path:
    return page.with_name(f"{page.stem}_rows")
