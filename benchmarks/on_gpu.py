"""Every figure that this project claims of a GPU, in one command of under 8 minutes, as one table in Markdown.

    python -m benchmarks.on_gpu                      # on the first GPU
    python -m benchmarks.on_gpu --short              # in a few seconds on a CPU: that it runs, no figures
    python -m benchmarks.on_gpu --only counting      # one part; see PARTS

The nets have random weights in their real shapes, and what they find is laid into their output: 24 boxes a picture,
so that suppression and counting are paid for and both ways can be checked to count alike. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("", "tests/detectors", "tests/generators")]

import countcheck as cc  # noqa: E402
from benchmarks.machine import machine  # noqa: E402
from countcheck.cards import Card  # noqa: E402
from countcheck.counting.counter import load_counter  # noqa: E402
from countcheck.counting.rule import CountingRule, count  # noqa: E402
from countcheck.images.decode import encode_png  # noqa: E402
from countcheck.images.files import batches_of, read_pictures  # noqa: E402
from countcheck.scenes import compose, render  # noqa: E402
from countcheck.suites.suite import Prompt, Suite, Target  # noqa: E402

BOXES = 24
SIZES = [(640, 480), (512, 512), (1024, 1024), (800, 600), (1344, 768), (480, 640)]
# The rule does what `predict` does and no more: the detector has suppressed at 0.7 already.
RULE = CountingRule(threshold=0.25, merge_iou=1, containment=1, group_box_coverage=1, cross_class_iou=1)


@dataclass(kw_only=True)
class Bench:
    """What to measure on, how much of it, and the rows that were measured so far."""

    device: str
    short: bool
    folder: Path
    rows: list[tuple[str, str, float, str]] = field(default_factory=list)

    @property
    def gpu(self) -> bool:
        return self.device.startswith("cuda")

    @property
    def precision(self) -> str:
        return "fp16" if self.gpu else "fp32"

    def number(self, full: int, short: int) -> int:
        return short if self.short else full

    def add(self, part: str, way: str, per_second: float, remark: str = "") -> None:
        self.rows.append((part, way, per_second, remark))
        print(f"  {part}: {way}: {per_second:.1f} a second {remark}", file=sys.stderr, flush=True)

    def seconds(self, way: Callable[[], Any]) -> float:
        """Median seconds of a call, after one to warm up; what the GPU was given is waited for."""
        times = []
        for number in range(1 if self.short else 4):
            self.wait()
            began = time.perf_counter()
            way()
            self.wait()
            if number or self.short:
                times.append(time.perf_counter() - began)
        return statistics.median(times)

    def wait(self) -> None:
        if self.gpu:
            torch.cuda.synchronize()


def batched(things: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Yield the things so many at a time."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


# -- counting ------------------------------------------------------------------------------------------------------


def picture_files(bench: Bench) -> list[Path]:
    """Scenes of mixed sizes, every other one a JPEG."""
    paths = []
    for k in range(bench.number(256, 3)):
        wide, tall = SIZES[k % len(SIZES)]
        if bench.short:
            wide, tall = wide // 4, tall // 4
        image = Image.fromarray(render(compose({"pig": k % 5}, seed=k % 16), 256)).resize((wide, tall))
        path = bench.folder / f"{k:03d}.{'jpg' if k % 2 else 'png'}"
        image.save(path)
        paths.append(path)
    return paths


def lay_boxes(classes: int, side: int, *, ranked: bool) -> Callable[..., Any]:
    """Return a hook that writes `BOXES` boxes into a net's output, in the middle, and takes all others out.

    Args:
        classes: How many the net knows.
        side: Of the square that it is given, in pixels.
        ranked: The output is RT-DETR's: box as shares of the picture, score, class; else YOLO's: pixels, a score a class.
    """

    def hook(_module: Any, _given: Any, out: Any) -> Any:
        table = (out[0] if isinstance(out, tuple | list) else out).clone()
        rows = table if ranked else table.transpose(1, 2)  # (pictures, places, 6 or 4 + classes)
        rows[..., 4:] = 0.01
        for k in range(BOXES):
            centre = (0.3 + 0.08 * (k % 6), 0.36 + 0.08 * (k // 6), 0.05, 0.05)
            rows[:, k, :4] = torch.tensor(centre).to(rows) * (1 if ranked else side)
            score = 0.3 + 0.6 * k / BOXES
            if ranked:
                rows[:, k, 4], rows[:, k, 5] = score, k % classes
            else:
                rows[:, k, 4 + k % classes] = score
        return (table, *out[1:]) if isinstance(out, tuple | list) else table

    return hook


def yolo(bench: Bench, source: str, side: int) -> Any:
    """A net of ultralytics in its real shape, with boxes laid into its output."""
    from countcheck.detectors.ultralytics import UltralyticsDetector

    settings = {"device": bench.device, "batch": 32, "floor": 0.25, "precision": bench.precision, "imgsz": side}
    detector = UltralyticsDetector(Card(name=source, family="ultralytics", source=source, settings=settings))
    detr = source.startswith("rtdetr")
    detector._model.model.register_forward_hook(lay_boxes(len(detector.vocabulary), side, ranked=detr))
    return detector


def counted(detector: Any, pictures: Sequence[Any], names: Sequence[str]) -> list[Counter]:
    return [+Counter(count(one, names, RULE).counts) for one in detector.detect(pictures, names)]


def counting(bench: Bench) -> None:
    """Counting from files and from tensors, beside ultralytics' own predict and beside the forward pass alone."""
    paths = picture_files(bench)
    side = 128 if bench.short else 640
    sources = ("yolo11n.yaml", "rtdetr-l.yaml") if bench.short else ("yolo11n.yaml", "yolo11x.yaml", "rtdetr-l.yaml")
    tensors = [
        torch.from_numpy(np.array(picture)).permute(2, 0, 1).to(bench.device) for _, picture in read_pictures(paths)
    ]
    for source in sources:
        detector = yolo(bench, source, side)
        names = sorted(detector.vocabulary)
        theirs = yolo(bench, source, side)._model
        told: dict[str, list[Counter]] = {}

        def from_files(detector=detector, names=names, told=told) -> None:
            found: list[Counter] = []
            for part in batches_of(read_pictures(paths), 64):
                found += counted(detector, [picture for _, picture in part], names)
            told["ours"] = found

        def predict(theirs=theirs, told=told) -> None:
            results = theirs.predict(
                [str(path) for path in paths], batch=32, imgsz=side, conf=0.25, iou=0.7, rect=False, stream=True,
                verbose=False, device=bench.device, half=bench.gpu,
            )  # fmt: skip
            told["theirs"] = [Counter(theirs.names[int(k)] for k in one.boxes.cls.tolist()) for one in results]

        net = detector._on(torch.device(bench.device))
        batch = torch.rand(min(32, len(paths)), 3, side, side, device=bench.device, dtype=detector._dtype)
        batch = batch.contiguous(memory_format=torch.channels_last)

        @torch.inference_mode()
        def forward(net=net, batch=batch) -> None:
            for _ in range(-(-len(paths) // len(batch))):
                net(batch)

        ways = {
            "from files": from_files,
            "from tensors": lambda detector=detector, names=names: counted(detector, tensors, names),
            "ultralytics predict(batch=32), from files": predict,
            "forward pass alone": forward,
        }
        seconds = {name: bench.seconds(way) for name, way in ways.items()}
        same = sum(a == b for a, b in zip(told["ours"], told["theirs"], strict=True))
        for name, taken in seconds.items():
            remark = f"×{seconds['ultralytics predict(batch=32), from files'] / taken:.2f} of predict"
            remark += f", {same} of {len(paths)} counted alike" if name == "from files" else ""
            bench.add(f"counting, {source.removesuffix('.yaml')}", name, len(paths) / taken, remark)


def open_vocabulary(bench: Bench) -> None:
    """Counting with a net in the shape of OWLv2 base, from arrays and beside its forward pass alone."""
    import tiny_models
    import transformers

    from countcheck.detectors.transformers import TransformersDetector

    torch.manual_seed(0)
    folder = bench.folder / "owlv2"
    folder.mkdir()
    model, processor = tiny_models.owlv2(folder)
    if not bench.short:  # ViT-B/16 at 960, as the published one
        vision = {"image_size": 960, "patch_size": 16}
        text = model.config.text_config
        config = transformers.Owlv2Config(
            vision_config=vision, text_config=text.to_dict(), projection_dim=text.hidden_size
        )
        model = transformers.Owlv2ForObjectDetection(config)
        processor.image_processor.size = {"height": 960, "width": 960}
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    settings = {"device": bench.device, "precision": bench.precision, "batch": 16, "floor": 0.25}
    detector = TransformersDetector(Card(name="owlv2", family="transformers", source=str(folder), settings=settings))

    def lay(_module: Any, _given: Any, out: Any) -> Any:
        out.logits[:] = -6
        for k in range(BOXES):
            out.logits[:, k % out.logits.shape[1], 0] = 2.0
            out.pred_boxes[:, k % out.logits.shape[1]] = torch.tensor((0.1 + 0.13 * (k % 6), 0.1 + 0.2 * (k // 6), 0.1, 0.1)).to(out.pred_boxes)  # fmt: skip
        return out

    detector._model.register_forward_hook(lay)
    pictures = [np.random.default_rng(k).integers(0, 255, (512, 512, 3), np.uint8) for k in range(bench.number(128, 2))]
    spent: list[float] = []
    plain = detector._model.forward

    def clocked(*given: Any, **named: Any) -> Any:
        bench.wait()
        began = time.perf_counter()
        out = plain(*given, **named)
        bench.wait()
        spent.append(time.perf_counter() - began)
        return out

    whole = bench.seconds(lambda: counted(detector, pictures, ["pig"]))
    detector._model.forward = clocked
    spent.clear()
    found = counted(detector, pictures, ["pig"])
    remark = f"{sum(spent) / whole:.0%} of it in the forward pass; {found[0].total()} counted in each"
    bench.add("counting, OWLv2 base shape", "from arrays", len(pictures) / whole, remark)


def precision(bench: Bench) -> None:
    """Whether the shipped counter counts the same in half as in single precision."""
    counter = load_counter("tiny")
    pictures = [render(compose({"pig": k % 7, "wolf": k % 2}, seed=k), 256) for k in range(bench.number(400, 6))]
    half = torch.float16 if bench.gpu else torch.bfloat16

    def numbers(enabled: bool) -> list[Counter]:
        with torch.autocast(bench.device.partition(":")[0], half, enabled=enabled):
            return counted(counter.detector, pictures, ["pig", "wolf"])  # fmt: skip

    single = numbers(False)
    taken = bench.seconds(lambda: numbers(True))
    alike = sum(a == b for a, b in zip(single, numbers(True), strict=True))
    name = "fp16" if bench.gpu else "bf16"
    bench.add(
        "the shipped counter", f"in {name}", len(pictures) / taken, f"{alike} of {len(pictures)} counted as in fp32"
    )


def streams(bench: Bench) -> None:
    """Suppressing duplicates on a second stream, while the next batch is computed, against one stream."""
    side = 128 if bench.short else 640
    detector = yolo(bench, "yolo11n.yaml", side)
    names = sorted(detector.vocabulary)
    pictures = [torch.randint(0, 255, (3, side, side), dtype=torch.uint8, device=bench.device) for _ in range(bench.number(512, 4))]  # fmt: skip
    two = bench.seconds(lambda: counted(detector, pictures, names))
    if not bench.gpu:
        bench.add("streams", "a CPU has none", len(pictures) / two)
        return
    (path,) = detector._path.device_paths
    path.after = torch.cuda.current_stream()
    one = bench.seconds(lambda: counted(detector, pictures, names))
    bench.add("streams", "two", len(pictures) / two, f"×{one / two:.2f} of one")
    bench.add("streams", "one", len(pictures) / one)


def reward(bench: Bench) -> None:
    """Rewards of pictures that lie on the device, as in training."""
    counter = load_counter("tiny")
    scenes = [render(compose({"pig": k % 5}, seed=k % 32), 512) for k in range(bench.number(32, 2))]
    tensors = [torch.from_numpy(scene).permute(2, 0, 1).to(bench.device) for scene in scenes] * bench.number(32, 1)
    taken = bench.seconds(lambda: cc.reward(tensors, {"pig": 3}, counter, batch_size=64))
    bench.add("reward", "tensors of 512 × 512 on the device, batches of 64", len(tensors) / taken)


# -- generating ----------------------------------------------------------------------------------------------------


def sdxl(bench: Bench) -> tuple[Any, Path]:
    """A pipeline in the shape of SDXL with random weights, in memory, and the folder of a small one of its class."""
    import tiny_pipelines

    source = tiny_pipelines.stable_diffusion_xl(bench.folder / "sdxl")
    import diffusers
    import transformers

    pipe = diffusers.StableDiffusionXLPipeline.from_pretrained(source)
    if not bench.short:
        torch.manual_seed(0)
        torch.set_default_dtype(torch.bfloat16)
        with torch.device(bench.device):
            text = {"vocab_size": 514, "bos_token_id": 512, "eos_token_id": 513, "pad_token_id": 513}
            first = transformers.CLIPTextConfig(**text, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)  # fmt: skip
            second = transformers.CLIPTextConfig(**text, hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20, projection_dim=1280)  # fmt: skip
            unet = diffusers.UNet2DConditionModel(
                sample_size=128, block_out_channels=(320, 640, 1280), layers_per_block=2, cross_attention_dim=2048,
                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
                transformer_layers_per_block=(1, 2, 10), attention_head_dim=(5, 10, 20), use_linear_projection=True,
                addition_embed_type="text_time", addition_time_embed_dim=256,
                projection_class_embeddings_input_dim=2816,
            )  # fmt: skip
            vae = diffusers.AutoencoderKL(
                block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, sample_size=1024,
                down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
                force_upcast=False,
            )  # fmt: skip
            pipe = diffusers.StableDiffusionXLPipeline(
                vae=vae, unet=unet, tokenizer=pipe.tokenizer, tokenizer_2=pipe.tokenizer_2, scheduler=pipe.scheduler,
                text_encoder=transformers.CLIPTextModel(first).eval(),
                text_encoder_2=transformers.CLIPTextModelWithProjection(second).eval(),
            )  # fmt: skip
        torch.set_default_dtype(torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(bench.device), source


def pictures_suite(number: int, *, counted: bool) -> Suite:
    """So many prompts, each for pigs; without targets nothing is counted."""
    prompts = (
        Prompt(
            id=f"p{k}", text=f"{k % 5 + 1} pigs, picture {k}", targets=(Target(noun="pig", count=k % 5 + 1),) * counted
        )
        for k in range(number)
    )
    return Suite(name="pigs", prompts=tuple(prompts))


def generating(bench: Bench) -> None:
    """A whole run beside a bare loop over the same pipeline: with and without counting, and how the parts overlap."""
    from countcheck.counting.self_test import run_self_test
    from countcheck.engine import run as engine
    from countcheck.generators.diffusers import DiffusersGenerator
    from countcheck.generators.diffusers_output import call_form
    from countcheck.generators.prompt_limits import PromptLimits

    pipe, source = sdxl(bench)
    edge, steps = bench.number(1024, 32), bench.number(4, 1)
    settings = {"steps": steps, "width": edge, "height": edge, "batch": 4, "device": bench.device, "guidance": 0.0}
    card = Card(name="sdxl", family="diffusers", source=str(source), settings=settings)
    generator = DiffusersGenerator(card)
    generator._pipe, generator._form = pipe, call_form(pipe, card.name)
    generator._limits = PromptLimits.of(pipe, generator._settings)
    generator.close = lambda: None
    made: list[Any] = []

    @torch.inference_mode()
    def bare(number: int) -> None:
        made.clear()
        for part in batched(pictures_suite(number, counted=True).prompts, 4):
            seeds = [torch.Generator("cpu").manual_seed(k) for k in range(len(part))]
            out = pipe(prompt=[prompt.text for prompt in part], generator=seeds, num_inference_steps=steps, width=edge, height=edge, guidance_scale=0.0, output_type="pt")  # fmt: skip
            made.extend(out.images)

    counter = load_counter("tiny")
    few, many = bench.number(16, 2), bench.number(64, 4)
    tested = run_self_test(counter, nouns=pictures_suite(many, counted=True).vocabulary)
    folders: Iterator[int] = itertools.count()

    def whole(number: int, *, counted: bool) -> None:
        suite = pictures_suite(number, counted=counted)
        config = engine.RunConfig(suite=suite, generators=[card], path=bench.folder / f"run-{next(folders)}")
        with engine.run(config, counter) as folder:
            assert len(folder.rows()) == number

    def lasts(way: Callable[[int], None], number: int) -> float:
        bench.wait()
        began = time.perf_counter()
        way(number)
        bench.wait()
        return time.perf_counter() - began

    ways: dict[str, Callable[[int], None]] = {
        "bare loop": bare,
        "run, kept, nothing to count": functools.partial(whole, counted=False),
        "run, counted and kept": functools.partial(whole, counted=True),
    }
    seconds: dict[str, tuple[float, float]] = {}
    prepare, load = engine.prepare_counter, engine.load_generator
    engine.prepare_counter, engine.load_generator = lambda counter, *_: (counter, tested), lambda _card: generator
    try:
        for name, way in ways.items():
            lasts(way, few)
            short, long = lasts(way, few), lasts(way, many)
            # A run has costs of its own, at its beginning and its end, however many pictures it has.
            each = max(long - short, 1e-9) / (many - few)
            seconds[name] = (each, short - few * each)
    finally:
        engine.prepare_counter, engine.load_generator = prepare, load
    plain = seconds["bare loop"][0]
    for name, (each, once) in seconds.items():
        remark = "" if name == "bare loop" else f"×{each / plain:.3f} of the bare loop's time; {once:.1f} s once a run"
        bench.add(f"SDXL shape, {edge}², {steps} steps", name, 1 / each, remark)
    arrays = [(image.float().cpu().numpy() * 255).round().astype(np.uint8).transpose(1, 2, 0) for image in made]
    counting_alone = bench.seconds(lambda: counted(counter.detector, arrays, ["pig"])) / len(made)
    encoding = bench.seconds(lambda: [encode_png(picture) for picture in arrays[:few]]) / few
    hidden = 1 - max(0.0, seconds["run, counted and kept"][0] - plain) / (counting_alone + encoding)
    bench.add("overlap", "counting alone, from arrays", 1 / counting_alone)
    bench.add(
        "overlap",
        "PNG encoding alone, one core",
        1 / encoding,
        f"{max(0.0, hidden):.0%} of counting and encoding hidden",
    )


PARTS: dict[str, Callable[[Bench], None]] = {
    "counting": counting,
    "open": open_vocabulary,
    "precision": precision,
    "streams": streams,
    "reward": reward,
    "generating": generating,
}


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--short", action="store_true", help="small nets and few pictures")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args(given)
    if options.device == "cpu" and not options.short:
        raise SystemExit("There is no GPU here. Add --short to try the script on a CPU; its figures then say nothing.")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(device=options.device, short=options.short, folder=Path(folder))
        for name in options.only:
            PARTS[name](bench)
            if bench.gpu:
                torch.cuda.empty_cache()
    print(f"{machine()}; {time.perf_counter() - began:.0f} s in all\n")
    print("| what | way | a second | |\n|---|---|---|---|")
    for part, way, per_second, remark in bench.rows:
        print(f"| {part} | {way} | {per_second:,.1f} | {remark} |")


if __name__ == "__main__":
    main()
