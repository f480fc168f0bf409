"""Train the shipped counter: ``python -m models.train.counter``.

Pictures are made while it learns (`models.train.pictures`); each is used a few times, mirrored and relit. Progress
goes to ``WORK/log.jsonl`` and checkpoints to ``WORK/checkpoint.pt``; the same command again goes on from there. What is
exported (``--out``) is the running mean of the weights. ``--export`` alone writes out the last checkpoint.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import hashlib
import json
import math
import random
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from torch import Tensor, nn

from countcheck.detectors.common.heatmap import STRIDE, HeatmapNet, peaks
from countcheck.scenes import NOUNS, STYLES, boxes, compose, render
from models.train.art import OWN, TRAINED, WORK, fetch
from models.train.pictures import Labelled, Recipe, make


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one training goes.

    Attributes:
        pictures: How many are shown in all, repeats included; the learning rate falls to nothing over them.
        early: Side of the pictures in the first part, when smaller ones teach as much in less time.
        turn: Share of all pictures after which they are shown in full size.
        painted: Share of pictures in the painter's own hand, when there are any.
        reuse: How often one made picture is shown, about.
        pool: How many made pictures are kept to draw from.
        rate: Highest learning rate (AdamW).
        seed: Of the weights and of all pictures.
    """

    pictures: int = 155_000
    batch: int = 32
    size: int = 128
    early: int = 96
    turn: float = 0.7
    painted: float = 0.25
    reuse: int = 4
    pool: int = 16_000
    rate: float = 2e-3
    seed: int = 1


class Pool:
    """The pictures made so far; the oldest make room for new ones. Painted ones stay."""

    def __init__(self, plan: Plan, source: Iterator[Labelled], painted: Sequence[Labelled] = ()) -> None:
        self._plan = plan
        self._source = source
        self._painted = painted
        self._made: list[Labelled] = []
        self._next = 0
        self._dice = random.Random(f"pool {plan.seed}")

    def batch(self) -> list[Labelled]:
        """Make a few new pictures and give a batch of new and old ones."""
        painted: list[Labelled] = []
        if self._painted:
            painted = self._dice.choices(self._painted, k=round(self._plan.batch * self._plan.painted))
        fresh = [next(self._source) for _ in range(max(1, self._plan.batch // self._plan.reuse))]
        for labelled in fresh:
            if len(self._made) < self._plan.pool:
                self._made.append(labelled)
            else:
                self._made[self._next % self._plan.pool] = labelled
            self._next += 1
        old = self._dice.choices(self._made, k=self._plan.batch - len(fresh) - len(painted))
        return fresh + painted + old


@dataclasses.dataclass(slots=True, eq=False)
class Batch:
    """Pictures and the maps they should give; see `countcheck.detectors.common.heatmap.Maps`."""

    pixels: Tensor
    heat: Tensor
    asked: Tensor
    boxes: Tensor
    weight: Tensor


def collate(pictures: list[Labelled], size: int, dice: random.Random) -> Batch:
    """Turn pictures into tensors of this size, mirroring half of them and changing their light."""
    cells = size // STRIDE
    n = len(pictures)
    full = len(pictures[0].pixels)
    pixels = np.empty((n, full, full, 3), dtype=np.uint8)
    heat = np.zeros((n, len(NOUNS), cells, cells), dtype=np.float32)
    asked = np.ones((n, 1, cells, cells), dtype=np.float32)
    found = np.zeros((n, 4, cells, cells), dtype=np.float32)
    weight = np.zeros((n, 1, cells, cells), dtype=np.float32)
    for k, labelled in enumerate(pictures):
        flip = dice.random() < 0.5
        pixels[k] = labelled.pixels[:, ::-1] if flip else labelled.pixels
        for (x1, y1, x2, y2), noun, sure in zip(
            labelled.boxes * (size / full), labelled.nouns, labelled.sure, strict=True
        ):
            left, right = (size - x2, size - x1) if flip else (x1, x2)
            _mark(heat[k, noun], asked[k, 0], found[k], weight[k, 0], (left, y1, right, y2), bool(sure))
    light = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    if size != full:
        light = nn.functional.interpolate(light, size=(size, size), mode="bilinear", antialias=True)
    light = light.contiguous(memory_format=torch.channels_last)
    gain = torch.tensor([dice.uniform(0.8, 1.2) for _ in range(n)]).view(-1, 1, 1, 1)
    lift = torch.tensor([dice.uniform(-0.06, 0.06) for _ in range(n)]).view(-1, 1, 1, 1)
    light = ((light - 0.5) * gain + 0.5 + lift).clamp_(0, 1)
    return Batch(light, *(torch.from_numpy(part) for part in (heat, asked, found, weight)))


def _mark(
    heat: np.ndarray,
    asked: np.ndarray,
    found: np.ndarray,
    weight: np.ndarray,
    box: tuple[float, float, float, float],
    sure: bool,
) -> None:
    """Write one thing into the maps."""
    cells = heat.shape[0]
    x1, y1, x2, y2 = (value / STRIDE for value in box)
    x, y, w, h = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
    column, row = (min(max(int(value), 0), cells - 1) for value in (x, y))
    across, down = np.arange(cells) - column, np.arange(cells) - row
    sx, sy = max(0.55, 0.09 * w), max(0.55, 0.09 * h)
    bump = np.exp(-((across / sx) ** 2)[None, :] / 2 - ((down / sy) ** 2)[:, None] / 2)
    if not sure:
        asked[bump > 0.05] = 0
        return
    np.maximum(heat, bump, out=heat)
    heat[row, column] = 1
    for r in range(max(0, row - 1), min(cells, row + 2)):
        for c in range(max(0, column - 1), min(cells, column + 2)):
            mine = 1.0 if (r, c) == (row, column) else 0.3
            if mine > weight[r, c]:
                weight[r, c] = mine
                found[:, r, c] = (x - c, y - r, math.log(max(w, 0.25)), math.log(max(h, 0.25)))


def losses(net: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Give the focal loss of the heatmaps (CornerNet's, Law and Deng 2018) and the mean error of the boxes."""
    heat, found = net(batch.pixels)
    log_yes, log_no = nn.functional.logsigmoid(heat), nn.functional.logsigmoid(-heat)
    yes = log_yes.exp()
    centre = (batch.heat == 1).float()
    on = centre * (1 - yes) ** 2 * log_yes
    off = (1 - centre) * (1 - batch.heat) ** 4 * yes**2 * log_no
    focal = -((on + off) * batch.asked).sum() / centre.sum().clamp(min=1)
    apart = ((found - batch.boxes).abs() * batch.weight).sum() / batch.weight.sum().clamp(min=1)
    return focal, apart


@torch.no_grad()
def exact_share(net: HeatmapNet, style: str, number: int, *, size: int, threshold: float = 0.35) -> float:
    """Give the share of plain scenes (0 to 9 things, one or two nouns) with every noun counted exactly."""
    net.eval()
    device = next(net.parameters()).device
    right = 0
    for start in range(0, number, 32):
        scenes = []
        for k in range(start, min(start + 32, number)):
            dice = random.Random(f"check {k}")
            kinds = dice.sample(NOUNS, 2)
            counts = {kinds[0]: k % 10 // 2 + k % 2, kinds[1]: k % 10 // 2}
            scenes.append((compose(counts, style=style, seed=900_000_000 + k), counts))
        pixels = torch.from_numpy(np.stack([render(scene, size) for scene, _ in scenes])).to(device)
        found = peaks(*net(pixels.permute(0, 3, 1, 2).float() / 255))
        for rows, (_, counts) in zip(found, scenes, strict=True):
            seen = torch.bincount(rows[rows[:, 4] >= threshold, 5].long(), minlength=len(NOUNS))
            right += all(int(seen[i]) == counts.get(noun, 0) for i, noun in enumerate(NOUNS))
    return right / number


class Training:
    """Weights, their running mean, the optimiser and how far they have come."""

    def __init__(self, plan: Plan, work: Path, device: str, *, widths: tuple[int, ...] | None = None) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.work, self.device = plan, work, device
        net = HeatmapNet(len(NOUNS), widths) if widths else HeatmapNet(len(NOUNS))
        self.net = net.to(device, memory_format=torch.channels_last)
        self.mean = copy.deepcopy(self.net).eval()
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=plan.rate, weight_decay=1e-4)
        self.shown = 0
        self.seconds = 0.0
        work.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        """Where it is kept."""
        return self.work / "checkpoint.pt"

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        if not self.checkpoint.exists():
            return
        kept = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.net.load_state_dict(kept["net"])
        self.mean.load_state_dict(kept["mean"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.shown, self.seconds = kept["shown"], kept["seconds"]

    def save(self) -> None:
        """Write a checkpoint, whole or not at all."""
        part = self.checkpoint.with_suffix(".part")
        torch.save(
            {
                "net": self.net.state_dict(),
                "mean": self.mean.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "shown": self.shown,
                "seconds": self.seconds,
            },
            part,
        )
        part.replace(self.checkpoint)

    def step(self, batch: Batch) -> tuple[float, float]:
        """Learn from one batch; give its two losses."""
        done = min(1.0, self.shown / self.plan.pictures)
        warm = min(1.0, (self.shown + self.plan.batch) / (0.04 * self.plan.pictures))
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate * warm * (0.5 * (1 + math.cos(math.pi * done)) + 0.005)
        self.net.train()
        batch = Batch(*(getattr(batch, part.name).to(self.device) for part in dataclasses.fields(batch)))
        focal, apart = losses(self.net, batch)
        self.optimiser.zero_grad(set_to_none=True)
        (focal + 0.5 * apart).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
        self.optimiser.step()
        self.shown += self.plan.batch
        keep = min(0.998, self.shown / self.plan.batch / (self.shown / self.plan.batch + 20))
        with torch.no_grad():
            for mean, new in zip(self.mean.state_dict().values(), self.net.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(new, 1 - keep)
                else:
                    mean.copy_(new)
        return focal.item(), apart.item()


def train(
    training: Training,
    source: Iterator[Labelled],
    *,
    log_every: int = 50,
    check_every: int = 250,
    painted: Sequence[Labelled] = (),
    stopped: threading.Event | None = None,
) -> None:
    """Learn until the plan's pictures are shown, with a log line now and then and a checkpoint at each check."""
    plan = training.plan
    pool = Pool(plan, source, painted)
    dice = random.Random(f"light {plan.seed} {training.shown}")
    log = (training.work / "log.jsonl").open("a")
    before, focals, aparts = time.monotonic(), [], []
    for step in count(1):
        if training.shown >= plan.pictures or (stopped and stopped.is_set()):
            break
        focal, apart = training.step(
            collate(pool.batch(), plan.early if training.shown < plan.turn * plan.pictures else plan.size, dice)
        )
        focals.append(focal)
        aparts.append(apart)
        if step % log_every == 0 or training.shown >= plan.pictures:
            now = time.monotonic()
            training.seconds += now - before
            line: dict[str, float] = {
                "shown": training.shown,
                "seconds": round(training.seconds, 1),
                "rate": round(len(focals) * plan.batch / (now - before), 1),
                "focal": round(sum(focals) / len(focals), 4),
                "boxes": round(sum(aparts) / len(aparts), 4),
            }
            if step % check_every == 0:
                for style in ("plain", "noir-rain"):
                    line[style] = exact_share(training.mean, style, 200, size=plan.size)
                training.save()
            print(json.dumps(line), file=log, flush=True)
            print(line, flush=True)
            before, focals, aparts = time.monotonic(), [], []
    training.save()
    log.close()


def export(net: HeatmapNet, out: Path, *, size: int, about: dict[str, object]) -> None:
    """Write ``model.safetensors`` (fp16), ``model.onnx`` (fp16 inside) and ``config.json`` with the weights' hash."""
    out.mkdir(parents=True, exist_ok=True)
    half = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in net.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    save_file(half, out / "model.safetensors")
    digest = hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()
    config = {
        "schema": 1,
        "nouns": list(NOUNS),
        "size": size,
        "widths": list(net.widths),
        "weights": "model.safetensors",
        "sha256": digest,
        "trained": about,
    }
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    export_onnx(net, out / "model.onnx", size=size)


class _Boxes(nn.Module):
    """The network in half precision with its peaks read off, as other programs like it."""

    def __init__(self, net: HeatmapNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        heat, found = self.net(images.half())
        return peaks(heat.float(), found.float())


def export_onnx(net: HeatmapNet, path: Path, *, size: int) -> None:
    """Write the network as ONNX.

    Input ``images``: float32 (batch, 3, size, size) in [0, 1]. Output ``boxes``: float32 (batch, 100, 6), each row x1,
    y1, x2, y2 in input pixels, score, index into the nouns (listed in the file's metadata as ``names``).
    """
    import onnx

    whole = _Boxes(copy.deepcopy(net).cpu().half().eval())
    example = torch.zeros(2, 3, size, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter speaks of its own future
        program = torch.onnx.export(
            whole,
            (example,),
            input_names=["images"],
            output_names=["boxes"],
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=4096)}},
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto
    for key, value in {
        "names": json.dumps(dict(enumerate(NOUNS))),
        "imgsz": f"[{size}, {size}]",
        "stride": "32",
    }.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)


def source(recipe: Recipe, seed: int, *, start: int = 0, workers: int = 0) -> Iterator[Labelled]:
    """Make pictures one after the other for ever, here or in other processes."""
    seeds = (seed * 10_000_000 + k for k in count(start))
    if not workers:
        yield from (make(recipe, one) for one in seeds)
        return
    with ProcessPoolExecutor(workers) as executor:
        waiting = [executor.submit(_some, recipe, [next(seeds) for _ in range(64)]) for _ in range(workers * 3)]
        while True:
            done = waiting.pop(0)
            waiting.append(executor.submit(_some, recipe, [next(seeds) for _ in range(64)]))
            yield from done.result()


def _some(recipe: Recipe, seeds: list[int]) -> list[Labelled]:
    return [make(recipe, seed) for seed in seeds]


def sheet(net: HeatmapNet, path: Path, *, size: int = 128, threshold: float = 0.35) -> None:
    """Draw a contact sheet: styles by rows, numbers by columns, with the boxes that the counter found."""
    rows = []
    for style in STYLES:
        row = []
        for number in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9):
            dice = random.Random(f"sheet {style} {number}")
            kinds = dice.sample(NOUNS, 2)
            scene = compose({kinds[0]: number - number // 3, kinds[1]: number // 3}, style=style, seed=number)
            pixels = render(scene, size)
            batch = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
            with torch.no_grad():
                found = peaks(*net.cpu().eval()(batch))[0]
            image = Image.fromarray(pixels).resize((size * 2, size * 2), Image.Resampling.LANCZOS)
            draw = ImageDraw.Draw(image)
            for x1, y1, x2, y2, score, noun in found.tolist():
                if score >= threshold:
                    draw.rectangle((x1 * 2, y1 * 2, x2 * 2, y2 * 2), outline=(40, 230, 90))
                    draw.text((x1 * 2 + 2, y1 * 2), f"{NOUNS[int(noun)]} {score:.2f}", fill=(40, 230, 90))
            true = len(boxes(scene, size))
            draw.text((4, 4), f"{true} there", fill=(255, 255, 255), stroke_width=1, stroke_fill=(0, 0, 0))
            row.append(np.asarray(image))
        rows.append(np.concatenate(row, axis=1))
    Image.fromarray(np.concatenate(rows, axis=0)).resize((1800, 1080), Image.Resampling.LANCZOS).save(path, quality=82)


def main() -> None:
    """Read the options and train, or export."""
    plan = Plan()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=plan.pictures, help="shown in all, repeats included")
    parser.add_argument("--batch", type=int, default=plan.batch)
    parser.add_argument("--rate", type=float, default=plan.rate)
    parser.add_argument("--reuse", type=int, default=plan.reuse)
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1, help="torch threads on a CPU")
    parser.add_argument("--workers", type=int, default=0, help="processes that make pictures; 0: this one does")
    parser.add_argument("--art", choices=("all", OWN), default="all", help="own: fetch nothing")
    parser.add_argument("--work", type=Path, default=WORK / "counter")
    parser.add_argument("--out", type=Path, default=Path("models/tiny-counter"))
    parser.add_argument(
        "--painted", type=Path, default=WORK / "counter" / "painted.npz", help="see models.train.painted"
    )
    parser.add_argument("--export", action="store_true", help="write out the last checkpoint and stop")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    plan = Plan(
        pictures=options.pictures, batch=options.batch, rate=options.rate, reuse=options.reuse, seed=options.seed
    )
    training = Training(plan, options.work, options.device)
    training.resume()
    if not options.export:
        families = (OWN,) if options.art == OWN else (OWN, *TRAINED)
        if options.art != OWN:
            fetch()
        recipe = Recipe(families=families, size=plan.size)
        stopped = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopped.set())
        made = source(recipe, plan.seed, start=training.shown, workers=options.workers)
        painted: Sequence[Labelled] = ()
        if options.painted.exists():
            from models.train.painted import read

            painted = read(options.painted)
        train(training, made, painted=painted, stopped=stopped)
    about = {
        "pictures": training.shown,
        "minutes": round(training.seconds / 60, 1),
        "device": options.device,
        "torch": torch.__version__,
        "seed": plan.seed,
    }
    export(training.mean, options.out, size=plan.size, about=about)
    sheet(training.mean, options.out / "scenes.jpg", size=plan.size)
    print(f"{options.out}: {training.shown} pictures in {training.seconds / 60:.0f} minutes")


if __name__ == "__main__":
    main()
