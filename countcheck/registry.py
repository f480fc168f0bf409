"""Find the class behind a family name. It is imported on first use.

Built-in families and plug-ins are found in the same way: a name stands for ``"module:Attribute"``. Local generators and
detectors are listed here. A provider is a file of `countcheck.generators.providers` whose name is its family and which
names its class ``PROVIDER``; no list holds it. So is a suite
format in `countcheck.suites.formats`. Plug-ins are entry points of the groups ``countcheck.generators``,
``countcheck.detectors`` and ``countcheck.suites``.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import pkgutil
import re
import sys
from functools import lru_cache
from importlib.metadata import entry_points, metadata, requires
from pathlib import Path
from types import ModuleType
from typing import Any

from countcheck.errors import BadSettings, UnknownName

GENERATORS = {
    "scenes": "countcheck.generators.scenes:ScenesGenerator",
    "folder": "countcheck.generators.folder:FolderGenerator",
    "diffusers": "countcheck.generators.diffusers:DiffusersGenerator",
    "transformers": "countcheck.generators.transformers:TransformersGenerator",
    "transcript": "countcheck.generators.transcript:TranscriptGenerator",
}

DETECTORS = {
    "tiny": "countcheck.detectors.tiny:TinyDetector",
    "ultralytics": "countcheck.detectors.ultralytics:UltralyticsDetector",
    "transformers": "countcheck.detectors.transformers:TransformersDetector",
    "torchvision": "countcheck.detectors.torchvision:TorchvisionDetector",
    "onnx": "countcheck.detectors.onnx:OnnxDetector",
    "vlm": "countcheck.detectors.vlm:VlmDetector",
}


def files_of(folder: str, attribute: str) -> dict[str, str]:
    """Name what the files of a package folder declare: file name to "module:attribute". Imports none of the files.

    Files whose names begin with an underscore are shared by others and declare nothing.

    >>> files_of("countcheck.generators.providers", "PROVIDER")["openai"]
    'countcheck.generators.providers.openai:PROVIDER'
    """
    package = Path(__file__).parent.joinpath(*folder.split(".")[1:])
    names = sorted(module.name for module in pkgutil.iter_modules([str(package)]))
    return {name: f"{folder}.{name}:{attribute}" for name in names if not name.startswith("_")}


def provider_families() -> dict[str, str]:
    """Name every built-in provider: family to "module:PROVIDER"."""
    return files_of("countcheck.generators.providers", "PROVIDER")


def generator_families() -> dict[str, str]:
    """Name every generator family, built in or installed: family to "module:Class".

    Raises:
        BadSettings: When two plug-ins have the same name.
    """
    return _with_entry_points({**GENERATORS, **provider_families()}, "countcheck.generators")


def detector_families() -> dict[str, str]:
    """Name every detector family, built in or installed: family to "module:Class".

    Raises:
        BadSettings: When two plug-ins have the same name.
    """
    return _with_entry_points(DETECTORS, "countcheck.detectors")


def extras() -> dict[str, list[str]]:
    """Name the extras that the installed package declares, each with the packages that it installs.

    >>> "openai" in extras()["openai"]
    True
    """
    declared: dict[str, list[str]] = {name: [] for name in metadata("countcheck").get_all("Provides-Extra") or ()}
    for requirement in requires("countcheck") or ():
        package, extra = re.match(r"[\w.-]+", requirement), re.search(r"extra == ['\"]([\w-]+)['\"]", requirement)
        if package and extra:
            declared.setdefault(extra[1], []).append(package[0])
    return declared


def load_generator_class(family: str) -> type[Any]:
    """Import the class of a generator family, or of ``module:Class`` and ``file.py:Class``.

    >>> load_generator_class("scenes").__name__
    'ScenesGenerator'

    Raises:
        UnknownName: When there is no such family.
        BadSettings: When there is no such module, file or class.
    """
    return _load("generator", family, generator_families())


def load_detector_class(family: str) -> type[Any]:
    """Import the class of a detector family, or of ``module:Class`` and ``file.py:Class``.

    Raises:
        UnknownName: When there is no such family.
        BadSettings: When there is no such module, file or class.
    """
    return _load("detector", family, detector_families())


def _with_entry_points(built_in: dict[str, str], group: str) -> dict[str, str]:
    families = dict(built_in)
    for name, value in _installed(group, tuple(sys.path)):
        if name in families and families[name] != value:
            raise BadSettings(
                f"two plugins call themselves {name!r}: {families[name]} and {value}. Uninstall one of them."
            )
        families[name] = value
    return families


@lru_cache(maxsize=8)  # every package's list is read to answer
def _installed(group: str, path: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Name what plug-ins on the import path declare."""
    return tuple((entry.name, entry.value) for entry in entry_points(group=group))


def is_path(family: str) -> bool:
    """Tell whether a family is written as a class: ``package.module:Class`` or ``path/to/file.py:Class``.

    >>> is_path("my_package.models:Mine"), is_path("mine.py:Mine"), is_path("openai")
    (True, True, False)
    """
    module, colon, name = family.rpartition(":")
    return bool(colon) and name.isidentifier() and (module.endswith(".py") or "." in module)


def _load(kind: str, family: str, known: dict[str, str]) -> type[Any]:
    if family not in known and not is_path(family):
        raise UnknownName(kind, family, known)
    module, _, name = known.get(family, family).rpartition(":")
    if module.endswith(".py"):
        return _class_of(_file(Path(module)), name, family)
    try:
        return _class_of(importlib.import_module(module), name, family)
    except ModuleNotFoundError as error:
        if error.name is None or not (module + ".").startswith(error.name + "."):
            raise
        raise BadSettings(f"{family}: there is no module {error.name!r}. Install it, or fix the name.") from error


def _class_of(module: ModuleType, name: str, family: str) -> type[Any]:
    loaded: type[Any] | None = getattr(module, name, None)
    if loaded is None:
        raise BadSettings(f"{family}: there is no class {name!r} in it. Fix the name.")
    return loaded


def _file(path: Path) -> ModuleType:
    """Import a Python file as a module; once, however often it is asked for."""
    path = path.expanduser().resolve()
    name = f"countcheck_plugin_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise BadSettings(f"{path}: there is no such Python file. Fix the path.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
