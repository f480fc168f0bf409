"""What runs in a worker: one generator and one counter, loaded once, and the pictures' encoder.

While the pictures of one call are still being encoded and written, the next call generates. What is sent back is metadata
and detections; pixels stay where they were made.
"""

from __future__ import annotations

import functools
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.detectors.base import Detections
from countcheck.detectors.common.devices import OutOfDeviceMemory, is_out_of_memory
from countcheck.engine.pipeline import DetectedOutcome
from countcheck.errors import CountcheckError, first_line
from countcheck.generators.base import Generator, Stoppable
from countcheck.generators.outcome import Failure, Fault, Outcome, Picture
from countcheck.images.convert import as_image, as_rgb
from countcheck.images.encode import encoding_threads
from countcheck.images.types import Pixels
from countcheck.storage.picture_store import PictureWriter, StoredPicture
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Noun, Target
from countcheck.version import __version__

# Loads a worker's generator and counter.
LoadModels: TypeAlias = Callable[[], tuple[Generator, Counter]]


def model_loader(
    load: Callable[[Card], Generator], card: Card, load_counting: Callable[[str], Counter], counter: str
) -> LoadModels:
    """Return what loads a generator and a counter in a worker. The loaders travel: a worker uses those of the head."""
    return functools.partial(_load_models, load, card, load_counting, counter)


def _load_models(
    load: Callable[[Card], Generator], card: Card, load_counting: Callable[[str], Counter], counter: str
) -> tuple[Generator, Counter]:
    return load(card), load_counting(counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSetup:
    """What a worker is started with. It travels between processes.

    Attributes:
        load_models: Loads its generator and counter.
        nouns: What it detects.
        pictures: The folder or URL that it saves pictures in.
        image_format: Their format.
        probe: A file in that folder which shows that both machines mean the same one; empty where that is certain.
        quiet: Log errors alone: another worker says the rest.
    """

    load_models: LoadModels
    nouns: tuple[Noun, ...]
    pictures: str
    image_format: str
    probe: str = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerError:
    """Why a worker's generator or counter ended.

    Attributes:
        kind: Name of the exception's class.
        message: What it says.
        only_here: Whether another worker may be able: this one has no memory left.
    """

    kind: str
    message: str
    only_here: bool = False

    @classmethod
    def of(cls, error: BaseException) -> WorkerError:
        """Describe an exception."""
        only_here = isinstance(error, OutOfDeviceMemory) or is_out_of_memory(error)
        kind = OutOfDeviceMemory.__name__ if only_here else type(error).__name__
        return cls(kind=kind, message=first_line(error) if only_here else str(error), only_here=only_here)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """What a worker says once it is loaded.

    Attributes:
        host: Name of its machine.
        version: Of its countcheck.
        saves: Whether it saves pictures itself; otherwise it sends their files' bytes.
        error: Why it cannot work; ``None`` when it can.
    """

    host: str
    version: str
    saves: bool = True
    error: WorkerError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saved:
    """A picture file, and the pixels to count."""

    stored: StoredPicture
    pixels: Pixels
    data: bytes | None = None
    thumbnail: bytes | None = None


class Worker:
    """A generator, a counter and an encoder in one process. Two calls may overlap; one at a time computes.

    Args:
        setup: What it works with.
    """

    def __init__(self, setup: WorkerSetup) -> None:
        self._setup = setup
        self._turn = threading.Lock()
        self._generator: Any = None
        self._error: WorkerError | None = None
        self._stopped = False
        self._saves = True
        self._files = ThreadPoolExecutor(encoding_threads(), thread_name_prefix="files")
        if setup.quiet:
            logging.getLogger("countcheck").setLevel(logging.ERROR)
        try:
            self._generator, self._counter = setup.load_models()
            self._writer = PictureWriter(setup.pictures, setup.image_format)
            self._saves = not setup.probe or (Path(setup.pictures) / setup.probe).is_file()
        except Exception as error:  # kept for the first call: an error in here would lose its message
            if not isinstance(error, CountcheckError) and not is_out_of_memory(error):
                raise
            self._error = WorkerError.of(error)

    def hello(self) -> WorkerReport:
        """Say that the worker is loaded, or why it cannot work."""
        return WorkerReport(host=socket.gethostname(), version=__version__, saves=self._saves, error=self._error)

    def make(self, samples: Sequence[Sample]) -> tuple[list[DetectedOutcome], WorkerError | None]:
        """Generate, detect and save samples; return the outcomes, and what ended the worker early, if anything did."""
        if self._error is not None:
            return [], self._error
        with self._turn:  # the files of the call before may still be written
            outcomes, files, error = self._generate(samples)
            try:
                detections = self._detect(outcomes, files, samples)
            except Exception as lost:
                if not isinstance(lost, CountcheckError) and not is_out_of_memory(lost):
                    raise
                return [], WorkerError.of(lost)
        made = []
        for outcome in outcomes:
            try:
                made.append(self._packed(outcome, files, detections))
            except CountcheckError as lost:  # no room, no permission: the sample is owed
                error = error or WorkerError.of(lost)
        return made, error

    def edit(self, sample: Sample, pixels: Any, instruction: str, turn: int, targets: Sequence[Target]) -> Outcome:
        """Edit a picture; the head counts and saves it, because it knows what the conversation wants next."""
        if self._error is not None:
            return Failure(key=sample.key, turn=turn, fault=Fault.CRASH, message=self._error.message)
        with self._turn:
            outcome: Outcome = self._generator.edit(sample, pixels, instruction, turn, targets)
        if isinstance(outcome, Failure) or outcome.pixels is None:
            return outcome
        return replace(outcome, pixels=as_rgb(outcome.pixels))

    def stop(self) -> None:
        """Begin no other samples."""
        self._stopped = True
        if isinstance(self._generator, Stoppable):
            self._generator.stop()

    def resume(self) -> None:
        """Take samples again after `stop`."""
        self._stopped = False

    def _generate(
        self, samples: Sequence[Sample]
    ) -> tuple[list[Outcome], dict[str, Future[_Saved]], WorkerError | None]:
        """Outcomes, and by key the files that are being written meanwhile."""
        outcomes: list[Outcome] = []
        files: dict[str, Future[_Saved]] = {}
        if self._stopped:
            return outcomes, files, None
        try:
            for outcome in self._generator.generate(samples):
                if isinstance(outcome, Failure) and "out of memory" in outcome.message.lower():
                    error = WorkerError(kind=OutOfDeviceMemory.__name__, message=outcome.message, only_here=True)
                    return outcomes, files, error
                outcomes.append(outcome)
                if not isinstance(outcome, Failure) and outcome.pixels is not None:
                    files[outcome.key] = self._files.submit(self._save, outcome)
                if self._stopped:
                    break
        except Exception as error:
            if not isinstance(error, CountcheckError) and not is_out_of_memory(error):
                raise
            return outcomes, files, WorkerError.of(error)
        return outcomes, files, None

    def _save(self, outcome: Any) -> _Saved:
        """Encode a picture and its thumbnail, and write both, or keep the bytes for the head."""
        image = as_image(outcome.pixels)
        data = self._writer.encode(image)
        path = self._writer.path_of(outcome.key, outcome.turn)
        pixels = self._writer.seen(outcome.pixels, data)
        if not self._saves:
            stored = StoredPicture.of(path, data, image)
            return _Saved(stored=stored, pixels=pixels, data=data, thumbnail=self._writer.thumbnail(stored, image))
        stored = self._writer.write(path, data, image)
        self._writer.save_thumbnail(stored, image)
        return _Saved(stored=stored, pixels=pixels)

    def _detect(
        self, outcomes: Sequence[Outcome], files: dict[str, Future[_Saved]], samples: Sequence[Sample]
    ) -> dict[str, Detections]:
        """Detections of the pictures, by key; nothing where the head finds out which views pay."""
        if self._counter.chooses_views:
            return {}
        styles = {sample.key: sample.asked.tags.get("style") for sample in samples}
        pictures = [outcome for outcome in outcomes if isinstance(outcome, Picture)]
        if not self._writer.format.lossless:  # what is counted is what the file shows
            pictures = [
                replace(picture, pixels=files[picture.key].result().pixels)
                for picture in pictures
                if files[picture.key].exception() is None
            ]
        detections = self._counter.detect(
            [picture.pixels for picture in pictures], self._setup.nouns, [styles.get(p.key) for p in pictures]
        )
        return {picture.key: each for picture, each in zip(pictures, detections, strict=True)}

    @staticmethod
    def _packed(
        outcome: Outcome, files: dict[str, Future[_Saved]], detections: dict[str, Detections]
    ) -> DetectedOutcome:
        """The outcome as it travels, without its pixels."""
        if isinstance(outcome, Failure) or outcome.key not in files:
            return DetectedOutcome(outcome=outcome)
        saved = files[outcome.key].result()
        bare: Outcome = replace(outcome, pixels=None)  # type: ignore[arg-type]
        return DetectedOutcome(
            outcome=bare,
            detections=detections.get(outcome.key),
            stored=saved.stored,
            data=saved.data,
            thumbnail=saved.thumbnail,
        )
