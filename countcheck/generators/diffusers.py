"""The generator ``diffusers:SOURCE``: any text-to-image pipeline of the diffusers library, by hub id or local folder.

Every picture has its own noise generator, on the CPU, so that a seed gives the same noise on every device and at every
batch size.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from countcheck.cards import Card
from countcheck.detectors.common.batching import BatchSize
from countcheck.detectors.common.devices import is_out_of_memory
from countcheck.errors import BadSettings, CountcheckError, MissingExtra, first_line
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Outcome, Reason, Refusal, Stage
from countcheck.generators.prompt_limits import PromptLimits, Truncation
from countcheck.images.convert import as_image
from countcheck.images.types import Pixels
from countcheck.suites.samples import Recipe, Sample
from countcheck.suites.suite import Target

try:
    import diffusers
    import torch
except ImportError as error:
    raise MissingExtra("local", feature="the diffusers generator") from error

from countcheck.generators.diffusers_loading import device_name, load_pipeline, read_limits, verify_weights
from countcheck.generators.diffusers_output import CallForm, call_form, pictures_of
from countcheck.generators.diffusers_settings import (
    check_arguments,
    checked_settings,
    find_pipeline,
    local_index,
    recipe_settings,
    source_content,
)
from countcheck.generators.painted import failure, outcome_of, paint_in_batches
from countcheck.generators.pipeline_arguments import CALL, call_arguments, check_call, of_kind

# Settings that the pipeline is called with, and the keyword of each where it is another.
_CALL_SETTINGS = (
    "steps",
    "guidance",
    "true_cfg_scale",
    "width",
    "height",
    "negative_prompt",
    "max_sequence_length",
)
_KEYWORDS = {"steps": "num_inference_steps", "guidance": "guidance_scale"}
_MAX_SEED = 0x7FFFFFFF

_log = logging.getLogger("countcheck")


class DiffusersGenerator:
    """A diffusers pipeline, loaded when the first picture is generated.

    The source is a folder, a hub id, or one file of weights (.safetensors, .gguf; here or organisation/model/file).

    Settings (all optional): steps, guidance, true_cfg_scale, width, height, size (both), in pixels; negative_prompt,
    max_sequence_length (tokens), scheduler (a diffusers class name), dtype (fp32, fp16, bf16), variant; class (the
    pipeline's, of diffusers), base (the pipeline around one file of weights), quantize (nf4, int8, fp8); lora, lora_scale,
    textual_inversion (see `countcheck.generators.adapters`); call.NAME and load.NAME: any other argument of the class;
    edits and strength (0 to 1): answer conversations by changing the last picture; device, device_map (none, balanced),
    batch (most pictures at a time), offload (none, model, sequential), compile, tiling, trust_remote_code.

    Raises:
        BadSettings: If no model is named, or a setting is unknown or out of range.
        BadInput: If the source is neither a pipeline's folder, a file of weights nor of the hub.
        BadWeights: If the weights do not have the digest in the card, or the file may run code when it is loaded.
    """

    def __init__(self, card: Card) -> None:
        if not card.source:
            raise BadSettings(f"{card.name}: no model named. Write diffusers:ID, or diffusers:FOLDER.")
        self.name = card.name
        self._card = card
        self._settings = checked_settings(card)
        self._source = find_pipeline(card.source)
        check_arguments(card, self._settings, self._source, local_index(self._source))
        self._pipe: Any = None
        self._form = CallForm(output_type="np", takes_many=False)
        self._limits: PromptLimits | None = None
        self._editor: Any = None
        self._content: dict[str, str] | None = None
        device = device_name(str(self._settings["device"]), card.name)
        self._batch = BatchSize(int(self._settings["batch"]), name=card.name, device=device)
        self._stopped = False
        if card.revision.startswith("sha256:"):
            verify_weights(self._source, card)

    @property
    def traits(self) -> Traits:
        """Seeded and batched; edits when set to; on the cores where there is no accelerator."""
        on_cores = device_name(str(self._settings["device"]), self.name) == "cpu"
        return Traits(seeded=True, batched=True, edits=bool(self._settings["edits"]), on_cores=on_cores)

    @property
    def recipe(self) -> Recipe:
        """Model, revision, content of the files, and every setting that can change a picture."""
        if self._content is None:
            self._content = source_content(self._source, self._card, self._settings)
        return Recipe(
            name=self.name,
            revision=self._card.revision,
            settings={"source": self._card.source, **recipe_settings(self._settings)},
            content=self._content,
        )

    def stop(self) -> None:
        """Start no further batch."""
        self._stopped = True

    def close(self) -> None:
        """Release the pipeline's memory."""
        self._pipe = self._editor = None
        _release_memory()

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """Yield one outcome per sample, in order, a batch at a time; batches shrink when memory does not suffice."""
        self._stopped = False
        self._warn_of_cut_prompts(samples)
        yield from paint_in_batches(samples, self._batch, lambda part: self._paint(part), lambda: self._stopped)

    def edit(self, sample: Sample, pixels: Pixels, instruction: str, turn: int, targets: Sequence[Target]) -> Outcome:
        """Change a picture as an instruction says, with the pipeline's image-to-image form."""
        pipe = self._image_to_image()
        # The changed picture keeps the size of the one it is made from.
        arguments = {**self._arguments(pipe, 1, leave_out=("width", "height")), "image": as_image(pixels)}
        if self._settings["strength"] is not None:
            arguments["strength"] = self._settings["strength"]
        began = time.perf_counter()
        try:
            output = self._call(pipe, [instruction], [(sample.seed + turn) & _MAX_SEED], arguments)
            (outcome,) = self._outcomes([sample], output, pipe, time.perf_counter() - began, turn)
            return self._with_truncation(outcome, instruction)
        except CountcheckError:
            raise
        except Exception as error:
            return failure(sample, first_line(error), turn)

    def truncation(self, text: str) -> Truncation | None:
        """Return what of a prompt no text encoder reads; loads the tokenizers alone where these can be told."""
        if self._limits is None:
            self._limits = read_limits(self._source, self._card, self._settings, self.recipe.content)
        if self._limits is None:
            self._loaded()
        assert self._limits is not None
        return self._limits.truncation(text)

    # -- generating ----------------------------------------------------------------------------------------------

    def _paint(self, batch: Sequence[Sample]) -> list[Outcome]:
        pipe = self._loaded()
        if len(batch) > 1 and not self._form.takes_many:
            return [outcome for sample in batch for outcome in self._paint([sample])]
        began = time.perf_counter()
        try:
            arguments = self._arguments(pipe, len(batch))
            output = self._call(pipe, [s.text for s in batch], [s.seed for s in batch], arguments)
            outcomes = self._outcomes(batch, output, pipe, time.perf_counter() - began)
            return [self._with_truncation(o, s.text) for o, s in zip(outcomes, batch, strict=True)]
        except Exception as error:
            if is_out_of_memory(error):
                raise
            if len(batch) > 1 and not isinstance(error, CountcheckError):
                # One prompt at a time, so that only the one at fault fails.
                return [outcome for sample in batch for outcome in self._paint([sample])]
            return [_from_exception(batch[0], error)]

    @staticmethod
    def _call(pipe: Any, prompts: list[str], seeds: list[int], arguments: Mapping[str, Any]) -> Any:
        noise = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        form = call_form(pipe, type(pipe).__name__)
        arguments = dict(arguments)
        if arguments.get("negative_prompt") is not None:
            arguments["negative_prompt"] = [arguments["negative_prompt"]] * len(prompts)
        with torch.inference_mode():
            return pipe(
                prompt=prompts,
                generator=noise if form.takes_many else noise[0],
                output_type=form.output_type,
                **arguments,
            )

    def _outcomes(
        self, batch: Sequence[Sample], output: Any, pipe: Any, seconds: float, turn: int = 0
    ) -> list[Outcome]:
        images, flags = pictures_of(output, len(batch), f"{self.name}: {type(pipe).__name__}")
        share = seconds / len(batch)
        return [
            outcome_of(sample, image, flag, share, turn)
            for sample, image, flag in zip(batch, images, flags, strict=True)
        ]

    def _warn_of_cut_prompts(self, samples: Sequence[Sample]) -> None:
        """Say, before anything is generated, how many prompts the pipeline does not read to their end."""
        if not samples:
            return
        self._loaded()
        texts = {sample.text for sample in samples}
        cut = [truncation for text in texts if (truncation := self.truncation(text)) is not None]
        if cut:
            _log.warning(
                f"{self.name}: {len(cut)} of {len(texts)} prompts are longer than the {cut[0].limit} tokens that its text "
                "encoder reads. What comes after them is not generated, so these samples are left out of the rates; "
                "--truncated judge keeps them."
            )

    def _with_truncation(self, outcome: Outcome, text: str) -> Outcome:
        """The outcome with a record of what of its prompt the pipeline did not read."""
        truncation = self.truncation(text)
        if truncation is None:
            return outcome
        return replace(outcome, extra={**outcome.extra, "truncated": truncation.to_json()})

    def _arguments(self, pipe: Any, number: int, leave_out: Sequence[str] = ()) -> dict[str, Any]:
        """The keywords that the pipeline is called with for a number of prompts.

        Raises:
            BadSettings: If the pipeline does not take one.
        """
        parameters = inspect.signature(pipe.__call__).parameters
        settings = dict(self._settings)
        if settings["size"] is not None:
            settings["width"] = settings["width"] or settings["size"]
            settings["height"] = settings["height"] or settings["size"]
        arguments: dict[str, Any] = {}
        for name in _CALL_SETTINGS:
            if settings[name] is None or name in leave_out:
                continue
            keyword = _KEYWORDS.get(name, name)
            if keyword not in parameters:
                raise BadSettings(f"{self.name}: {type(pipe).__name__} takes no {keyword}. Leave {name} out.")
            arguments[keyword] = settings[name]
        check_call(of_kind(settings, CALL), type(pipe), self.name)
        return arguments | call_arguments(self._settings, type(pipe), number)

    def _loaded(self) -> Any:
        if self._pipe is None:
            pipe = load_pipeline(self._source, self._card, self._settings, content=self.recipe.content)
            self._form = call_form(pipe, self.name)
            self._limits = PromptLimits.of(pipe, self._settings)
            self._pipe = pipe
        return self._pipe

    def _image_to_image(self) -> Any:
        if self._editor is None:
            try:
                self._editor = diffusers.AutoPipelineForImage2Image.from_pipe(self._loaded())
            except (ValueError, AttributeError) as error:
                raise BadSettings(
                    f"{self.name}: this pipeline cannot edit ({first_line(error)}). Leave edits out."
                ) from error
            self._editor.set_progress_bar_config(disable=True)
        return self._editor


def _release_memory() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _from_exception(sample: Sample, error: Exception) -> Outcome:
    if isinstance(error, CountcheckError):
        raise error
    words = str(error)
    if "Guardrail" in words:
        return Refusal(
            key=sample.key, reason=Reason.UNEXPLAINED, words=words[:500], stage=Stage.PROMPT, code="guardrail"
        )
    return failure(sample, first_line(error))
