"""How pictures become a batch of squares for a network, on the CPU or on a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from countcheck.detectors.common.letterbox import (
    PAD,
    Placement,
    letterbox_placement,
    paste,
    stretched_placement,
)
from countcheck.detectors.common.pictures import is_tensor, size_of
from countcheck.detectors.common.resize import resize_tensor
from countcheck.images.convert import as_byte_tensor, as_rgb
from countcheck.images.types import Pixels

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How pictures become a batch.

    Attributes:
        side: Of the square, in pixels.
        stretched: Stretched over the square instead of pasted whole; for networks trained so.
        centred: Grey on both sides instead of right and below.
        antialias: Averages over all pixels when a picture shrinks; as the network was trained.
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
        """Place a picture of this (width, height), whatever the others in its batch."""
        return (
            stretched_placement(size, self.side)
            if self.stretched
            else letterbox_placement(size, self.side, centred=self.centred)
        )

    def on_cpu(self, pictures: Sequence[Pixels]) -> tuple[torch.Tensor, list[Placement]]:
        """Make the batch on the CPU: (n, 3, side, side), floating 0 to 1, channels last in memory."""
        import torch

        spots = [self.spot(size_of(picture)) for picture in pictures]
        batch = np.empty((len(spots), self.side, self.side, 3), np.uint8)
        for square, picture, spot in zip(batch, pictures, spots, strict=True):
            paste(as_rgb(picture), spot, square, pad=self.pad, antialias=self.antialias)
        return torch.from_numpy(batch).permute(0, 3, 1, 2).float().div_(255), spots

    def on_device(self, pictures: Sequence[Pixels], device: torch.device) -> tuple[torch.Tensor, list[Placement]]:
        """Make the same batch on the device: the same bytes, but for rounding where ``antialias`` is set."""
        import torch

        spots = [self.spot(size_of(picture)) for picture in pictures]
        batch = torch.full((len(spots), 3, self.side, self.side), float(self.pad), device=device)
        for members in _by_shape(pictures):
            spot = spots[members[0]]
            sent = _sent([pictures[k] for k in members], device)
            if (spot.tall, spot.wide) != tuple(sent.shape[2:]):
                sent = resize_tensor(sent, (spot.tall, spot.wide), antialias=self.antialias)
            batch[members, :, spot.top : spot.top + spot.tall, spot.left : spot.left + spot.wide] = sent.float()
        batch = batch.contiguous(memory_format=torch.channels_last)
        return batch.div_(255), spots

    def normalised(self, batch: torch.Tensor) -> torch.Tensor:
        """Subtract the mean and divide by the deviation, where the network wants that."""
        import torch

        if self.mean is None or self.deviation is None:
            return batch
        mean = torch.tensor(self.mean, device=batch.device, dtype=batch.dtype)[None, :, None, None]
        deviation = torch.tensor(self.deviation, device=batch.device, dtype=batch.dtype)[None, :, None, None]
        return (batch - mean) / deviation


def _by_shape(pictures: Sequence[Pixels]) -> list[list[int]]:
    """Group the positions of pictures by size and kind."""
    groups: dict[tuple[tuple[int, int], bool], list[int]] = {}
    for k, picture in enumerate(pictures):
        groups.setdefault((size_of(picture), is_tensor(picture)), []).append(k)
    return list(groups.values())


def _sent(pictures: Sequence[Pixels], device: torch.device) -> torch.Tensor:
    """Send pictures of one size to the device as one uint8 (n, 3, height, width)."""
    import torch

    if is_tensor(pictures[0]):
        tensors: list[torch.Tensor] = [as_byte_tensor(picture) for picture in pictures]
        return torch.stack([tensor.to(device, non_blocking=True) for tensor in tensors])
    wide, tall = size_of(pictures[0])
    stacked = torch.empty((len(pictures), tall, wide, 3), dtype=torch.uint8, pin_memory=device.type == "cuda")
    for place, picture in zip(stacked.numpy(), pictures, strict=True):
        place[:] = as_rgb(picture)
    return stacked.to(device, non_blocking=True).permute(0, 3, 1, 2)
