"""Name -> "module:Class" -> class, loaded on first use. Built-ins and strangers come through the same door."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from countcheck.errors import BadSettings, UnknownName

GENERATORS = {
    "scenes": "countcheck.generators.scenes:ScenesGenerator",
    "folder": "countcheck.generators.folder:FolderGenerator",
    "diffusers": "countcheck.generators.diffusers:DiffusersGenerator",
    "transcript": "countcheck.generators.transcript:TranscriptGenerator",
    "openai": "countcheck.generators.providers.openai:OpenAIGenerator",
    "azure": "countcheck.generators.providers.azure:AzureGenerator",
    "google": "countcheck.generators.providers.google:GoogleGenerator",
    "imagen": "countcheck.generators.providers.imagen:ImagenGenerator",
    "huggingface": "countcheck.generators.providers.huggingface:HuggingFaceGenerator",
    "replicate": "countcheck.generators.providers.replicate:ReplicateGenerator",
    "fal": "countcheck.generators.providers.fal:FalGenerator",
    "together": "countcheck.generators.providers.together:TogetherGenerator",
    "bedrock": "countcheck.generators.providers.bedrock:BedrockGenerator",
    "stability": "countcheck.generators.providers.stability:StabilityGenerator",
    "bfl": "countcheck.generators.providers.bfl:BlackForestLabsGenerator",
    "ideogram": "countcheck.generators.providers.ideogram:IdeogramGenerator",
    "openrouter": "countcheck.generators.providers.openrouter:OpenRouterGenerator",
    "xai": "countcheck.generators.providers.xai:XAIGenerator",
    "a1111": "countcheck.generators.providers.a1111:A1111Generator",
    "comfyui": "countcheck.generators.providers.comfyui:ComfyUIGenerator",
}

DETECTORS = {
    "tiny": "countcheck.detectors.tiny:TinyDetector",
    "ultralytics": "countcheck.detectors.ultralytics:UltralyticsDetector",
    "transformers": "countcheck.detectors.transformers:TransformersDetector",
    "torchvision": "countcheck.detectors.torchvision:TorchvisionDetector",
    "onnx": "countcheck.detectors.onnx:OnnxDetector",
    "vlm": "countcheck.detectors.vlm:VlmDetector",
}


def generator_families() -> dict[str, str]:
    """Every generator family there is, built in or installed: name to "module:Class"."""
    return _with_entry_points(GENERATORS, "countcheck.generators")


def detector_families() -> dict[str, str]:
    """Every detector family there is, built in or installed: name to "module:Class"."""
    return _with_entry_points(DETECTORS, "countcheck.detectors")


def load_generator_class(family: str) -> type[Any]:
    """The class behind a generator family's name. Raises `UnknownName`."""
    return _load("generator", family, generator_families())


def load_detector_class(family: str) -> type[Any]:
    """The class behind a detector family's name. Raises `UnknownName`."""
    return _load("detector", family, detector_families())


def _with_entry_points(built_in: dict[str, str], group: str) -> dict[str, str]:
    found = dict(built_in)
    for entry in entry_points(group=group):
        if entry.name in found and found[entry.name] != entry.value:
            raise BadSettings(
                f"two plugins call themselves {entry.name!r}: {found[entry.name]} and {entry.value}. Uninstall one of them."
            )
        found[entry.name] = entry.value
    return found


def is_path(family: str) -> bool:
    """Whether a family is a class of somebody's own: ``package.module:Class`` or ``path/to/file.py:Class``."""
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
        raise BadSettings(f"{family}: there is no module {error.name!r}. Install it, or mend the name.") from error


def _class_of(module: ModuleType, name: str, family: str) -> type[Any]:
    loaded: type[Any] | None = getattr(module, name, None)
    if loaded is None:
        raise BadSettings(f"{family}: there is no class {name!r} in it. Mend the name.")
    return loaded


def _file(path: Path) -> ModuleType:
    """A Python file as a module; imported once, however often it is asked for."""
    path = path.expanduser().resolve()
    name = f"countcheck_plugin_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise BadSettings(f"{path}: there is no such Python file. Mend the path.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
