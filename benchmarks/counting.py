"""How fast pictures are counted: our way against ultralytics' own ``predict``, on the same weights and the same files.

    python benchmarks/counting.py                     # CPU: against predict(batch=16), counts must be identical
    python benchmarks/counting.py --device cuda       # against predict(batch=32) and a one-at-a-time loop, with stages
    python benchmarks/counting.py --recount 100000    # stored detections under a new rule

The model is a YOLO11n with random weights, its last layer widened until it finds some dozens of boxes in every picture,
so that suppression is paid for as in real use. Reading and decoding the files is part of every figure.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import machine
from PIL import Image

from countcheck.counting.rule import CountingRule, count
from countcheck.detectors.base import Detections
from countcheck.images.files import read_pictures

NAMES = ["pig", "wolf", "dog"]
SIZES = [(640, 480), (512, 512), (1024, 1024), (800, 600), (768, 1344), (480, 640), (1280, 720), (333, 500)]


def files(folder: Path, number: int) -> list[Path]:
    """Scenes of mixed sizes, every other one a JPEG."""
    from countcheck.scenes import compose, render

    paths = []
    dice = np.random.default_rng(0)
    for k in range(number):
        wide, tall = SIZES[k % len(SIZES)]
        scene = render(compose({"pig": k % 5, "wolf": k % 3}, seed=k), min(wide, tall, 512))
        image = Image.fromarray(scene).resize((wide, tall), Image.Resampling.BICUBIC)
        noisy = np.asarray(image).astype(np.int16) + dice.normal(0, 6, (tall, wide, 3)).astype(np.int16)
        path = folder / f"{k:03d}.{'jpg' if k % 2 else 'png'}"
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(path)
        paths.append(path)
    return paths


def weights(folder: Path, paths: list[Path]) -> Path:
    """The lively net as one safetensors file."""
    import torch
    from safetensors.torch import save_file

    from countcheck.detectors.common.layout import Layout
    from countcheck.detectors.ultralytics import import_offline

    torch.manual_seed(0)
    model = import_offline().YOLO("yolo11n.yaml")
    net = type(model.model)({**model.model.yaml, "nc": len(NAMES)}, ch=3, verbose=False)
    batch, _ = Layout(side=640).on_cpu([picture for _, picture in read_pictures(paths[:8])])
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        net.train()(batch)
        for branch in net.eval().model[-1].cv3:
            torch.nn.init.normal_(branch[-1].weight, std=0.25)
            torch.nn.init.constant_(branch[-1].bias, -5.5)
    path = folder / "lively.safetensors"
    metadata = {"architecture": "yolo11n.yaml", "names": '["pig", "wolf", "dog"]'}
    save_file({k: v.contiguous() for k, v in net.state_dict().items()}, str(path), metadata=metadata)
    return path


def ours(paths: list[Path], source: Path, device: str, batch: int, precision: str = "") -> Callable[[], list[Counter]]:
    from countcheck.cards import Card
    from countcheck.detectors.ultralytics import UltralyticsDetector

    settings = {
        "device": device,
        "batch": batch,
        "floor": 0.25,
        "precision": precision or ("fp32" if device == "cpu" else "fp16"),
    }
    detector = UltralyticsDetector(Card(name="ours", family="ultralytics", source=str(source), settings=settings))
    # The rule does what predict does and no more: the detector has suppressed at 0.7 already.
    rule = CountingRule(threshold=0.25, merge_iou=1, containment=1, group_box_coverage=1, cross_class_iou=1)

    def run() -> list[Counter]:
        found: list[Counter] = []
        for start in range(0, len(paths), 4 * batch):
            part = [
                picture for _, picture in read_pictures(paths[start : start + 4 * batch], workers=os.cpu_count() or 2)
            ]
            found += [Counter(count(one, NAMES, rule).counts) for one in detector.detect(part, NAMES)]
        return [+one for one in found]

    return run


def theirs(paths: list[Path], source: Path, device: str, batch: int) -> Callable[[], list[Counter]]:
    from countcheck.cards import Card
    from countcheck.detectors.ultralytics import UltralyticsDetector

    card = Card(name="theirs", family="ultralytics", source=str(source), settings={"device": "cpu"})
    model = UltralyticsDetector(card)._model

    def run() -> list[Counter]:
        results = model.predict(
            [str(path) for path in paths], batch=batch, imgsz=640, conf=0.25, iou=0.7, max_det=300, rect=False, stream=True, verbose=False,
            device=device, half=device != "cpu",
        )  # fmt: skip
        return [Counter(NAMES[int(k)] for k in one.boxes.cls.tolist()) for one in results]

    return run


def timed(
    ways: dict[str, Callable[[], list[Counter]]], rounds: int, threads: int
) -> tuple[dict[str, tuple[float, float]], dict[str, list[Counter]]]:
    """Median seconds of each way, by the clock and of work on all cores, taking turns, after a round to warm up.

    ultralytics leaves a core free when it sets up; every way gets the same number of threads here.
    """
    import torch

    counts = {name: way() for name, way in ways.items()}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            torch.set_num_threads(threads)
            start, worked = time.perf_counter(), time.process_time()
            way()
            taken[name].append((time.perf_counter() - start, time.process_time() - worked))
    medians = {
        name: (statistics.median(clock for clock, _ in some), statistics.median(work for _, work in some))
        for name, some in taken.items()
    }
    return medians, counts


def against_predict(device: str, number: int, rounds: int, threads: int) -> None:
    batch = 16 if device == "cpu" else 32
    with tempfile.TemporaryDirectory() as folder:
        paths = files(Path(folder), number)
        source = weights(Path(folder), paths)
        ways = {
            f"countcheck, batch {batch}": ours(paths, source, device, batch),
            f"predict(batch={batch})": theirs(paths, source, device, batch),
        }
        if device == "cpu":  # halves the digits: faster where the processor has instructions for it
            ways["countcheck, bf16"] = ours(paths, source, device, batch, "bf16")
        else:
            ways["predict, one at a time"] = theirs(paths, source, device, 1)
        seconds, counts = timed(ways, rounds, threads)
    first = next(iter(ways))
    boxes = sum(sum(one.values()) for one in counts[first]) / number
    print(f"{number} mixed JPEG and PNG files, YOLO11n at 640, {boxes:.0f} boxes a picture, decoding included")
    print(machine())
    for name, (taken, worked) in seconds.items():
        same = sum(a == b for a, b in zip(counts[first], counts[name], strict=True))
        print(
            f"{name:28} {number / taken:8.1f} pictures/s, {1000 * worked / number:6.0f} ms of work each; "
            f"x{taken / seconds[first][0]:.2f} our time, x{worked / seconds[first][1]:.2f} our work; "
            f"{same}/{number} counted alike"
        )
    if device != "cpu":
        forward_share(device, batch)


def forward_share(device: str, batch: int) -> None:
    """How much of the time of our way on the device is the net's own, by CUDA events."""
    import torch

    from countcheck.cards import Card
    from countcheck.detectors.common.fast_path import FastPath
    from countcheck.detectors.common.layout import Layout
    from countcheck.detectors.ultralytics import UltralyticsDetector

    card = Card(name="net", family="ultralytics", source="yolo11n.yaml", settings={"device": device, "batch": batch})
    detector = UltralyticsDetector(card)
    net = detector._on(torch.device(device))
    spans: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []

    def watched(pictures: torch.Tensor) -> object:
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        out = net(pictures)
        end.record()
        spans.append((start, end))
        return out

    path = FastPath(
        [(watched, torch.device(device))], detector._decode, name="net", layout=Layout(side=640),
        dtype=torch.float16, batch=batch,
    )  # fmt: skip
    pictures = [np.random.default_rng(k).integers(0, 255, (640, 640, 3)).astype(np.uint8) for k in range(8 * batch)]
    path.run(pictures[:batch])
    spans.clear()
    torch.cuda.synchronize()
    start = time.perf_counter()
    path.run(pictures)
    torch.cuda.synchronize()
    whole = time.perf_counter() - start
    forward = sum(a.elapsed_time(b) for a, b in spans) / 1000
    print(f"forward pass: {forward / whole:.0%} of the time from arrays in memory")


def recounted(number: int) -> None:
    """Stored detections under a new rule: read as the ledger keeps them, counted, with a margin."""
    import orjson

    dice = np.random.default_rng(0)
    bodies = []
    for _ in range(1000):
        n = int(dice.integers(0, 11))
        corner, size = dice.uniform(0, 400, (n, 2)), dice.uniform(20, 110, (n, 2))
        bodies.append(
            orjson.dumps(
                {
                    "nouns": [NAMES[k] for k in dice.integers(0, 3, n)],
                    "scores": [round(float(v), 5) for v in dice.beta(1, 1.2, n)],
                    "boxes": np.round(np.hstack([corner, corner + size]), 2).tolist(),
                }
            )
        )
    rule = CountingRule(threshold=0.35, margin=0.05)
    start, worked = time.perf_counter(), time.process_time()
    total = 0
    for k in range(number):
        read = orjson.loads(bodies[k % len(bodies)])
        found = Detections(
            boxes=np.array(read["boxes"], np.float32).reshape(-1, 4),
            scores=np.array(read["scores"], np.float32),
            nouns=tuple(read["nouns"]),
            size=(512, 512),
        )
        total += sum(count(found, ("pig", "wolf"), rule).counts.values())
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    print(
        f"{number} stored pictures recounted in {seconds:.1f} s, with {worked:.1f} s of work on one core "
        f"({1e6 * worked / number:.0f} us each; {total} things)"
    )
    print(machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--files", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--recount", type=int, default=0, metavar="PICTURES")
    given = parser.parse_args()
    if given.recount:
        recounted(given.recount)
        return
    against_predict(given.device, given.files, given.rounds, given.threads)


if __name__ == "__main__":
    main()
