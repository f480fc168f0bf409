"""Pictures in memory as 8-bit RGB: the one converter of the package. Files and formats are `countcheck.images.decode`'s.

What is counted and what is saved go through the same functions, so they cannot differ. Values outside the contract of
`countcheck.images.types.Pixels` raise: a picture in [-1, 1] or with NaN in it is never clipped in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from countcheck.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from countcheck.images.types import Pixels, RgbArray

# Half a level of 255: values this far outside [0, 1] still round to 0 or 255.
_ROUNDING = 0.5 / 255


def as_rgb(pixels: Pixels) -> RgbArray:
    """Convert pixels to a contiguous uint8 (height, width, 3) RGB array, values 0 to 255, in main memory.

    Floating pixels are rounded to the nearest of 255 levels. Transparent pixels are laid on white.

    Args:
        pixels: See `countcheck.images.types.Pixels`.

    Raises:
        BadInput: If the shape is no picture's, or a value is NaN, negative or above its kind's range.

    >>> import numpy as np
    >>> as_rgb(np.full((1, 2, 3), 0.5)).tolist()
    [[[128, 128, 128], [128, 128, 128]]]
    >>> as_rgb(np.full((1, 1, 3), -1.0))
    Traceback (most recent call last):
    countcheck.errors.BadInput: a picture has values from -1 to -1. Give uint8, or floating values from 0 to 1.
    """
    import numpy as np
    from PIL import Image

    if isinstance(pixels, Image.Image):
        return np.ascontiguousarray(as_image(pixels))
    if not isinstance(pixels, np.ndarray):
        pixels = np.moveaxis(as_byte_tensor(pixels).cpu().numpy(), 0, -1)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or 0 in pixels.shape:
        raise BadInput(f"a picture must have shape (height, width, 3), got {tuple(pixels.shape)}.")
    array = pixels if pixels.dtype == np.uint8 else _levels(pixels)
    if array.shape[2] == 4:
        return np.ascontiguousarray(to_rgb(Image.fromarray(np.ascontiguousarray(array))))
    return np.ascontiguousarray(array)


def as_image(pixels: Pixels) -> Image.Image:
    """Convert pixels to an RGB PIL image.

    An RGB PIL image is returned as it is; anything else as a new image.

    Raises:
        BadInput: As `as_rgb`.

    >>> import numpy as np
    >>> as_image(np.zeros((4, 6, 3), np.uint8)).size
    (6, 4)
    """
    from PIL import Image

    if isinstance(pixels, Image.Image):
        return pixels if pixels.mode == "RGB" else to_rgb(pixels)
    return Image.fromarray(as_rgb(pixels))


def as_byte_tensor(pixels: Any) -> Any:
    """Convert a CHW tensor to uint8 (3, height, width), values 0 to 255, on the device it is on.

    Transparent pixels are laid on white, with the rounding of Pillow.

    Raises:
        BadInput: As `as_rgb`.

    >>> import torch
    >>> as_byte_tensor(torch.full((3, 1, 1), 0.2)).flatten().tolist()
    [51, 51, 51]
    """
    tensor = _byte_tensor(pixels)
    if tensor.shape[0] == 3:
        return tensor
    colour, alpha = tensor[:3].int(), tensor[3:].int()
    mixed = (colour * alpha + 255 * (255 - alpha)) * 128 + (0x80 << 7)
    return ((((mixed >> 8) + mixed) >> 8) >> 7).byte()


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert a PIL image of any mode to a new RGB one: upright by its EXIF data, transparency on white, 8 bits.

    Of 32 bits a pixel, floating values from 0 to 1 are shares of white; whole numbers are levels of 255 where none is
    larger, else of 65535.

    Raises:
        BadInput: If it has 32 bits a pixel and its values fit none of these ranges.

    >>> from PIL import Image
    >>> to_rgb(Image.new("RGBA", (1, 1), (0, 0, 0, 0))).getpixel((0, 0))
    (255, 255, 255)
    """
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16") or upright.mode in ("I", "F"):
        return _deep_grey_to_rgb(upright, image.format)
    if upright.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in upright.info:
        layered = upright.convert("RGBA")
        ground = Image.new("RGBA", layered.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, layered).convert("RGB")
    if upright.mode != "RGB":
        return upright.convert("RGB")
    return upright.copy() if upright is image else upright  # turning upright has copied it already


def _byte_tensor(pixels: Any) -> Any:
    """A CHW tensor as uint8 on its device."""
    if not hasattr(pixels, "detach"):
        raise BadInput(f"a picture must be a PIL image, an array or a CHW tensor, got {type(pixels).__name__}.")
    tensor = pixels.detach()
    if tensor.ndim != 3 or tensor.shape[0] not in (3, 4) or 0 in tensor.shape:
        raise BadInput(f"a picture must have shape (3, height, width), got {tuple(tensor.shape)}.")
    kind = str(tensor.dtype).removeprefix("torch.")
    if kind == "uint8":
        return tensor
    _check_kind(kind)
    if kind == "uint16":  # torch has hardly any arithmetic for it
        tensor = tensor.int()
    values = tensor.float() if tensor.dtype.is_floating_point else tensor
    low, high = (float(bound) for bound in values.aminmax())
    divisor = _divisor(kind, low, high, lambda: bool((values == values.round()).all()))
    return (values.float() * (255 / divisor)).round().clamp(0, 255).byte()


def _levels(values: np.ndarray[Any, Any]) -> RgbArray:
    """An array of another kind than uint8 as uint8."""
    import numpy as np

    _check_kind(values.dtype.name)
    low, high = float(values.min()), float(values.max())
    divisor = _divisor(values.dtype.name, low, high, lambda: bool((values == np.rint(values)).all()))
    return np.clip(np.rint(values.astype(np.float32) * (255 / divisor)), 0, 255).astype(np.uint8)


def _check_kind(kind: str) -> None:
    """Refuse booleans, complex numbers and objects."""
    if not kind.startswith(("uint", "int", "float", "bfloat")):
        raise BadInput(f"a picture has values of kind {kind}. Give uint8, or floating values from 0 to 1.")


def _divisor(kind: str, low: float, high: float, are_whole: Callable[[], bool]) -> float:
    """The value of a pixel kind that stands for white.

    Raises:
        BadInput: If the values are outside every range that the kind has. NaN is outside all of them.
    """
    if kind == "uint16":
        if 0 < high <= 255:
            # 8-bit values in a wide type, or a black picture: the two cannot be told apart.
            raise BadInput(f"a uint16 picture has values up to {high:g} of 65535. Give it as uint8 if they are of 255.")
        return 65535.0
    if kind.startswith(("int", "uint")):
        if low >= 0 and high <= 255:
            return 255.0
    elif kind.startswith(("float", "bfloat")):
        if low >= -_ROUNDING and high <= 1 + _ROUNDING:
            return 1.0
        if low >= 0 and high <= 255 and are_whole():
            return 255.0
    else:
        raise BadInput(f"a picture has values of kind {kind}. Give uint8, or floating values from 0 to 1.")
    raise BadInput(f"a picture has values from {low:g} to {high:g}. Give uint8, or floating values from 0 to 1.")


def _deep_grey_to_rgb(image: Image.Image, file_format: str | None) -> Image.Image:
    """A PIL image with one channel of 16 or 32 bits as RGB."""
    import numpy as np
    from PIL import Image

    values = np.asarray(image)
    # Pillow spreads the deeper levels of PGM files over 16 bits, and keeps them in 32.
    is_sixteen_bit = image.mode.startswith("I;16") or file_format == "PPM"
    divisor = 65535.0 if is_sixteen_bit else _deep_divisor(values)
    grey = np.rint(np.clip(values.astype(np.float32) * (255 / divisor), 0, 255)).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _deep_divisor(values: np.ndarray[Any, Any]) -> float:
    """The value that stands for white in a picture of 32 bits a pixel, whose kind leaves that open."""
    import numpy as np

    low, high = float(values.min()), float(values.max())
    is_floating = values.dtype.kind == "f"
    if is_floating and low >= -_ROUNDING and high <= 1 + _ROUNDING:
        return 1.0
    if low >= 0 and high <= 65535 and (not is_floating or bool((values == np.rint(values)).all())):
        return 255.0 if high <= 255 else 65535.0
    raise BadInput(f"its values go from {low:g} to {high:g}, a range that is not known. Convert it to 8 bits.")
