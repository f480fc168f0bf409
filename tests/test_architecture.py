"""The package's rooms import one way only: no loop, nothing upward, deferred and typing-only imports included."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "countcheck"

# A room may import the rooms after it in this list, and the modules at the root.
ROOMS = (
    "cli",
    "view",
    "review",
    "serve",
    "interop",
    "library",
    "reports",
    "gate",
    "engine",
    "metrics",
    "calibration",
    "storage",
    "testing",
    "dialogue",
    "counting",
    "generators",
    "detectors",
    "suites",
    "images",
    "scenes",
    "stats",
    "web",
)
# These two open the house from outside: they may import anything, and nothing may import them.
DOORS = ("", "__main__")
MAX_ROOT_MODULES = 8


def modules(package: Path) -> dict[str, Path]:
    """Every module of a package folder by dotted name, the package's own name left out."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imports(path: Path, known: Iterable[str], package: str = "countcheck") -> Iterator[str]:
    """Names of the package's own modules that a file imports, wherever in the file the import stands."""
    known = set(known)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write the import with its full name"
            base = node.module or ""
            # ``from package import module`` imports the module, ``from package.module import name`` the name's module.
            targets = [
                f"{base}.{a.name}" if f"{base}.{a.name}"[len(package) + 1 :] in known else base for a in node.names
            ]
        else:
            continue
        for target in targets:
            if target == package:
                yield ""
            elif target.startswith(package + "."):
                name = target.removeprefix(package + ".")
                while name not in known:
                    name = name.rpartition(".")[0]
                yield name


def room_of(module: str) -> str:
    """The folder a module lies in; ``root`` for the modules at the package's root."""
    room, dot, _ = module.partition(".")
    return room if dot or room in ROOMS else "root"


def upward(graph: dict[str, set[str]]) -> list[str]:
    """Imports from a room into an earlier one, as sentences."""
    order = {room: place for place, room in enumerate((*ROOMS, "root"))}
    return [
        f"{module} imports {target}: {room_of(target)} lies above {room_of(module)}"
        for module, targets in sorted(graph.items())
        for target in sorted(targets)
        if order[room_of(target)] < order[room_of(module)]
    ]


def loop(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one import loop, or an empty list."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def graph_of(package: Path, name: str = "countcheck") -> dict[str, set[str]]:
    """What imports what inside a package folder."""
    known = modules(package)
    return {module: set(imports(path, known, name)) - {module} for module, path in known.items() if module not in DOORS}


def test_no_room_imports_a_room_above_it():
    assert upward(graph_of(PACKAGE)) == []


def test_nothing_inside_imports_the_package_from_outside():
    """The package's own ``__init__`` imports the library, so an import of it from below would be a hidden loop."""
    assert [module for module, targets in graph_of(PACKAGE).items() if targets & set(DOORS)] == []


def test_no_module_takes_part_in_an_import_loop():
    assert loop(graph_of(PACKAGE)) == []


def test_every_folder_is_a_room_of_the_list():
    folders = {p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name not in ("__pycache__", "_shipped")}
    assert folders - {"schemas"} <= set(ROOMS)


def test_the_root_holds_few_modules():
    names = [p.stem for p in PACKAGE.glob("*.py") if p.stem not in ("__init__", "__main__")]
    assert len(names) <= MAX_ROOT_MODULES, names


def test_no_drawer_modules():
    assert not {"utils", "helpers", "common", "core", "manager"} & {p.stem for p in PACKAGE.glob("*.py")}


def test_only_its_own_adapter_imports_ultralytics():
    importers = set()
    for module, path in modules(PACKAGE).items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "ultralytics" for name in names):
                importers.add(module)
    assert importers == {"detectors.ultralytics"}


# -- a test of the test: each rule above fails on a package that breaks it --------------------------------------------


@pytest.fixture
def broken(tmp_path):
    """A package whose ``stats`` imports ``cli`` in a function, and whose two ``suites`` modules import each other."""
    package = tmp_path / "countcheck"
    for file, text in {
        "cli/main.py": "",
        "stats/estimate.py": "def f():\n    from countcheck.cli.main import main\n",
        "suites/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from countcheck.suites.b import B\n",
        "suites/b.py": "from countcheck.suites import a\n",
        "images/c.py": "from countcheck import judge\n",
    }.items():
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).write_text(text)
    return package


def test_a_deferred_upward_import_is_found(broken):
    assert upward(graph_of(broken)) == ["stats.estimate imports cli.main: cli lies above stats"]


def test_a_loop_behind_type_checking_is_found(broken):
    assert set(loop(graph_of(broken))) == {"suites.a", "suites.b"}


def test_an_import_of_the_package_from_inside_is_found(broken):
    assert [module for module, targets in graph_of(broken).items() if targets & set(DOORS)] == ["images.c"]
