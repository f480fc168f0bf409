"""Any text-to-image pipeline of the diffusers library, by hub id or local folder.

Every picture has a noise generator of its own, on the CPU, so that a seed means the same noise on every device and at
every batch size. Only safetensors are loaded, and no code that came with a model is run.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from countcheck.cards import Card, fill
from countcheck.errors import BadInput, BadSettings, BadWeights, GeneratorClosed, MissingExtra
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Failure, Fault, Outcome, Picture, Reason, Refusal, Stage
from countcheck.images.convert import as_image
from countcheck.images.types import Pixels
from countcheck.resources import shipped
from countcheck.suites.samples import Recipe, Sample
from countcheck.suites.suite import Target

try:
    import diffusers
    import torch
    import transformers
except ImportError as error:
    raise MissingExtra("local", feature="the diffusers generator") from error

DEFAULTS: dict[str, Any] = {
    "steps": None,
    "guidance": None,
    "true_cfg_scale": None,
    "width": None,
    "height": None,
    "size": None,
    "negative_prompt": None,
    "max_sequence_length": None,
    "scheduler": None,
    "dtype": "auto",
    "variant": None,
    "lora": None,
    "lora_scale": 1.0,
    "edits": False,
    "strength": None,
    "device": "auto",
    "batch": 8,
    "offload": "none",
    "compile": False,
    "trust_remote_code": False,
    "tiling": False,
}
# These change how fast a picture comes, not which picture.
_NOT_IN_RECIPE = ("device", "batch", "offload", "compile", "trust_remote_code")
_DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
_CALL = {"steps": "num_inference_steps", "guidance": "guidance_scale"}
_PASSED = ("steps", "guidance", "true_cfg_scale", "width", "height", "negative_prompt", "max_sequence_length")


class DiffusersGenerator:
    """A diffusers pipeline; loaded on first use.

    Settings (all optional): steps, guidance, true_cfg_scale, width, height, size (both), negative_prompt,
    max_sequence_length, scheduler (a diffusers class name), dtype (fp32, fp16, bf16), variant, lora, lora_scale, edits
    and strength (answers conversations by changing its last picture), device, batch, offload (none, model,
    sequential), compile, tiling, trust_remote_code.
    """

    def __init__(self, card: Card) -> None:
        if not card.source:
            raise BadSettings(f"{card.name}: no model named. Write diffusers:ID, or diffusers:FOLDER.")
        self.name = card.name
        self._card = card
        self._settings = _checked(card)
        self._source = _found(card.source)
        self._pipe: Any = None
        self._editor: Any = None
        self._batch = max(1, int(self._settings["batch"]))
        self._stopped = False
        if card.revision.startswith("sha256:"):
            _verify(self._source, card)

    @property
    def traits(self) -> Traits:
        """Seeded and batched; edits when told to; on the cores where there is no accelerator."""
        on_cores = _device(str(self._settings["device"])) == "cpu"
        return Traits(seeded=True, batched=True, edits=bool(self._settings["edits"]), on_cores=on_cores)

    @property
    def recipe(self) -> Recipe:
        """Model, revision and every setting that can change a picture."""
        kept = {k: v for k, v in self._settings.items() if k not in _NOT_IN_RECIPE and v != DEFAULTS[k]}
        return Recipe(
            name=self.name,
            revision=self._card.revision,
            settings={"source": self._card.source, **kept},
        )

    def stop(self) -> None:
        """Start no further batch."""
        self._stopped = True

    def close(self) -> None:
        """Give the pipeline's memory back."""
        self._pipe = self._editor = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """One outcome per sample, in order, a batch at a time; the batch shrinks when memory does not suffice."""
        self._stopped = False
        start = 0
        while start < len(samples) and not self._stopped:
            batch = samples[start : start + self._batch]
            try:
                outcomes = self._paint(batch)
            except torch.OutOfMemoryError as error:
                if len(batch) == 1:
                    outcomes = [_failure(batch[0], Fault.CRASH, f"out of memory for one picture: {_line(error)}")]
                else:
                    self._batch = max(1, len(batch) // 2)
                    if torch.cuda.is_available():
                        torch.cuda.empty_cache()
                    continue
            yield from outcomes
            start += len(batch)

    def edit(self, sample: Sample, pixels: Pixels, instruction: str, turn: int, targets: Sequence[Target]) -> Outcome:
        """The picture changed as the instruction says, by the pipeline's image-to-image form."""
        pipe = self._editing()
        # The changed picture keeps the size of the one it is made from.
        arguments = {**self._arguments(pipe, leave_out=("width", "height")), "image": as_image(pixels)}
        if self._settings["strength"] is not None:
            arguments["strength"] = self._settings["strength"]
        began = time.perf_counter()
        try:
            output = self._call(pipe, [instruction], [(sample.seed + turn) & 0x7FFFFFFF], arguments)
        except Exception as error:
            return _failure(sample, Fault.CRASH, _line(error), turn=turn)
        return self._outcomes([sample], output, time.perf_counter() - began, turn=turn)[0]

    # -- painting ------------------------------------------------------------------------------------------------

    def _paint(self, batch: Sequence[Sample]) -> list[Outcome]:
        pipe = self._loaded()
        began = time.perf_counter()
        try:
            output = self._call(pipe, [s.text for s in batch], [s.seed for s in batch], self._arguments(pipe))
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            if len(batch) > 1:  # find out whose fault it was
                return [outcome for sample in batch for outcome in self._paint([sample])]
            return [_from_exception(batch[0], error)]
        return self._outcomes(batch, output, time.perf_counter() - began)

    @staticmethod
    def _call(pipe: Any, prompts: list[str], seeds: list[int], arguments: Mapping[str, Any]) -> Any:
        noise = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        arguments = dict(arguments)
        if arguments.get("negative_prompt") is not None:
            arguments["negative_prompt"] = [arguments["negative_prompt"]] * len(prompts)
        with torch.inference_mode():
            return pipe(prompt=prompts, generator=noise, output_type="pt", **arguments)

    def _outcomes(self, batch: Sequence[Sample], output: Any, seconds: float, turn: int = 0) -> list[Outcome]:
        images = output.images
        flags = getattr(output, "nsfw_content_detected", None) or [None] * len(batch)
        share = seconds / len(batch)
        return [
            _outcome(sample, image, flag, share, turn) for sample, image, flag in zip(batch, images, flags, strict=True)
        ]

    def _arguments(self, pipe: Any, leave_out: Sequence[str] = ()) -> dict[str, Any]:
        known = inspect.signature(pipe.__call__).parameters
        given: dict[str, Any] = {}
        settings = dict(self._settings)
        if settings["size"] is not None:
            settings["width"] = settings["width"] or settings["size"]
            settings["height"] = settings["height"] or settings["size"]
        for name in _PASSED:
            if settings[name] is None or name in leave_out:
                continue
            keyword = _CALL.get(name, name)
            if keyword not in known:
                raise BadSettings(f"{self.name}: {type(pipe).__name__} takes no {keyword}. Leave {name} out.")
            given[keyword] = settings[name]
        return given

    # -- loading -------------------------------------------------------------------------------------------------

    def _loaded(self) -> Any:
        if self._pipe is None:
            pipe = _load(self._source, self._card, self._settings)
            if self._settings["scheduler"]:
                pipe.scheduler = _scheduler(str(self._settings["scheduler"]), pipe, self.name)
            if self._settings["lora"]:
                _add_lora(pipe, str(self._settings["lora"]), float(self._settings["lora_scale"]), self.name)
            if self._settings["tiling"] and hasattr(pipe, "vae"):
                pipe.vae.enable_tiling()
            self._place(pipe)
            pipe.set_progress_bar_config(disable=True)
            self._pipe = pipe
        return self._pipe

    def _place(self, pipe: Any) -> None:
        device = _device(str(self._settings["device"]))
        match self._settings["offload"]:
            case "none":
                pipe.to(device)
                if device == "cpu":
                    lay_out_for_cores(pipe)
            case "model":
                pipe.enable_model_cpu_offload(device=device)
            case "sequential":
                pipe.enable_sequential_cpu_offload(device=device)
        if self._settings["compile"]:
            part = "transformer" if getattr(pipe, "transformer", None) is not None else "unet"
            getattr(pipe, part).compile(dynamic=True)

    def _editing(self) -> Any:
        if self._editor is None:
            try:
                self._editor = diffusers.AutoPipelineForImage2Image.from_pipe(self._loaded())
            except (ValueError, AttributeError) as error:
                raise BadSettings(
                    f"{self.name}: this pipeline cannot edit ({_line(error)}). Leave edits out."
                ) from error
            self._editor.set_progress_bar_config(disable=True)
        return self._editor


def _checked(card: Card) -> dict[str, Any]:
    settings = fill(card, DEFAULTS)
    for name, allowed in (("dtype", ("auto", *_DTYPES)), ("offload", ("none", "model", "sequential"))):
        if settings[name] not in allowed:
            raise BadSettings(f"{card.name}: {name} is {settings[name]!r}. Choose from {', '.join(allowed)}.")
    for name in ("steps", "width", "height", "size", "batch"):
        value = settings[name]
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise BadSettings(f"{card.name}: {name} is {value!r}. Give a whole number, 1 or more.")
    return settings


def _found(source: str) -> str:
    """A folder that ships or stands here, or else the source as it is: a hub id."""
    for folder in (Path(source), shipped("models") / source):
        if (folder / "model_index.json").is_file():
            return str(folder)
    if Path(source).is_dir():
        raise BadInput(f"{source} is no diffusers folder: there is no model_index.json in it. Name one that has it.")
    if source.count("/") != 1 or source.startswith((".", "/", "~")):
        raise BadInput(f"no model folder at {source!r}, and it is no hub id (organisation/model). Check the path.")
    return source


def _load(source: str, card: Card, settings: Mapping[str, Any]) -> Any:
    options: dict[str, Any] = {
        "dtype": _dtype(str(settings["dtype"]), str(settings["device"])),
        "use_safetensors": True,
        "variant": settings["variant"],
    }
    if card.revision and not card.revision.startswith("sha256:"):
        options["revision"] = card.revision
    if settings["trust_remote_code"]:
        options["trust_remote_code"] = True
    try:
        with _no_loading_bars():
            return _from_pretrained(source, options)
    except Exception as error:
        raise _loading_error(source, card, error) from error


def _from_pretrained(source: str, options: Mapping[str, Any]) -> Any:
    try:
        return diffusers.AutoPipelineForText2Image.from_pretrained(source, **options)
    except ValueError as error:
        # Younger pipelines are not in the automatic table yet; their own index names the class.
        if "AutoPipeline" not in str(error):
            raise
        return diffusers.DiffusionPipeline.from_pretrained(source, **options)


@contextlib.contextmanager
def _no_loading_bars() -> Iterator[None]:
    """Hide the libraries' progress bars while a pipeline loads; the run shows its own."""
    enabled = [log for log in (diffusers.utils.logging, transformers.utils.logging) if log.is_progress_bar_enabled()]
    for log in enabled:
        log.disable_progress_bar()
    try:
        yield
    finally:
        for log in enabled:
            log.enable_progress_bar()


def _loading_error(source: str, card: Card, error: Exception) -> Exception:
    names = {kind.__name__ for kind in type(error).__mro__}
    if Path(source).is_dir():
        if "SafetensorError" in names or "safetensors" in str(error).lower() or isinstance(error, RuntimeError):
            return BadWeights(
                f"{card.name}: the weights in {source} cannot be loaded ({_line(error)}). Fetch them again."
            )
        return BadInput(f"{card.name}: {source} cannot be loaded ({_line(error)}).")
    if "GatedRepoError" in names:
        return GeneratorClosed(f"{card.name}: {source} is gated. Accept its licence on the hub and log in there.")
    if "RepositoryNotFoundError" in names or "RevisionNotFoundError" in names:
        return GeneratorClosed(f"{card.name}: the hub knows no {source!r} at that revision. Check the id.")
    return GeneratorClosed(
        f"{card.name}: {source} could not be loaded ({_line(error)}). "
        "If the hub is out of reach, name a local folder instead: diffusers:FOLDER."
    )


def _verify(source: str, card: Card) -> None:
    """Refuse weights whose hash is not the card's."""
    found = weights_digest(Path(source))
    wanted = card.revision.removeprefix("sha256:")
    if not found.startswith(wanted):
        raise BadWeights(
            f"{card.name}: the weights in {source} have the hash {found[:16]}, the card says {wanted[:16]}. "
            "They are damaged or were changed; fetch them again."
        )


def weights_digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of every safetensors file under a folder, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _scheduler(name: str, pipe: Any, card: str) -> Any:
    kind = getattr(diffusers, name, None)
    if kind is None or not hasattr(kind, "from_config"):
        known = sorted(n for n in dir(diffusers) if n.endswith("Scheduler"))
        raise BadSettings(f"{card}: no scheduler {name!r}. Known: {', '.join(known)}.")
    return kind.from_config(pipe.scheduler.config)


def _add_lora(pipe: Any, source: str, scale: float, card: str) -> None:
    if not hasattr(pipe, "load_lora_weights"):
        raise BadSettings(f"{card}: {type(pipe).__name__} takes no LoRA. Leave lora out.")
    try:
        pipe.load_lora_weights(source, use_safetensors=True, adapter_name="lora")
        pipe.set_adapters(["lora"], [scale])
    except ImportError as error:
        raise BadSettings(f"{card}: LoRA weights need the package peft. Install it with: pip install peft") from error
    except Exception as error:
        raise BadWeights(f"{card}: the LoRA {source} cannot be loaded ({_line(error)}).") from error


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def lay_out_for_cores(pipe: Any) -> None:
    """Put the channels of flat convolutions last, as a CPU reads them fastest; the pictures stay the same, to rounding."""
    for net in (getattr(pipe, "unet", None), getattr(pipe, "vae", None)):
        for layer in net.modules() if net is not None else ():
            if isinstance(layer, torch.nn.Conv2d):
                layer.to(memory_format=torch.channels_last)


def _dtype(wanted: str, device: str) -> Any:
    if wanted != "auto":
        return getattr(torch, _DTYPES[wanted])
    device = _device(device)
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float32


def _outcome(sample: Sample, image: Any, flag: bool | None, seconds: float, turn: int) -> Outcome:
    if bool(torch.isnan(image).any()):
        return _failure(sample, Fault.CRASH, "the pipeline gave NaN pixels; try dtype=fp32 or bf16", turn=turn)
    # NaN pixels would round to black as well; with those ruled out, black is a picture withheld.
    black = bool((image <= 1 / 255).all())
    if flag or black:
        return Refusal(
            key=sample.key,
            turn=turn,
            reason=Reason.SILENT,
            category="sexual" if flag else "",
            code="nsfw_content_detected" if flag else "black_picture",
            words="the pipeline's own safety checker withheld the picture" if flag else "",
            stage=Stage.PICTURE,
            seconds=seconds,
            pixels=image,
        )
    return Picture(key=sample.key, turn=turn, pixels=image, seconds=seconds)


def _from_exception(sample: Sample, error: Exception) -> Outcome:
    if isinstance(error, BadSettings | GeneratorClosed | BadInput | BadWeights):
        raise error
    words = str(error)
    if "Guardrail" in words:
        return Refusal(
            key=sample.key, reason=Reason.UNEXPLAINED, words=words[:500], stage=Stage.PROMPT, code="guardrail"
        )
    return _failure(sample, Fault.CRASH, _line(error))


def _failure(sample: Sample, fault: Fault, message: str, turn: int = 0) -> Failure:
    return Failure(key=sample.key, turn=turn, fault=fault, message=message)


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:300]
