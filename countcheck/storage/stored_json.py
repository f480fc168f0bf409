"""JSON as the ledger stores it: values of other types are written as the plain ones nearest to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson


def to_text(value: object) -> str:
    """Write a value as JSON text; sets as sorted lists, NumPy numbers as numbers, what else is unknown as its text.

    >>> to_text({"nouns": {"wolf", "pig"}})
    '{"nouns":["pig","wolf"]}'
    """
    return orjson.dumps(value, default=_plain).decode()


def as_stored(value: object) -> Any:
    """Return a value as it reads back out of the ledger.

    >>> as_stored({"size": (64, 48)})
    {'size': [64, 48]}
    """
    return orjson.loads(orjson.dumps(value, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, np.generic):
        return value.item()
    return str(value)
