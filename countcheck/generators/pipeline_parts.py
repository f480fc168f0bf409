"""Pipelines put together from parts: single files, GGUF files, and parts that are loaded from elsewhere."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from countcheck.errors import BadSettings, MissingExtra
from countcheck.generators.model_sources import is_hub_file, is_weights_file, local_file, repository_of, revision_of
from countcheck.generators.pipeline_arguments import LOAD, of_kind
from countcheck.generators.quantization import model_quantization

try:
    import diffusers
    import torch
    import transformers
except ImportError as error:
    raise MissingExtra("local", feature="the diffusers generator") from error

_DENOISERS = ("transformer", "unet")


def load_parts(
    settings: Mapping[str, Any],
    index: Mapping[str, Any],
    base: str,
    *,
    content: Mapping[str, str],
    dtype: torch.dtype,
    name: str,
) -> dict[str, Any]:
    """Return the keywords of ``load.`` with the parts that they name loaded.

    Args:
        settings: The generator's.
        index: The pipeline's ``model_index.json``: the class of every part.
        base: Where the pipeline comes from; a part in one file takes its configuration from there.
        content: What was recorded of the sources: of a hub repository, exactly that commit is loaded.
        dtype: Of the parts' weights.
        name: The generator's, for errors.

    Raises:
        BadSettings: If a part's class is none of the libraries', or is not loaded from one file.
        GeneratorClosed: If the hub does not give a file.
    """
    keywords = {}
    for part, value in of_kind(settings, LOAD).items():
        entry = index.get(part)
        if isinstance(value, str) and isinstance(entry, list):
            value = _load_part(part, value, base, _class_of(part, entry, name), settings, content, dtype, name)
        keywords[part] = value
    return keywords


def denoiser_from_file(
    file: str,
    index: Mapping[str, Any],
    base: str,
    *,
    quantize: str | None,
    content: Mapping[str, str],
    dtype: torch.dtype,
    name: str,
) -> dict[str, Any]:
    """Load the part of a pipeline that removes the noise from one file, and return it under its name.

    Args:
        file: A path to a .safetensors or .gguf file.
        index: The base's ``model_index.json``.
        base: The pipeline that the configuration comes from.
        quantize: As the user wrote it; ``None`` for none.
        content: What was recorded of the sources.
        dtype: In which the part computes.
        name: The generator's, for errors.

    Raises:
        BadSettings: If the base has no such part, or its class is not loaded from one file.
    """
    part = next((known for known in _DENOISERS if isinstance(index.get(known), list)), None)
    if part is None:
        raise BadSettings(f"{name}: {base} has no transformer and no unet, which {Path(file).name} could be.")
    kind = _class_of(part, index[part], name)
    return {part: _from_file(kind, part, file, base, quantize, content, dtype, name)}


def tokenizers_of(index: Mapping[str, Any], source: str, revision: str | None) -> dict[str, Any]:
    """Load a pipeline's tokenizers alone, and name its text encoders beside them.

    Args:
        index: The pipeline's ``model_index.json``.
        source: A folder or a hub id.
        revision: Of the hub's repository; ``None`` for its newest.
    """
    parts: dict[str, Any] = {}
    for name, entry in index.items():
        there = isinstance(entry, list) and bool(entry[0])
        if there and "tokenizer" in name and entry[0] == "transformers":
            kind = getattr(transformers, str(entry[1]))
            parts[name] = kind.from_pretrained(source, subfolder=name, revision=revision)
        elif there and "text_encoder" in name:
            parts[name] = True
    return parts if any("tokenizer" in name for name in parts) else {}


def _load_part(
    part: str,
    value: str,
    base: str,
    kind: Any,
    settings: Mapping[str, Any],
    content: Mapping[str, str],
    dtype: torch.dtype,
    name: str,
) -> Any:
    revision = revision_of(value, content)
    quantize = settings["quantize"]
    if is_weights_file(value):
        return _from_file(kind, part, local_file(value, revision, name), base, quantize, content, dtype, name)
    options: dict[str, Any] = {"revision": revision} if revision else {}
    if isinstance(kind, type) and issubclass(kind, torch.nn.Module):
        options |= {"dtype": dtype, "use_safetensors": True}
        if quantize and part in (*_DENOISERS, "text_encoder"):
            library = kind.__module__.partition(".")[0]
            options["quantization_config"] = model_quantization(quantize, dtype, name, library=library)
    source, subfolder = (value, "") if Path(value).is_dir() or not is_hub_file(value) else repository_of(value)
    if Path(value).is_dir() and (Path(value) / part).is_dir():
        subfolder = part
    try:
        return kind.from_pretrained(source, **options, **({"subfolder": subfolder} if subfolder else {}))
    except OSError:
        if subfolder or Path(value).is_dir():
            raise
        # A repository that holds a whole pipeline has its parts in folders of their names.
        return kind.from_pretrained(source, **options, subfolder=part)


def _from_file(
    kind: Any,
    part: str,
    file: str,
    base: str,
    quantize: str | None,
    content: Mapping[str, str],
    dtype: torch.dtype,
    name: str,
) -> Any:
    if not hasattr(kind, "from_single_file"):
        raise BadSettings(f"{name}: {kind.__name__} is not loaded from one file. Name a folder or a hub id for {part}.")
    options: dict[str, Any] = {"config": base, "subfolder": part, "dtype": dtype}
    if revision := revision_of(base, content):
        options["config_revision"] = revision
    if file.lower().endswith(".gguf"):
        if find_spec("gguf") is None:
            raise BadSettings(
                f"{name}: {Path(file).name} needs the package gguf, which is not installed. "
                "Install it with: pip install 'countcheck[quantize]'"
            )
        options["quantization_config"] = diffusers.GGUFQuantizationConfig(compute_dtype=dtype)
    elif quantize:
        options["quantization_config"] = model_quantization(quantize, dtype, name, library="diffusers")
    return kind.from_single_file(file, **options)


def _class_of(part: str, entry: list[Any], name: str) -> Any:
    library, kind = str(entry[0]), str(entry[1])
    known = library in ("diffusers", "transformers")
    loaded = getattr(importlib.import_module(library), kind, None) if known else None
    if loaded is None:
        raise BadSettings(f"{name}: {LOAD}{part} is of a class that is not loaded on its own. Leave it out.")
    return loaded
