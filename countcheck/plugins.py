"""Name -> "module:Class" -> class, loaded on first use. Built-ins and strangers come through the same door."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any

from countcheck.errors import BadSettings, UnknownName

GENERATORS = {
    "scenes": "countcheck.generators.scenes:ScenesGenerator",
    "folder": "countcheck.generators.folder:FolderGenerator",
    "diffusers": "countcheck.generators.diffusers:DiffusersGenerator",
    "transcript": "countcheck.generators.transcript:TranscriptGenerator",
    "openai": "countcheck.generators.openai:OpenAIGenerator",
    "azure": "countcheck.generators.azure:AzureGenerator",
    "google": "countcheck.generators.google:GoogleGenerator",
    "imagen": "countcheck.generators.imagen:ImagenGenerator",
    "huggingface": "countcheck.generators.huggingface:HuggingFaceGenerator",
    "replicate": "countcheck.generators.replicate:ReplicateGenerator",
    "fal": "countcheck.generators.fal:FalGenerator",
    "together": "countcheck.generators.together:TogetherGenerator",
    "bedrock": "countcheck.generators.bedrock:BedrockGenerator",
    "stability": "countcheck.generators.stability:StabilityGenerator",
    "bfl": "countcheck.generators.bfl:BlackForestLabsGenerator",
    "xai": "countcheck.generators.xai:XAIGenerator",
    "a1111": "countcheck.generators.a1111:A1111Generator",
    "comfyui": "countcheck.generators.comfyui:ComfyUIGenerator",
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


def _load(kind: str, family: str, known: dict[str, str]) -> type[Any]:
    if family not in known:
        raise UnknownName(kind, family, known)
    module, _, name = known[family].partition(":")
    loaded: type[Any] = getattr(importlib.import_module(module), name)
    return loaded
