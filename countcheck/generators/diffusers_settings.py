"""Settings of the diffusers generator: what may be set, what a pipeline's class takes, and which files are meant."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from countcheck.cards import Card, fill
from countcheck.errors import BadSettings, MissingExtra, near_hint
from countcheck.generators.adapters import Adapter, read_adapters
from countcheck.generators.model_sources import find_source, is_hub_file, is_hub_id, is_weights_file, sources_content
from countcheck.generators.pipeline_arguments import CALL, LOAD, check_call, check_load, of_kind, plain_setting
from countcheck.generators.quantization import check_quantization
from countcheck.resources import exists

try:
    import diffusers
except ImportError as error:
    raise MissingExtra("local", feature="the diffusers generator") from error

DEFAULTS: dict[str, Any] = {
    "steps": None,
    "guidance": None,
    "true_cfg_scale": None,
    "width": None,
    "height": None,
    "size": None,
    "negative_prompt": None,
    "max_sequence_length": None,
    "scheduler": None,
    "dtype": "auto",
    "variant": None,
    "class": None,
    "base": None,
    "quantize": None,
    "lora": None,
    "lora_scale": 1.0,
    "textual_inversion": None,
    "edits": False,
    "strength": None,
    "device": "auto",
    "device_map": "none",
    "batch": 8,
    "offload": "none",
    "compile": False,
    "trust_remote_code": False,
    "tiling": False,
}
_CHOICES = {
    "dtype": ("auto", "fp32", "fp16", "bf16"),
    "offload": ("none", "model", "sequential"),
    "device_map": ("none", "balanced"),
}
# These change how fast a picture comes, not which picture.
_NOT_IN_RECIPE = ("device", "batch", "offload", "compile", "trust_remote_code")


def checked_settings(card: Card) -> dict[str, Any]:
    """Return the card's settings over the defaults; those of ``call.`` and ``load.`` keep their names.

    Raises:
        BadSettings: If a setting is unknown, or its value is not allowed.
    """
    arguments = {name: value for name, value in card.settings.items() if name.startswith((CALL, LOAD))}
    others = {name: value for name, value in card.settings.items() if name not in arguments}
    settings = {**fill(replace(card, settings=others), DEFAULTS), **arguments}
    for name, allowed in _CHOICES.items():
        if settings[name] not in allowed:
            raise BadSettings(f"{card.name}: {name} is {settings[name]!r}. Choose from {', '.join(allowed)}.")
    for name in ("steps", "width", "height", "size", "batch"):
        value = settings[name]
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise BadSettings(f"{card.name}: {name} is {value!r}. Give a whole number, 1 or more.")
    if settings["device_map"] != "none" and settings["offload"] != "none":
        raise BadSettings(
            f"{card.name}: device_map and offload both place the pipeline's parts. Leave one of them out."
        )
    check_quantization(settings["quantize"], card.name)
    adapters_of(settings, card.name)
    _check_file(card, settings)
    return settings


def adapters_of(settings: Mapping[str, Any], name: str) -> tuple[list[Adapter], list[Adapter]]:
    """Return the LoRAs and the learned words that settings name.

    Raises:
        BadSettings: If one is not written as it should be, or is not there.
    """
    return tuple(read_adapters(settings[kind], kind, name) for kind in ("lora", "textual_inversion"))  # type: ignore[return-value]


def recipe_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that can change a picture and are not the usual ones, as plain values."""
    return {
        name: plain_setting(value)
        for name, value in settings.items()
        if name not in _NOT_IN_RECIPE and (name not in DEFAULTS or value != DEFAULTS[name])
    }


def pipeline_class(name: str, card: str) -> Any:
    """Return a pipeline's class by its name.

    Args:
        name: As diffusers calls it.
        card: The generator's name, for the error.

    Raises:
        BadSettings: If diffusers has no such pipeline, with a near name.
    """
    kind = getattr(diffusers, name, None) if name.isidentifier() else None
    if not isinstance(kind, type) or not issubclass(kind, diffusers.DiffusionPipeline):
        hint = near_hint(name, [known for known in dir(diffusers) if known.endswith("Pipeline")])
        raise BadSettings(f"{card}: diffusers {diffusers.__version__} has no pipeline {name[:80]!r}.{hint}")
    return kind


def named_class(settings: Mapping[str, Any], index: Mapping[str, Any], card: str) -> Any:
    """Return the class that a pipeline will be loaded as, by its settings and its index; ``None`` where neither tells.

    Args:
        settings: As `checked_settings` returns them.
        index: The pipeline's ``model_index.json``; empty where it is not known yet.
        card: The generator's name, for the error.

    Raises:
        BadSettings: If the class that the settings name is none of diffusers'.
    """
    return pipeline_class(str(settings["class"]), card) if settings["class"] else _expected_class(settings, index)


def check_arguments(card: Card, settings: Mapping[str, Any], source: str, index: Mapping[str, Any]) -> None:
    """Check ``class``, ``call.`` and ``load.`` as far as the pipeline's class is known before it is loaded.

    Args:
        card: The generator's.
        settings: As `checked_settings` returns them.
        source: As `find_source` returns it.
        index: The pipeline's ``model_index.json``; empty where it is not known yet: the card may name the class.

    Raises:
        BadSettings: If the class is none of diffusers', or does not take an argument.
    """
    if not any(name.startswith((CALL, LOAD)) or name == "class" for name in _given(settings)):
        return
    index = index or {"_class_name": card.pipeline}
    kind = named_class(settings, index, card.name)
    if kind is None:
        return
    check_call(of_kind(settings, CALL), kind, card.name)
    if isinstance(settings["base"], str) or not is_weights_file(source):
        check_load(of_kind(settings, LOAD), kind, card.name, from_file=False)
        return
    if not hasattr(kind, "from_single_file"):
        raise BadSettings(f"{card.name}: {kind.__name__} is not loaded from one file. Name the pipeline with base=ID.")
    check_load(of_kind(settings, LOAD), kind, card.name, from_file=True)


def local_index(source: str) -> dict[str, Any]:
    """Return the ``model_index.json`` of a local folder; empty for anything else, or where it cannot be read."""
    with contextlib.suppress(OSError, ValueError):
        index = json.loads((Path(source) / "model_index.json").read_text(encoding="utf-8"))
        return index if isinstance(index, dict) else {}
    return {}


def find_pipeline(source: str) -> str:
    """Return the folder or file of a pipeline that ships or is named, or else the source itself: of the hub.

    Raises:
        BadInput: If it is a folder without a pipeline in it, or neither a folder, a file nor of the hub.
        BadWeights: If it is a file that may run code when it is loaded.
    """
    return find_source(source, index="model_index.json", what="diffusers")


def source_content(source: str, card: Card, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return what everything that is loaded contains: a digest of local files, the commit of a hub repository.

    Raises:
        BadInput: If a local file cannot be read.
    """
    others = [adapter.source for kind in adapters_of(settings, card.name) for adapter in kind]
    named = [settings["base"], *of_kind(settings, LOAD).values()]
    others += [text for text in named if isinstance(text, str) and _is_source(text)]
    sources = [(card.source, source, card.revision), *((text, text, "") for text in others)]
    return sources_content(sources, card.name)


def _given(settings: Mapping[str, Any]) -> list[str]:
    return [name for name, value in settings.items() if name not in DEFAULTS or value != DEFAULTS[name]]


def _is_source(text: str) -> bool:
    return exists(Path(text)) or is_hub_id(text) or is_hub_file(text)


def _check_file(card: Card, settings: Mapping[str, Any]) -> None:
    """Refuse a single file of which the class is not named, or which lacks the pipeline around it."""
    if not is_weights_file(card.source):
        if settings["base"]:
            raise BadSettings(f"{card.name}: base is for a source that is one file of weights. Leave it out.")
        return
    name = Path(card.source).name
    if not settings["class"]:
        raise BadSettings(
            f"{card.name}: {name} does not say which pipeline it belongs to. Name its class: "
            f"?class={'FluxPipeline&base=ID' if _is_gguf(name) else 'StableDiffusionXLPipeline'}."
        )
    if _is_gguf(name) and not settings["base"]:
        raise BadSettings(
            f"{card.name}: {name} holds one part of a pipeline. Name the pipeline that the others come from: base=ID."
        )
    if _is_gguf(name) and settings["quantize"]:
        raise BadSettings(f"{card.name}: {name} is quantised already. Leave quantize out.")


def _is_gguf(name: str) -> bool:
    return name.lower().endswith(".gguf")


def _expected_class(settings: Mapping[str, Any], index: Mapping[str, Any]) -> type | None:
    """The class that a pipeline's index leads to; ``None`` where another may be chosen for it."""
    name = str(index.get("_class_name", ""))
    if of_kind(settings, LOAD).get("enable_pag"):
        name = name.replace("Pipeline", "PAGPipeline")
    if not name.endswith("Pipeline") or any(
        word in name for word in ("Img2Img", "Inpaint", "ControlNet", "Image2Image")
    ):
        return None
    kind = getattr(diffusers, name, None) if name.isidentifier() else None
    return kind if isinstance(kind, type) and issubclass(kind, diffusers.DiffusionPipeline) else None
