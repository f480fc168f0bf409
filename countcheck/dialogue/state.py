"""Serialise the state of a dialogue: plain JSON whose bytes are stored apart, each under its SHA-256.

>>> files: dict[str, bytes] = {}
>>> text = pack({"turn": 2, "picture": b"pixels"}, files.__setitem__)
>>> unpack(text, files.__getitem__)
{'turn': 2, 'picture': b'pixels'}
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import orjson

_BYTES = "$bytes"  # marks the digest of bytes that are stored apart
_DIGEST = re.compile(r"[0-9a-f]{64}")


def pack(state: Any, store: Callable[[str, bytes], None]) -> str:
    """Return a state as text.

    Args:
        state: Plain JSON that may hold ``bytes``.
        store: Receives the bytes and their SHA-256 (64 hex digits).

    Raises:
        TypeError: When the state holds anything else.
        OSError: When ``store`` raises it.
    """

    def reference(value: object) -> object:
        if not isinstance(value, bytes):
            raise TypeError(f"a {type(value).__name__} is no plain JSON")
        digest = hashlib.sha256(value).hexdigest()
        store(digest, value)
        return {_BYTES: digest}

    try:
        return orjson.dumps(state, default=reference).decode()
    except TypeError as error:  # the encoder wraps whatever was raised above
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise


def is_packable(state: Any) -> bool:
    """Tell whether there is a state and `pack` accepts it.

    >>> is_packable({"turn": 1}), is_packable({1, 2}), is_packable(None)
    (True, False, False)
    """
    try:
        pack(state, lambda digest, data: None)
    except TypeError:
        return False
    return state is not None


def unpack(text: str, load: Callable[[str], bytes]) -> Any:
    """Return the state that `pack` made a text of.

    Args:
        text: What `pack` returned.
        load: Returns bytes by their SHA-256.

    Raises:
        ValueError: When the text or the bytes are damaged.
        OSError: When ``load`` raises it.
    """

    def resolve(value: Any) -> Any:
        if isinstance(value, list):
            return [resolve(each) for each in value]
        if not isinstance(value, dict):
            return value
        if value.keys() != {_BYTES}:
            return {name: resolve(each) for name, each in value.items()}
        # A model's words may stand in a state too: such a mark is trusted no further than a digest.
        digest = str(value[_BYTES])
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest[:80]!r} is no digest")
        data = load(digest)
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError(f"the bytes {digest} are damaged")
        return data

    return resolve(orjson.loads(text))
