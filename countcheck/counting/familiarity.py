"""Tell whether pictures look like those that a counter was tested on: drawings, and the small painter's pictures.

A self-test on drawings says little about a counter of photographs. Twenty-nine numbers describe a picture (edges,
flat areas, colours, light, spectrum); a picture looks unlike the tested ones when its distance to the nearest of them,
in units of their spread, is larger than that of 97 % of them to each other. ``benchmarks/familiarity.py`` makes the
reference and measures false alarms and misses.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from countcheck.images.convert import as_rgb
from countcheck.images.read_ahead import read_ahead
from countcheck.images.types import Pixels, RgbArray
from countcheck.resources import shipped

SIDES = (96, 192)  # pixels of the longer side at which pictures are compared
MIN_SHARE = 0.4  # of a run's pictures; fewer that look unlike the tested ones are not worth a warning
_EDGES = (1, 3, 8, 20, 50)  # differences of neighbouring grey values, 0 to 255
_BANDS = ((0.02, 0.06), (0.06, 0.12), (0.12, 0.25), (0.25, 0.5))  # of the spectrum, cycles a pixel
_BLOCK = 8  # pixels
_GREY = np.array([0.299, 0.587, 0.114])

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Familiarity:
    """How many of some pictures look unlike those that counters are tested on.

    Attributes:
        unlike: Pictures, of ``of``.
        of: Pictures compared.
    """

    unlike: int
    of: int

    @property
    def notable(self) -> bool:
        """Whether so many are unlike that the self-test says little about them."""
        return self.of > 0 and self.unlike >= MIN_SHARE * self.of

    def sentence(self, counter: str) -> str:
        """Warn in a sentence."""
        return (
            f"{self.unlike} of {self.of} pictures look unlike the drawings that the counter {counter} was tested on: "
            "its self-test says little about them. Look at some with their boxes, or label a sample (countcheck review)."
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """Descriptions of the pictures that counters are tested on.

    Attributes:
        points: (n, k), whitened.
        mean: (k,), subtracted from a description.
        whitening: (k, k), applied after that.
        limit: Distance to the nearest point above which a picture looks unlike all.
    """

    points: Floats
    mean: Floats
    whitening: Floats
    limit: float

    def distances(self, descriptions: Floats) -> Floats:
        """Give the distance of each description (n, k) to the nearest point, shape (n,)."""
        whitened = (descriptions - self.mean) @ self.whitening
        squares = ((whitened[:, None, :] - self.points[None]) ** 2).sum(axis=2)
        return np.sqrt(squares.min(axis=1))


def compare_pictures(pictures: Sequence[Pixels]) -> Familiarity:
    """Count the pictures that look unlike those that counters are tested on.

    >>> from countcheck.scenes import compose, render
    >>> compare_pictures([render(compose({"pig": 3}, seed=1), 256)]).unlike
    0
    """
    if not pictures:
        return Familiarity(unlike=0, of=0)
    reference = shipped_reference()
    distances = reference.distances(np.stack(list(read_ahead(pictures, describe))))
    return Familiarity(unlike=int((distances > reference.limit).sum()), of=len(pictures))


@functools.cache
def shipped_reference() -> Reference:
    """Read the reference that ships."""
    body = json.loads((shipped("models") / "familiar-pictures.json").read_text(encoding="utf-8"))
    return make_reference(np.array(body["descriptions"], float))


def make_reference(descriptions: Floats, *, inside: float = 0.97) -> Reference:
    """Make a reference of descriptions (n, k).

    Args:
        descriptions: Of pictures like those that counters are tested on; 30 or more.
        inside: Share of them that must look like the others, 0 to 1.
    """
    mean = descriptions.mean(axis=0)
    spread = descriptions.std(axis=0) + 1e-6
    scaled = (descriptions - mean) / spread
    # A little of the unit matrix keeps directions in which the drawings hardly differ from deciding alone.
    covariance = np.cov(scaled.T) + 0.01 * np.eye(scaled.shape[1])
    whitening = np.linalg.cholesky(np.linalg.inv(covariance)) / spread[:, None]
    points = (descriptions - mean) @ whitening
    squares = ((points[:, None, :] - points[None]) ** 2).sum(axis=2)
    np.fill_diagonal(squares, np.inf)
    limit = float(np.quantile(np.sqrt(squares.min(axis=1)), inside))
    return Reference(points=points, mean=mean, whitening=whitening, limit=limit)


def describe(picture: Pixels) -> Floats:
    """Describe a picture by twenty-nine numbers, shape (29,), whatever its size."""
    image = Image.fromarray(as_rgb(picture))
    return np.concatenate([_coarse(_at(image, SIDES[0])), _fine(_at(image, SIDES[1]))])


def _at(image: Image.Image, side: int) -> RgbArray:
    """The picture's red, green and blue, one after the other: its longer side at so many pixels, its shorter at 16 or more."""
    wide, tall = image.size
    scale = side / max(tall, wide)
    size = (max(2 * _BLOCK, round(wide * scale)), max(2 * _BLOCK, round(tall * scale)))
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    # Work on whole planes takes a third of the time of work on the three values of each pixel.
    return np.ascontiguousarray(np.asarray(image.resize(size, method)).transpose(2, 0, 1))


def _grey(planes: RgbArray) -> Floats:
    # In this one order of the sums: differences of greys lie on the very limits that they are compared with.
    grey: Floats = planes.transpose(1, 2, 0).astype(np.float64, order="C") @ _GREY
    return grey


def _saturation(planes: RgbArray) -> RgbArray:
    red, green, blue = planes
    return np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)


def _coarse(planes: RgbArray) -> list[float]:
    """Edges, saturation, light, number of colours, flat areas and spectrum."""
    grey = _grey(planes)
    edges = np.hypot(np.diff(grey, axis=1)[:-1], np.diff(grey, axis=0)[:, :-1])
    saturation = _saturation(planes)
    different = _different(planes, 16) / grey.size
    laplacian = np.abs(4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:])
    blocks = _block_spreads(grey, _BLOCK)
    colours = planes.reshape(3, -1)
    return [
        *((edges < limit).mean() for limit in _EDGES),
        saturation.mean() / 64,
        saturation.std() / 32,
        grey.mean() / 64,
        grey.std() / 32,
        np.log(different + 1e-3),
        np.log(laplacian.mean() + 0.1),
        (blocks < 1.5).mean(),
        (blocks < 5).mean(),
        *np.diff(_spectrum(grey)),
        np.log(colours.std(axis=1).max() + 1) / 2,
        float(np.abs(np.diff(colours.mean(axis=1))).max()) / 32,
    ]


def _different(planes: RgbArray, step: int) -> int:
    """Count the colours of a picture that differ when each channel goes in steps of ``step``."""
    levels = 256 // step
    red, green, blue = (planes // np.uint8(step)).astype(np.uint16)
    # A histogram: sorting all pixels to find the different ones takes several times as long.
    codes = (red * np.uint16(levels) + green) * np.uint16(levels) + blue
    return int(np.count_nonzero(np.bincount(codes.ravel(), minlength=1)))


def _fine(planes: RgbArray) -> list[float]:
    """How peaked differences are, how flat small blocks are, and how colours and light are spread."""
    grey = _grey(planes)
    across = np.diff(grey, axis=1).ravel()
    blocks = _block_spreads(grey, _BLOCK // 2)
    different = _different(planes, 8) / grey.size
    levels = np.histogram(grey, 32, (0, 256))[0] / grey.size
    return [
        np.log(np.square(np.square(across / (across.std() + 1e-6))).mean() + 1),
        *np.log(np.quantile(blocks, (0.1, 0.25, 0.5, 0.75, 0.9)) + 0.3),
        np.log(different + 1e-3),
        _one_hue(planes),
        float(-(levels * np.log(levels + 1e-9)).sum()),
        float(levels.max()),
        np.log(blocks.mean() + 0.1) - np.log(grey.std() + 1),
    ]


def _one_hue(planes: RgbArray) -> float:
    """How much the hues agree, 0 to 1: the length of their mean, each hue weighed by its saturation."""
    saturation = _saturation(planes) + 1e-6
    red, green, blue = planes.astype(np.int16)
    along, up = (2 * red - green - blue).astype(np.float64), np.sqrt(3) * (green - blue)
    length = np.hypot(along, up)
    grey = length == 0  # the angle of what has no hue is 0
    length[grey] = 1
    along[grey] = 1
    weight = saturation / length
    return float(np.hypot((weight * along).sum(), (weight * up).sum()) / saturation.sum())


def _block_spreads(grey: Floats, block: int) -> Floats:
    """The standard deviation of grey values in each block of so many pixels a side."""
    tall, wide = (side // block * block for side in grey.shape)
    blocks = grey[:tall, :wide].reshape(tall // block, block, wide // block, block)
    spreads: Floats = blocks.std(axis=(1, 3))
    return spreads


def _spectrum(grey: Floats) -> list[float]:
    """Mean power in each band, as a logarithm."""
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    radius = np.hypot(np.fft.fftfreq(grey.shape[0])[:, None], np.fft.fftfreq(grey.shape[1])[None])
    means = []
    for low, high in _BANDS:
        band = power[(radius >= low) & (radius < high)]
        means.append(float(np.log(band.mean() + 1)) if band.size else 0.0)
    return means
