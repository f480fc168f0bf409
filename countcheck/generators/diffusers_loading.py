"""Loading of diffusers pipelines: settings checked, source found, weights loaded and placed. Nothing is generated here."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from countcheck.cards import Card
from countcheck.detectors.common.devices import resolve_devices, resolve_dtype
from countcheck.errors import BadInput, BadSettings, BadWeights, CountcheckError, MissingExtra, first_line
from countcheck.generators.adapters import add_learned_words, add_loras
from countcheck.generators.model_sources import (
    folder_error,
    hub_error,
    is_weights_file,
    local_file,
    revision_of,
    without_loading_bars,
)
from countcheck.generators.pipeline_arguments import CALL, LOAD, of_kind
from countcheck.generators.pipeline_parts import denoiser_from_file, load_parts, tokenizers_of
from countcheck.generators.prompt_limits import PromptLimits
from countcheck.generators.quantization import pipeline_quantization

try:
    import diffusers
    import torch
except ImportError as error:
    raise MissingExtra("local", feature="the diffusers generator") from error

from countcheck.generators.diffusers_settings import (
    adapters_of,
    check_arguments,
    find_pipeline,
    named_class,
    pipeline_class,
)


def load_pipeline(
    source: str, card: Card, settings: Mapping[str, Any], *, content: Mapping[str, str] | None = None
) -> Any:
    """Load a text-to-image pipeline, with its scheduler and what is laid over its weights, and place it on its device.

    Only safetensors and GGUF are loaded, and no code that comes with a model is run unless ``trust_remote_code`` is set.

    Args:
        source: A folder, a file or a hub id.
        card: The generator's.
        settings: As `checked_settings` returns them.
        content: What was recorded, see `source_content`: of a hub repository, exactly that commit is loaded.

    Raises:
        BadInput, BadWeights: If local files cannot be loaded.
        BadSettings: If a setting does not fit the pipeline or this machine.
        GeneratorClosed: If the hub does not give the model.
    """
    content = content or {}
    pipe = _load(source, card, settings, content)
    if settings["scheduler"]:
        pipe.scheduler = _scheduler(str(settings["scheduler"]), pipe, card.name)
    loras, words = adapters_of(settings, card.name)
    if loras:
        add_loras(pipe, loras, float(settings["lora_scale"]), content, card.name)
    if words:
        add_learned_words(pipe, words, content, card.name)
    if settings["tiling"] and hasattr(pipe, "vae"):
        pipe.vae.enable_tiling()
    _place(pipe, card, settings)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def read_limits(
    source: str, card: Card, settings: Mapping[str, Any], content: Mapping[str, str]
) -> PromptLimits | None:
    """Read how much of a prompt a pipeline's text encoders read, from its index and its tokenizers, without its weights.

    Args:
        source: A folder, a file or a hub id.
        card: The generator's.
        settings: As `checked_settings` returns them.
        content: What was recorded, see `source_content`: of a hub repository, exactly that commit is read.

    Returns:
        ``None`` where only the loaded pipeline can tell.

    Raises:
        BadInput, BadWeights: If local files cannot be read.
        BadSettings: If the pipeline does not take an argument.
        GeneratorClosed: If the hub does not give them.
    """
    replaced = settings["textual_inversion"] or any("tokenizer" in name for name in of_kind(settings, LOAD))
    base = settings["base"] or ("" if is_weights_file(source) else source)
    if not base or replaced:
        return None
    place = card.source if base == source else str(base)
    revision = revision_of(place, content, card.revision if base == source else "")
    try:
        with without_loading_bars():
            index = diffusers.DiffusionPipeline.load_config(find_pipeline(str(base)), revision=revision)
            check_arguments(card, settings, source, index)
            kind = named_class(settings, index, card.name)
            parts = tokenizers_of(index, find_pipeline(str(base)), revision)
    except CountcheckError:
        raise
    except Exception as error:
        raise _loading_error(source, card, error) from error
    return PromptLimits.of_parts(kind, parts, settings) if kind is not None and parts else None


def device_name(setting: str, name: str) -> str:
    """Return the device that a setting means: ``auto`` is the first accelerator, or the CPU."""
    return str(resolve_devices(setting, name)[0]) if setting == "auto" else setting


def weights_digest(folder: Path) -> str:
    """Return SHA-256 (64 hex digits) over names and bytes of all safetensors files under a folder, in order of name."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def verify_weights(source: str, card: Card) -> None:
    """Compare the weights of a folder with the digest in the card's revision.

    Raises:
        BadWeights: If they differ.
    """
    actual = weights_digest(Path(source))
    expected = card.revision.removeprefix("sha256:")
    if not actual.startswith(expected):
        raise BadWeights(
            f"{card.name}: the weights in {source} have the hash {actual[:16]}, the card says {expected[:16]}. "
            "They are damaged or were changed; fetch them again."
        )


def use_channels_last(pipe: Any) -> None:
    """Store the weights of flat convolutions channels last, which CPUs read fastest; pictures change by rounding only."""
    for net in (getattr(pipe, "unet", None), getattr(pipe, "vae", None)):
        for layer in net.modules() if net is not None else ():
            if isinstance(layer, torch.nn.Conv2d):
                layer.to(memory_format=torch.channels_last)


def _load(source: str, card: Card, settings: Mapping[str, Any], content: Mapping[str, str]) -> Any:
    try:
        with without_loading_bars():
            if is_weights_file(source):
                return _load_file(source, card, settings, content)
            return _load_pipeline(source, card, settings, content)
    except CountcheckError:
        raise
    except Exception as error:
        raise _loading_error(source, card, error) from error


def _load_pipeline(source: str, card: Card, settings: Mapping[str, Any], content: Mapping[str, str]) -> Any:
    """Load a folder or a hub repository that holds a pipeline."""
    revision = revision_of(card.source, content, card.revision)
    options = {**_options(card, settings), "variant": settings["variant"], "use_safetensors": True}
    if revision:
        options["revision"] = revision
    if settings["trust_remote_code"]:
        options["trust_remote_code"] = True
    if _needs_index(settings):
        index = diffusers.DiffusionPipeline.load_config(source, revision=revision)
        check_arguments(card, settings, source, index)
        options |= _parts(settings, index, source, content, options["dtype"], card.name)
    kind = pipeline_class(str(settings["class"]), card.name) if settings["class"] else None
    return kind.from_pretrained(source, **options) if kind is not None else _from_pretrained(source, options)


def _load_file(source: str, card: Card, settings: Mapping[str, Any], content: Mapping[str, str]) -> Any:
    """Load one file of weights: a whole pipeline, or the part of ``base`` that removes the noise."""
    kind: Any = pipeline_class(str(settings["class"]), card.name)
    file = local_file(source, revision_of(card.source, content, card.revision), card.name)
    options = _options(card, settings)
    if not settings["base"]:
        if settings["quantize"]:
            raise BadSettings(
                f"{card.name}: quantize is for a pipeline's folder or base=ID. Leave it out for one file."
            )
        return kind.from_single_file(file, dtype=options["dtype"], **of_kind(settings, LOAD))
    base = find_pipeline(str(settings["base"]))
    revision = revision_of(str(settings["base"]), content)
    index = diffusers.DiffusionPipeline.load_config(base, revision=revision)
    part = denoiser_from_file(
        file, index, base, quantize=settings["quantize"], content=content, dtype=options["dtype"], name=card.name
    )
    parts = _parts(settings, index, base, content, options["dtype"], card.name)
    return kind.from_pretrained(base, **options, **parts, **part, use_safetensors=True, revision=revision)


def _options(card: Card, settings: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "dtype": _dtype(str(settings["dtype"]), device_name(str(settings["device"]), card.name), card.name)
    }
    if settings["device_map"] != "none":
        options["device_map"] = settings["device_map"]
    return options


def _needs_index(settings: Mapping[str, Any]) -> bool:
    return bool(settings["quantize"] or settings["class"] or of_kind(settings, LOAD) or of_kind(settings, CALL))


def _parts(
    settings: Mapping[str, Any],
    index: Mapping[str, Any],
    source: str,
    content: Mapping[str, str],
    dtype: torch.dtype,
    name: str,
) -> dict[str, Any]:
    """The keywords of ``load.``, and how the parts that no keyword replaces are quantised."""
    parts = load_parts(settings, index, source, content=content, dtype=dtype, name=name)
    if settings["quantize"]:
        others = {part: entry for part, entry in index.items() if part not in parts}
        parts["quantization_config"] = pipeline_quantization(str(settings["quantize"]), others, dtype, name)
    return parts


def _from_pretrained(source: str, options: Mapping[str, Any]) -> Any:
    try:
        return diffusers.AutoPipelineForText2Image.from_pretrained(source, **options)
    except ValueError as error:
        # Younger pipelines are not in the automatic table yet; their own index names the class.
        if "AutoPipeline" not in str(error):
            raise
        return diffusers.DiffusionPipeline.from_pretrained(source, **options)


def _loading_error(source: str, card: Card, error: Exception) -> Exception:
    if Path(source).is_dir():
        return _folder_error(Path(source), card, error)
    if is_weights_file(source):
        return _file_error(source, card, error)
    return hub_error(source, card.name, error)


def _file_error(source: str, card: Card, error: Exception) -> Exception:
    """The error for a single file: what it lacks, or what the library says."""
    if "missing in the checkpoint" in str(error) or "SingleFileComponentError" in type(error).__name__:
        return BadSettings(
            f"{card.name}: {source} does not hold a whole pipeline ({first_line(error)}). Name the one that the other "
            "parts come from: base=ID."
        )
    if Path(source).is_file() and (not isinstance(error, OSError) or "Unable to load weights" in str(error)):
        return BadWeights(f"{card.name}: {source} cannot be loaded ({first_line(error)}). Check class and base.")
    return hub_error(source, card.name, error)


def _folder_error(folder: Path, card: Card, error: Exception) -> Exception:
    """The error for a local folder: what is wrong with it where that can be seen, else what the library says."""
    index = folder / "model_index.json"
    with contextlib.suppress(OSError, ValueError, AttributeError):
        pipeline = json.loads(index.read_text(encoding="utf-8")).get("_class_name")
        if isinstance(pipeline, str) and not hasattr(diffusers, pipeline):
            return BadInput(
                f"{card.name}: {index} names the pipeline {pipeline[:80]!r}, which diffusers {diffusers.__version__} does "
                "not have. Upgrade diffusers, or name another folder."
            )
    if "no file named" in str(error).lower():
        weights = {path.name for path in folder.rglob("*.safetensors")}
        variants = {
            match[1]
            for name in weights
            if (match := re.search(r"\.([A-Za-z0-9]+)(?:-\d+-of-\d+)?\.safetensors$", name))
        }
        if variants and not card.settings.get("variant"):
            variant = sorted(variants)[0]
            return BadSettings(f"{card.name}: the weights in {folder} are saved as {variant}. Add variant={variant}.")
        if not weights and any(folder.rglob("*.bin")):
            return BadWeights(
                f"{card.name}: {folder} holds only .bin weights, which may run code when they are loaded. "
                "Save the pipeline again with safe_serialization=True."
            )
    return folder_error(folder, card.name, error)


def _scheduler(name: str, pipe: Any, card: str) -> Any:
    kind = getattr(diffusers, name, None)
    if kind is None or not hasattr(kind, "from_config"):
        known = sorted(n for n in dir(diffusers) if n.endswith("Scheduler"))
        raise BadSettings(f"{card}: no scheduler {name!r}. Known: {', '.join(known)}.")
    return kind.from_config(pipe.scheduler.config)


def _place(pipe: Any, card: Card, settings: Mapping[str, Any]) -> None:
    device = str(resolve_devices(str(settings["device"]), card.name)[0])
    match "placed" if settings["device_map"] != "none" else settings["offload"]:
        case "none":
            pipe.to(device)
            if device == "cpu":
                use_channels_last(pipe)
        case "model":
            pipe.enable_model_cpu_offload(device=device)
        case "sequential":
            pipe.enable_sequential_cpu_offload(device=device)
    if settings["compile"]:
        part = "transformer" if getattr(pipe, "transformer", None) is not None else "unet"
        getattr(pipe, part).compile(dynamic=True)


def _dtype(setting: str, device: str, name: str) -> Any:
    # bf16 is the format that recent pipelines were trained in; fp16 overflows in some.
    return resolve_dtype(setting, torch.device(device), name, key="dtype", prefer_bf16=True)
