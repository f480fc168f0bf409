"""Pictures out of diffusers pipelines: what form a class is asked for, and what its answer means.

No output form is right for every class: some return tensors in [-1, 1], skip their safety checker for tensors, or return
frames, depth maps or fewer pictures than prompts. A class is asked for tensors only where its code shows that they are
finished pictures; `countcheck.generators.painted` checks every picture's range.
"""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from typing import Any, Literal

from diffusers.image_processor import VaeImageProcessor
from PIL import Image

from countcheck.errors import GeneratorClosed

# Fields of a pipeline's answer that hold pictures, and those that hold its safety checker's flags.
_PICTURE_FIELDS = ("images", "image", "rgb")
_FLAG_FIELDS = ("nsfw_content_detected", "nsfw_detected")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallForm:
    """How a pipeline class is called.

    Attributes:
        output_type: ``pt`` (tensors, which stay on their device) or ``np`` (arrays), both from 0 to 1.
        takes_many: Whether it takes a list of noise generators, so that each picture of a batch has its own seed.
    """

    output_type: Literal["pt", "np"]
    takes_many: bool


class WrongNumber(Exception):
    """A pipeline returned another number of pictures than it was given prompts."""


def call_form(pipe: Any, name: str) -> CallForm:
    """Choose how a pipeline is called, by its class.

    Args:
        pipe: The pipeline.
        name: The generator's, for the error.

    Raises:
        GeneratorClosed: If it takes no prompt or no noise generator, or makes videos.
    """
    kind = type(pipe).__name__
    parameters = inspect.signature(pipe.__call__).parameters
    if "prompt" not in parameters:
        raise GeneratorClosed(f"{name}: {kind} takes no prompt. Name a text-to-image pipeline.")
    if "generator" not in parameters:
        raise GeneratorClosed(f"{name}: {kind} takes no noise generator, so no picture of it can be made again.")
    if "num_frames" in parameters:
        raise GeneratorClosed(f"{name}: {kind} makes videos. Name a text-to-image pipeline.")
    # aMUSEd and a few others take one generator for the whole batch, and say so in their signature.
    annotation = str(parameters["generator"].annotation)
    takes_many = parameters["generator"].annotation is inspect.Parameter.empty or "list" in annotation.lower()
    return CallForm(output_type="pt" if _finishes_tensors(pipe) else "np", takes_many=takes_many)


def _finishes_tensors(pipe: Any) -> bool:
    """Whether tensors of this pipeline are finished pictures: brought from [-1, 1] to [0, 1] by diffusers' own code."""
    processor = getattr(pipe, "image_processor", None)
    if not isinstance(processor, VaeImageProcessor) or type(processor).postprocess is not VaeImageProcessor.postprocess:
        return False
    return _postprocesses(type(pipe))  # type: ignore[arg-type]


@functools.cache
def _postprocesses(kind: type) -> bool:
    try:
        source = inspect.getsource(kind.__call__)  # type: ignore[operator]
    except (OSError, TypeError):
        return False
    return "image_processor.postprocess(" in source


def pictures_of(output: Any, number: int, kind: str) -> tuple[list[Any], list[bool | None]]:
    """Return the pictures of a pipeline's answer and its safety checker's flag for each; ``None`` without a checker.

    Args:
        output: The answer.
        number: Of the prompts.
        kind: The generator's name and the pipeline's class, for the error.

    Raises:
        GeneratorClosed: If the class returns something else than pictures.
        WrongNumber: If there are more or fewer pictures than prompts.
    """
    images = next((value for field in _PICTURE_FIELDS if (value := getattr(output, field, None)) is not None), None)
    if images is None:
        images = _single_frames(getattr(output, "frames", None), kind)
    if images is None:
        raise GeneratorClosed(f"{kind} returns no images ({_fields(output)}). Name a text-to-image pipeline.")
    pictures = [images] if isinstance(images, Image.Image) else list(images)
    if len(pictures) != number:
        raise WrongNumber(f"{kind} returned {len(pictures)} pictures for {number} prompts")
    flags = next((value for field in _FLAG_FIELDS if (value := getattr(output, field, None)) is not None), None)
    if flags is None:
        return pictures, [None] * number
    flags = [bool(flags)] * number if isinstance(flags, bool) else [bool(flag) for flag in flags]
    return pictures, (flags if len(flags) == number else [any(flags)] * number)


def _single_frames(frames: Any, kind: str) -> Any:
    """The pictures of a video pipeline that was made to return one frame for each prompt."""
    if frames is None:
        return None
    numbers = {len(video) for video in frames}
    if numbers == {1}:
        return [video[0] for video in frames]
    raise GeneratorClosed(
        f"{kind} makes videos: it returned {max(numbers, default=0)} frames for a prompt. Name a text-to-image pipeline."
    )


def _fields(output: Any) -> str:
    names = list(output.keys()) if hasattr(output, "keys") else [type(output).__name__]
    return "its answer has " + ", ".join(str(name) for name in names[:6])
