"""Where a dialogue stands, as text: plain JSON with its bytes left out, each in a place of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import orjson

_BYTES = "$bytes"  # marks the digest of bytes that lie elsewhere
_DIGEST = re.compile(r"[0-9a-f]{64}")


def packed(state: Any, put: Callable[[str, bytes], None]) -> str:
    """A state as text; ``put`` is handed each of its bytes under their SHA-256.

    Raises:
        TypeError: For what is no plain JSON.
    """

    def away(value: object) -> object:
        if not isinstance(value, bytes):
            raise TypeError(f"a {type(value).__name__} is no plain JSON")
        digest = hashlib.sha256(value).hexdigest()
        put(digest, value)
        return {_BYTES: digest}

    try:
        return orjson.dumps(state, default=away).decode()
    except TypeError as error:  # the encoder wraps whatever was raised above
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise


def tells(state: Any) -> bool:
    """Whether a state can be packed."""
    try:
        packed(state, lambda digest, data: None)
    except TypeError:
        return False
    return state is not None


def unpacked(text: str, get: Callable[[str], bytes]) -> Any:
    """The state that was packed; ``get`` finds bytes by their SHA-256.

    Raises:
        ValueError: For damaged text or bytes.
    """

    def back(value: Any) -> Any:
        if isinstance(value, list):
            return [back(one) for one in value]
        if not isinstance(value, dict):
            return value
        if value.keys() != {_BYTES}:
            return {name: back(one) for name, one in value.items()}
        # What a model said may stand in a state too: such a mark is trusted no further than a digest.
        digest = str(value[_BYTES])
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest[:80]!r} is no digest")
        found = get(digest)
        if hashlib.sha256(found).hexdigest() != digest:
            raise ValueError(f"the bytes {digest} are damaged")
        return found

    return back(orjson.loads(text))
