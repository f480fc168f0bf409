"""GenEval's colour check (Ghosh et al. 2023): CLIP names the colour of a detected object on its own crop.

What is not the object is painted grey where the detector gives a mask, and left as it is where it gives a box alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from countcheck.detectors.base import Detections
from countcheck.detectors.common.batching import Batches, synchronous
from countcheck.detectors.common.devices import need_torch, resolve_devices, resolve_dtype
from countcheck.detectors.common.pictures import as_bytes, is_on_device, is_tensor, takes_tensors
from countcheck.errors import BadWeights, MissingExtra, first_line
from countcheck.images.convert import as_image
from countcheck.images.types import Pixels

if TYPE_CHECKING:
    import torch
    from PIL import Image

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
TEMPLATES = ("a photo of a {colour} {noun}", "a photo of a {colour}-colored {noun}", "a photo of a {colour} object")
LEVEL = 0x99  # of the grey around an object
THRESHOLD = 0.3  # boxes at or below this score are never judged
MAX_PER_NOUN = 16


class ColourClassifier:
    """Names the colour of detected objects with CLIP.

    Args:
        source: Folder or hub id of a CLIP model; GenEval's is ViT-L/14 in OpenAI's weights.
        name: Of the counter, for errors.
        device: As in a counter's settings.
        batch: Most crops at a time.

    Raises:
        MissingExtra: Where torch or transformers is not installed.
        BadWeights: When there is no CLIP model.
    """

    def __init__(self, source: str, *, name: str, device: str = "auto", batch: int = 32) -> None:
        need_torch("the colour check")
        try:
            import transformers
        except ImportError as error:
            raise MissingExtra("local", feature="the colour check") from error
        self._device = resolve_devices(device, name)[0]
        self._dtype = resolve_dtype("auto", self._device, name)
        try:
            self._processor: Any = transformers.CLIPProcessor.from_pretrained(source)
            model = transformers.CLIPModel.from_pretrained(source, dtype=self._dtype, use_safetensors=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise BadWeights(
                f"{name}: there is no CLIP model at {source} for classify=color ({first_line(error, 120)}). "
                "Download one and name its folder with classifier=FOLDER, or leave classify out."
            ) from error
        self._model: Any = model.to(self._device).eval().requires_grad_(False)
        self._batches = Batches(batch, name=name, device=self._device)
        self._prompts: dict[str, torch.Tensor] = {}

    def classify(self, picture: Pixels, detections: Detections) -> tuple[str, ...]:
        """Name the colour of every box that may be judged; empty text for the others.

        Args:
            picture: That the boxes lie in.
            detections: Of it; masks are used where they are there.
        """
        chosen = _judged(detections)
        on_device = is_on_device(picture) and takes_tensors(self._processor)
        image = as_bytes(picture) if on_device else as_image(picture)
        crops = [_crop(image, detections, k) for k in chosen]
        launch, collect = synchronous(self._features)
        features = list(self._batches.run(crops, launch, collect)) if crops else []
        colours = [""] * len(detections.nouns)
        for k, feature in zip(chosen, features, strict=True):
            likeness = feature @ self._of(detections.nouns[k]).T
            colours[k] = COLOURS[int(likeness.argmax())]
        return tuple(colours)

    def _features(self, crops: Sequence[Any]) -> Sequence[torch.Tensor]:
        import torch

        inputs = self._processor(images=list(crops), return_tensors="pt").to(self._device, self._dtype)
        with torch.inference_mode():
            return list(_normed(self._model.get_image_features(**inputs)))

    def _of(self, noun: str) -> torch.Tensor:
        """One embedding a colour: the mean over the prompt templates."""
        import torch

        if noun not in self._prompts:
            texts = [template.format(colour=colour, noun=noun) for colour in COLOURS for template in TEMPLATES]
            inputs = self._processor(text=texts, return_tensors="pt", padding=True, truncation=True).to(self._device)
            with torch.inference_mode():
                features = _normed(self._model.get_text_features(**inputs))
                mean = features.reshape(len(COLOURS), len(TEMPLATES), -1).mean(dim=1)
            self._prompts[noun] = mean / mean.norm(dim=-1, keepdim=True)
        return self._prompts[noun]


def _normed(output: Any) -> torch.Tensor:
    features: torch.Tensor = output if hasattr(output, "norm") else output.pooler_output
    return features.float() / features.float().norm(dim=-1, keepdim=True)


def _judged(detections: Detections) -> list[int]:
    """Positions of the boxes that GenEval may judge, the best of each noun."""
    tally: dict[str, int] = {}
    chosen = []
    for k in np.argsort(-detections.scores, kind="stable").tolist():
        noun = detections.nouns[k]
        if detections.scores[k] > np.float32(THRESHOLD) and tally.get(noun, 0) < MAX_PER_NOUN:
            tally[noun] = tally.get(noun, 0) + 1
            chosen.append(k)
    return sorted(chosen)


def _crop(image: Any, detections: Detections, k: int) -> Any:
    """The object alone: its box, everything outside its mask grey. A tensor gives one on its device."""
    from PIL import Image

    wide, tall = detections.size
    x1, y1, x2, y2 = (round(float(v)) for v in detections.boxes[k])
    left, top = min(x1, wide - 1), min(y1, tall - 1)
    box = (left, top, max(x2, left + 1), max(y2, top + 1))
    mask = None
    if detections.masks:
        whole = Image.fromarray(detections.masks[k].astype(np.uint8) * 255)
        mask = whole.resize((wide, tall), Image.Resampling.NEAREST).crop(box)
    if is_tensor(image):
        return _tensor_crop(image, box, mask)
    crop = image.crop(box)
    return crop if mask is None else Image.composite(crop, Image.new("RGB", crop.size, (LEVEL, LEVEL, LEVEL)), mask)


def _tensor_crop(image: torch.Tensor, box: tuple[int, int, int, int], mask: Image.Image | None) -> torch.Tensor:
    import torch

    left, top, right, bottom = box
    crop = image[:, top:bottom, left:right]
    if mask is None:
        return crop
    shown = torch.from_numpy(np.array(mask) > 0).to(image.device)
    return torch.where(shown, crop, torch.full_like(crop, LEVEL))
