"""Pictures in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import torch
    from PIL import Image

    # A picture in memory: a PIL image, uint8 (height, width, 3) RGB, or a CHW RGB tensor on any device
    # (uint8 0-255 or floating 0-1).
    Pixels: TypeAlias = Image.Image | np.ndarray[Any, Any] | torch.Tensor
else:
    Pixels = Any
