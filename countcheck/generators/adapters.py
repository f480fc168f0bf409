"""What is laid over a pipeline's weights: LoRAs with their weights, and words learned by textual inversion.

Several are written with commas, in a card as a list: ``lora=organisation/model/file.safetensors:0.8,other.safetensors``,
``textual_inversion=pig.safetensors:<pig>``.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countcheck.errors import BadSettings, BadWeights, CountcheckError, MissingExtra, first_line, near_hint
from countcheck.generators.model_sources import (
    is_hub_file,
    is_hub_id,
    is_weights_file,
    local_file,
    revision_of,
)
from countcheck.resources import exists


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One LoRA, or one file of learned words.

    Attributes:
        source: A file, a folder, a hub id, or a file in a hub repository.
        weight: Of a LoRA: how strongly it acts; ``None`` for ``lora_scale``.
        token: Of a learned word: how prompts write it; empty for what the file says.
        weight_name: The file in the folder or repository; empty for the only one.
    """

    source: str
    weight: float | None = None
    token: str = ""
    weight_name: str = ""


def read_adapters(setting: Any, kind: str, name: str) -> list[Adapter]:
    """Read the setting ``lora`` or ``textual_inversion``.

    Args:
        setting: Text, or a list of texts and mappings with source, weight or token, and weight_name; ``None`` for none.
        kind: Of the two settings, the one that is read.
        name: The generator's, for errors.

    Raises:
        BadSettings: For an entry that names no source, or has a field that is not known or of the wrong type.

    >>> [(lora.source, lora.weight) for lora in read_adapters("org/pigs:0.8, org/wolves", "lora", "sdxl")]
    [('org/pigs', 0.8), ('org/wolves', None)]
    """
    if setting is None or setting == "":
        return []
    # A file whose name has a comma or a colon in it is one file.
    entries = [setting] if isinstance(setting, Mapping) or _is_file(setting) else setting
    if isinstance(entries, str):
        entries = entries.split(",")
    if not isinstance(entries, list):
        raise BadSettings(f"{name}: {kind} is {setting!r}. Give a file, a folder, a hub id, or a list of them.")
    return [_read(entry, kind, name) for entry in entries]


def add_loras(pipe: Any, loras: list[Adapter], scale: float, content: Mapping[str, str], name: str) -> None:
    """Lay LoRAs over a pipeline, all of them at once.

    Args:
        pipe: A diffusers pipeline.
        loras: At least one.
        scale: The weight of those that have none of their own.
        content: What was recorded of the sources: of a hub repository, exactly that commit is loaded.
        name: The generator's, for errors.

    Raises:
        BadSettings: If the pipeline takes none, or the package peft is missing.
        BadWeights: If one cannot be loaded.
        GeneratorClosed: If the hub does not give one.
    """
    if not hasattr(pipe, "load_lora_weights"):
        raise BadSettings(f"{name}: {type(pipe).__name__} takes no LoRA. Leave lora out.")
    names = ["lora"] if len(loras) == 1 else [f"lora_{number}" for number in range(1, len(loras) + 1)]
    for lora, adapter in zip(loras, names, strict=True):
        try:
            source, options = _place(lora, content, name)
            with warnings.catch_warnings():
                # Several at a time are meant.
                warnings.filterwarnings("ignore", message="Already found a `peft_config`")
                pipe.load_lora_weights(source, use_safetensors=True, adapter_name=adapter, **options)
        except CountcheckError:
            raise
        except (ImportError, ValueError) as error:
            if "peft" in str(error).lower():
                raise MissingExtra("local", feature=f"{name}: a LoRA (package peft)") from error
            raise _damaged("LoRA", lora, name, error) from error
        except Exception as error:
            raise _damaged("LoRA", lora, name, error) from error
    pipe.set_adapters(names, [scale if lora.weight is None else lora.weight for lora in loras])


def add_learned_words(pipe: Any, words: list[Adapter], content: Mapping[str, str], name: str) -> None:
    """Teach a pipeline's text encoders words that were learned by textual inversion.

    Args:
        pipe: A diffusers pipeline.
        words: The files.
        content: What was recorded of the sources: of a hub repository, exactly that commit is loaded.
        name: The generator's, for errors.

    Raises:
        BadSettings: If the pipeline takes none, or a file for two text encoders comes without its word.
        BadWeights: If one cannot be loaded.
        GeneratorClosed: If the hub does not give one.
    """
    if not hasattr(pipe, "load_textual_inversion"):
        raise BadSettings(f"{name}: {type(pipe).__name__} takes no textual inversion. Leave textual_inversion out.")
    for word in words:
        try:
            source, options = _place(word, content, name)
            _teach(pipe, word, source, options, name)
        except CountcheckError:
            raise
        except Exception as error:
            raise _damaged("textual inversion", word, name, error) from error


def _teach(pipe: Any, word: Adapter, source: str, options: Mapping[str, Any], name: str) -> None:
    token = {"token": word.token} if word.token else {}
    encoders = _by_encoder(source)
    if not encoders:
        pipe.load_textual_inversion(source, use_safetensors=True, **token, **options)
        return
    if not word.token:
        raise BadSettings(f"{name}: {word.source} does not say its word. Write textual_inversion={word.source}:WORD.")
    for part, number in (("clip_l", ""), ("clip_g", "_2")):
        encoder, tokenizer = getattr(pipe, f"text_encoder{number}", None), getattr(pipe, f"tokenizer{number}", None)
        if encoder is None or tokenizer is None:
            raise BadSettings(f"{name}: {word.source} is for two text encoders; {type(pipe).__name__} has not both.")
        pipe.load_textual_inversion(encoders[part], text_encoder=encoder, tokenizer=tokenizer, **token)


def _by_encoder(source: str) -> dict[str, Any]:
    """The vectors of a file that holds those of SDXL's two text encoders; empty for any other file."""
    if not (source.endswith(".safetensors") and Path(source).is_file()):
        return {}
    from safetensors.torch import load_file

    vectors = load_file(source)
    return vectors if {"clip_l", "clip_g"} <= set(vectors) else {}


def _place(adapter: Adapter, content: Mapping[str, str], name: str) -> tuple[str, dict[str, Any]]:
    """The source as the library takes it, and the options that go with it."""
    revision = revision_of(adapter.source, content)
    if is_weights_file(adapter.source):
        return local_file(adapter.source, revision, name), {}
    options: dict[str, Any] = {"weight_name": adapter.weight_name} if adapter.weight_name else {}
    return adapter.source, options | ({"revision": revision} if revision else {})


def _damaged(what: str, adapter: Adapter, name: str, error: Exception) -> BadWeights:
    return BadWeights(f"{name}: the {what} {adapter.source} cannot be loaded ({first_line(error)}).")


def _is_file(setting: Any) -> bool:
    return isinstance(setting, str) and exists(Path(setting))


def _read(entry: Any, kind: str, name: str) -> Adapter:
    fields = ("source", "weight" if kind == "lora" else "token", "weight_name")
    if isinstance(entry, str):
        entry = _split(entry.strip(), kind)
    if not isinstance(entry, Mapping) or not entry.get("source"):
        raise BadSettings(f"{name}: {kind} has the entry {entry!r}. Give each a source.")
    for key in entry:
        if key not in fields:
            raise BadSettings(
                f"{name}: {kind} has no field {key!r}.{near_hint(key, fields)} Known: {', '.join(fields)}."
            )
    source, weight = str(entry["source"]), entry.get("weight")
    if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int | float)):
        raise BadSettings(f"{name}: the weight of {source} is {weight!r}. Give a number.")
    if not (exists(Path(source)) or is_hub_id(source) or (is_hub_file(source) and is_weights_file(source))):
        raise BadSettings(f"{name}: {kind}: there is no {source!r}, and it is nothing of the hub. Check the path.")
    return Adapter(
        source=source,
        weight=None if weight is None else float(weight),
        token=str(entry.get("token") or ""),
        weight_name=str(entry.get("weight_name") or ""),
    )


def _split(text: str, kind: str) -> dict[str, Any]:
    """Split a text into the source and what follows its last colon: a LoRA's weight, or a learned word."""
    head, colon, tail = text.rpartition(":")
    if _is_file(text) or not colon or not head or not tail or "/" in tail or "\\" in tail:
        return {"source": text}
    if kind != "lora":
        return {"source": head, "token": tail}
    try:
        return {"source": head, "weight": float(tail)}
    except ValueError:
        return {"source": text}
