"""Types of pictures in memory. Nothing is read, converted or imported at run time here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import torch
    from PIL import Image

    # A picture in memory, in any form that `countcheck.images.convert` takes:
    # a PIL image of any mode; an array (height, width, 3) or, with alpha, (height, width, 4);
    # or a tensor (3 or 4, height, width) on any device. Values: uint8 and other integers 0 to 255, uint16 0 to 65535,
    # floating 0 to 1 (or the whole numbers 0 to 255).
    Pixels: TypeAlias = Image.Image | np.ndarray[Any, Any] | torch.Tensor
    # uint8 (height, width, 3) RGB in main memory, the form that most detectors want.
    RgbArray: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
    # The same bytes, or a uint8 tensor (3, height, width) on its device.
    RgbPixels: TypeAlias = RgbArray | torch.Tensor
else:
    Pixels = Any
    RgbArray = Any
    RgbPixels = Any
