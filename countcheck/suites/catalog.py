"""From what a user types to a suite: the name of one that ships, a suite file, or somebody else's file as it is."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, runtime_checkable

from countcheck.errors import BadSettings, BadSuite, UnknownName
from countcheck.resources import shipped
from countcheck.suites import formats
from countcheck.suites.language.read_targets import Article
from countcheck.suites.load import read_suite
from countcheck.suites.readers import EXTENSIONS, Fit, Preview, preview
from countcheck.suites.rows import ReadOptions
from countcheck.suites.suite import Suite

GROUP = "countcheck.suites"
"""The entry-point group under which other packages give formats: name to module."""


class SuiteFormat(Protocol):
    """A kind of file that prompts come in: a module, or anything else with these three."""

    NAME: str

    def accepts(self, preview: Preview, /) -> Fit:
        """Say how well a file fits, from what its beginning shows."""
        ...

    def read(self, path: Path, options: ReadOptions, /) -> Suite:
        """Read a file that fits. Raises `BadSuite`."""
        ...


@runtime_checkable
class Explains(Protocol):
    """A format that knows files which belong to it and hold no prompts."""

    def explain(self, preview: Preview, /) -> str:
        """Say what the file is and what to do with it; empty when it is not known."""
        ...


@cache
def suite_formats() -> dict[str, SuiteFormat]:
    """Return every format there is, built in or installed, by name.

    Raises:
        BadSettings: When two formats have one name, or an installed one lacks a part.
    """
    by_name: dict[str, SuiteFormat] = {}
    for module in pkgutil.iter_modules(formats.__path__, f"{formats.__name__}."):
        built_in: SuiteFormat = importlib.import_module(module.name)  # type: ignore[assignment]
        by_name[built_in.NAME] = built_in
    for entry in entry_points(group=GROUP):
        installed = entry.load()
        for part in ("NAME", "accepts", "read"):
            if not hasattr(installed, part):
                raise BadSettings(f"the suite format {entry.value} has no {part}. Fix it, or uninstall it.")
        if installed.NAME in by_name:
            raise BadSettings(f"two suite formats are named {installed.NAME!r}: {entry.value} is one. Uninstall one.")
        by_name[installed.NAME] = installed
    return by_name


def shipped_suites() -> dict[str, Path]:
    """Return every suite that ships: name to file."""
    return {path.stem: path for path in sorted(shipped("prompts").glob("*.yaml"))}


def load_suite(spec: str) -> Suite:
    """Load the suite behind a name or a path.

    Args:
        spec: The name of a suite that ships, a suite file, or a file of any known format.

    Raises:
        UnknownName: For a name that is not known.
        BadSuite: For a file that is not there or cannot be read.

    >>> len(load_suite("demo").prompts)
    48
    """
    known = shipped_suites()
    if spec in known:
        return read_suite(known[spec])
    path = Path(spec)
    if not path.exists():
        if path.suffix or "/" in spec:
            raise BadSuite(f"{spec}: no such file. Give a file, or the name of a suite: {', '.join(known)}.")
        raise UnknownName("suite", spec, known)
    return import_suite("auto", path)


def import_suite(format: str, path: Path, *, article: Article = "ignore", approximate: bool = False) -> Suite:
    """Read the suite in a file of any known format.

    Args:
        format: A format's name, or ``auto`` for the one that fits best.
        path: The file; a folder for a dataset.
        article: How "a dog" is read, where a format leaves targets to the text: not at all, as one, or as at least one.
        approximate: Whether "several" and "about twenty" give targets there.

    Raises:
        UnknownName: For a format that does not exist.
        BadSuite: For a file that is not there or of another format; says which it looks like.
    """
    known = suite_formats()
    if format not in (*known, "auto"):
        raise UnknownName("format", format, [*known, "auto"])
    if not path.exists():
        raise BadSuite(f"{path}: no such file. Name a file with prompts: {EXTENSIONS}.")
    seen = preview(path)
    best = _best_fits(seen)
    if format == "auto":
        if not best:
            raise BadSuite(
                f"{path}: no prompts can be read from it.{_explanation(seen)} Name a file with prompts: {EXTENSIONS}."
            )
        if len(best) > 1:
            raise BadSuite(f"{path}: it looks like {' and like '.join(best)}. Import it as one of them.")
        format = best[0]
    elif known[format].accepts(seen) is Fit.NONE:
        looks = f"it looks like {best[0]}" if best else "it looks like none that is known"
        raise BadSuite(f"{path}: this is no {format} file; {looks}. Say which it is, or say auto.")
    return known[format].read(path, ReadOptions(article=article, approximate=approximate))


def _best_fits(seen: Preview) -> list[str]:
    """The formats that fit best, usually one; a format that is readable only when asked for is none of them."""
    fits = {name: suite_format.accepts(seen) for name, suite_format in suite_formats().items()}
    best = max(fits.values())
    return [name for name, fit in fits.items() if fit == best] if best >= Fit.GENERAL else []


def _explanation(seen: Preview) -> str:
    texts = (each.explain(seen) for each in suite_formats().values() if isinstance(each, Explains))
    return next((f" {text}" for text in texts if text), "")
