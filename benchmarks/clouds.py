"""Pictures that weigh what photos weigh, for benchmarks in which nobody looks at them."""

from __future__ import annotations

import numpy as np
from PIL import Image


def clouds(edge: int, seed: int) -> Image.Image:
    """Noise in octaves, which costs a PNG encoder and decoder what a photo costs."""
    dice = np.random.default_rng(seed)
    total = np.zeros((edge, edge, 3))
    for octave in range(2, edge.bit_length()):
        coarse = dice.integers(0, 256, (2**octave, 2**octave, 3), np.uint8)
        total += np.asarray(Image.fromarray(coarse).resize((edge, edge), Image.Resampling.BICUBIC)) * 0.62**octave
    return Image.fromarray((255 * (total - total.min()) / np.ptp(total)).astype(np.uint8))
