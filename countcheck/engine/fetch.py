"""Downloads what generators and counters load, ahead of a run on a machine without a network.

First it asks how much there is to download, then it fills the caches from which the libraries load.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from countcheck.cards import Card
from countcheck.counting.counter import COUNTER_SETTINGS, counter_card
from countcheck.errors import BadInput, CountcheckError, MissingExtra, first_line
from countcheck.generators.adapters import read_adapters
from countcheck.generators.model_sources import hub_refusal, is_hub_file, is_hub_id, is_weights_file, repository_of
from countcheck.resources import exists, shipped

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.onnx", "*.onnx_data", "*.gguf", "*.tflite")
_HERE = "ships with countcheck, or lies on this machine"
_SHARD = r"(-\d{5}-of-\d{5})?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """What one generator or counter loads from a network.

    Attributes:
        name: The card's.
        source: A hub id or an address; empty where nothing is downloaded.
        note: Why nothing is to be downloaded, or why its size is not known.
        files: Number of files.
        size: Bytes of them all; ``None`` where it is not known.
        missing: Bytes that are not in the cache yet; ``None`` where it is not known.
    """

    name: str
    source: str = ""
    note: str = ""
    files: int = 0
    size: int | None = 0
    missing: int | None = 0

    def to_json(self) -> dict[str, Any]:
        """Return the download as plain JSON values."""
        return {
            "name": self.name,
            "source": self.source,
            "note": self.note,
            "files": self.files,
            "bytes": self.size,
            "missing_bytes": self.missing,
        }


def plan_downloads(cards: Iterable[Card]) -> list[Download]:
    """Ask for each card what it loads from a network, and how much of it is not here yet. Downloads no weights.

    Raises:
        BadInput: When the hub cannot be reached, or does not know the model.
        MissingExtra: When the packages that the card needs are not installed.

    >>> from countcheck.counting.counter import counter_card
    >>> plan_downloads([counter_card("tiny")])[0].note
    'ships with countcheck, or lies on this machine'
    """
    return [download for card in cards for one in _with_base(card) for download in _plan(one)]


def counter_cards_of(spec: str) -> list[Card]:
    """Read the cards that a counter's spec loads: its own, and that of its second counter.

    Raises:
        UnknownName: For an unknown card or family, with near names.
        BadSettings: For a card that cannot be read.

    >>> [card.name for card in counter_cards_of("tiny?second_counter=owlv2")]
    ['tiny?second_counter=owlv2', 'owlv2']
    """
    card = counter_card(spec)
    second = str(card.settings.get("second_counter") or "")
    return [card, *(counter_cards_of(second) if second else ())]


def fetch(card: Card) -> None:
    """Download what a card loads into the caches of the libraries that load it; nothing where that is nothing.

    Raises:
        BadInput: When the hub cannot be reached, or does not know the model.
        MissingExtra: When the packages that the card needs are not installed.
    """
    for one in _with_base(card):
        _fetch_one(one)


def _fetch_one(card: Card) -> None:
    fetch_family = _FETCH.get(card.family)
    if fetch_family is not None and not card.settings.get("base_url") and not _is_local(card):
        _with_sentence(card, card.source, lambda: fetch_family(card))
    for source in _further_sources(card):
        fetch_source = _fetch_file if is_hub_file(source) else partial(_snapshot, ignored=_PICKLES)
        _with_sentence(card, source, partial(fetch_source, source, ""))


def pipeline_files(names: Collection[str], components: Collection[str], variant: str | None) -> set[str]:
    """Choose of a repository's files those that a diffusers pipeline loads.

    Args:
        names: All files of the repository.
        components: The folders that its ``model_index.json`` names.
        variant: Such as ``fp16``; a folder that does not have it gives its plain weights.

    >>> files = ["model_index.json", "unet/config.json", "unet/a.safetensors", "unet/a.fp16.safetensors", "b.ckpt"]
    >>> sorted(pipeline_files(files, ["unet"], "fp16"))
    ['model_index.json', 'unet/a.fp16.safetensors', 'unet/config.json']
    """
    chosen = {name for name in names if name in ("model_index.json", "config.json")}
    for component in components:
        inside = [name for name in names if name.startswith(f"{component}/")]
        weights = [name for name in inside if name.endswith((".safetensors", ".bin", ".pt", ".msgpack", ".onnx"))]
        chosen |= {name for name in inside if name not in weights and not name.endswith(".index.json")}
        special = [name for name in weights if _is_variant(name, variant)] if variant else []
        plain = [name for name in weights if re.search(rf"/[^./]+{_SHARD}\.safetensors$", name)]
        chosen |= set(special or plain)
    return chosen


def _is_variant(name: str, variant: str | None) -> bool:
    return re.search(rf"\.{re.escape(str(variant))}{_SHARD}\.safetensors$", name) is not None


def _with_sentence(card: Card, source: str, call: Callable[[], Any]) -> Any:
    """Return what the call returns; errors of the hub and the network become one sentence."""
    try:
        return call()
    except CountcheckError:
        raise
    except ImportError as error:
        raise MissingExtra("local", feature=f"fetching {card.name}") from error
    except Exception as error:
        reason = (
            hub_refusal(source, error) or f"{source} cannot be fetched ({first_line(error)}). Connect and try again."
        )
        raise BadInput(f"{card.name}: {reason}") from error


def _is_local(card: Card) -> bool:
    return not card.source or exists(Path(card.source)) or exists(shipped("models") / card.source)


def _plan(card: Card) -> list[Download]:
    plan_family = _PLAN.get(card.family)
    if plan_family is None or card.settings.get("base_url"):
        return [Download(name=card.name, note="is asked over the network, or lies on this machine")]
    if _is_local(card):
        downloads = [Download(name=card.name, note=_HERE)]
    else:
        downloads = [_with_sentence(card, card.source, lambda: plan_family(card))]
    for source in _further_sources(card):
        plan_source = _listed_file if is_hub_file(source) else partial(_listed, choose=_not_pickled)
        downloads.append(_with_sentence(card, source, partial(plan_source, card, source, "")))
    return downloads


def _with_base(card: Card) -> list[Card]:
    """The card, and before it the pipeline that the other parts of a single file come from."""
    base = card.settings.get("base") if card.family == "diffusers" else None
    if not isinstance(base, str) or not base:
        return [card]
    return [replace(card, source=base, revision="", settings={}), card]


def _further_sources(card: Card) -> list[str]:
    """What of the hub a card's settings name beside its own source: LoRAs, learned words, parts, the classifier of colours."""
    sources: list[Any] = []
    if card.family == "diffusers":
        for kind in ("lora", "textual_inversion"):
            sources += [adapter.source for adapter in read_adapters(card.settings.get(kind), kind, card.name)]
        sources += [value for name, value in card.settings.items() if name.startswith("load.")]
    if card.settings.get("classify"):
        sources.append(card.settings.get("classifier") or COUNTER_SETTINGS["classifier"])
    texts = [source for source in sources if isinstance(source, str)]
    return [text for text in texts if (is_hub_id(text) or is_hub_file(text)) and not exists(Path(text))]


# -- repositories of the hub --------------------------------------------------------------------------------------


def _plan_pipeline(card: Card) -> Download:
    from huggingface_hub import hf_hub_download

    if is_weights_file(card.source):
        return _listed_file(card, card.source, card.revision)
    index = hf_hub_download(card.source, "model_index.json", revision=card.revision or None)
    body = json.loads(Path(index).read_text(encoding="utf-8"))
    folders = [name for name, value in body.items() if isinstance(value, list) and value and value[0]]
    variant = card.settings.get("variant")
    return _listed(card, card.source, card.revision, lambda names: pipeline_files(names, folders, variant))


def _fetch_pipeline(card: Card) -> None:
    import diffusers

    if is_weights_file(card.source):
        _fetch_file(card.source, card.revision)
        return
    diffusers.DiffusionPipeline.download(
        card.source,
        revision=card.revision or None,
        variant=card.settings.get("variant"),
        use_safetensors=True,
        trust_remote_code=bool(card.settings.get("trust_remote_code")),
    )


def _plan_model(card: Card) -> Download:
    return _listed(card, card.source, card.revision, _chosen_of(card))


def _fetch_model(card: Card) -> None:
    _snapshot(card.source, card.revision, ignored=() if card.settings.get("trust_weights") else _PICKLES)


def _chosen_of(card: Card) -> Callable[[Collection[str]], set[str]]:
    return set if card.settings.get("trust_weights") else _not_pickled


def _not_pickled(names: Collection[str]) -> set[str]:
    return {name for name in names if not name.endswith(tuple(pattern[1:] for pattern in _PICKLES))}


def _listed(card: Card, source: str, revision: str, choose: Callable[[Collection[str]], set[str]]) -> Download:
    from huggingface_hub import HfApi, try_to_load_from_cache

    info = HfApi().model_info(source, revision=revision or None, files_metadata=True)
    sizes: Mapping[str, int | None] = {file.rfilename: file.size for file in info.siblings or ()}
    chosen = choose(sizes)
    absent = [name for name in chosen if not isinstance(try_to_load_from_cache(source, name, revision=info.sha), str)]
    return Download(
        name=card.name,
        source=source,
        files=len(chosen),
        size=sum(sizes[name] or 0 for name in chosen),
        missing=sum(sizes[name] or 0 for name in absent),
    )


def _listed_file(card: Card, source: str, revision: str) -> Download:
    """A file, or a folder, in a repository of the hub."""
    repository, place = repository_of(source)
    return _listed(card, repository, revision, lambda names: {name for name in names if _is_at(name, place)})


def _fetch_file(source: str, revision: str) -> None:
    from huggingface_hub import snapshot_download

    repository, place = repository_of(source)
    snapshot_download(repository, revision=revision or None, allow_patterns=[place, f"{place}/*"])


def _is_at(name: str, place: str) -> bool:
    return name == place or name.startswith(f"{place}/")


def _snapshot(source: str, revision: str, *, ignored: Collection[str]) -> None:
    from huggingface_hub import snapshot_download

    snapshot_download(source, revision=revision or None, ignore_patterns=list(ignored) or None)


# -- weights of torchvision and ultralytics -----------------------------------------------------------------------


def _torchvision_weights(card: Card) -> Any:
    from torchvision.models import get_model_weights

    return get_model_weights(card.source)["DEFAULT"]


def _plan_torchvision(card: Card) -> Download:
    import torch

    if card.settings.get("weights"):
        return Download(name=card.name, note=_HERE)
    weights = _torchvision_weights(card)
    size = round(float(weights.meta.get("_file_size", 0.0)) * 1024**2)
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    missing = 0 if file.is_file() else size
    return Download(name=card.name, source=weights.url, files=1, size=size, missing=missing)


def _fetch_torchvision(card: Card) -> None:
    if not card.settings.get("weights"):
        _torchvision_weights(card).get_state_dict(progress=False, check_hash=True)


def _plan_ultralytics(card: Card) -> Download:
    note = "its size is not known before it is downloaded"
    return Download(name=card.name, source=card.source, note=note, files=1, size=None, missing=None)


def _fetch_ultralytics(card: Card) -> None:
    from countcheck.registry import load_detector_class

    load_detector_class(card.family)(card)  # that library downloads when it loads


_PLAN: Mapping[str, Callable[[Card], Download]] = {
    "diffusers": _plan_pipeline,
    "transformers": _plan_model,
    "vlm": _plan_model,
    "tiny": _plan_model,
    "torchvision": _plan_torchvision,
    "ultralytics": _plan_ultralytics,
}
_FETCH: Mapping[str, Callable[[Card], None]] = {
    "diffusers": _fetch_pipeline,
    "transformers": _fetch_model,
    "vlm": _fetch_model,
    "torchvision": _fetch_torchvision,
    "ultralytics": _fetch_ultralytics,
}
