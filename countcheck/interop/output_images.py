"""Find the image in what a model gave: a ``data:`` address, base64, Markdown, JSON, a path, or promptfoo's own address."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BLOB = re.compile(r"promptfoo://blob/([0-9a-f]{64})")
_MARKDOWN = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")


def image_of(output: Any) -> bytes | Path | None:
    """Find the image in a provider's output; ``None`` when there is none.

    >>> image_of("![three pigs](data:image/png;base64,iVBORw==)")
    b'\\x89PNG'
    """
    if isinstance(output, Mapping):
        for name in ("b64_json", "image", "url", "output"):
            if output.get(name):
                return image_of(output[name])
        entries = output.get("data") or output.get("images")
        return image_of(entries[0]) if isinstance(entries, list) and entries else None
    if not isinstance(output, str):
        return None
    text = output.strip()
    if match := _MARKDOWN.search(text):
        text = match[1]
    if match := _BLOB.fullmatch(text):
        return _blob(match[1])
    if text.startswith("data:"):
        return _decoded(text.partition(",")[2])
    if text.startswith("{"):
        return _from_json(text)
    path = text.removeprefix("file://")
    if len(path) < 1024 and "\n" not in path and Path(path).suffix and Path(path).is_file():
        return Path(path)
    return _decoded(text) if len(text) > 100 else None


def _blob(digest: str) -> Path | None:
    """The file in which promptfoo keeps an image that it took out of an output."""
    folder = Path(os.environ.get("PROMPTFOO_CONFIG_DIR") or Path.home() / ".promptfoo")
    path = folder / "blobs" / digest[:2] / digest[2:4] / digest
    return path if path.is_file() else None


def _from_json(text: str) -> bytes | Path | None:
    import orjson

    try:
        return image_of(orjson.loads(text))
    except orjson.JSONDecodeError:
        return None


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None
