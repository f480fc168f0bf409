"""Values of options that need no validation: texts, switches and paths, as nearly all are.

Typer hands every value to pydantic, whose import takes longer than all the rest of a light command.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from types import GenericAlias
from typing import Any

from typer.core import TyperArgument, TyperOption


def take_plain_values(parameters: Iterable[object]) -> None:
    """Let parameters take plain values as they are; typer validates every other value."""
    for parameter in parameters:
        if isinstance(parameter, TyperArgument | TyperOption):
            validating: Any = getattr(parameter, "get_runtime_param", None)  # not in every version of typer
            if validating is not None and not isinstance(validating, _Plain):
                setattr(parameter, "get_runtime_param", _Plain(parameter, validating))  # noqa: B010 (of the one object)


class _Plain:
    """Stands for what typer converts the values of one parameter with, which is made when it is needed."""

    def __init__(self, parameter: TyperArgument | TyperOption, validating: Callable[[], Any]) -> None:
        self._annotation: Any = parameter.type_descriptor.annotation
        self._info = parameter.type_descriptor.parameter_info
        self._validating = validating

    def __call__(self) -> _Plain:
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        kind = self._annotation
        if several and isinstance(kind, GenericAlias) and isinstance(value, list | tuple):
            plain = [_plain(each, kind.__args__[0], self._info) for each in value]
            if None not in plain:
                return plain
        elif not several:
            only = _plain(value, kind, self._info)
            if only is not None:
                return only
        return self._validating().coerce(value, param=param, ctx=ctx)


def _plain(value: Any, kind: Any, info: Any) -> Any:
    """Return a value as a command gets it; ``None`` for one that must be validated."""
    if info.parser is not None:
        return None
    if kind in (str, bool, int, float) and type(value) is kind:
        within = (info.min is None or value >= info.min) and (info.max is None or value <= info.max)
        return value if within else None
    if kind is Path and isinstance(value, str | Path):
        restricted = info.exists or info.writable or info.resolve_path or info.allow_dash or info.path_type
        if restricted or not (info.file_okay and info.dir_okay and info.readable):
            return None
        path = Path(value)
        try:
            path.stat()
        except OSError:  # not there, which is for the command to say
            return path
        except ValueError:  # no file can be called so
            return None
        return path if os.access(path, os.R_OK) else None
    return value if isinstance(kind, type) and issubclass(kind, Enum) and isinstance(value, kind) else None
