"""Runs batches of squares through a network: laid out, computed, suppressed, and copied back once.

On the CPU every picture is laid out by itself and the batch keeps the channels last, the fastest order for convolutions
there; several small batches run at once, each on a core of its own, because the many small operations of a network
share cores badly. On a GPU the bytes are sent as they are, pinned and without waiting, and laid out on the device; one
suppression serves the batch, on a second stream, while the next batch is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from countcheck.detectors.base import Detections, Floats
from countcheck.detectors.common.batching import Batches
from countcheck.detectors.common.boxes import batched_nms
from countcheck.detectors.common.layout import Layout
from countcheck.detectors.common.letterbox import Placement
from countcheck.detectors.common.pictures import as_bytes
from countcheck.images.types import Pixels

if TYPE_CHECKING:
    import torch

BUCKETS = (1, 2, 4, 8, 16, 32, 64)
MAX_WORKERS = 8  # on a CPU; each keeps a batch's worth of the net's memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassDetections:
    """What a network found in one picture, best first, under the numbers of its classes.

    Attributes:
        boxes: (n, 4) in the picture's pixels.
        scores: (n,), 0 to 1.
        classes: (n,).
        size: Width and height of the picture in pixels.
    """

    boxes: Floats
    scores: Floats
    classes: np.ndarray[Any, np.dtype[np.int64]]
    size: tuple[int, int]


def named(
    found: ClassDetections, class_names: Sequence[str], known: frozenset[str], unsupported: frozenset[str]
) -> Detections:
    """Put class numbers under their names; classes that were not asked for are left out."""
    names = [class_names[k] if k < len(class_names) else "" for k in found.classes]
    keep = [i for i, name in enumerate(names) if name in known]
    return Detections(
        boxes=found.boxes[keep],
        scores=found.scores[keep],
        nouns=tuple(names[i] for i in keep),
        size=found.size,
        unsupported=unsupported,
    )


class FastPath:
    """A network on one device or several, and the way of pictures through it.

    Args:
        nets: Networks, each a function from a batch (n, 3, side, side) to whatever ``decode`` understands, on its device.
        decode: Turns the network's output into (n, k, 6): x1, y1, x2, y2 in the square's pixels, score, class; score 0: no box.
        layout: How pictures become a batch.
        dtype: What the networks compute in.
        batch: Most pictures in a batch.
        floor: Boxes below this score are dropped.
        iou: Boxes of one class that overlap by more are duplicates.
        most: Boxes kept a picture.
        bucketed: Fill batches up to fixed sizes, for networks that are compiled for each; the filling is cut off again.
        on_device: Lay pictures out on the device; ``None``: on a GPU yes, on a CPU no.
        side_by_side: Whether several batches may run at once on a CPU; not for networks that use all cores themselves.
    """

    def __init__(
        self,
        nets: Sequence[tuple[Callable[[torch.Tensor], Any], torch.device]],
        decode: Callable[[Any], torch.Tensor],
        *,
        name: str,
        layout: Layout,
        dtype: torch.dtype,
        batch: int = 16,
        floor: float = 0.05,
        iou: float = 0.7,
        most: int = 300,
        bucketed: bool = False,
        on_device: bool | None = None,
        side_by_side: bool = True,
    ) -> None:
        self.decode, self.layout, self.dtype = decode, layout, dtype
        self.floor, self.iou, self.most, self.bucketed = floor, iou, most, bucketed
        self.device_paths = [_DevicePath(self, net, device, name, batch, on_device) for net, device in nets]
        # A compiled net compiles itself anew for every batch size, and not in several threads at once.
        self._side_by_side = side_by_side and not bucketed and all(device.type == "cpu" for _, device in nets)

    def run(self, pictures: Sequence[Pixels]) -> list[ClassDetections]:
        """Run the network on every picture, in order.

        Raises:
            OutOfDeviceMemory: When not even one picture fits the device.
        """
        if len(self.device_paths) == 1 and self._side_by_side:
            return self._on_cores(pictures)
        if len(self.device_paths) == 1 or len(pictures) < 2:
            return list(self.device_paths[0].run(pictures))
        share = -(-len(pictures) // len(self.device_paths))
        parts = [pictures[k : k + share] for k in range(0, len(pictures), share)]
        with ThreadPoolExecutor(max_workers=len(parts)) as pool:
            done = pool.map(lambda device_path, part: list(device_path.run(part)), self.device_paths, parts)
            return [seen for part in done for seen in part]

    def _on_cores(self, pictures: Sequence[Pixels]) -> list[ClassDetections]:
        """Run the batches in as many threads as torch has cores, each computing on its own share of them."""
        import torch

        device_path, cores = self.device_paths[0], torch.get_num_threads()
        # What a network keeps from its first batch, such as its anchors, is made before several threads use it.
        alone = 0 if device_path.warm else 1
        workers = max(1, min(cores, MAX_WORKERS, len(pictures) - alone))
        size = max(1, min(device_path.batches.size, -(-(len(pictures) - alone) // workers)))
        parts = [pictures[k : k + size] for k in range(alone, len(pictures), size)]
        try:
            with ThreadPoolExecutor(workers, "count", _own_share, (cores // workers,)) as pool:
                first = pool.submit(lambda: list(device_path.run(pictures[:alone]))).result()
                return first + [
                    seen for part in pool.map(lambda part: list(device_path.run(part)), parts) for seen in part
                ]
        finally:
            torch.set_num_threads(cores)  # a thread's own number is also the one that new threads begin with


def _own_share(cores: int) -> None:
    """Have this thread compute on so many cores, and flush denormal numbers to 0.

    Attention may be full of denormals, and a processor is many times slower on them.
    """
    import torch

    torch.set_num_threads(cores)
    torch.set_flush_denormal(True)


class _DevicePath:
    """A network on one device."""

    def __init__(
        self, path: FastPath, net: Callable[..., Any], device: torch.device, name: str, batch: int, there: bool | None
    ) -> None:
        import torch

        self.path, self.net, self.device = path, net, device
        self.on_device = device.type == "cuda" if there is None else there
        self.batches = Batches(batch, name=name, device=device)
        self.warm = False
        self.after = torch.cuda.Stream(device) if device.type == "cuda" else None

    def run(self, pictures: Sequence[Pixels]) -> Iterator[ClassDetections]:
        return self.batches.run(pictures, self._launch, self._collect)

    def _launch(self, part: Sequence[Pixels]) -> tuple[torch.Tensor, list[Placement], Any]:
        """Compute the network's boxes; on a GPU this returns before the work is done."""
        import torch

        with torch.inference_mode():
            layout = self.path.layout
            part = [as_bytes(picture) for picture in part]
            batch, spots = layout.on_device(part, self.device) if self.on_device else layout.on_cpu(part)
            batch = layout.normalised(batch).to(self.device, self.path.dtype, non_blocking=True)
            raw = self.path.decode(self.net(self._filled(batch)))[: len(spots)].float()
            self.warm = True
            done = None
            if self.after is not None:
                done = torch.cuda.Event()
                done.record(torch.cuda.current_stream(self.device))
            return raw, spots, done

    def _filled(self, batch: torch.Tensor) -> torch.Tensor:
        """Fill the batch up to the next bucket with its first picture."""
        import torch

        if not self.path.bucketed:
            return batch
        bucket = next((b for b in BUCKETS if b >= len(batch)), len(batch))
        if bucket == len(batch):
            return batch
        filling = batch[:1].expand(bucket - len(batch), -1, -1, -1)
        return torch.cat([batch, filling]).contiguous(memory_format=torch.channels_last)

    def _collect(self, handle: tuple[torch.Tensor, list[Placement], Any]) -> list[ClassDetections]:
        import torch

        raw, spots, done = handle
        with torch.inference_mode():
            if self.after is None:
                table = self._suppressed(raw)
            else:
                with torch.cuda.stream(self.after):
                    self.after.wait_event(done)
                    raw.record_stream(self.after)
                    table = self._suppressed(raw)
        return [self._seen(table[table[:, 0] == k], spot) for k, spot in enumerate(spots)]

    def _suppressed(self, raw: torch.Tensor) -> np.ndarray[Any, Any]:
        """Suppress duplicates of a batch: picture, box, score and class of every box that stays, best first.

        On a CPU every picture is suppressed by itself: the cost grows with the square of the boxes.
        """
        import torch

        if self.after is None and len(raw) > 1:
            tables = [self._suppressed(one[None]) for one in raw]
            for k, table in enumerate(tables):
                table[:, 0] = k
            return np.concatenate(tables)
        picture, place_ = torch.nonzero(raw[..., 4] >= self.path.floor, as_tuple=True)
        rows = raw[picture, place_]
        classes = int(rows[:, 5].max()) + 1 if len(rows) else 1
        kept = batched_nms(rows[:, :4], rows[:, 4], picture * classes + rows[:, 5].long(), self.path.iou)
        answer: np.ndarray[Any, Any] = torch.cat([picture[kept, None].to(rows), rows[kept]], dim=1).cpu().numpy()
        return answer

    def _seen(self, table: np.ndarray[Any, Any], spot: Placement) -> ClassDetections:
        table = table[: self.path.most]
        return ClassDetections(
            boxes=spot.back(table[:, 1:5]),
            scores=np.clip(table[:, 5], 0, 1).astype(np.float32),
            classes=table[:, 6].astype(np.int64),
            size=spot.size,
        )
