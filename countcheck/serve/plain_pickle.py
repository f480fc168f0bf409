"""Read the pickles of reward clients without running anything: plain containers, text, bytes, numbers and numpy arrays.

`pickle.loads` calls whatever a pickle names. Here the few names that numpy's arrays need lead to inert stand-ins, and
every other name is refused.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np

from countcheck.errors import BadInput

_ARRAY_MODULES = (
    "numpy",
    "numpy.core.multiarray",
    "numpy._core.multiarray",
    "numpy._core.numeric",
    "numpy.core.numeric",
)
MAX_DEPTH = 32


class _Dtype:
    """A numpy dtype by its letter and size, as a pickle spells it."""

    def __init__(self, name: Any, *_: Any) -> None:
        if not isinstance(name, str) or name[:1] not in "biuf?" or len(name) > 4:
            raise BadInput(f"an array of the kind {str(name)[:20]!r} is not read. Send numbers.")
        self.name = name
        self.order = "="

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "=", "|"):
            self.order = state[1]

    def real(self) -> np.dtype[Any]:
        byte_order: Any = self.order
        return np.dtype(self.name).newbyteorder(byte_order)


class _Array:
    """An array whose bytes are checked against its shape before numpy sees them."""

    def __init__(self, *_: Any) -> None:
        self.shape: tuple[int, ...] = ()
        self.kind: _Dtype | None = None
        self.data = b""
        self.fortran = False

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, data = state
        if not isinstance(kind, _Dtype) or not isinstance(data, bytes | bytearray):
            raise BadInput("an array holds objects. Send numbers.")
        self.shape, self.kind, self.data, self.fortran = tuple(map(int, shape)), kind, bytes(data), bool(fortran)

    def real(self) -> np.ndarray[Any, Any]:
        if self.kind is None:
            raise BadInput("an array without its numbers.")
        kind = self.kind.real()
        size = kind.itemsize
        for length in self.shape:
            size *= length
        if min(self.shape, default=0) < 0 or size != len(self.data):
            raise BadInput(f"an array of shape {self.shape} has {len(self.data)} bytes instead of {size}.")
        return np.frombuffer(self.data, kind).reshape(self.shape, order="F" if self.fortran else "C")


def _scalar(kind: Any, data: Any) -> float | int:
    if not isinstance(kind, _Dtype) or not isinstance(data, bytes) or len(data) != kind.real().itemsize:
        raise BadInput("a number is damaged.")
    value: float | int = np.frombuffer(data, kind.real())[0].item()
    return value


def _text_to_bytes(text: Any, encoding: Any) -> bytes:
    """What protocol 2 writes for bytes: ``_codecs.encode(text, "latin1")``."""
    if not isinstance(text, str) or encoding != "latin1":
        raise BadInput("bytes are written in an unknown way.")
    return text.encode("latin-1")


def _no_bytes(*arguments: Any) -> bytes:
    """What protocol 2 writes for empty bytes: ``bytes()``."""
    if arguments:
        raise BadInput("bytes are written in an unknown way.")
    return b""


def _from_buffer(data: Any, kind: Any, shape: Any, order: Any) -> _Array:
    """What protocol 5 writes for an array."""
    array = _Array()
    array.__setstate__((1, shape, kind, order == "F", data))
    return array


class _Unpickler(pickle.Unpickler):
    """An unpickler that knows the names of numpy's arrays, as stand-ins, and no other."""

    def find_class(self, module: str, name: str) -> Any:
        if module in _ARRAY_MODULES:
            known = {
                "_reconstruct": _Array,
                "_frombuffer": _from_buffer,
                "ndarray": _Array,
                "dtype": _Dtype,
                "scalar": _scalar,
            }
            if name in known:
                return known[name]
        if (module, name) == ("_codecs", "encode"):
            return _text_to_bytes
        if (module, name) in (("__builtin__", "bytes"), ("builtins", "bytes")):
            return _no_bytes
        raise BadInput(f"the pickle names {module[:60]}.{name[:60]}, which is not read. Send plain values.")

    def persistent_load(self, pid: Any) -> Any:
        raise BadInput("the pickle refers to something outside itself.")


def load_plain(data: bytes) -> Any:
    """Read a pickle of plain values.

    Raises:
        BadInput: If it names any other class or function, or is damaged; nothing was run.

    >>> load_plain(pickle.dumps({"images": [b"..."], "only_strict": True}))
    {'images': [b'...'], 'only_strict': True}
    """
    try:
        return _plain(_Unpickler(io.BytesIO(data)).load(), MAX_DEPTH)
    except BadInput:
        raise
    except Exception as error:  # a damaged pickle raises nearly anything
        raise BadInput(f"the body is no pickle of plain values ({type(error).__name__}).") from error


def _plain(value: Any, depth: int) -> Any:
    if depth < 0:
        raise BadInput("the body is nested too deeply.")
    if isinstance(value, _Array):
        return value.real()
    if isinstance(value, dict):
        return {_plain(key, depth - 1): _plain(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, depth - 1) for inner in value]
    if isinstance(value, tuple):
        return tuple(_plain(inner, depth - 1) for inner in value)
    if isinstance(value, bytearray):
        return bytes(value)
    if value is None or isinstance(value, str | bytes | bool | int | float):
        return value
    raise BadInput(f"a value of the type {type(value).__name__} is not read. Send plain values.")
