"""Detectors of transformers: open vocabulary (Grounding DINO, OWLv2, OmDet-Turbo, SAM 3 and its LiteText) and closed (RT-DETR,
D-FINE, DEIMv2, LW-DETR, RF-DETR, DETR, Mask2Former).

Code that comes with a model is never run, and pickled weights are loaded only with ``trust_weights=true``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from countcheck.cards import Card, fill
from countcheck.detectors.base import Detections
from countcheck.detectors.common.batching import Batches, synchronous
from countcheck.detectors.common.boxes import clipped, nms
from countcheck.detectors.common.devices import need_torch, resolve_devices, resolve_dtype
from countcheck.detectors.common.instances import instances_of, is_instance_checkpoint
from countcheck.detectors.common.pictures import indices_by_size, size_of, stay_on_device, takes_tensors
from countcheck.detectors.common.prompting import FAMILIES, Answer, PromptedModel, joined
from countcheck.errors import BadSettings, BadWeights, MissingExtra, first_line
from countcheck.images.convert import as_rgb
from countcheck.images.types import Pixels

DEFAULTS: dict[str, Any] = {
    "device": "auto",
    "precision": "auto",
    "batch": 8,
    "floor": 0.05,
    "iou": 0.7,
    "max_det": 300,
    "template": "a photo of a {}",
    "words_per_pass": 0,  # 0: as many as fit; 1: the score of a word cannot depend on another word
    "trust_weights": False,
}
CLOSED = ("rt_detr", "rt_detr_v2", "d_fine", "deimv2", "lw_detr", "rf_detr", "detr", "conditional_detr",
          "deformable_detr", "dab-detr", "table-transformer", "yolos")  # fmt: skip
SEGMENTING = ("mask2former",)  # closed, with masks of instances
MAX_ASPECT = 16.0  # sides in a larger proportion than this are padded: the processors would shrink one side to nothing


class TransformersDetector:
    """Detects with a model from a hub repository or a local folder.

    Attributes:
        name: As the user calls it.
        vocabulary: The classes of a closed model; ``None`` for one with an open vocabulary.
    """

    def __init__(self, card: Card) -> None:
        need_torch("the transformers counter")
        self._settings = fill(card, DEFAULTS)
        self.name = card.name
        self._device = resolve_devices(self._settings["device"], card.name)[0]
        self._dtype = resolve_dtype(self._settings["precision"], self._device, card.name)
        kind, model, self._processor = _load(card, self._settings, self._dtype)
        self._model = model.to(self._device).eval().requires_grad_(False)
        self._prompting: PromptedModel | None = None
        self._labels: dict[int, str] = {}
        if kind in FAMILIES:
            self._prompting = FAMILIES[kind](
                self._model,
                self._processor,
                floor=float(self._settings["floor"]),
                template=str(self._settings["template"]),
            )
        else:
            self._labels = {int(k): str(label) for k, label in model.config.id2label.items()}
        self._segments = kind in SEGMENTING
        if self._segments and not is_instance_checkpoint(list(self._labels.values())):
            raise BadWeights(
                f"{card.name}: {card.source} is a checkpoint for semantic or panoptic segmentation, which joins things of "
                "one kind. Give one for instances, such as facebook/mask2former-swin-small-coco-instance."
            )
        self._batches = Batches(int(self._settings["batch"]), name=card.name, device=self._device)

    @property
    def vocabulary(self) -> frozenset[str] | None:
        """The classes of a closed model; ``None`` for one with an open vocabulary."""
        if self._prompting is not None:
            return None
        return frozenset(label for label in self._labels.values() if label not in ("N/A", "no-object"))

    def detect(self, pictures: Sequence[Pixels], nouns: Sequence[str]) -> list[Detections]:
        """Detect in each picture, in order."""
        words = sorted(set(nouns))
        if self._prompting is not None:
            known = [word for word in words if self._prompting.text_of(word) and self._prompting.knows(word)]
        else:
            known = [word for word in words if word in (self.vocabulary or ())]
        unknown = frozenset(words) - frozenset(known)
        detected: dict[int, Detections] = {}
        arrays: list[Any] = [self._bytes_of(picture) for picture in pictures]
        for members in indices_by_size(arrays):
            part = [arrays[k] for k in members]
            launch, collect = synchronous(lambda batch: self._detect_batch(batch, known, unknown))  # type: ignore[arg-type]  # synchronous() cannot tell yet
            detected |= dict(zip(members, self._batches.run(part, launch, collect), strict=True))
        return [detected[k] for k in range(len(arrays))]

    def _bytes_of(self, picture: Pixels) -> Pixels:
        """Keep a tensor on its device where the processor computes with tensors; anything else becomes an array."""
        return stay_on_device(picture, self._device) if takes_tensors(self._processor) else as_rgb(picture)

    def _detect_batch(
        self, pictures: Sequence[Pixels], words: Sequence[str], unknown: frozenset[str]
    ) -> list[Detections]:
        """Detect in pictures of one size, so that none is padded to the size of another."""
        import torch

        sizes = [size_of(picture) for picture in pictures]
        if not words:
            return [Detections.nothing(size, unknown) for size in sizes]
        images = [_padded(picture) for picture in pictures]
        with torch.inference_mode():
            if self._prompting is not None:
                answers = self._ask(images, words)
            else:
                answers = self._segment(images) if self._segments else self._classify(images)
        return [self._without_duplicates(a, size, words, unknown) for a, size in zip(answers, sizes, strict=True)]

    def _ask(self, images: Sequence[Pixels], words: Sequence[str]) -> list[Answer]:
        assert self._prompting is not None
        most = int(self._settings["words_per_pass"])
        portions = [words[k : k + most] for k in range(0, len(words), most)] if most > 0 else [words]
        parts = [
            self._prompting.detect(images, some) for portion in portions for some in self._prompting.batches(portion)
        ]
        return [joined(answers) for answers in zip(*parts, strict=True)]

    def _segment(self, images: Sequence[Pixels]) -> list[Answer]:
        """Boxes of instance masks; the pictures are of one size, and padded alike."""
        inputs = self._processor(images=list(images), return_tensors="pt").to(self._device, self._dtype)
        outputs = self._model(pixel_values=inputs["pixel_values"])
        mask = inputs["pixel_mask"][0] if "pixel_mask" in inputs else inputs["pixel_values"].new_ones(1, 1)
        padded = tuple(inputs["pixel_values"].shape[-2:])
        resized = (int((mask > 0).any(dim=1).sum()), int((mask > 0).any(dim=0).sum())) if mask.numel() > 1 else padded
        return [
            instances_of(
                outputs.class_queries_logits[k],
                outputs.masks_queries_logits[k],
                padded=(padded[0], padded[1]),
                resized=(resized[0], resized[1]),
                size=size_of(image),
                labels=self._labels,
                floor=float(self._settings["floor"]),
            )
            for k, image in enumerate(images)
        ]

    def _classify(self, images: Sequence[Pixels]) -> list[Answer]:
        inputs = self._processor(images=list(images), return_tensors="pt").to(self._device, self._dtype)
        outputs = self._processor.post_process_object_detection(
            self._model(**inputs),
            threshold=float(self._settings["floor"]),
            target_sizes=[size_of(image)[::-1] for image in images],
        )
        return [
            Answer(
                boxes=output["boxes"].float().cpu().numpy().reshape(-1, 4),
                scores=output["scores"].float().cpu().numpy(),
                words=tuple(self._labels[int(k)] for k in output["labels"]),
            )
            for output in outputs
        ]

    def _without_duplicates(
        self, answer: Answer, size: tuple[int, int], words: Sequence[str], unknown: frozenset[str]
    ) -> Detections:
        """Drop duplicates, which these families do little or nothing about themselves."""
        wanted = set(words)
        keep = np.array([i for i, word in enumerate(answer.words) if word in wanted], np.int64)
        boxes, scores = clipped(answer.boxes[keep], size), answer.scores[keep]
        nouns = [answer.words[i] for i in keep]
        best = nms(boxes, scores, float(self._settings["iou"]), nouns)[: int(self._settings["max_det"])]
        return Detections(
            boxes=boxes[best],
            scores=np.clip(scores[best], 0, 1).astype(np.float32),
            nouns=tuple(nouns[i] for i in best),
            size=size,
            unsupported=unknown,
            masks=tuple(answer.masks[int(keep[i])] for i in best) if answer.masks else (),
        )


def _padded(array: Pixels) -> Pixels:
    """Pad a picture with grey to the right or below where it is too slim for the processors; a tensor stays one."""
    import torch
    from PIL import Image

    wide, tall = size_of(array)
    least = (max(wide, round(tall / MAX_ASPECT)), max(tall, round(wide / MAX_ASPECT)))
    if isinstance(array, torch.Tensor):
        return torch.nn.functional.pad(array, (0, least[0] - wide, 0, least[1] - tall), value=114)
    if least == (wide, tall):
        return Image.fromarray(array)
    canvas = Image.new("RGB", least, (114, 114, 114))
    canvas.paste(Image.fromarray(array), (0, 0))
    return canvas


def _load(card: Card, settings: Mapping[str, Any], dtype: Any) -> tuple[str, Any, Any]:
    """Load model type, model and processor of a card.

    Raises:
        BadWeights: When there is nothing there, nothing that fits, or only pickled weights.
    """
    if not card.source:
        raise BadSettings(f"{card.name}: no model is named. Write transformers:FOLDER or transformers:ORG/MODEL.")
    try:
        import transformers
    except ImportError as error:
        raise MissingExtra("local", feature="the transformers counter") from error
    given: dict[str, Any] = {"trust_remote_code": False}
    if card.revision:
        given["revision"] = card.revision
    if os.environ.get("HF_HUB_OFFLINE") == "1" or Path(card.source).is_dir():
        given["local_files_only"] = True
    try:
        config = transformers.AutoConfig.from_pretrained(card.source, **given)
        kind = str(config.model_type)
        loader, reader = _classes(transformers, kind, card)
        safe = None if settings["trust_weights"] else True
        processor = reader.from_pretrained(card.source, **given)
        model, report = loader.from_pretrained(
            card.source, dtype=dtype, use_safetensors=safe, output_loading_info=True, **given
        )
    except (OSError, ValueError) as error:
        raise BadWeights(_explained(card, error)) from error
    except RuntimeError as error:
        raise BadWeights(
            f"{card.name}: the weights at {card.source} are of another architecture than its config.json says."
        ) from error
    # Missing tensors would be filled with random numbers: such a counter must not start.
    if report.get("missing_keys") or report.get("mismatched_keys"):
        lost = sorted(map(str, [*report.get("missing_keys", ()), *report.get("mismatched_keys", ())]))
        raise BadWeights(
            f"{card.name}: {len(lost)} tensors of {card.source} are missing or of another shape ({lost[0]} first). "
            "The weights do not belong to its config.json."
        )
    return kind, model, processor


def _classes(transformers: Any, kind: str, card: Card) -> tuple[Any, Any]:
    if kind == "sam3":
        return transformers.Sam3Model, transformers.Sam3Processor
    if kind == "sam3_lite_text":
        return transformers.Sam3LiteTextModel, transformers.Sam3Processor
    if kind in FAMILIES:
        return transformers.AutoModelForZeroShotObjectDetection, transformers.AutoProcessor
    if kind in SEGMENTING:
        return transformers.AutoModelForUniversalSegmentation, transformers.AutoImageProcessor
    if kind in CLOSED:
        return transformers.AutoModelForObjectDetection, transformers.AutoImageProcessor
    raise BadWeights(
        f"{card.name}: {card.source} is a {kind!r}, which is no detector that countcheck can run. "
        f"Known: {', '.join(sorted([*FAMILIES, *CLOSED, *SEGMENTING]))}."
    )


def _explained(card: Card, error: Exception) -> str:
    if "safetensors" in str(error) and Path(card.source).is_dir() and (Path(card.source) / "config.json").is_file():
        return (
            f"{card.name}: {card.source} holds no safetensors weights. Pickled ones are loaded only with "
            "trust_weights=true, if you trust where they came from."
        )
    if Path(card.source).exists():
        return f"{card.name}: {card.source} is not a whole model folder ({first_line(error, 160)})."
    return (
        f"{card.name}: there is no folder {card.source}, and no hub could be reached. "
        "Download the model and give its folder, or connect and try again."
    )
