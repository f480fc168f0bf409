"""The detector that ships: a small network for a closed list of nouns, without download.

Every picture is pasted whole into a fixed square by itself, so that no result depends on the rest of its batch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from countcheck.cards import Card, fill
from countcheck.detectors.base import Detections
from countcheck.detectors.common.boxes import nms
from countcheck.detectors.common.devices import resolve_devices
from countcheck.detectors.common.letterbox import PAD, letterbox, letterbox_placement
from countcheck.detectors.common.pictures import is_on_device, size_of
from countcheck.errors import BadSettings, BadWeights, MissingExtra, first_line
from countcheck.images.convert import as_byte_tensor, as_rgb
from countcheck.images.types import Pixels
from countcheck.resources import shipped

try:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load as load_tensors
except ImportError as error:
    raise MissingExtra("local", feature="the counter tiny") from error

from countcheck.detectors.common.heatmap import HeatmapNet, folded, peaks

FLOOR = 0.05
_CROSS_CLASS_IOU = 0.6  # boxes of two nouns that overlap by more are one object; the better one is kept
_DEFAULTS: dict[str, Any] = {"device": "auto", "batch": 32, "size": 0}


class TinyDetector:
    """Detects the nouns of its list.

    The card's ``source`` is the folder of weights (the shipped ones when empty). Settings: ``device`` (``auto``:
    CUDA when there is one), ``batch`` (pictures at a time, 1 or more), ``size`` (side of the square in pixels, a
    multiple of 32; 0: the one it was trained for).
    """

    def __init__(self, card: Card) -> None:
        settings = fill(card, _DEFAULTS)
        self.name = card.name
        self.folder = Path(card.source) if card.source else shipped("models") / "tiny-counter"
        config, weights = read_weights(self.folder)
        self.nouns: tuple[str, ...] = tuple(config["nouns"])
        self.vocabulary: frozenset[str] | None = frozenset(self.nouns)
        self.sha256: str = config["sha256"]
        self._size = _whole(card, "size", settings["size"] or config["size"], least=32, step=32)
        self._batch = _whole(card, "batch", settings["batch"], least=1)
        self._device = resolve_devices(str(settings["device"]), card.name, mps=False)[0]
        self._net = _network(config, weights, self.folder).to(self._device, memory_format=torch.channels_last)

    def detect(self, pictures: Sequence[Pixels], nouns: Sequence[str]) -> list[Detections]:
        """Detect in each picture, in order; boxes with a score of at least 0.05, best first."""
        detected: list[Detections] = []
        for start in range(0, len(pictures), self._batch):
            detected += self._detect_batch(pictures[start : start + self._batch], nouns)
        return detected

    def close(self) -> None:
        """Move the network off its device."""
        self._net = self._net.to("cpu")

    @torch.inference_mode()
    def _detect_batch(self, pictures: Sequence[Pixels], nouns: Sequence[str]) -> list[Detections]:
        squares = torch.stack([self._square(pixels) for pixels in pictures])
        heat, boxes = self._net(squares.contiguous(memory_format=torch.channels_last).float() / 255)
        rows = peaks(heat.float(), boxes.float()).cpu().numpy()
        return [self._kept(row, size_of(pixels), nouns) for row, pixels in zip(rows, pictures, strict=True)]

    def _square(self, pixels: Pixels) -> torch.Tensor:
        """Paste the picture into its square: (3, side, side) uint8 on the network's device."""
        if is_on_device(pixels) and self._device.type == pixels.device.type:
            return self._square_on_device(pixels)
        square = np.array(letterbox(as_rgb(pixels), self._size))
        return torch.from_numpy(square).permute(2, 0, 1).to(self._device, non_blocking=True)

    def _square_on_device(self, pixels: torch.Tensor) -> torch.Tensor:
        """Do the same on the device that holds the picture, without a copy to main memory."""
        spot = letterbox_placement(size_of(pixels), self._size)
        picture = as_byte_tensor(pixels).to(self._device).float()
        small = torch.nn.functional.interpolate(
            picture[None], size=(spot.tall, spot.wide), mode="bilinear", antialias=True
        )
        square = torch.full((3, self._size, self._size), PAD, dtype=torch.uint8, device=self._device)
        inside = (slice(None), slice(spot.top, spot.top + spot.tall), slice(spot.left, spot.left + spot.wide))
        square[inside] = small[0].round().clamp(0, 255).byte()
        return square

    def _kept(self, rows: np.ndarray[Any, Any], size: tuple[int, int], nouns: Sequence[str]) -> Detections:
        rows = rows[rows[:, 4] >= FLOOR]
        rows = rows[nms(rows[:, :4], rows[:, 4], _CROSS_CLASS_IOU)]
        names = [self.nouns[int(index)] for index in rows[:, 5]]
        asked = [k for k, name in enumerate(names) if name in nouns]
        boxes = letterbox_placement(size, self._size).back(rows[asked, :4])
        return Detections(
            boxes=boxes,
            scores=rows[asked, 4].astype(np.float32),
            nouns=tuple(names[k] for k in asked),
            size=size,
            unsupported=frozenset(nouns) - frozenset(self.nouns),
        )


def read_weights(folder: Path) -> tuple[dict[str, Any], bytes]:
    """Read the configuration and the bytes of the weight file, checked against the configuration's SHA-256.

    Raises:
        BadWeights: When either is missing or damaged, or the weights' SHA-256 is another.
    """
    place = folder / "config.json"
    try:
        config = json.loads(place.read_text(encoding="utf-8"))
        path = folder / Path(config["weights"]).name
        expected = str(config["sha256"])
        nouns = config["nouns"]
        if not (isinstance(nouns, list) and nouns and all(isinstance(noun, str) for noun in nouns)):
            raise ValueError("'nouns' must be a list of words")
        if not isinstance(config["size"], int) or not isinstance(config["widths"], list):
            raise ValueError("'size' must be a number and 'widths' a list of numbers")
    except FileNotFoundError as error:
        raise BadWeights(f"{place}: there is no such file. Give the folder of a counter's weights.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadWeights(
            f"{place}: cannot be read as a counter's configuration ({error}). Restore the file."
        ) from error
    try:
        weights = path.read_bytes()
    except OSError as error:
        raise BadWeights(f"{path}: the weights cannot be read ({error.strerror}). Restore the file.") from error
    actual = hashlib.sha256(weights).hexdigest()
    if actual != expected:
        raise BadWeights(
            f"{path}: the weights' SHA-256 is {actual}, but {place.name} says {expected}. "
            "They are damaged or were altered; restore the folder."
        )
    return config, weights


def _network(config: dict[str, Any], weights: bytes, folder: Path) -> HeatmapNet:
    net = HeatmapNet(len(config["nouns"]), config["widths"])
    try:
        tensors = {name: value.float() for name, value in load_tensors(weights).items()}
        # the number of batches a norm was trained on is not shipped, and not needed
        missing, unknown = net.load_state_dict(tensors, strict=False)
        wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + list(unknown)
        if wrong:
            raise ValueError(f"{wrong[0]} does not fit")
    except (SafetensorError, RuntimeError, ValueError) as error:
        reason = first_line(error, 160)
        raise BadWeights(f"{folder}: the weights do not fit this network ({reason}). Restore the folder.") from error
    return folded(net.eval())


def _whole(card: Card, name: str, value: object, *, least: int, step: int = 1) -> int:
    if not isinstance(value, int) or value < least or value % step:
        wanted = f"a multiple of {step}" if step > 1 else "a whole number"
        raise BadSettings(f"{card.name}: {name} is {value!r}. Give {wanted}, {least} or more.")
    return value
