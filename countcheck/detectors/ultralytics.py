"""Detectors of ultralytics: YOLO (8 to 26, also on Open Images), RT-DETR, YOLO-World and YOLOE.

The package and its weights are AGPL-3.0; it is imported here and nowhere else. Its ``.pt`` weights are pickles, which
run the code they hold, so they are loaded only with ``trust_weights=true``; a safetensors file of the same weights
needs no trust. Nothing is sent anywhere: its analytics and self-installation are switched off before the import.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from countcheck.cards import Card, fill
from countcheck.detectors.base import Detections
from countcheck.detectors.common.boxes import corners_of
from countcheck.detectors.common.class_names import read_class_names
from countcheck.detectors.common.devices import need_torch, resolve_devices, resolve_dtype
from countcheck.detectors.common.fast_path import FastPath, named
from countcheck.detectors.common.layout import Layout
from countcheck.detectors.common.pictures import as_bytes, size_of
from countcheck.errors import BadSettings, BadWeights, MissingExtra
from countcheck.images.types import Pixels

if TYPE_CHECKING:
    import torch

DEFAULTS: dict[str, Any] = {
    "architecture": "",  # the yaml of a safetensors file that does not name it: yolo11n.yaml
    "names": "",  # a text file with one class name a line, for weights that name none
    "embeddings": "",  # safetensors with text embeddings, for YOLO-World and YOLOE without their text encoder
    "trust_weights": False,
    "imgsz": 640,
    "batch": 16,
    "device": "auto",
    "precision": "auto",
    "compile": "",  # a torch.compile backend: inductor, tensorrt (with torch_tensorrt), eager
    "floor": 0.05,
    "iou": 0.7,
    "max_det": 300,
    "channels_last": True,
}


def import_offline() -> Any:
    """Import ultralytics with its network access switched off.

    Raises:
        MissingExtra: Where it is not installed.
    """
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    if "YOLO_CONFIG_DIR" not in os.environ:
        folder = Path(tempfile.gettempdir()) / f"countcheck-ultralytics-{os.getuid() if hasattr(os, 'getuid') else 0}"
        folder.mkdir(mode=0o700, exist_ok=True)
        os.environ["YOLO_CONFIG_DIR"] = str(folder)
    with _others_as_they_were():
        try:
            import ultralytics
        except ImportError as error:
            raise MissingExtra("yolo", feature="the ultralytics counter") from error
        ultralytics.settings.update({"sync": False})
    return ultralytics


@contextlib.contextmanager
def _others_as_they_were() -> Iterator[None]:
    """Undo what importing ultralytics changes in other libraries.

    Its own ``Image.open`` answers a damaged picture with an import error; it prints numbers of numpy and torch its own way.
    """
    import torch
    from PIL import Image

    opened, saved, printed = Image.open, torch.save, np.get_printoptions()
    try:
        yield
    finally:
        Image.open, torch.save = opened, saved
        np.set_printoptions(**printed)
        torch.set_printoptions(profile="default")


class UltralyticsDetector:
    """Detects with a YOLO-style network, run on batches of squares.

    Attributes:
        name: As the user calls it.
        open: Whether it is prompted with words (YOLO-World, YOLOE) instead of knowing a list of classes.
    """

    def __init__(self, card: Card) -> None:
        need_torch("the ultralytics counter", "yolo")
        settings = fill(card, DEFAULTS)
        self.name = card.name
        self._card, self._settings = card, settings
        self._devices = resolve_devices(settings["device"], card.name)
        self._dtype = resolve_dtype(settings["precision"], self._devices[0], card.name)
        self._model = _load(card, settings)
        kind = type(self._model.model.model[-1]).__name__
        self.open = "World" in kind or "YOLOE" in kind
        self._detr = "RTDETR" in kind
        self._words: Mapping[str, Any] = _embeddings(card, settings["embeddings"]) if self.open else {}
        self._made: dict[str, torch.Tensor] = {}  # embeddings by the weights' own text encoder, which takes any word
        self._classes = _names(card, settings, self._model)
        self._path: FastPath | None = None
        self._asked: tuple[str, ...] = ()

    @property
    def vocabulary(self) -> frozenset[str] | None:
        """The classes of the weights; for YOLO-World and YOLOE the words with stored embeddings, or ``None``."""
        if not self.open:
            return frozenset(self._classes)
        return frozenset(self._words) or None

    def detect(self, pictures: Sequence[Pixels], nouns: Sequence[str]) -> list[Detections]:
        """Detect in each picture, in order."""
        known = [noun for noun in nouns if self.vocabulary is None or noun in self.vocabulary]
        unknown = frozenset(nouns) - frozenset(known)
        if not known:
            return [Detections.nothing(size_of(as_bytes(picture)), unknown) for picture in pictures]
        classes = self._set_words(tuple(sorted(known))) if self.open else self._classes
        if self._path is None:
            self._path = self._ready()
        return [named(found, classes, frozenset(known), unknown) for found in self._path.run(pictures)]

    def _set_words(self, words: tuple[str, ...]) -> list[str]:
        """Set the words that the network detects; what was prepared for others is dropped."""
        import torch

        if words != self._asked:
            vectors = torch.stack([self._vector(word) for word in words])[None]
            net = self._model.model
            if "World" in type(net.model[-1]).__name__:
                net.txt_feats, net.model[-1].nc = vectors, len(words)
                net.model[-1].no = len(words) + 4 * net.model[-1].reg_max
            else:
                self._model.set_classes(list(words), vectors)
            self._asked, self._path = words, None
        return list(words)

    def _vector(self, word: str) -> torch.Tensor:
        """Give the text embedding of a word, (512,): stored, or computed once by the weights' own text encoder."""
        import torch

        if word in self._words:
            return torch.as_tensor(self._words[word])
        if word in self._made:
            return self._made[word]
        encoder = getattr(self._model.model, "get_text_pe", None) or self._model.model.get_text_feats
        try:
            vector = encoder([word])[0, 0]
        except (ImportError, ConnectionError, OSError) as error:
            raise BadSettings(
                f"{self.name}: the text encoder that turns {word!r} into a vector is not at hand "
                f"({str(error)[:120]}). Give embeddings=FILE.safetensors with vectors for the nouns."
            ) from error
        self._made[word] = vector.float().cpu()
        return self._made[word]

    def _ready(self) -> FastPath:
        """Fuse the network, place it on its devices and, when set, compile it."""
        settings = self._settings
        nets = [(self._on(device), device) for device in self._devices]
        layout = Layout(side=int(settings["imgsz"]), stretched=self._detr)
        return FastPath(
            nets,
            self._decode,
            name=self.name,
            layout=layout,
            dtype=self._dtype,
            # On a CPU a larger batch gains nothing, and several are under way at once.
            batch=min(int(settings["batch"]), 2) if self._devices[0].type == "cpu" else int(settings["batch"]),
            floor=float(settings["floor"]),
            iou=float(settings["iou"]),
            most=int(settings["max_det"]),
            bucketed=bool(settings["compile"]),
        )

    def _on(self, device: torch.device) -> Callable[[torch.Tensor], Any]:
        import copy

        import torch

        net = copy.deepcopy(self._model.model)
        net = (_fused(net) if self.open else net.fuse(verbose=False)).eval().requires_grad_(False)
        net = net.to(device, self._dtype)
        if self.open and "World" in type(net.model[-1]).__name__:
            net.txt_feats = net.txt_feats.to(device, self._dtype)
        if self._settings["channels_last"]:
            net = net.to(memory_format=torch.channels_last)
            if device.type == "cpu" and self._dtype is torch.float32 and not self._settings["compile"]:
                net = _joined(net)
        if self._settings["compile"]:
            return torch.compile(net, backend=self._settings["compile"], dynamic=False)
        return net

    def _decode(self, raw: Any) -> torch.Tensor:
        """Turn any of ultralytics' outputs into (n, k, 6)."""
        import torch

        table: torch.Tensor = raw[0] if isinstance(raw, tuple | list) else raw
        table = table.float()
        if self._detr:  # centre, width and height as shares of the picture
            boxes = corners_of(table[..., :4]) * float(self._settings["imgsz"])
            return torch.cat([boxes, table[..., 4:]], dim=-1)
        if table.shape[-1] == 6 and table.shape[1] <= 1000:  # a head that suppresses by itself
            return table
        scores, classes = table[:, 4:].max(dim=1)
        boxes = corners_of(table[:, :4].transpose(1, 2))
        return torch.cat([boxes, scores[..., None], classes[..., None].float()], dim=-1)


def _fused(net: Any) -> Any:
    """Fold batch normalisation into the convolutions, but leave the text head: its words may change."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    net.eval()
    for module in net.modules():
        if type(module).__name__ in ("Conv", "DWConv") and hasattr(module, "bn"):
            module.conv = fuse_conv_bn_eval(module.conv, module.bn)
            del module.bn
            module.forward = module.forward_fuse
    return net


def _joined(net: Any) -> Any:
    """Fuse every convolution with the activation after it into one operation with reordered weights.

    These are the operations that torch.compile uses on a CPU; where this torch has none, the network stays as it is.
    """
    import torch

    if not torch.backends.mkldnn.is_available() or not hasattr(torch._C._nn, "mkldnn_reorder_conv2d_weight"):
        return net
    for module in net.modules():
        plain = type(module).__name__ in ("Conv", "DWConv") and not hasattr(module, "bn")
        if plain and isinstance(module.act, torch.nn.SiLU | torch.nn.Identity):
            act = "swish" if isinstance(module.act, torch.nn.SiLU) else "none"
            module.forward = _convolution(module.conv, act)
    return net


def _convolution(conv: Any, act: str) -> Callable[[torch.Tensor], torch.Tensor]:
    import torch

    given = (conv.padding, conv.stride, conv.dilation, conv.groups)
    weight = torch._C._nn.mkldnn_reorder_conv2d_weight(conv.weight.to_mkldnn(), *given, [4, conv.in_channels, 64, 64])

    def forward(batch: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = torch.ops.mkldnn._convolution_pointwise(batch, weight, conv.bias, *given, act, [], "")
        return out

    return forward


def _load(card: Card, settings: Mapping[str, Any]) -> Any:
    """Load the model of a card, on the CPU, not fused.

    Raises:
        BadWeights: For pickled weights that are not trusted, and weights that are not there or do not fit.
    """
    source = card.source
    if not source:
        raise BadSettings(f"{card.name}: no weights are named. Write ultralytics:FILE, as in ultralytics:yolo11n.pt.")
    if "sam3" in Path(source).name.lower():
        raise BadSettings(f"{card.name}: SAM 3 runs through transformers. Write -d sam3, or transformers:FOLDER.")
    if source.endswith((".yaml", ".yml")):
        return _model(source, source, card.name)
    if source.endswith(".safetensors"):
        return _from_safetensors(card, str(settings["architecture"]))
    if not source.endswith(".pt"):
        raise BadSettings(f"{card.name}: {source!r} is not .safetensors, .pt or .yaml. Exported nets go by onnx:FILE.")
    if not settings["trust_weights"]:
        raise BadWeights(
            f"{card.name}: {source} is a pickle, and loading it runs whatever code it holds. "
            "Use safetensors or onnx weights, or add trust_weights=true if you trust where it came from."
        )
    if not Path(source).is_file():
        os.environ.setdefault("YOLO_OFFLINE", "false")  # a named release is downloaded; it is trusted by the setting
    return _model(source, source, card.name)


def _model(source: str, kind: str, name: str) -> Any:
    ultralytics = import_offline()
    lowered = Path(kind).name.lower()
    families = {"rtdetr": ultralytics.RTDETR, "world": ultralytics.YOLOWorld, "yoloe": ultralytics.YOLOE}
    cls = next((cls for word, cls in families.items() if word in lowered), ultralytics.YOLO)
    try:
        model = cls(source)
    except (ConnectionError, OSError) as error:
        raise BadWeights(
            f"{name}: there are no weights at {source}, and they could not be fetched. Download them and give the path."
        ) from error
    except Exception as error:  # unpickling and building raise whatever they run into
        raise BadWeights(f"{name}: {source} is not a model that ultralytics can load ({str(error)[:160]}).") from error
    if getattr(model, "task", "detect") not in ("detect", "segment"):
        raise BadWeights(f"{name}: {source} is a model for {model.task!r}. Give one that detects.")
    return model


def _from_safetensors(card: Card, architecture: str) -> Any:
    """Build a model from its architecture and a safetensors file of its weights.

    The file's metadata may hold ``architecture`` and ``names`` (JSON, class names in order).
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(card.source, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no iteration here
    except (OSError, SafetensorError) as error:
        raise BadWeights(f"{card.name}: {card.source} cannot be read ({str(error)[:120]}).") from error
    architecture = architecture or metadata.get("architecture", "")
    if not architecture:
        raise BadSettings(f"{card.name}: {card.source} does not name its architecture. Add architecture=yolo11n.yaml.")
    model = _model(architecture, architecture, card.name)
    if "names" in metadata:
        names = json.loads(metadata["names"])
        model = _with_classes(model, architecture, len(names))
        model.model.names = dict(enumerate(names))
    try:
        model.model.load_state_dict(weights)
    except RuntimeError as error:
        raise BadWeights(
            f"{card.name}: {card.source} does not fit {architecture} ({str(error).splitlines()[1].strip()[:160]}). "
            "Name the architecture it was trained as."
        ) from error
    return model


def _with_classes(model: Any, architecture: str, number: int) -> Any:
    """Build the same architecture for another number of classes."""
    if len(model.model.names) == number:
        return model
    from ultralytics.nn.tasks import yaml_model_load

    body = {**yaml_model_load(architecture), "nc": number}
    model.model = type(model.model)(body, ch=3, verbose=False)
    return model


def _names(card: Card, settings: Mapping[str, Any], model: Any) -> list[str]:
    """Read the class names in the order of the network's outputs."""
    if settings["names"]:
        return read_class_names(str(settings["names"]), card.name)
    names: dict[int, str] = model.model.names
    return [str(names[k]) for k in sorted(names)]


def _embeddings(card: Card, path: str) -> dict[str, Any]:
    """Read text embeddings: one tensor a word in a safetensors file."""
    if not path:
        return {}
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        words = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BadWeights(f"{card.name}: embeddings: {path} cannot be read ({str(error)[:120]}).") from error
    lengths = {np.asarray(vector).size for vector in words.values()}
    if len(lengths) != 1:
        raise BadWeights(f"{card.name}: embeddings: {path} holds vectors of lengths {sorted(lengths)}; one is wanted.")
    return {word: np.asarray(vector, np.float32).reshape(-1) for word, vector in words.items()}
