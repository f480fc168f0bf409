"""What saving a picture costs: encoders of PNG against each other, the image formats of a run, and threads.

    python -m benchmarks.encoding [FOLDER]

Pictures are 1024² scenes with sensor-like noise, or those of a folder, cut to 1024². Encoders that are not installed
are left out: opencv, imagecodecs and fpng are measured where they are there, and needed nowhere.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.machine import machine
from countcheck.images.decode import decode, read_picture
from countcheck.images.encode import FORMATS, encode
from countcheck.images.thumbnails import encode_thumbnail
from countcheck.scenes import compose, render

SIDE = 1024
Encoder = Callable[[np.ndarray], bytes]


def pictures(folder: Path | None, number: int = 4) -> list[np.ndarray]:
    """1024² uint8 pictures: photographs of a folder, or drawn scenes with noise of two levels."""
    if folder is not None:
        files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in (".png", ".jpg", ".webp")]
        return [np.asarray(read_picture(path).resize((SIDE, SIDE), Image.Resampling.LANCZOS)) for path in files]
    drawn = [
        np.asarray(render(compose({"pig": 3, "wolf": 1}, style="plain", seed=seed), SIDE)) for seed in range(number)
    ]
    noise = np.random.default_rng(0).normal(0, 2, (SIDE, SIDE, 3))
    return [np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8) for picture in drawn]


def encoders() -> dict[str, Encoder]:
    """Every way to write a PNG that is installed here."""
    ways: dict[str, Encoder] = {}
    for level in (0, 1, 3, 6):
        ways[f"Pillow, level {level}"] = lambda array, level=level: _pillow(array, compress_level=level)
    ways["Pillow, level 1, run lengths"] = lambda array: _pillow(array, compress_level=1, compress_type=3)
    ways["Pillow, level 1, Huffman only"] = lambda array: _pillow(array, compress_level=1, compress_type=2)
    if (cv2 := _installed("cv2")) is not None:
        ways["opencv, level 1"] = lambda array: _opencv(cv2, array, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        ways["opencv, as it comes"] = lambda array: _opencv(cv2, array, [])
    if (codecs := _installed("imagecodecs")) is not None:
        ways["imagecodecs, level 1"] = lambda array: bytes(codecs.png_encode(array, level=1))
        if hasattr(codecs, "SPNG") and codecs.SPNG.available:
            ways["imagecodecs, libspng, level 1"] = lambda array: bytes(codecs.spng_encode(array, level=1))
    if (fpng := _installed("fpng")) is not None:
        ways["fpng"] = lambda array: bytes(fpng.encode_image_to_memory(array.tobytes(), SIDE, SIDE, 3, 0))
    return ways


def _pillow(array: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG", **options)
    return out.getvalue()


def _opencv(cv2: Any, array: np.ndarray, options: Sequence[int]) -> bytes:
    done, data = cv2.imencode(".png", array[..., ::-1], list(options))
    assert done
    return bytes(data)


def _installed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _measured(encode_one: Encoder, shown: Sequence[np.ndarray], rounds: int = 2) -> tuple[float, float]:
    """Milliseconds of a core and megabytes a picture; the best of some rounds."""
    sizes = [len(encode_one(picture)) for picture in shown]
    best = float("inf")
    for _ in range(rounds):
        began = time.thread_time()
        for picture in shown:
            encode_one(picture)
        best = min(best, time.thread_time() - began)
    return 1000 * best / len(shown), sum(sizes) / len(sizes) / 1e6


def _decoding(data: bytes, rounds: int = 2) -> float:
    began = time.thread_time()
    for _ in range(rounds):
        decode(data)
    return 1000 * (time.thread_time() - began) / rounds


def _threads(shown: Sequence[np.ndarray], workers: int) -> float:
    """Pictures a second, PNG and thumbnail, by so many threads."""
    work = list(shown) * 3

    def save(array: np.ndarray) -> None:
        image = Image.fromarray(array)
        encode(image, "png")
        encode_thumbnail(image)

    with ThreadPoolExecutor(workers) as pool:
        began = time.perf_counter()
        list(pool.map(save, work))
        return len(work) / (time.perf_counter() - began)


def main() -> None:
    shown = pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    print(f"{len(shown)} pictures of {SIDE} x {SIDE}")
    print(f"\n{'--image-format':34}{'ms of a core':>14}{'MB':>8}{'ms to decode':>14}{'levels off':>12}")
    for name in FORMATS:
        milliseconds, size = _measured(lambda array, name=name: encode(Image.fromarray(array), name), shown)
        data = encode(Image.fromarray(shown[0]), name)
        off = np.abs(np.asarray(decode(data)).astype(int) - shown[0]).mean()
        print(f"{name:34}{milliseconds:>14.1f}{size:>8.2f}{_decoding(data):>14.1f}{off:>12.2f}", flush=True)
    milliseconds, size = _measured(lambda array: encode_thumbnail(Image.fromarray(array)), shown)
    print(f"{'thumbnail':34}{milliseconds:>14.1f}{size:>8.2f}")
    print(f"\n{'PNG by':34}{'ms of a core':>14}{'MB':>8}")
    for name, encoder in encoders().items():
        milliseconds, size = _measured(encoder, shown)
        print(f"{name:34}{milliseconds:>14.1f}{size:>8.2f}", flush=True)
    cores = len(os.sched_getaffinity(0))
    print(f"\n{'threads':34}{'pictures a second, PNG and thumbnail':>14}")
    for workers in sorted({1, 2, cores, 2 * cores}):
        print(f"{workers:<34}{_threads(shown, workers):>14.1f}")
    print(machine())


if __name__ == "__main__":
    main()
