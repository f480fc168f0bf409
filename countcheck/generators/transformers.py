"""The generator ``transformers:SOURCE``: autoregressive image models of the transformers library, such as Janus-Pro.

A picture is drawn token by token, each with noise of the picture's own seed, so that it does not depend on what else is
in its batch. In half precision a sum can round differently in another batch size, and one other token changes what
follows: pictures that must come out the same again need ``dtype=fp32``, or the same ``batch``.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from countcheck.cards import Card, fill
from countcheck.detectors.common.batching import BatchSize
from countcheck.detectors.common.devices import is_out_of_memory, resolve_devices, resolve_dtype
from countcheck.errors import BadInput, BadSettings, CountcheckError, MissingExtra, first_line
from countcheck.generators.base import Traits
from countcheck.generators.model_sources import (
    find_source,
    folder_error,
    hub_error,
    revision_of,
    sources_content,
    without_loading_bars,
)
from countcheck.generators.outcome import Failure, Fault, Outcome
from countcheck.generators.painted import failure, outcome_of, paint_in_batches
from countcheck.generators.prompt_limits import Truncation
from countcheck.suites.samples import Recipe, Sample

try:
    import torch
    import transformers
except ImportError as error:
    raise MissingExtra("local", feature="the transformers generator") from error

from countcheck.generators.autoregressive import PictureModel, greedy, picture_model
from countcheck.generators.quantization import check_quantization, model_quantization
from countcheck.generators.seeded_tokens import Sampling

_DEFAULTS: dict[str, Any] = {
    "guidance": None,
    "temperature": 1.0,
    "top_k": None,
    "top_p": None,
    "negative_prompt": None,
    "width": None,
    "height": None,
    "size": None,
    "dtype": "auto",
    "quantize": None,
    "device": "auto",
    "device_map": "none",
    "batch": 4,
}
# These change how fast a picture comes, not which picture.
_NOT_IN_RECIPE = ("device", "batch")


class TransformersGenerator:
    """A model that draws token by token, loaded when the first picture is generated.

    Settings (all optional): guidance (scale, 1 for none), temperature, top_k, top_p, negative_prompt (Emu3); width,
    height, size (both), in pixels (Emu3); dtype (auto, fp32, fp16, bf16), quantize (nf4, int8, fp8), device, device_map
    (none, balanced), batch (most pictures at a time).

    Raises:
        BadSettings: If no model is named, transformers cannot draw with it, or a setting is unknown or out of range.
        BadInput: If the source is neither a model's folder nor a hub id.
    """

    def __init__(self, card: Card) -> None:
        if not card.source:
            raise BadSettings(f"{card.name}: no model named. Write transformers:ID, or transformers:FOLDER.")
        self.name = card.name
        self._card = card
        self._settings = _checked(card)
        self._source = find_source(card.source, index="config.json", what="transformers")
        if (config := Path(self._source) / "config.json").is_file():
            picture_model(_model_type(config), card.name)
        self._device = resolve_devices(str(self._settings["device"]), card.name)[0]
        self._batch = BatchSize(int(self._settings["batch"]), name=card.name, device=self._device)
        self._drawing: PictureModel | None = None
        self._model: Any = None
        self._room = 0
        self._sampling: Sampling | None = None
        self._content: dict[str, str] | None = None
        self._stopped = False

    @property
    def traits(self) -> Traits:
        """Seeded and batched; on the cores where there is no accelerator."""
        return Traits(seeded=True, batched=True, on_cores=self._device.type == "cpu")

    @property
    def recipe(self) -> Recipe:
        """Model, revision, content of the files, and every setting that can change a picture."""
        chosen = {k: v for k, v in self._settings.items() if k not in _NOT_IN_RECIPE and v != _DEFAULTS[k]}
        if self._content is None:
            sources = [(self._card.source, self._source, self._card.revision)]
            self._content = sources_content(sources, self.name)
        settings = {"source": self._card.source, **chosen}
        return Recipe(name=self.name, revision=self._card.revision, settings=settings, content=self._content)

    def stop(self) -> None:
        """Start no further batch."""
        self._stopped = True

    def close(self) -> None:
        """Release the model's memory."""
        self._model = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """Yield one outcome per sample, a batch at a time; batches shrink when memory does not suffice.

        A prompt that leaves no room for the picture in what the model can attend to is a failure.
        """
        self._stopped = False
        fitting = []
        for sample in samples:
            if (cut := self.truncation(sample.text)) is None:
                fitting.append(sample)
                continue
            message = f"the prompt has {cut.tokens} tokens, and the model has room for {cut.limit} beside the picture"
            yield Failure(key=sample.key, fault=Fault.BAD_REQUEST, message=message)
        yield from paint_in_batches(fitting, self._batch, lambda part: self._paint(part), lambda: self._stopped)

    def truncation(self, text: str) -> Truncation | None:
        """Return what of a prompt has no room beside the picture; ``None`` when all of it has."""
        drawing = self._reader()
        tokens = drawing.tokens_of(text)
        if len(tokens) <= self._room:
            return None
        words = text.split()
        return Truncation(tokens=len(tokens), limit=self._room, unseen=" ".join(words[self._room :]))

    def _paint(self, batch: Sequence[Sample]) -> list[Outcome]:
        drawing, model = self._reader(), self._loaded()
        assert self._sampling is not None
        began = time.perf_counter()
        try:
            with torch.inference_mode():
                pictures = drawing.draw(model, [s.text for s in batch], [s.seed for s in batch], self._sampling)
        except Exception as error:
            if is_out_of_memory(error) or isinstance(error, CountcheckError):
                raise
            if len(batch) > 1:
                # One prompt at a time, so that only the one at fault fails.
                return [outcome for sample in batch for outcome in self._paint([sample])]
            return [failure(batch[0], first_line(error))]
        share = (time.perf_counter() - began) / len(batch)
        return [outcome_of(sample, image, None, share, 0) for sample, image in zip(batch, pictures, strict=True)]

    def _reader(self) -> PictureModel:
        """What reads prompts and knows how to draw, made from the configuration and the processor alone."""
        if self._drawing is None:
            settings, size = self._settings, self._settings["size"]
            width, height = settings["width"] or size, settings["height"] or size
            with self._sentences():
                config = transformers.AutoConfig.from_pretrained(self._source, revision=self._revision())
                kind = picture_model(str(config.model_type), self.name)
                processor_class = getattr(transformers, kind.classes[1])
                processor = processor_class.from_pretrained(self._source, revision=self._revision())
            try:
                negative = settings["negative_prompt"] or ""
                self._drawing = kind(config, processor, width=width, height=height, negative=negative)
            except BadSettings as error:
                raise BadSettings(f"{self.name}: {error}") from error
            self._room = int(config.get_text_config().max_position_embeddings) - self._drawing.tokens
        return self._drawing

    def _loaded(self) -> Any:
        if self._model is None:
            kind, settings = self._reader(), self._settings
            dtype = resolve_dtype(str(settings["dtype"]), self._device, self.name, key="dtype", prefer_bf16=True)
            options: dict[str, Any] = {"dtype": dtype, "use_safetensors": True, "revision": self._revision()}
            if settings["quantize"]:
                options["quantization_config"] = model_quantization(str(settings["quantize"]), dtype, self.name)
            if settings["device_map"] != "none":
                options["device_map"] = settings["device_map"]
            with self._sentences():
                model = getattr(transformers, kind.classes[0]).from_pretrained(self._source, **options).eval()
            if settings["device_map"] == "none":
                model.to(self._device)
            self._sampling = self._sampling_of(kind, model)
            greedy(model)
            self._model = model
        return self._model

    def _sampling_of(self, kind: PictureModel, model: Any) -> Sampling:
        guidance = self._settings["guidance"]
        if guidance is None:
            own = model.generation_config.guidance_scale
            guidance = own if own is not None and own > 1 else kind.guidance
        return Sampling(
            guidance=float(guidance),
            temperature=float(self._settings["temperature"]),
            top_k=self._settings["top_k"],
            top_p=self._settings["top_p"],
        )

    def _revision(self) -> str | None:
        return revision_of(self._card.source, self.recipe.content, self._card.revision)

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        """Make one sentence of what goes wrong while something is loaded."""
        try:
            with without_loading_bars():
                yield
        except CountcheckError:
            raise
        except Exception as error:
            raise _loading_error(self._source, self.name, error) from error


def _checked(card: Card) -> dict[str, Any]:
    settings = fill(card, _DEFAULTS)
    for name in ("top_k", "width", "height", "size", "batch"):
        value = settings[name]
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise BadSettings(f"{card.name}: {name} is {value!r}. Give a whole number, 1 or more.")
    if not settings["temperature"] or settings["temperature"] <= 0:
        raise BadSettings(f"{card.name}: temperature is {settings['temperature']!r}. Give a number above 0.")
    if settings["top_p"] is not None and not (
        isinstance(settings["top_p"], int | float) and 0 < settings["top_p"] <= 1
    ):
        raise BadSettings(f"{card.name}: top_p is {settings['top_p']!r}. Give a number above 0, up to 1.")
    guidance = settings["guidance"]
    if guidance is not None and (not isinstance(guidance, int | float) or isinstance(guidance, bool) or guidance < 1):
        raise BadSettings(f"{card.name}: guidance is {guidance!r}. Give a number, 1 (none) or more.")
    if settings["device_map"] not in ("none", "balanced"):
        raise BadSettings(f"{card.name}: device_map is {settings['device_map']!r}. Choose from none, balanced.")
    check_quantization(settings["quantize"], card.name)
    return settings


def _model_type(config: Path) -> str:
    try:
        body = json.loads(config.read_text(encoding="utf-8"))
        return str(body.get("model_type", "")) if isinstance(body, dict) else ""
    except (OSError, ValueError) as error:
        raise BadInput(f"{config} cannot be read ({first_line(error)}). Fetch the model again.") from error


def _loading_error(source: str, name: str, error: Exception) -> CountcheckError:
    if not Path(source).is_dir():
        return hub_error(source, name, error)
    return folder_error(source, name, error)
