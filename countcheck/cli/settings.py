"""Defaults of options from ``countcheck.toml`` or ``[tool.countcheck]``, and variables from ``.env``.

A flag goes before a ``COUNTCHECK_COMMAND_OPTION`` variable, a variable before the file. The file's top level holds
options of any command, a table named like a command holds that command's::

    counter = "owlv2"

    [run]
    generator = ["sdxl-turbo", "flux-schnell"]
    repeats = 4
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup, TyperOption

from countcheck.errors import BadSettings, UnknownName

FILE = "countcheck.toml"
ENV_PREFIX = "COUNTCHECK"
MAX_BYTES = 1024 * 1024
_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")


def has_settings(folder: Path) -> bool:
    """Return whether a configuration file holds for a folder. Raises `BadSettings` when it cannot be read."""
    return _find(folder.resolve()) is not None


def defaults_of(root: TyperGroup, folder: Path) -> dict[str, Any]:
    """Return the defaults that the configuration file of a folder gives to the options of each command.

    The file is ``countcheck.toml``, or ``pyproject.toml`` with a table ``[tool.countcheck]``, in the folder or the
    nearest one above it.

    Raises:
        BadSettings: When the file cannot be read, or a value has another type than its option.
        UnknownName: When no command has an option of that name.
    """
    file = _find(folder.resolve())
    if file is None:
        return {}
    path, text, table = file
    commands = dict(_commands(root))
    options = {name: _options(command) for name, command in commands.items()}
    everywhere = sorted({option for of_command in options.values() for option in of_command})
    defaults: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            _table_defaults(defaults, path, text, key, value, commands, options)
    for key, value in table.items():  # what a command's own table says stays
        name = key.replace("_", "-")
        if isinstance(value, Mapping):
            continue
        if name not in everywhere:
            raise UnknownName("setting", key, [*everywhere, *commands], place=f"{path}:{_line(text, key)}")
        for command in commands:
            if name in options[command]:
                option = options[command][name]
                # One text for every command is a list of one for those that take several.
                given = [value] if option.multiple and isinstance(value, str) else value
                _set(defaults, command, option, given, f"{path}:{_line(text, key)}")
    return defaults


def _table_defaults(
    defaults: dict[str, Any],
    path: Path,
    text: str,
    key: str,
    table: Mapping[str, Any],
    commands: Mapping[str, TyperCommand],
    options: Mapping[str, Mapping[str, TyperOption]],
) -> None:
    """Add the defaults of one command's table; a group's table holds tables of its commands."""
    nested = {name.partition(" ")[2]: name for name in commands if name.startswith(f"{key} ")}
    if nested:
        for inner, value in table.items():
            if inner not in nested or not isinstance(value, Mapping):
                raise UnknownName("command", inner, nested, place=f"{path}:{_line(text, inner)}")
            _table_defaults(defaults, path, text, nested[inner], value, commands, options)
        return
    if key not in commands:
        raise UnknownName("command", key, commands, place=f"{path}:{_line(text, key)}")
    for inner, value in table.items():
        option = options[key].get(inner.replace("_", "-"))
        place = f"{path}:{_line(text, inner)}"
        if option is None:
            raise UnknownName(f"setting of {key}", inner, options[key], place=place)
        _set(defaults, key, option, value, place)


def _set(defaults: dict[str, Any], command: str, option: TyperOption, value: Any, place: str) -> None:
    expected, ok = _expectation(option, value)
    if not ok:
        raise BadSettings(f"{place}: the value is {value!r}. Give {expected}.")
    at = defaults
    for part in command.split(" "):
        at = at.setdefault(part, {})
    at.setdefault(option.name, value)


def _expectation(option: TyperOption, value: Any) -> tuple[str, bool]:
    kind = option.type_descriptor.annotation
    if option.multiple:
        return "a list of texts", isinstance(value, list) and all(isinstance(item, str) for item in value)
    if option.is_flag:
        return "true or false", isinstance(value, bool)
    if kind is int:
        return "a whole number", isinstance(value, int) and not isinstance(value, bool)
    if kind is float:
        return "a number", isinstance(value, int | float) and not isinstance(value, bool)
    return "a text", isinstance(value, str)


def _find(folder: Path) -> tuple[Path, str, Mapping[str, Any]] | None:
    for place in (folder, *folder.parents):
        own = place / FILE
        if own.exists():
            return own, *_read(own)
        project = place / "pyproject.toml"
        if project.is_file() and b"tool.countcheck" in _bytes(project):
            text, body = _read(project)
            table = body.get("tool", {}).get("countcheck")
            if isinstance(table, Mapping):
                return project, text, table
    return None


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadSettings(f"{path} cannot be read ({error.strerror}). Remove it or make it readable.") from error
    if len(data) > MAX_BYTES:
        raise BadSettings(f"{path} is larger than {MAX_BYTES // 1024} KiB. It is no file of settings.")
    return data


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    import tomllib  # most folders have no such file

    try:
        text = _bytes(path).decode("utf-8")
        return text, tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadSettings(f"{path} is not TOML ({error}). Fix the file.") from error


def _line(text: str, key: str) -> int:
    """Return the first line on which a key or a table of that name stands; 1 when it is spelt in another way."""
    pattern = re.compile(rf"^\s*(?:\[[^\]]*\b)?[\"']?{re.escape(key)}[\"']?(?:\]|\s*=)")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 1)


def _commands(root: TyperGroup, prefix: str = "") -> Iterator[tuple[str, TyperCommand]]:
    for name, command in root.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands(command, f"{prefix}{name} ")
        elif isinstance(command, TyperCommand):
            yield f"{prefix}{name}", command


def _options(command: TyperCommand) -> dict[str, TyperOption]:
    return {
        max(option.opts, key=len).lstrip("-"): option for option in command.params if isinstance(option, TyperOption)
    }


def read_env_file(path: Path) -> dict[str, str]:
    """Read the assignments of a ``.env`` file: ``NAME=value`` lines, quotes and ``export`` allowed, ``#`` comments.

    A folder of that name, which may be a virtual environment, holds none.

    Raises:
        BadSettings: When the file cannot be read, or a line is no assignment.
    """
    if not path.is_file():
        return {}
    values = {}
    try:
        lines = _bytes(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadSettings(f"{path} is not text in UTF-8. Write NAME=value lines.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _ASSIGNMENT.match(line)
        if match is None:
            raise BadSettings(f"{path}:{number}: the line is no assignment. Write NAME=value.")
        values[match[1]] = _unquoted(match[2])
    return values


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return re.split(r"\s+#", value, maxsplit=1)[0]


def load_env_file(path: Path) -> None:
    """Set the variables of a ``.env`` file that the environment does not set already. Raises as `read_env_file`."""
    for name, value in read_env_file(path).items():
        os.environ.setdefault(name, value)
