"""The way of a batch through a net that looks at squares: laid out, looked at, suppressed, and copied back once.

On the CPU every picture is laid out by itself and the batch keeps the channels last, which is what convolutions there
like best; several small batches are under way at once, each on a core of its own, because the many small operations of
a net share cores badly. On a GPU the bytes are sent as they are, pinned and without waiting, and laid out on the device; one
suppression serves the batch, on a second stream, while the next batch is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from countcheck.detectors.base import Floats
from countcheck.detectors.common.batching import Batches
from countcheck.detectors.common.boxes import batched_nms
from countcheck.detectors.common.letterbox import (
    PAD,
    Placement,
    Taps,
    lay,
    place,
    ready,
    size_of,
    stretch,
    taps,
)
from countcheck.images.convert import as_byte_tensor, as_rgb
from countcheck.images.types import Pixels

if TYPE_CHECKING:
    import torch

BUCKETS = (1, 2, 4, 8, 16, 32, 64)
MAX_WORKERS = 8  # on a CPU; each keeps a batch's worth of the net's memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What a net saw in one picture: boxes in the picture's pixels (n, 4), scores (n,), classes (n,); best first."""

    boxes: Floats
    scores: Floats
    classes: np.ndarray[Any, np.dtype[np.int64]]
    size: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How pictures become a batch.

    Attributes:
        side: Of the square, in pixels.
        stretched: Stretched over the square instead of laid in whole; for nets trained so.
        centred: Grey on both sides instead of right and below.
        antialias: Every pixel is looked at when a picture shrinks; as the net was trained.
        pad: The grey, 0 to 255.
        mean, deviation: Subtracted, and divided by, after the bytes became 0 to 1.
    """

    side: int
    stretched: bool = False
    centred: bool = True
    antialias: bool = False
    pad: int = PAD
    mean: tuple[float, float, float] | None = None
    deviation: tuple[float, float, float] | None = None

    def spot(self, size: tuple[int, int]) -> Placement:
        """Where a picture of this size goes: by itself alone, whatever the others in its batch."""
        return stretch(size, self.side) if self.stretched else place(size, self.side, centred=self.centred)

    def on_cpu(self, pictures: Sequence[Pixels]) -> tuple[torch.Tensor, list[Placement]]:
        """The batch (n, 3, side, side), floating 0 to 1, channels last in memory."""
        import torch

        spots = [self.spot(size_of(picture)) for picture in pictures]
        batch = np.empty((len(spots), self.side, self.side, 3), np.uint8)
        for square, picture, spot in zip(batch, pictures, spots, strict=True):
            lay(as_rgb(picture), spot, square, pad=self.pad, antialias=self.antialias)
        return torch.from_numpy(batch).permute(0, 3, 1, 2).float().div_(255), spots

    def on_device(self, pictures: Sequence[Pixels], device: torch.device) -> tuple[torch.Tensor, list[Placement]]:
        """The same, laid out on the device: the same bytes, but for rounding where ``antialias`` is set."""
        import torch

        spots = [self.spot(size_of(picture)) for picture in pictures]
        batch = torch.full((len(spots), 3, self.side, self.side), float(self.pad), device=device)
        for members in _by_shape(pictures):
            spot = spots[members[0]]
            bytes_ = _sent([pictures[k] for k in members], device)
            if (spot.tall, spot.wide) != tuple(bytes_.shape[2:]):
                bytes_ = _resized(bytes_, (spot.tall, spot.wide), self.antialias)
            batch[members, :, spot.top : spot.top + spot.tall, spot.left : spot.left + spot.wide] = bytes_.float()
        batch = batch.contiguous(memory_format=torch.channels_last)
        return batch.div_(255), spots

    def normalised(self, batch: torch.Tensor) -> torch.Tensor:
        """The batch with the mean taken off and divided by the deviation, where the net wants that."""
        import torch

        if self.mean is None or self.deviation is None:
            return batch
        mean = torch.tensor(self.mean, device=batch.device, dtype=batch.dtype)[None, :, None, None]
        deviation = torch.tensor(self.deviation, device=batch.device, dtype=batch.dtype)[None, :, None, None]
        return (batch - mean) / deviation


def _by_shape(pictures: Sequence[Pixels]) -> list[list[int]]:
    """Positions of the pictures, those of one size and kind together."""
    groups: dict[tuple[tuple[int, int], bool], list[int]] = {}
    for k, picture in enumerate(pictures):
        groups.setdefault((size_of(picture), _is_tensor(picture)), []).append(k)
    return list(groups.values())


def _is_tensor(picture: Pixels) -> bool:
    return hasattr(picture, "detach")


def _sent(pictures: Sequence[Pixels], device: torch.device) -> torch.Tensor:
    """Pictures of one size as one uint8 (n, 3, height, width) on the device; tensors that are there stay there."""
    import torch

    if _is_tensor(pictures[0]):
        tensors: list[torch.Tensor] = [as_byte_tensor(picture) for picture in pictures]
        return torch.stack([tensor.to(device, non_blocking=True) for tensor in tensors])
    stacked = torch.from_numpy(np.stack([as_rgb(picture) for picture in pictures]))
    if device.type == "cuda":
        stacked = stacked.pin_memory()
    return stacked.to(device, non_blocking=True).permute(0, 3, 1, 2)


def _resized(bytes_: torch.Tensor, size: tuple[int, int], antialias: bool) -> torch.Tensor:
    """Pictures (n, 3, height, width) at another (height, width), as `countcheck.detectors.common.letterbox.resized` has it."""
    import torch
    from torch.nn.functional import interpolate

    if antialias:
        grown = interpolate(bytes_.float(), size, mode="bilinear", align_corners=False, antialias=True)
        return grown.round_().clamp_(0, 255)
    down, across = taps(size[0], bytes_.shape[2], rows=True), taps(size[1], bytes_.shape[3])
    y0, y1, y_first, y_second = (torch.from_numpy(v).to(bytes_.device) for v in _columns(down))
    x0, x1, x_first, x_second = (torch.from_numpy(v).to(bytes_.device) for v in _columns(across))
    whole = bytes_.int()
    flat = whole[..., x0] * x_first + whole[..., x1] * x_second
    above = (y_first[:, None] * (flat[:, :, y0] >> 4)) >> 16
    below = (y_second[:, None] * (flat[:, :, y1] >> 4)) >> 16
    return (above + below + 2) >> 2


def _columns(taken: Taps) -> tuple[np.ndarray[Any, Any], ...]:
    return taken.low, taken.high, taken.first, taken.second


class FastPath:
    """A net on one device or several, and the way of pictures through it.

    Args:
        nets: Each a function from a batch (n, 3, side, side) to whatever ``decode`` understands, on its device.
        decode: The net's answer as (n, k, 6): x1, y1, x2, y2 in the square's pixels, score, class; score 0: no box.
        layout: How pictures become a batch.
        dtype: What the nets compute in.
        batch: Most pictures in a batch.
        floor: Boxes below this score are dropped.
        iou: Boxes of one class that overlap by more are duplicates.
        most: Boxes kept a picture.
        bucketed: Fill batches up to fixed sizes, for nets that are compiled for each; the filling is cut off again.
        on_device: Lay pictures out on the device; ``None``: on a GPU yes, on a CPU no.
        side_by_side: On a CPU, whether batches may be under way at once; not for nets that spread over cores themselves.
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
        self.lanes = [_Lane(self, net, device, name, batch, on_device) for net, device in nets]
        # A compiled net compiles itself anew for every batch size, and not in several threads at once.
        self._side_by_side = side_by_side and not bucketed and all(device.type == "cpu" for _, device in nets)

    def run(self, pictures: Sequence[Pixels]) -> list[Seen]:
        """What the net saw in every picture, in order. Raises `countcheck.detectors.common.batching.NoRoom`."""
        if len(self.lanes) == 1 and self._side_by_side:
            return self._on_cores(pictures)
        if len(self.lanes) == 1 or len(pictures) < 2:
            return list(self.lanes[0].run(pictures))
        share = -(-len(pictures) // len(self.lanes))
        parts = [pictures[k : k + share] for k in range(0, len(pictures), share)]
        with ThreadPoolExecutor(max_workers=len(parts)) as pool:
            done = pool.map(lambda lane, part: list(lane.run(part)), self.lanes, parts)
            return [seen for part in done for seen in part]

    def _on_cores(self, pictures: Sequence[Pixels]) -> list[Seen]:
        """The batches in as many threads as torch has cores to use, each of them computing on its own share of them."""
        import torch

        lane, cores = self.lanes[0], torch.get_num_threads()
        # What a net keeps from its first batch, such as its anchors, is made before others look at it.
        alone = 0 if lane.warm else 1
        workers = max(1, min(cores, MAX_WORKERS, len(pictures) - alone))
        size = max(1, min(lane.batches.size, -(-(len(pictures) - alone) // workers)))
        parts = [pictures[k : k + size] for k in range(alone, len(pictures), size)]
        try:
            with ThreadPoolExecutor(workers, "count", _own_share, (cores // workers,)) as pool:
                first = pool.submit(lambda: list(lane.run(pictures[:alone]))).result()
                return first + [seen for part in pool.map(lambda part: list(lane.run(part)), parts) for seen in part]
        finally:
            torch.set_num_threads(cores)  # a thread's own number is also the one that new threads begin with


def _own_share(cores: int) -> None:
    """Have this thread compute on so many cores, and take for 0 what is too small for a whole number format.

    Attention may be full of such leftovers, and a processor is many times slower on them.
    """
    import torch

    torch.set_num_threads(cores)
    torch.set_flush_denormal(True)


class _Lane:
    """One net on one device."""

    def __init__(
        self, path: FastPath, net: Callable[..., Any], device: torch.device, name: str, batch: int, there: bool | None
    ) -> None:
        import torch

        self.path, self.net, self.device = path, net, device
        self.on_device = device.type == "cuda" if there is None else there
        self.batches = Batches(batch, name=name, device=device)
        self.warm = False
        self.after = torch.cuda.Stream(device) if device.type == "cuda" else None

    def run(self, pictures: Sequence[Pixels]) -> Iterator[Seen]:
        return self.batches.run(pictures, self._launch, self._collect)

    def _launch(self, part: Sequence[Pixels]) -> tuple[torch.Tensor, list[Placement], Any]:
        """Everything up to the net's boxes; on a GPU this returns before the work is done."""
        import torch

        with torch.inference_mode():
            layout = self.path.layout
            part = [ready(picture) for picture in part]
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
        """The batch filled up to the next bucket with its first picture."""
        import torch

        if not self.path.bucketed:
            return batch
        bucket = next((b for b in BUCKETS if b >= len(batch)), len(batch))
        if bucket == len(batch):
            return batch
        filling = batch[:1].expand(bucket - len(batch), -1, -1, -1)
        return torch.cat([batch, filling]).contiguous(memory_format=torch.channels_last)

    def _collect(self, handle: tuple[torch.Tensor, list[Placement], Any]) -> list[Seen]:
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
        """Picture, box, score and class of every box that stays, best first: one suppression and one copy a batch.

        On a CPU every picture is suppressed by itself: it costs the square of the boxes, and nothing is waited for.
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

    def _seen(self, table: np.ndarray[Any, Any], spot: Placement) -> Seen:
        table = table[: self.path.most]
        return Seen(
            boxes=spot.back(table[:, 1:5]),
            scores=np.clip(table[:, 5], 0, 1).astype(np.float32),
            classes=table[:, 6].astype(np.int64),
            size=spot.size,
        )
