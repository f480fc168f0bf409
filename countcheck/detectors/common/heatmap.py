"""The network of the shipped counter, and how its maps become boxes.

A small CenterNet ("Objects as Points", Zhou et al. 2019): for every noun a heatmap whose peaks are the centres of
things, and beside it where in its cell each centre lies and how large the thing is. No anchors, no NMS package.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

STRIDE = 4  # input pixels per cell of the maps
_WIDTHS = (32, 96, 128, 160)
_HEAD = 64


class Maps(NamedTuple):
    """Output of the network for a batch.

    Attributes:
        heat: (batch, nouns, h, w) logits that the centre of an object of the noun lies in this cell.
        boxes: (batch, 4, h, w): the centre's place in its cell (x, y; 0 to 1), log width and log height in cells.
    """

    heat: Tensor
    boxes: Tensor


class HeatmapNet(nn.Module):
    """A CenterNet of about 2.2 million parameters; input (batch, 3, H, W) in [0, 1] with H and W multiples of 32."""

    def __init__(self, nouns: int, widths: Sequence[int] = _WIDTHS) -> None:
        super().__init__()
        self.widths = tuple(widths)
        a, b, c, d = widths
        self.stem = nn.Sequential(_conv(3, 24, stride=2), _conv(24, a, stride=2), _Block(a))
        self.down8 = nn.Sequential(_conv(a, b, stride=2), _Block(b))
        self.down16 = nn.Sequential(_conv(b, c, stride=2), _Block(c), _Block(c))
        self.down32 = nn.Sequential(_conv(c, d, stride=2), _Block(d), _Block(d))
        self.lateral = nn.ModuleList(nn.Conv2d(width, _HEAD, 1) for width in widths)
        self.merge8 = _conv(_HEAD, _HEAD)
        self.merge4 = _conv(_HEAD, _HEAD)
        self.heat = nn.Conv2d(_HEAD, nouns, 1)
        self.boxes = nn.Conv2d(_HEAD, 4, 1)
        assert self.heat.bias is not None
        nn.init.constant_(self.heat.bias, -4.6)  # nearly 0 everywhere to begin with (focal loss, Lin 2017)

    def forward(self, pictures: Tensor) -> Maps:
        """Compute the maps of a batch."""
        at4 = self.stem(pictures * 2 - 1)
        at8 = self.down8(at4)
        at16 = self.down16(at8)
        at32 = self.down32(at16)
        lateral4, lateral8, lateral16, lateral32 = self.lateral
        top = lateral16(at16) + _twice(lateral32(at32))
        top = self.merge8(lateral8(at8) + _twice(top))
        top = self.merge4(lateral4(at4) + _twice(top))
        return Maps(self.heat(top), self.boxes(top))


class _Block(nn.Module):
    """A residual block: two convolutions and a skip connection (He et al. 2015)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.norm(self.second(self.first(x))), inplace=True)


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def folded(net: HeatmapNet) -> HeatmapNet:
    """Fold every norm of a trained network into the convolution before it: the same maps, to rounding, in less time."""
    for part in list(net.modules()):
        if isinstance(part, _Block):
            part.second, part.norm = fuse_conv_bn_eval(part.second, part.norm), nn.Identity()
        elif isinstance(part, nn.Sequential) and len(part) == 3 and isinstance(part[1], nn.BatchNorm2d):
            part[0], part[1] = fuse_conv_bn_eval(part[0], part[1]), nn.Identity()
    return net


def peaks(heat: Tensor, boxes: Tensor, most: int = 100) -> Tensor:
    """Read the strongest peaks of the maps.

    Args:
        heat: (batch, nouns, h, w) logits.
        boxes: (batch, 4, h, w), see `Maps`.
        most: How many peaks of one picture are kept.

    Returns:
        (batch, most, 6): x1, y1, x2, y2 in input pixels, score in [0, 1], index of the noun; strongest first. Cells
        that are no peaks come last, with score 0.
    """
    batch, _, height, width = heat.shape
    scores = heat.sigmoid()
    # a cell is a peak when no cell around it, of any noun, is stronger: one object is counted under one noun
    best = F.max_pool2d(scores.amax(dim=1, keepdim=True), 3, stride=1, padding=1)
    scores = scores * (scores >= best)
    flat = scores.flatten(1)
    top, index = flat.topk(min(most, flat.shape[1]))
    cell = index % (height * width)
    noun = index // (height * width)
    x = (cell % width).to(heat.dtype)
    y = (cell // width).to(heat.dtype)
    found = boxes.flatten(2).gather(2, cell[:, None].expand(batch, 4, -1))
    half_w, half_h = found[:, 2].clamp(-4, 6).exp() / 2, found[:, 3].clamp(-4, 6).exp() / 2
    centre_x, centre_y = x + found[:, 0], y + found[:, 1]
    corners = (centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h)
    return torch.stack((*(corner * STRIDE for corner in corners), top, noun.to(heat.dtype)), dim=2)
