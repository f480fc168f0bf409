"""Loading of diffusers pipelines: settings checked, source found, weights loaded and placed. Nothing is generated here."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from countcheck.cards import Card, fill
from countcheck.detectors.common.devices import resolve_devices, resolve_dtype
from countcheck.errors import BadInput, BadSettings, BadWeights, GeneratorClosed, MissingExtra
from countcheck.resources import content_digest, exists, printable_path, shipped

try:
    import diffusers
    import torch
    import transformers
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
    "lora": None,
    "lora_scale": 1.0,
    "edits": False,
    "strength": None,
    "device": "auto",
    "batch": 8,
    "offload": "none",
    "compile": False,
    "trust_remote_code": False,
    "tiling": False,
}
_COMMIT = "commit:"
_DTYPES = ("auto", "fp32", "fp16", "bf16")
_OFFLOADS = ("none", "model", "sequential")


def checked_settings(card: Card) -> dict[str, Any]:
    """Return the card's settings over the defaults.

    Raises:
        BadSettings: If a setting is unknown, or its value is not allowed.
    """
    settings = fill(card, DEFAULTS)
    for name, allowed in (("dtype", _DTYPES), ("offload", _OFFLOADS)):
        if settings[name] not in allowed:
            raise BadSettings(f"{card.name}: {name} is {settings[name]!r}. Choose from {', '.join(allowed)}.")
    for name in ("steps", "width", "height", "size", "batch"):
        value = settings[name]
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise BadSettings(f"{card.name}: {name} is {value!r}. Give a whole number, 1 or more.")
    return settings


def find_source(source: str) -> str:
    """Return the folder of a pipeline that ships or is named, or else the source itself: a hub id.

    Raises:
        BadInput: If it is a folder without a pipeline in it, or neither a folder nor a hub id.
    """
    for folder in (Path(source), shipped("models") / source):
        if exists(folder / "model_index.json"):
            return str(folder)
    if exists(Path(source)):
        raise BadInput(f"{source} is no diffusers folder: there is no model_index.json in it. Name one that has it.")
    if source.count("/") != 1 or source.startswith((".", "/", "~")):
        raise BadInput(f"no model folder at {source!r}, and it is no hub id (organisation/model). Check the path.")
    return source


def source_content(source: str, card: Card, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return what the source and the LoRA are: a digest of a local file or folder, the commit of a hub id.

    A hub id whose commit cannot be told, because the hub is out of reach and nothing of it is cached, is left out.

    Raises:
        BadInput: If a local file cannot be read.
    """
    content = {}
    for text, revision in ((source, card.revision), (str(settings["lora"] or ""), "")):
        try:
            if text and exists(Path(text)):
                place = card.source if text == source else text
                content[printable_path(place)] = content_digest(Path(text))
            elif text and (commit := _hub_commit(text, revision)):
                content[text] = f"{_COMMIT}{commit}"
        except OSError as error:
            raise BadInput(f"{card.name}: {text} cannot be read ({error.strerror or error}).") from error
    return content


def load_pipeline(
    source: str, card: Card, settings: Mapping[str, Any], *, commits: Mapping[str, str] | None = None
) -> Any:
    """Load a text-to-image pipeline, with its scheduler and LoRA, and place it on its device.

    Only safetensors are loaded, and no code that comes with a model is run unless ``trust_remote_code`` is set.

    Args:
        source: A folder or a hub id.
        card: The generator's.
        settings: As `checked_settings` returns them.
        commits: The content that was recorded, see `source_content`: of a hub id, exactly that commit is loaded.

    Raises:
        BadInput, BadWeights: If a local folder cannot be loaded.
        BadSettings: If a setting does not fit the pipeline or this machine.
        GeneratorClosed: If the hub does not give the model.
    """
    pipe = _load(source, card, settings, (commits or {}).get(source, ""))
    if settings["scheduler"]:
        pipe.scheduler = _scheduler(str(settings["scheduler"]), pipe, card.name)
    if settings["lora"]:
        _add_lora(pipe, str(settings["lora"]), float(settings["lora_scale"]), card.name)
    if settings["tiling"] and hasattr(pipe, "vae"):
        pipe.vae.enable_tiling()
    _place(pipe, card, settings)
    pipe.set_progress_bar_config(disable=True)
    return pipe


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


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, at most 300 characters; the error's class when it has none."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:300]


def _hub_commit(source: str, revision: str) -> str:
    """The commit that a hub id stands for now: as the hub says, else as the cache on this machine has it."""
    from huggingface_hub import HfApi, constants

    if source.count("/") != 1:
        return ""
    with contextlib.suppress(Exception):  # out of reach, unknown, not allowed: loading says which
        return str(HfApi().model_info(source, revision=revision or None, timeout=10).sha or "")
    folder = Path(constants.HF_HUB_CACHE) / f"models--{source.replace('/', '--')}"
    with contextlib.suppress(OSError, ValueError):
        return (folder / "refs" / (revision or "main")).read_text(encoding="utf-8").strip()
    return ""


def _load(source: str, card: Card, settings: Mapping[str, Any], commit: str) -> Any:
    options: dict[str, Any] = {
        "dtype": _dtype(str(settings["dtype"]), device_name(str(settings["device"]), card.name), card.name),
        "use_safetensors": True,
        "variant": settings["variant"],
    }
    if commit.startswith(_COMMIT):
        options["revision"] = commit.removeprefix(_COMMIT)
    elif card.revision and not card.revision.startswith("sha256:"):
        options["revision"] = card.revision
    if settings["trust_remote_code"]:
        options["trust_remote_code"] = True
    try:
        with _no_loading_bars():
            return _from_pretrained(source, options)
    except Exception as error:
        raise _loading_error(source, card, error) from error


def _from_pretrained(source: str, options: Mapping[str, Any]) -> Any:
    try:
        return diffusers.AutoPipelineForText2Image.from_pretrained(source, **options)
    except ValueError as error:
        # Younger pipelines are not in the automatic table yet; their own index names the class.
        if "AutoPipeline" not in str(error):
            raise
        return diffusers.DiffusionPipeline.from_pretrained(source, **options)


@contextlib.contextmanager
def _no_loading_bars() -> Iterator[None]:
    """Hide the libraries' progress bars while a pipeline loads; the run shows its own."""
    enabled = [log for log in (diffusers.utils.logging, transformers.utils.logging) if log.is_progress_bar_enabled()]
    for log in enabled:
        log.disable_progress_bar()
    try:
        yield
    finally:
        for log in enabled:
            log.enable_progress_bar()


def _loading_error(source: str, card: Card, error: Exception) -> Exception:
    names = {kind.__name__ for kind in type(error).__mro__}
    if Path(source).is_dir():
        return _folder_error(Path(source), card, error)
    if "GatedRepoError" in names:
        return GeneratorClosed(f"{card.name}: {source} is gated. Accept its licence on the hub and log in there.")
    if "RepositoryNotFoundError" in names or "RevisionNotFoundError" in names:
        return GeneratorClosed(f"{card.name}: the hub knows no {source!r} at that revision. Check the id.")
    return GeneratorClosed(
        f"{card.name}: {source} could not be loaded ({first_line(error)}). "
        "If the hub is out of reach, name a local folder instead: diffusers:FOLDER."
    )


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
    names = {kind.__name__ for kind in type(error).__mro__}
    if "SafetensorError" in names or "safetensors" in str(error).lower() or isinstance(error, RuntimeError):
        return BadWeights(
            f"{card.name}: the weights in {folder} cannot be loaded ({first_line(error)}). Fetch them again."
        )
    return BadInput(f"{card.name}: {folder} cannot be loaded ({first_line(error)}).")


def _scheduler(name: str, pipe: Any, card: str) -> Any:
    kind = getattr(diffusers, name, None)
    if kind is None or not hasattr(kind, "from_config"):
        known = sorted(n for n in dir(diffusers) if n.endswith("Scheduler"))
        raise BadSettings(f"{card}: no scheduler {name!r}. Known: {', '.join(known)}.")
    return kind.from_config(pipe.scheduler.config)


def _add_lora(pipe: Any, source: str, scale: float, card: str) -> None:
    if not hasattr(pipe, "load_lora_weights"):
        raise BadSettings(f"{card}: {type(pipe).__name__} takes no LoRA. Leave lora out.")
    try:
        pipe.load_lora_weights(source, use_safetensors=True, adapter_name="lora")
        pipe.set_adapters(["lora"], [scale])
    except ImportError as error:
        raise BadSettings(f"{card}: LoRA weights need the package peft. Install it with: pip install peft") from error
    except Exception as error:
        raise BadWeights(f"{card}: the LoRA {source} cannot be loaded ({first_line(error)}).") from error


def _place(pipe: Any, card: Card, settings: Mapping[str, Any]) -> None:
    device = str(resolve_devices(str(settings["device"]), card.name)[0])
    match settings["offload"]:
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
