"""Files written whole or not at all: what reads one never sees half of it."""

from __future__ import annotations

from pathlib import Path


def put(target: Path, data: bytes) -> None:
    """Write a file whole or not at all; its folder is made. Raises `OSError`.

    A device, a pipe or a link (``/dev/null``, ``/dev/stdout``) is written to: a file must never take its place.
    """
    if target.is_symlink() or (target.exists() and not target.is_file()):
        target.write_bytes(data)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.part")
    unfinished.write_bytes(data)
    unfinished.replace(target)
