"""Detectors of torchvision: Faster R-CNN, RetinaNet, FCOS, SSD and SSDLite, by the name of their builder.

Without ``weights`` they load torchvision's own COCO weights (BSD-3-Clause), downloaded once. Your own weights are a
safetensors file, or a state dict that needs no unpickling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from countcheck.cards import Card, fill
from countcheck.detectors.base import Detections
from countcheck.detectors.common.batching import Batches, synchronous
from countcheck.detectors.common.boxes import clipped
from countcheck.detectors.common.class_names import read_class_names
from countcheck.detectors.common.devices import need_torch, resolve_devices, resolve_dtype
from countcheck.detectors.common.pictures import indices_by_size, size_of, stay_on_device
from countcheck.errors import BadSettings, BadWeights, MissingExtra, UnknownName, first_line
from countcheck.images.types import Pixels

if TYPE_CHECKING:
    import torch

DEFAULTS: dict[str, Any] = {
    "weights": "",
    "names": "",  # a text file with one class name a line, the background left out; for your own weights
    "device": "auto",
    "batch": 8,
    "floor": 0.05,
    "iou": 0.7,
    "max_det": 300,
    "min_size": 0,  # shorter side that pictures are brought to; 0: as the architecture was trained
    "max_size": 0,
}
FEATURE = "the torchvision counter"


class TorchvisionDetector:
    """Detects with a model of torchvision.

    Attributes:
        name: As the user calls it.
        vocabulary: Its classes.
    """

    def __init__(self, card: Card) -> None:
        need_torch(FEATURE)
        settings = fill(card, DEFAULTS)
        self.name = card.name
        self._device = resolve_devices(settings["device"], card.name)[0]
        resolve_dtype("fp32", self._device, card.name)
        model, self._names = _load(card, settings)
        self._model = model.to(self._device).eval().requires_grad_(False)
        self._most = int(settings["max_det"])
        self._batches = Batches(int(settings["batch"]), name=card.name, device=self._device)

    @property
    def vocabulary(self) -> frozenset[str]:
        """Its classes, without the ten unused places of torchvision's COCO weights."""
        return frozenset(name for name in self._names if name not in ("__background__", "N/A"))

    def detect(self, pictures: Sequence[Pixels], nouns: Sequence[str]) -> list[Detections]:
        """Detect in each picture, in order."""
        known = frozenset(nouns) & self.vocabulary
        unknown = frozenset(nouns) - known
        arrays: list[Any] = [stay_on_device(picture, self._device) for picture in pictures]
        detected: dict[int, Detections] = {}
        launch, collect = synchronous(lambda part: self._detect_batch(part, known, unknown))  # type: ignore[arg-type]  # synchronous() cannot tell yet
        # Pictures of one size only: torchvision pads the smaller ones of a batch, which moves borderline boxes.
        for members in indices_by_size(arrays):
            part = [arrays[k] for k in members]
            detected |= dict(zip(members, self._batches.run(part, launch, collect), strict=True))
        return [detected[k] for k in range(len(arrays))]

    def _detect_batch(self, part: Sequence[Pixels], known: frozenset[str], unknown: frozenset[str]) -> list[Detections]:
        import torch

        size = size_of(part[0])
        if not known:
            return [Detections.nothing(size, unknown) for _ in part]
        with torch.inference_mode():
            outputs = self._model([self._tensor(picture) for picture in part])
        return [self._read(output, size, known, unknown) for output in outputs]

    def _tensor(self, picture: Pixels) -> torch.Tensor:
        import torch

        if isinstance(picture, torch.Tensor):
            return picture.to(self._device).float().div_(255)
        return torch.from_numpy(picture.copy()).to(self._device).permute(2, 0, 1).float().div_(255)

    def _read(
        self, output: Mapping[str, torch.Tensor], size: tuple[int, int], known: frozenset[str], unknown: frozenset[str]
    ) -> Detections:
        names = [self._names[k] if k < len(self._names) else "N/A" for k in output["labels"].tolist()]
        keep = np.array([i for i, name in enumerate(names) if name in known], np.int64)[: self._most]
        return Detections(
            boxes=clipped(output["boxes"].float().cpu().numpy()[keep], size),
            scores=np.clip(output["scores"].float().cpu().numpy()[keep], 0, 1).astype(np.float32),
            nouns=tuple(names[i] for i in keep),
            size=size,
            unsupported=unknown,
        )


def _load(card: Card, settings: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """Load the model and its class names, background first.

    Raises:
        UnknownName: For a builder that torchvision does not have.
        BadWeights: For weights that cannot be had or do not fit.
    """
    try:
        from torchvision.models import detection, get_model_weights, list_models
    except (ImportError, RuntimeError) as error:
        raise MissingExtra("local", feature=FEATURE) from error
    known = [name for name in list_models(module=detection) if "mask" not in name and "keypoint" not in name]
    if card.source not in known:
        raise UnknownName("torchvision detector", card.source, known)
    given = _given(card.source, settings)
    if not settings["weights"]:
        weights = get_model_weights(card.source)["DEFAULT"]
        model = _built(card, weights=weights, weights_backbone=None, **given)
        return model, [str(name) for name in weights.meta["categories"]]
    names = ["__background__", *_names(card, str(settings["names"]))]
    model = _built(card, weights=None, weights_backbone=None, num_classes=len(names), **given)
    _fit(card, model, Path(str(settings["weights"])))
    return model, names


def _given(source: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Put the settings under the names that each architecture gives them."""
    prefix = "box_" if source.startswith("fasterrcnn") else ""
    given: dict[str, Any] = {
        f"{prefix}score_thresh": float(settings["floor"]),
        f"{prefix}nms_thresh": float(settings["iou"]),
        f"{prefix}detections_per_img": int(settings["max_det"]),
    }
    if not source.startswith("ssd"):
        given |= {name: int(settings[name]) for name in ("min_size", "max_size") if settings[name]}
    return given


def _built(card: Card, **given: Any) -> Any:
    from torchvision.models import get_model

    try:
        return get_model(card.source, **given)
    except OSError as error:
        raise BadWeights(
            f"{card.name}: torchvision's weights for {card.source} could not be fetched ({str(error)[:120]}). "
            "Connect and try again, or give weights=FILE."
        ) from error


def _names(card: Card, path: str) -> list[str]:
    if not path:
        raise BadSettings(f"{card.name}: your own weights need names=FILE with one class name a line.")
    return read_class_names(path, card.name)


def _fit(card: Card, model: Any, path: Path) -> None:
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BadWeights(
            f"{card.name}: {path} holds more than weights, and loading it would run code. Save it as safetensors."
        ) from error
    except (OSError, SafetensorError, RuntimeError, EOFError) as error:
        raise BadWeights(f"{card.name}: {path} cannot be read ({first_line(error, 120)}).") from error
    try:
        model.load_state_dict(weights)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise BadWeights(f"{card.name}: {path} does not fit {card.source} with these classes.") from error
