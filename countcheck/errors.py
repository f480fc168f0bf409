"""Every failure a user can meet: its wording and its exit code.

    CountcheckError                  exit 2
    ├── UnknownName                  a name that is not known; near names are given
    ├── MissingExtra                 a part of the program that is not installed
    ├── BadSuite                     a suite file, or a line of one, that cannot be read
    ├── BadSettings                  a setting, policy, card or spec that makes no sense
    ├── BadInput                     a picture, folder or label file that cannot be used
    ├── BadWeights                   weights that are damaged, altered, or not to be trusted
    ├── RunMismatch                  a run folder that belongs to something else
    ├── GeneratorClosed              a key, account or server that will not serve anybody
    ├── DiskFull                     the run stopped cleanly; the same command goes on
    └── CannotDecide                 exit 3: too few samples, failed controls, too much lost

An error says what is wrong, with the value and its place, and then what to do. It knows its exit code; only the
command line prints it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


def field_problem(problem: Mapping[str, Any], known: Iterable[str] = ()) -> str:
    """Word one entry of a pydantic error's ``errors()`` as a sentence, without its place.

    Args:
        problem: The entry, with ``type``, ``loc``, ``msg`` and ``input``.
        known: The fields that are allowed where a field is unknown.

    >>> field_problem({"type": "missing", "loc": ("family",), "msg": "Field required", "input": {}})
    "the field 'family' is missing."
    """
    field = str(problem["loc"][-1]) if problem["loc"] else ""
    given = str(problem["input"])[:80]
    match problem["type"]:
        case "extra_forbidden":
            known = list(known)
            return f"no field {field!r}.{near_hint(field, known)} Known: {', '.join(known)}."
        case "missing":
            return f"the field {field!r} is missing."
        case "literal_error":
            wanted = str(problem["ctx"]["expected"])
            return f"{given!r} is none of {wanted}.{near_hint(given, wanted.replace(chr(39), '').split())}"
        case _:
            return f"is {given!r}. {problem['msg']}."


def near_hint(name: str, known: Iterable[str], *, cutoff: float = 0.5) -> str:
    """Return " Did you mean 'NAME'?" for the nearest known name, or an empty text when none is near.

    Args:
        name: The name that is not known.
        known: The names that are.
        cutoff: How alike two names must be, 0 (not at all) to 1 (the same).

    >>> near_hint("targts", ["text", "targets"])
    " Did you mean 'targets'?"
    """
    near = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=cutoff)
    return f" Did you mean {near[0]!r}?" if near else ""


def first_line(error: BaseException, max_length: int = 300) -> str:
    r"""Return the first line of an error's text; a long one ends with a whole sentence where it has one.

    Of a database error it is that of the error beneath it; of an error without a text, its class.

    Args:
        error: Which.
        max_length: Most characters.

    >>> first_line(ValueError("no such file\nat line 3")), first_line(KeyboardInterrupt())
    ('no such file', 'KeyboardInterrupt')
    >>> first_line(ValueError("It is closed. Come back later, or do not."), max_length=30)
    'It is closed.'
    """
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    line = lines[0].strip() if lines else type(error).__name__
    if len(line) <= max_length:
        return line
    sentences = line[:max_length].rpartition(". ")[0]
    return f"{sentences}." if sentences else f"{line[: max_length - 1]}…"


class CountcheckError(Exception):
    """A failure a user can meet and fix."""

    exit_code = 2


class UnknownName(CountcheckError):
    """A name that is not known; says which are near and which exist."""

    def __init__(
        self, kind: str, name: str, known: Iterable[str], *, place: str = "", aliases: Mapping[str, str] | None = None
    ) -> None:
        known = sorted(set(known))
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6)
        alias = (aliases or {}).get(name.lower())
        near = near if alias is None else [alias, *(other for other in near if other != alias)]
        where = f"{place}: " if place else ""
        parts = [f"{where}no {kind} named {name[:120]!r}."]
        if near:
            parts.append(f"Did you mean {' or '.join(repr(n) for n in near)}?")
        shown = ", ".join(known[:40]) + (", ..." if len(known) > 40 else "")
        parts.append(f"Known: {shown or 'none'}.")
        super().__init__(" ".join(parts))
        self.near = near


class MissingExtra(CountcheckError):
    """A part of the program that needs packages which are not installed."""

    def __init__(self, extra: str, *, feature: str) -> None:
        super().__init__(
            f"{feature} needs an extra that is not installed. Install it with: pip install 'countcheck[{extra}]'"
        )
        self.extra = extra


class BadSuite(CountcheckError):
    """A suite that cannot be read; names file, line and field."""


class BadSettings(CountcheckError):
    """A setting, policy, card or spec that makes no sense."""


class BadInput(CountcheckError):
    """A picture, folder or label file that cannot be used."""


class BadWeights(CountcheckError):
    """Weights that are damaged, altered, or of a kind that is not loaded unless trusted."""


class RunMismatch(CountcheckError):
    """A run folder that belongs to another suite, other settings or a newer program."""


class GeneratorClosed(CountcheckError):
    """A generator that will not serve anybody: wrong key, closed account, no quota, no such model."""

    @classmethod
    def by(cls, name: str, message: str) -> GeneratorClosed:
        """The error of a generator that said so, in a sentence of its own."""
        return cls(
            f"{name} rejects every request: {message} Fix that; the same command continues, and --retry-failed repeats "
            "what failed."
        )


class DiskFull(CountcheckError):
    """No room left; what was made is safe, and the same command goes on."""


class CannotDecide(CountcheckError):
    """The question has no honest answer yet: too few samples, failed controls, too much lost."""

    exit_code = 3
