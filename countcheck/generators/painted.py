"""What generators that compute on this machine share: batches that fit its memory, and pictures as outcomes.

Every picture's range is checked before it is counted, whatever made it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from countcheck.detectors.common.batching import BatchSize
from countcheck.detectors.common.devices import OutOfDeviceMemory, is_out_of_memory
from countcheck.errors import MissingExtra, first_line
from countcheck.generators.outcome import Failure, Fault, Outcome, Picture, Reason, Refusal, Stage
from countcheck.suites.samples import Sample

try:
    import torch
except ImportError as error:
    raise MissingExtra("local", feature="making pictures on this machine") from error

# Half a level of 255, as in countcheck.images.convert.
_ROUNDING = 0.5 / 255


def paint_in_batches(
    samples: Sequence[Sample],
    batch: BatchSize,
    paint: Callable[[Sequence[Sample]], list[Outcome]],
    stopped: Callable[[], bool],
) -> Iterator[Outcome]:
    """Yield one outcome per sample, in order, a batch at a time; batches shrink when memory does not suffice.

    Args:
        samples: To be painted.
        batch: How many are painted at once; it remembers what did not fit.
        paint: Makes the outcomes of a batch; an error that says that memory ran out makes the batch smaller.
        stopped: Whether to begin no further batch.

    Raises:
        Exception: What ``paint`` raises, unless memory ran out.
    """
    start = 0
    while start < len(samples) and not stopped():
        part = samples[start : start + batch.size]
        try:
            outcomes = paint(part)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            try:
                batch.halve(len(part))
                continue
            except OutOfDeviceMemory:
                outcomes = [failure(part[0], f"out of memory for one picture: {first_line(error)}")]
        yield from outcomes
        start += len(part)


def outcome_of(sample: Sample, image: Any, flagged: bool | None, seconds: float, turn: int) -> Outcome:
    """Return a picture as an outcome.

    A flagged or black picture is a `Refusal`; one with NaN in it, or with values outside its range, is a `Failure`.

    Args:
        sample: The sample.
        image: The picture: PIL, an array (height, width, 3) or a tensor (3, height, width), floating values 0 to 1.
        flagged: What the pipeline's safety checker says.
        seconds: The picture's share of the time of its batch.
        turn: Of the conversation, from 0.
    """
    if shape_error := _shape_error(image):
        return failure(sample, shape_error, turn)
    low, high = _bounds(image)
    if math.isnan(low) or math.isnan(high):
        return failure(sample, "the pipeline gave NaN pixels; try dtype=fp32 or bf16", turn)
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        return failure(sample, f"the pipeline gave pixels from {low:g} to {high:g}, not from 0 to 1", turn)
    # NaN pixels would round to black as well; with those ruled out, a black picture was withheld.
    if flagged or high <= 1 / 255:
        return Refusal(
            key=sample.key,
            turn=turn,
            reason=Reason.SILENT,
            category="sexual" if flagged else "",
            code="nsfw_content_detected" if flagged else "black_picture",
            words="the pipeline's own safety checker withheld the picture" if flagged else "",
            stage=Stage.PICTURE,
            seconds=seconds,
            pixels=image,
        )
    return Picture(key=sample.key, turn=turn, pixels=image, seconds=seconds)


def failure(sample: Sample, message: str, turn: int = 0) -> Failure:
    """Return the failure of a sample of which no picture was made."""
    return Failure(key=sample.key, turn=turn, fault=Fault.CRASH, message=message)


def _shape_error(image: Any) -> str:
    """A sentence for what is no picture; empty for a picture."""
    if isinstance(image, Image.Image):
        return ""
    if not isinstance(image, np.ndarray | torch.Tensor):
        return f"the pipeline gave {type(image).__name__}, not a picture"
    channels = image.shape[0 if isinstance(image, torch.Tensor) else -1] if image.ndim == 3 else 0
    return "" if channels in (3, 4) else f"the pipeline gave a picture of shape {tuple(image.shape)}"


def _bounds(image: Any) -> tuple[float, float]:
    """The lowest and the highest value of a picture, as shares of white; NaN where there is NaN."""
    if isinstance(image, Image.Image):
        extrema: Sequence[tuple[float, float]] = [pair for pair in image.convert("RGB").getextrema()]  # type: ignore[misc]
        return min(low for low, _ in extrema) / 255, max(high for _, high in extrema) / 255
    white = 255 if image.dtype in (np.uint8, torch.uint8) else 1
    if isinstance(image, np.ndarray):
        return float(image.min()) / white, float(image.max()) / white
    low, high = image.aminmax()
    return float(low) / white, float(high) / white
