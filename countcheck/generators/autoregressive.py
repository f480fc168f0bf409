"""Models of the transformers library that draw pictures token by token, one class here for each of its model types.

The library has two: Janus (DeepSeek's Janus and Janus-Pro) and Emu3. Its Chameleon reads pictures and draws none: the
class bars every picture token, and has no decoder.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from countcheck.errors import BadSettings, MissingExtra
from countcheck.generators.seeded_tokens import Sampling, SeededSampler

try:
    import torch
    import transformers
except ImportError as error:
    raise MissingExtra("local", feature="the transformers generator") from error


class PictureModel(ABC):
    """One model type: its classes, its size of pictures, and how it draws.

    Attributes:
        classes: The names of the model's and the processor's class in transformers.
        guidance: Scale of classifier-free guidance where neither the model nor the user says one.
        tokens: Of one picture.
    """

    classes: ClassVar[tuple[str, str]]
    guidance: ClassVar[float]
    tokens: int

    @abstractmethod
    def __init__(
        self, config: Any, processor: Any, *, width: int | None, height: int | None, negative: str
    ) -> None: ...

    @abstractmethod
    def tokens_of(self, text: str) -> list[int]:
        """Return the tokens of a prompt as the model is given it."""

    @abstractmethod
    def draw(self, model: Any, texts: Sequence[str], seeds: Sequence[int], sampling: Sampling) -> torch.Tensor:
        """Draw one picture per text with the loaded model: (number, 3, height, width), 0 to 1."""


class JanusModel(PictureModel):
    """Draws pictures of one size, 384 pixels, guided by the same prompt without its words."""

    classes = ("JanusForConditionalGeneration", "JanusProcessor")
    guidance = 5.0

    def __init__(self, config: Any, processor: Any, *, width: int | None, height: int | None, negative: str) -> None:
        size = config.vq_config.num_patches * 2 ** (len(config.vq_config.channel_multiplier) - 1)
        if any(asked not in (None, size) for asked in (width, height)):
            raise BadSettings(f"this model draws {size} x {size} pixels. Leave width, height and size out.")
        if negative:
            raise BadSettings("this model takes no negative prompt. Leave negative_prompt out.")
        self._processor = processor
        self.tokens = int(config.vision_config.num_image_tokens)

    def tokens_of(self, text: str) -> list[int]:
        """Return the tokens of a prompt as the model is given it."""
        return list(self._inputs([text]).input_ids[0].tolist())

    def draw(self, model: Any, texts: Sequence[str], seeds: Sequence[int], sampling: Sampling) -> torch.Tensor:
        """Draw one picture per text with the loaded model: (number, 3, height, width), 0 to 1."""
        sampler = SeededSampler(seeds, sampling, halves=True)
        # The library guides only batches that it draws from itself. A scale of 1 leaves both halves to the sampler.
        tokens = model.generate(
            **self._inputs(texts).to(model.device),
            generation_mode="image",
            guidance_scale=1.0,
            logits_processor=transformers.LogitsProcessorList([sampler]),
        )
        pixels = model.decode_image_tokens(tokens).permute(0, 3, 1, 2)
        return _from_normalised(pixels, self._processor.image_processor)

    def _inputs(self, texts: Sequence[str]) -> Any:
        prompts = list(texts)
        if self._processor.chat_template:
            talks = [[{"role": "user", "content": [{"type": "text", "text": text}]}] for text in texts]
            prompts = self._processor.apply_chat_template(talks, add_generation_prompt=True, tokenize=False)
        return self._processor(
            text=prompts, generation_mode="image", padding=True, padding_side="left", return_tensors="pt"
        )


class Emu3Model(PictureModel):
    """Draws pictures of any size, row by row, guided by a negative prompt."""

    classes = ("Emu3ForConditionalGeneration", "Emu3Processor")
    guidance = 3.0
    _DEFAULT_SIZE = 720

    def __init__(self, config: Any, processor: Any, *, width: int | None, height: int | None, negative: str) -> None:
        self._processor, self._negative = processor, negative
        self._width = width or height or self._DEFAULT_SIZE
        self._height = height or width or self._DEFAULT_SIZE
        step = int(processor.downsample_ratio)
        if self._width % step or self._height % step:
            raise BadSettings(
                f"this model cannot draw {self._width} x {self._height} pixels. Give multiples of {step}."
            )
        self._rows, self._columns = self._height // step, self._width // step
        words = config.vocabulary_map
        pictures = [number for word, number in words.items() if word.startswith("<|visual token")]
        self._picture_tokens = torch.tensor(sorted(pictures))
        self._end_of_row = torch.tensor([words["<|extra_200|>"]])
        self.tokens = self._rows * (self._columns + 1)

    def tokens_of(self, text: str) -> list[int]:
        """Return the tokens of a prompt as the model is given it."""
        return list(self._inputs([text]).input_ids[0].tolist())

    def draw(self, model: Any, texts: Sequence[str], seeds: Sequence[int], sampling: Sampling) -> torch.Tensor:
        """Draw one picture per text with the loaded model: (number, 3, height, width), 0 to 1."""
        inputs = self._inputs(texts).to(model.device)
        inputs.pop("image_sizes")
        negative = self._inputs([self._negative] * len(texts)).to(model.device)
        sampler = SeededSampler(seeds, sampling, allowed=self._allowed)
        drawn = model.generate(
            **inputs,
            max_new_tokens=self.tokens,
            guidance_scale=sampling.guidance,
            negative_prompt_ids=negative.input_ids,
            negative_prompt_attention_mask=negative.attention_mask,
            logits_processor=transformers.LogitsProcessorList([sampler]),
        )
        tokens = drawn[:, inputs.input_ids.shape[1] :]
        # The decoder leaves out the three tokens that end a picture; they were not drawn.
        ended = torch.cat([tokens, tokens[:, :3]], dim=1)
        pixels = model.decode_image_tokens(image_tokens=ended, height=self._rows, width=self._columns)
        return _from_normalised(pixels, self._processor.image_processor)

    def _allowed(self, drawn: int) -> torch.Tensor:
        return self._end_of_row if (drawn + 1) % (self._columns + 1) == 0 else self._picture_tokens

    def _inputs(self, texts: Sequence[str]) -> Any:
        return self._processor(
            text=list(texts),
            return_for_image_generation=True,
            ratio=f"{self._width}:{self._height}",
            image_area=self._width * self._height,
            padding=True,
            padding_side="left",
            return_tensors="pt",
        )


_MODELS: dict[str, type[PictureModel]] = {"janus": JanusModel, "emu3": Emu3Model}


def picture_model(model_type: str, name: str) -> type[PictureModel]:
    """Return the class for a model type of transformers.

    Args:
        model_type: As the model's ``config.json`` says: ``janus``.
        name: The generator's, for the error.

    Raises:
        BadSettings: If transformers cannot draw with it.
    """
    if model_type not in _MODELS:
        why = " and cannot draw: transformers bars its picture tokens" if model_type.startswith("chameleon") else ""
        raise BadSettings(
            f"{name}: this is a {model_type or 'nameless'} model{why}. The transformers generator draws with "
            f"{' and '.join(sorted(_MODELS))} models; name one of these, or give a diffusers pipeline as diffusers:ID."
        )
    return _MODELS[model_type]


def greedy(model: Any) -> None:
    """Make a model choose the largest score, since the sampler has drawn already."""
    settings = copy.deepcopy(model.generation_config)
    settings.do_sample, settings.num_beams, settings.num_return_sequences = False, 1, 1
    settings.temperature = settings.top_k = settings.top_p = None
    model.generation_config = settings


def _from_normalised(pixels: torch.Tensor, processor: Any) -> torch.Tensor:
    """Undo the normalisation that a model's pictures have. What overshoots is clipped, as the models' own code does."""
    mean = torch.tensor(processor.image_mean, device=pixels.device).view(1, 3, 1, 1)
    spread = torch.tensor(processor.image_std, device=pixels.device).view(1, 3, 1, 1)
    return (pixels.float() * spread + mean).clamp(0, 1)
