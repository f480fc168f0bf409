"""JSON schemas of what the commands write, one file a shape."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import orjson


def schema(name: str) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a shape: ``summary``, ``compare`` ... Raises ``FileNotFoundError``."""
    body: dict[str, Any] = orjson.loads((files(__package__) / f"{name}.json").read_bytes())
    return body
