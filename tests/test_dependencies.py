"""What an installation brings: licences that suit an Apache-2.0 product, and a page that says what each package is for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
GPL = re.compile(r"(?<!L)(?<!Lesser )\bA?GPL|GNU (Affero )?General Public", re.IGNORECASE)
NEEDED_BY_TESTS_ALONE = ("test",)


def direct(extra: str) -> Iterator[Requirement]:
    """What the base (``""``) or an extra names, extras of extras included."""
    for text in PROJECT["dependencies"] if not extra else PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if requirement.name == PROJECT["name"]:
            for inner in requirement.extras:
                yield from direct(inner)
        else:
            yield requirement


def everything(extra: str) -> set[str]:
    """The names of all packages that an extra brings on this machine."""
    found: set[str] = set()
    waiting = list(direct(extra))
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker is not None and not any(
            requirement.marker.evaluate({"extra": wanted}) for wanted in ("", *requirement.extras)
        ):
            continue
        if name in found:
            continue
        found.add(name)
        for text in metadata.requires(name) or ():
            inner = Requirement(text)
            wanted = ("", *requirement.extras)
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in wanted):
                waiting.append(Requirement(f"{inner.name}[{','.join(inner.extras)}]" if inner.extras else inner.name))
    return found


def under_gpl(name: str) -> bool:
    """Whether a package's own metadata names the GPL or AGPL without another choice."""
    told = metadata.metadata(name)
    expression = told.get("License-Expression") or (told.get("License") or "")[:200]
    if expression:
        return all(GPL.search(choice) for choice in re.split(r"\bOR\b", expression))
    licences = [line for line in told.get_all("Classifier", []) if line.startswith("License")]
    return any(GPL.search(line) for line in licences)


@pytest.mark.parametrize("extra", ["", "local", "apis", "review", "test"], ids=lambda extra: extra or "base")
def test_nothing_under_the_gpl_comes_along(extra):
    names = everything(extra)
    assert len(names) >= (5 if extra else 10)
    assert [name for name in sorted(names) if under_gpl(name)] == []


def test_of_the_extra_yolo_only_ultralytics_is_under_the_agpl():
    agpl = {name for name in everything("yolo") if under_gpl(name)}
    assert "ultralytics" in agpl
    assert all(name.startswith("ultralytics") for name in agpl)


def test_the_base_is_small():
    assert len(everything("")) <= 40


def test_every_dependency_has_its_line_in_the_docs():
    lines = [line.split("|") for line in PAGE.splitlines() if line.count("|") == 6]
    told = {name.strip(): cells[2] for cells in lines for name in cells[1].split(",")}
    missing = [
        f"{requirement.name} of {extra or 'base'}"
        for extra in ["", *PROJECT["optional-dependencies"]]
        if extra not in NEEDED_BY_TESTS_ALONE and extra not in ("all", "apis", "train")
        for requirement in direct(extra)
        if (f"`{extra}`" if extra else "base") not in told.get(requirement.name, "")
    ]
    assert missing == []


def test_every_pinned_version_is_one_that_the_project_allows():
    pins = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            pins[canonicalize_name(name)] = version
    wrong = [
        f"{requirement} is pinned at {pins.get(canonicalize_name(requirement.name))}"
        for extra in ["", "local", "yolo", "onnx", "apis", "tables", "review", "serve", "test", "docs", "release"]
        for requirement in direct(extra)
        if not requirement.specifier.contains(pins.get(canonicalize_name(requirement.name), "0"))
    ]
    assert wrong == []
