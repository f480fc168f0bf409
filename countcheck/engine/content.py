"""What the files behind a generator contain, so that a run does not go on with other weights under the same name."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from countcheck.cards import Card
from countcheck.errors import BadInput
from countcheck.generators.base import Generator
from countcheck.registry import generator_families, is_path
from countcheck.resources import content_digest, printable_path


def generator_content(card: Card, generator: Generator) -> dict[str, str]:
    """Return a digest of every local file and folder that can change the generator's pictures, by place.

    These are what its recipe lists, or else its source and settings that are paths of files; and the source file of a
    plug-in.

    Raises:
        BadInput: If one of them cannot be read.
    """
    content = dict(generator.recipe.content)
    paths = dict(_plugin_files(card.family))
    if not content:
        paths |= dict(_local_paths(card))
    for place, path in paths.items():
        try:
            content[place] = content_digest(path)
        except OSError as error:
            raise BadInput(f"{card.name}: {place} cannot be read ({error.strerror or error}).") from error
    return content


def _local_paths(card: Card) -> Iterator[tuple[str, Path]]:
    """The source, and every setting that looks like a path and names a file or folder."""
    settings = (value for value in card.settings.values() if isinstance(value, str))
    looks_like_paths = [value for value in settings if os.sep in value or Path(value).suffix]
    for text in (card.source, *looks_like_paths):
        path = Path(text).expanduser()
        try:
            # The folder in which the command runs is named by accident at most.
            if text and path.exists() and path.resolve() != Path.cwd():
                yield printable_path(text), path
        except (OSError, ValueError, RuntimeError):  # a text that no path can be
            continue


def _plugin_files(family: str) -> Iterator[tuple[str, Path]]:
    """The source file of a generator class that is not the package's own."""
    target = family if is_path(family) else generator_families().get(family, "")
    module = target.rpartition(":")[0]
    if module.endswith(".py"):
        yield printable_path(module), Path(module).expanduser()
    elif module and not module.startswith("countcheck."):
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.origin and Path(spec.origin).is_file():
            yield module, Path(spec.origin)
