"""Detectors exported to ONNX, run by onnxruntime: YOLO and DETR styles, with and without suppression inside.

An ONNX file is a graph of known operations; unlike a pickle it runs no code of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from countcheck.cards import Card, fill
from countcheck.detectors.base import Detections
from countcheck.detectors.common.boxes import corners_of
from countcheck.detectors.common.class_names import read_class_names
from countcheck.detectors.common.devices import need_torch, resolve_devices
from countcheck.detectors.common.fast_path import FastPath, named
from countcheck.detectors.common.layout import Layout
from countcheck.detectors.common.letterbox import PAD
from countcheck.detectors.common.pictures import as_bytes, size_of
from countcheck.errors import BadSettings, BadWeights, MissingExtra
from countcheck.images.types import Pixels

if TYPE_CHECKING:
    import torch

DEFAULTS: dict[str, Any] = {
    "layout": "auto",  # yolo, yolov5, suppressed, detr, boxes; see `LAYOUTS`
    "names": "",  # a text file with one class name a line, for files that name none
    "imgsz": 0,  # 0: as the file says, else 640
    "batch": 16,
    "device": "auto",  # cpu, cuda, tensorrt
    "floor": 0.05,
    "iou": 0.7,
    "max_det": 300,
    "stretched": False,  # stretch pictures over the square, as most DETR-style nets were trained
    "bgr": False,
    "bytes": False,  # 0 to 255 instead of 0 to 1
    "mean": "",  # three numbers, as in 0.485,0.456,0.406
    "deviation": "",
    "threads": 0,
}

LAYOUTS = {
    "yolo": "one output (n, 4 + classes, anchors): centre, width, height in pixels, then a score a class",
    "yolov5": "one output (n, anchors, 5 + classes): centre, width, height, objectness, then a score a class",
    "suppressed": "one output (n, k, 6): x1, y1, x2, y2 in pixels, score, class",
    "detr": "two outputs: logits (n, k, classes) and boxes (n, k, 4), centre, width, height as shares of the square",
    "boxes": "three outputs named like boxes (n, k, 4) in pixels, scores (n, k), labels (n, k)",
}


class OnnxDetector:
    """Detects with the model of an ONNX file.

    Attributes:
        name: As the user calls it.
        vocabulary: Its classes, from the file or from ``names``.
    """

    def __init__(self, card: Card) -> None:
        need_torch("the onnx counter")
        settings = fill(card, DEFAULTS)
        self.name = card.name
        self._session = _open(card, settings)
        self._names = _names(card, settings, self._session)
        self._layout = _layout(card, settings, self._session)
        self._input = self._session.get_inputs()[0]
        self._settings = settings
        self._side = _side(settings, self._input.shape)
        self._path = self._ready(card)

    @property
    def vocabulary(self) -> frozenset[str]:
        """Its classes."""
        return frozenset(self._names)

    def detect(self, pictures: Sequence[Pixels], nouns: Sequence[str]) -> list[Detections]:
        """Detect in each picture, in order."""
        known = frozenset(nouns) & self.vocabulary
        unknown = frozenset(nouns) - known
        if not known:
            return [Detections.nothing(size_of(as_bytes(picture)), unknown) for picture in pictures]
        return [named(found, self._names, known, unknown) for found in self._path.run(pictures)]

    def _ready(self, card: Card) -> FastPath:
        import torch

        settings = self._settings
        layout = Layout(
            side=self._side,
            stretched=bool(settings["stretched"]),
            pad=PAD,
            mean=_three(card, settings, "mean"),
            deviation=_three(card, settings, "deviation"),
        )
        fixed = isinstance(self._input.shape[0], int) and self._input.shape[0] > 0
        return FastPath(
            [(self._run, _device_of(self._session))],
            DECODERS[self._layout](self._side),
            name=self.name,
            layout=layout,
            dtype=torch.float32,
            # A file made for batches of one takes one; made for more, it is filled up.
            batch=int(self._input.shape[0]) if fixed else int(settings["batch"]),
            floor=float(settings["floor"]),
            iou=float(settings["iou"]),
            most=int(settings["max_det"]),
            bucketed=settings["device"] == "tensorrt",
            side_by_side=False,
        )

    def _run(self, batch: torch.Tensor) -> list[torch.Tensor]:
        """Compute the file's outputs for a batch (n, 3, side, side), on the device that holds it."""
        import torch

        n, fixed = len(batch), self._input.shape[0]
        if self._settings["bgr"]:
            batch = batch.flip(1)
        if self._settings["bytes"]:
            batch = batch * 255
        if isinstance(fixed, int) and fixed > n:
            batch = torch.cat([batch, batch[:1].expand(fixed - n, -1, -1, -1)])
        if self._input.type == "tensor(float16)":
            batch = batch.half()
        feeds = {self._input.name: batch}
        for other in self._session.get_inputs()[1:]:  # RT-DETR's and D-FINE's own exports ask for the sizes
            feeds[other.name] = torch.full((len(batch), 2), self._side, dtype=torch.int64, device=batch.device)
        return [out[:n] for out in compute(self._session, feeds)]


def compute(session: Any, feeds: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    """Run a session on tensors of one device, which must be its provider's; its outputs are tensors there.

    Neither is copied: onnxruntime reads the tensors' memory, and torch that of the outputs. Only an onnxruntime too old for
    DLPack copies its outputs.
    """
    import torch

    held = {name: tensor.contiguous() for name, tensor in feeds.items()}
    device = next(iter(held.values())).device
    place = (device.type, device.index or 0)
    binding = session.io_binding()
    for name, tensor in held.items():
        kind = np.dtype(str(tensor.dtype).removeprefix("torch."))
        binding.bind_input(name, *place, kind, tuple(tensor.shape), tensor.data_ptr())
    for out in session.get_outputs():
        binding.bind_output(out.name, *place)
    if device.type == "cuda":  # onnxruntime computes on a stream of its own
        torch.cuda.current_stream(device).synchronize()
    session.run_with_iobinding(binding)
    return [
        torch.from_dlpack(value) if hasattr(value, "__dlpack__") else torch.from_numpy(value.numpy()).to(device)
        for value in binding.get_outputs()
    ]


def _yolo(side: int) -> Callable[[Sequence[torch.Tensor]], torch.Tensor]:
    def decode(outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        table = outputs[0].float()
        scores, classes = table[:, 4:].max(dim=1)
        return _table(corners_of(table[:, :4].transpose(1, 2)), scores, classes)

    return decode


def _yolov5(side: int) -> Callable[[Sequence[torch.Tensor]], torch.Tensor]:
    def decode(outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        table = outputs[0].float()
        scores, classes = (table[..., 5:] * table[..., 4:5]).max(dim=-1)
        return _table(corners_of(table[..., :4]), scores, classes)

    return decode


def _suppressed(side: int) -> Callable[[Sequence[torch.Tensor]], torch.Tensor]:
    return lambda outputs: outputs[0].float()


def _detr(side: int) -> Callable[[Sequence[torch.Tensor]], torch.Tensor]:
    def decode(outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        boxes, logits = sorted(outputs[:2], key=lambda out: out.shape[-1] != 4)
        scores, classes = logits.float().sigmoid().max(dim=-1)
        return _table(corners_of(boxes.float()) * side, scores, classes)

    return decode


def _boxes(side: int) -> Callable[[Sequence[torch.Tensor]], torch.Tensor]:
    def decode(outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        boxes = next(out for out in outputs if out.ndim == 3)
        flat = [out for out in outputs if out.ndim == 2]
        labels = next((out for out in flat if not out.is_floating_point()), flat[-1])
        scores = next(out for out in flat if out is not labels)
        return _table(boxes.float(), scores.float(), labels)

    return decode


DECODERS = {"yolo": _yolo, "yolov5": _yolov5, "suppressed": _suppressed, "detr": _detr, "boxes": _boxes}


def _table(boxes: torch.Tensor, scores: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.cat([boxes, scores[..., None], classes[..., None].float()], dim=-1)


def _open(card: Card, settings: Mapping[str, Any]) -> Any:
    """Open the file.

    Raises:
        MissingExtra: Where onnxruntime is not installed.
        BadSettings: When no file is named, or for a device that this onnxruntime cannot use.
        BadWeights: For a file that is not there or not ONNX.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtra("onnx", feature="the onnx counter") from error
    if not card.source:
        raise BadSettings(f"{card.name}: no file is named. Write onnx:FILE, as in onnx:yolo11n.onnx.")
    if not Path(card.source).is_file():
        raise BadWeights(f"{card.name}: there is no file {card.source}. Give the path of an ONNX file.")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = int(settings["threads"])
    try:
        return onnxruntime.InferenceSession(card.source, options, providers=_providers(card, settings, onnxruntime))
    except BadSettings:
        raise
    except Exception as error:  # onnxruntime's own classes are not importable everywhere
        raise BadWeights(
            f"{card.name}: {card.source} is not an ONNX file that this onnxruntime can run ({str(error)[:160]})."
        ) from error


def _providers(card: Card, settings: Mapping[str, Any], onnxruntime: Any) -> list[tuple[str, dict[str, Any]]]:
    """List the execution providers with their options: the setting's, then those for operations that it lacks."""
    have = onnxruntime.get_available_providers()
    device = str(settings["device"])
    if device == "auto":
        device = "cuda" if "CUDAExecutionProvider" in have else "cpu"
    kind, _, number = device.partition(":")
    place = {"device_id": int(number) if number.isdigit() else 0}
    cache = str(Path(card.source).parent / "tensorrt-cache")
    engine = {"trt_fp16_enable": True, "trt_engine_cache_enable": True, "trt_engine_cache_path": cache}
    cuda = ("CUDAExecutionProvider", place)
    wanted: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "cpu": [],
        "cuda": [cuda],
        "tensorrt": [("TensorrtExecutionProvider", {**engine, **place}), cuda],
    }
    if kind not in wanted or (number and not number.isdigit()):
        resolve_devices(device, card.name)  # raises for a word that is no device
        raise BadSettings(f"{card.name}: device is {device!r}. Give auto, cpu, cuda, cuda:1 or tensorrt.")
    chosen = [*wanted[kind], ("CPUExecutionProvider", {})]
    first, _ = chosen[0]
    if first not in have:
        raise BadSettings(
            f"{card.name}: device is {device!r}, and this onnxruntime has no {first}. "
            "Install onnxruntime-gpu, or give device=cpu."
        )
    return chosen


def _device_of(session: Any) -> torch.device:
    """The device on which the session's first provider computes, where torch has it; else the CPU."""
    import torch

    first = session.get_providers()[0]
    if first not in ("CUDAExecutionProvider", "TensorrtExecutionProvider") or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(session.get_provider_options()[first].get("device_id", 0)))


def _names(card: Card, settings: Mapping[str, Any], session: Any) -> list[str]:
    """Read the class names in order: from a file, or as ultralytics writes them into its exports."""
    if settings["names"]:
        return read_class_names(str(settings["names"]), card.name)
    written = session.get_modelmeta().custom_metadata_map.get("names", "")
    try:
        names = ast.literal_eval(written)
    except (ValueError, SyntaxError):
        names = None
    if isinstance(names, dict) and names:
        return [str(names[k]) for k in sorted(names)]
    if isinstance(names, list | tuple) and names:
        return [str(name) for name in names]
    raise BadSettings(f"{card.name}: {card.source} does not name its classes. Give names=FILE, one class name a line.")


def _layout(card: Card, settings: Mapping[str, Any], session: Any) -> str:
    """Tell which of `LAYOUTS` the outputs have, by their number and shapes."""
    asked = str(settings["layout"])
    if asked in LAYOUTS:
        return asked
    shapes = [list(out.shape) for out in session.get_outputs()]
    if asked == "auto":
        if len(shapes) >= 3 and sum(len(shape) == 2 for shape in shapes) >= 2:
            return "boxes"
        if len(shapes) >= 2 and all(len(shape) == 3 for shape in shapes[:2]) and 4 in (shapes[0][-1], shapes[1][-1]):
            return "detr"
        if len(shapes[0]) == 3:
            return _single(shapes[0])
    known = "; ".join(f"{name}: {what}" for name, what in LAYOUTS.items())
    raise BadSettings(
        f"{card.name}: layout {asked!r} does not fit the outputs of {card.source} ({shapes}). Give one of {known}."
    )


def _single(shape: Sequence[Any]) -> str:
    rows, columns = shape[1], shape[2]
    if columns == 6 and not (isinstance(rows, int) and rows > 1000):
        return "suppressed"
    if isinstance(rows, int) and isinstance(columns, int) and rows > columns:
        return "yolov5"
    return "yolo"


def _side(settings: Mapping[str, Any], shape: Sequence[Any]) -> int:
    if settings["imgsz"]:
        return int(settings["imgsz"])
    sides = [side for side in shape[2:4] if isinstance(side, int) and side > 0]
    return sides[0] if sides else 640


def _three(card: Card, settings: Mapping[str, Any], name: str) -> tuple[float, float, float] | None:
    given = str(settings[name])
    if not given:
        return None
    try:
        first, second, third = (float(part) for part in given.split(","))
    except ValueError as error:
        raise BadSettings(f"{card.name}: {name} is {given!r}. Give three numbers, as in 0.485,0.456,0.406.") from error
    return first, second, third
