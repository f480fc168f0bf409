"""Import what requests need before the threads that send them start.

Two threads that import one package for the first time at the same moment may see it half made. So whatever a request
needs (HTTP, decoding, the vendor's client) is imported by one thread at a time, beforehand.
"""

from __future__ import annotations

import functools
import importlib
import io
import threading
from collections.abc import Iterable

from countcheck.generators.refusals.blank_images import classify_image
from countcheck.generators.remote.download import trusted
from countcheck.images.decode import decode, encode_png

# Held while a client is made, so that two providers do not import what they share at the same time.
IMPORTING = threading.RLock()
# What the packages below import themselves only when they are first used.
_LATE = ("encodings.idna", "gzip", "h11", "httpcore2", "numpy.ma", "PIL.ImageOps", "PIL.features")


@functools.cache
def preload() -> None:
    """Import everything that sending a request, fetching a picture and looking at it needs. Takes effect once."""
    import httpx2
    from PIL import Image

    with IMPORTING:
        for module in _LATE:
            importlib.import_module(module)
        Image.init()
        httpx2.Client(verify=trusted()).close()
        buffer = io.BytesIO()
        noise = Image.effect_noise((64, 64), 60).convert("RGB")
        noise.save(buffer, "JPEG")
        for data in (encode_png(noise), buffer.getvalue()):
            classify_image(decode(data))


def import_modules(names: Iterable[str]) -> None:
    """Import a vendor's modules, one thread at a time. Modules that another version lacks are left out."""
    with IMPORTING:
        for name in names:
            try:
                importlib.import_module(name)
            except ModuleNotFoundError:
                continue
