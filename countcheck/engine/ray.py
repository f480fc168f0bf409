"""The same run over many machines: workers, which are Ray actors, generate and detect; the head alone keeps the run.

Only generators that compute are spread over workers. A generator that waits for a network, or that gains nothing from
batches, works on the head: its rate limits are counted in one place, and keys never travel. A run begun on one machine
can be continued over many, and the other way round.
"""

from __future__ import annotations

import collections
import functools
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from countcheck import errors
from countcheck.cards import Card
from countcheck.counting.counter import Counter, load_counter
from countcheck.detectors.base import Detections
from countcheck.engine.config import RunConfig
from countcheck.engine.context import Decide
from countcheck.engine.pipeline import DetectedOutcome
from countcheck.engine.progress import Progress
from countcheck.engine.run import load_generator, run
from countcheck.engine.scoring import nouns_of
from countcheck.errors import CountcheckError, GeneratorClosed, MissingExtra
from countcheck.generators.base import Closable, CoversSamples, Dialogue, Generator, Stoppable, Traits
from countcheck.generators.outcome import Failure, Fault, Outcome, Picture
from countcheck.images.convert import as_rgb
from countcheck.images.types import Pixels
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.samples import Recipe, Sample
from countcheck.suites.suite import Noun, Target

try:
    import ray
    from ray.exceptions import ActorDiedError, RayError
except ImportError as error:
    raise MissingExtra("ray", feature="--engine ray") from error

_CHUNK = 16  # samples that a worker is given at a time
_AHEAD = 2  # chunks that a worker has: one being made, one waiting
_TRIES = 3  # times that a worker may die over a sample before that counts as the sample's fault
_PATIENCE = 600.0  # seconds for a worker to be started anew, its models loaded

# Loads a worker's generator and counter.
LoadModels: TypeAlias = Callable[[], tuple[Generator, Counter]]
# Name and message of the error that ended a worker's generator.
RemoteError: TypeAlias = tuple[str, str]


def run_on_ray(
    config: RunConfig,
    counter: str,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    decide: Decide | None = None,
    workers: int | None = None,
) -> RunFolder:
    """Make a run as `countcheck.engine.run.run` does, with generation and detection spread over a Ray cluster.

    The cluster is the one that ``RAY_ADDRESS`` names, else the one that runs on this machine, else one started here.

    Args:
        config: What to make.
        counter: Spec of the counter; every worker loads its own.
        progress: Receives what happens.
        stop: Set it from another thread, and the run ends with what is in progress.
        decide: Called after every batch; a sentence ends the run.
        workers: Number for each generator, 1 or more; by default one per GPU of the cluster, else one per two cores.

    Returns:
        The run folder, still open.

    Raises:
        CountcheckError: As `countcheck.engine.run.run` does, and when no cluster answers.
        GeneratorClosed: When no worker is left.
    """
    started = _join()
    try:
        nouns = nouns_of(config.selected_suite())
        active: list[RayGenerator] = []

        def load(card: Card) -> Generator:
            generator = load_generator(card)
            if generator.traits.remote or not generator.traits.batched or isinstance(generator, CoversSamples):
                return generator
            # The loaders are bound by value: a worker uses the very functions that the head does.
            load_models = functools.partial(_load_models, load_generator, card, load_counter, counter)
            return RayGenerator(generator, load_models, nouns, workers=workers, active=active)

        return run(config, load_counter(counter), progress=progress, stop=stop, decide=decide, load=load)
    finally:
        if started:
            ray.shutdown()


def _join() -> bool:
    """Join a cluster, or start one on this machine; returns whether one was started and is to be shut down."""
    if ray.is_initialized():
        return False
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    address = os.environ.get("RAY_ADDRESS", "")
    try:
        ray.init(address=address or "auto", **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        if address:
            raise CountcheckError(
                f"no Ray cluster answers at {address}. Begin one there, or unset RAY_ADDRESS."
            ) from error
        ray.init(address="local", include_dashboard=False, **quiet)
    return True


def _load_models(
    load: Callable[[Card], Generator], card: Card, load_counting: Callable[[str], Counter], counter: str
) -> tuple[Generator, Counter]:
    return load(card), load_counting(counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOutcome:
    """One outcome as it travels: without its pixels, which travel beside it as an array, and with its detections."""

    outcome: Outcome
    pixels: np.ndarray[Any, Any] | None = None
    detections: Detections | None = None

    @classmethod
    def of(cls, outcome: Outcome, detections: Detections | None = None) -> WorkerOutcome:
        """Take the pixels out of an outcome."""
        if isinstance(outcome, Failure) or outcome.pixels is None:
            return cls(outcome=outcome)
        bare: Outcome = replace(outcome, pixels=None)  # type: ignore[arg-type]
        return cls(outcome=bare, pixels=as_rgb(outcome.pixels), detections=detections)

    def unpack(self) -> DetectedOutcome:
        """Put the pixels back."""
        if self.pixels is None or isinstance(self.outcome, Failure):
            return DetectedOutcome(outcome=self.outcome)
        return DetectedOutcome(outcome=replace(self.outcome, pixels=self.pixels), detections=self.detections)


class Worker:
    """What runs on another machine, as a Ray actor: one generator and one counter, loaded once."""

    def __init__(self, load_models: LoadModels, nouns: tuple[Noun, ...]) -> None:
        self._nouns = nouns
        self._generator: Any = None
        self._error: RemoteError | None = None
        try:
            self._generator, self._counter = load_models()
        except CountcheckError as error:  # kept for the first call: an error in here would lose its message
            self._error = (type(error).__name__, str(error))

    def make(self, samples: Sequence[Sample]) -> tuple[list[WorkerOutcome], RemoteError | None]:
        """Generate and detect samples; returns the outcomes, and the error that ended the generator early, if any."""
        if self._error is not None:
            return [], self._error
        outcomes: list[Outcome] = []
        error: RemoteError | None = None
        try:
            for outcome in self._generator.generate(samples):
                outcomes.append(outcome)
        except CountcheckError as ended:
            error = (type(ended).__name__, str(ended))
        return self._detect(outcomes, samples), error

    def edit(
        self, sample: Sample, pixels: Any, instruction: str, turn: int, targets: Sequence[Target]
    ) -> WorkerOutcome:
        """Edit a picture; the head detects it, because it knows the turn's style."""
        if self._error is not None:
            failure = Failure(key=sample.key, turn=turn, fault=Fault.CRASH, message=self._error[1])
            return WorkerOutcome(outcome=failure)
        return WorkerOutcome.of(self._generator.edit(sample, pixels, instruction, turn, targets))

    @ray.method(concurrency_group="control")
    def is_alive(self) -> bool:
        """Answer."""
        return True

    @ray.method(concurrency_group="control")
    def stop(self) -> None:
        """Begin no other samples."""
        if isinstance(self._generator, Stoppable):
            self._generator.stop()

    def _detect(self, outcomes: Sequence[Outcome], samples: Sequence[Sample]) -> list[WorkerOutcome]:
        """The outcomes ready to travel, their pictures detected where they were made."""
        if self._counter.chooses_views:  # the head finds out which views pay
            return [WorkerOutcome.of(outcome) for outcome in outcomes]
        style = {sample.key: sample.asked.tags.get("style") for sample in samples}
        pictures = [outcome for outcome in outcomes if isinstance(outcome, Picture)]
        detections = self._counter.detect(
            [picture.pixels for picture in pictures], self._nouns, [style.get(picture.key) for picture in pictures]
        )
        by_key = {picture.key: each for picture, each in zip(pictures, detections, strict=True)}
        return [WorkerOutcome.of(outcome, by_key.get(outcome.key)) for outcome in outcomes]


class RayGenerator:
    """A generator whose samples are made by workers; to the engine it is a generator like any other.

    Args:
        local: The head's own generator: its name, traits and recipe count, and it opens conversations.
        load_models: Loads a worker's generator and counter.
        nouns: What the workers detect.
        workers: Number, 1 or more; ``None`` for what suits the cluster.
        active: Shared by the generators of a run: the one that has workers, since only one at a time has the GPUs.
    """

    def __init__(
        self,
        local: Generator,
        load_models: LoadModels,
        nouns: Sequence[Noun],
        *,
        workers: int | None = None,
        active: list[RayGenerator] | None = None,
    ) -> None:
        self._local: Any = local
        self._load_models = load_models
        self._nouns = tuple(nouns)
        self._wanted = workers
        self._workers: list[Any] = []
        self._stopped = False
        self._next = 0
        self._start_lock = threading.Lock()
        self._active: list[RayGenerator] = [] if active is None else active

    @property
    def name(self) -> str:
        """Name the generator as the user does."""
        return str(self._local.name)

    @property
    def traits(self) -> Traits:
        """The head's own; where it edits, all workers edit at once."""
        traits: Traits = self._local.traits
        if traits.converses or not traits.edits:
            return traits
        return replace(traits, concurrency=max(traits.concurrency, _shares(self._wanted)[0]))

    @property
    def recipe(self) -> Recipe:
        """The head's own: where a picture is made does not change it."""
        recipe: Recipe = self._local.recipe
        return recipe

    def stop(self) -> None:
        """Give out no more samples, and let every worker finish what it has."""
        self._stopped = True
        for worker in self._workers:
            worker.stop.remote()

    def release_workers(self) -> None:
        """End the workers; others are started when there is work again."""
        for worker in self._workers:
            ray.kill(worker)
        self._workers = []

    def close(self) -> None:
        """End the workers, and release what the head holds."""
        self.release_workers()
        if isinstance(self._local, Closable):
            self._local.close()

    def open(self, sample: Sample) -> Dialogue:
        """Open a conversation with the head's own generator."""
        dialogue: Dialogue = self._local.open(sample)
        return dialogue

    def edit(self, sample: Sample, pixels: Pixels, instruction: str, turn: int, targets: Sequence[Target]) -> Outcome:
        """Edit a picture on the next worker in turn."""
        worker = self._in_turn()[0]
        task = worker.edit.remote(sample, as_rgb(pixels), instruction, turn, targets)
        try:
            made: WorkerOutcome = ray.get(task)
        except RayError as error:
            message = f"a worker was lost: {_first_line(error)}."
            return Failure(key=sample.key, turn=turn, fault=Fault.CRASH, message=message)
        return made.unpack().outcome

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """Yield one outcome per sample, as the workers bring them; see `generate_detected`."""
        for detected in self.generate_detected(samples):
            yield detected.outcome

    def generate_detected(self, samples: Sequence[Sample]) -> Iterator[DetectedOutcome]:
        """Yield one outcome per sample with its detections, as the workers bring them.

        A worker that dies is started anew and its samples are given out again, one by one; a sample over which workers
        keep dying is a failure.

        Raises:
            CountcheckError: What a worker's generator raised, after everything in progress has been brought.
            GeneratorClosed: When no worker is left.
        """
        self._stopped = False
        schedule = _Schedule(_chunks(samples, len(self._ready())))
        while schedule.unfinished:
            if not self._stopped and schedule.error is None:
                for worker in self._in_turn() if self._workers else ():
                    schedule.assign(worker)
            if not schedule.in_progress:
                break
            for made in schedule.collect():
                yield made.unpack()
            if schedule.lost_worker is not None and not _is_alive(schedule.lost_worker):
                self._workers = [worker for worker in self._workers if worker is not schedule.lost_worker]
        if schedule.error is not None:
            raise _rebuilt(*schedule.error)
        if schedule.waiting and not self._stopped:
            raise GeneratorClosed(
                f"{self.name}: every worker was lost ({schedule.loss}). Look at the cluster; the same command goes on."
            )

    def _in_turn(self) -> list[Any]:
        """The workers, another one first every time."""
        workers = self._ready()
        self._next = (self._next + 1) % len(workers)
        return workers[self._next :] + workers[: self._next]

    def _ready(self) -> list[Any]:
        """The workers, started on first use, once those of the generator before, which hold its GPUs, have ended."""
        with self._start_lock:
            if not self._workers:
                for generator in self._active:
                    generator.release_workers()
                self._active[:] = [self]
                count, share = _shares(self._wanted)
                groups = {"control": 1}
                actor = ray.remote(max_restarts=-1, max_concurrency=1, concurrency_groups=groups, **share)(Worker)
                self._workers = [actor.remote(self._load_models, self._nouns) for _ in range(count)]
            return list(self._workers)


class _Schedule:
    """The chunks of samples of one `generate_detected`: waiting, and in progress on a worker.

    Attributes:
        waiting: Chunks that no worker has.
        in_progress: Task to its worker and chunk.
        error: What ended a worker's generator; ``None`` while none has ended.
        lost_worker: The worker that the last `collect` found lost; ``None`` when it found none.
        loss: Why a worker was lost last.
    """

    def __init__(self, chunks: Iterator[Sequence[Sample]]) -> None:
        self.waiting = collections.deque(chunks)
        self.in_progress: dict[Any, tuple[Any, Sequence[Sample]]] = {}
        self.error: RemoteError | None = None
        self.lost_worker: Any = None
        self.loss = ""
        self._tries: collections.Counter[str] = collections.Counter()

    @property
    def unfinished(self) -> bool:
        """Whether any chunk waits or is in progress."""
        return bool(self.waiting or self.in_progress)

    def assign(self, worker: Any) -> None:
        """Give a worker chunks until it has enough."""
        busy = sum(1 for other, _ in self.in_progress.values() if other is worker)
        # Behind a sample that may kill its worker nothing waits, or it would be lost as well.
        ahead = 1 if self._tries else _AHEAD
        while self.waiting and busy < ahead:
            chunk = self.waiting.popleft()
            self.in_progress[worker.make.remote(chunk)] = (worker, chunk)
            busy += 1

    def collect(self) -> list[WorkerOutcome]:
        """Wait for one task and return its outcomes; of a lost worker, the failures of samples lost too often."""
        (task,), _ = ray.wait(list(self.in_progress), num_returns=1)
        worker, chunk = self.in_progress.pop(task)
        self.lost_worker = None
        try:
            outcomes, error = ray.get(task)
        except RayError as loss:
            self.lost_worker, self.loss = worker, _first_line(loss)
            return self._give_out_again(chunk)
        if error is not None:
            self.error = error
        return list(outcomes)

    def _give_out_again(self, chunk: Sequence[Sample]) -> list[WorkerOutcome]:
        """Put a lost chunk's samples back one by one; returns failures for samples that were lost too often."""
        failures = []
        for sample in chunk:
            self._tries[sample.key] += 1
            if self._tries[sample.key] >= _TRIES:
                message = f"a worker was lost over it {_TRIES} times: {self.loss}."
                failure = Failure(key=sample.key, fault=Fault.CRASH, message=message)
                failures.append(WorkerOutcome(outcome=failure))
            else:
                self.waiting.appendleft([sample])
        return failures


def _shares(wanted: int | None) -> tuple[int, dict[str, float]]:
    """The number of workers, and what each one takes of the cluster."""
    resources = ray.cluster_resources()
    gpus, cores = int(resources.get("GPU", 0)), int(resources.get("CPU", 1))
    count = wanted or gpus or max(1, cores // 2)
    if gpus:
        return count, {"num_gpus": gpus / count if count > gpus else 1, "num_cpus": 0}
    return count, {"num_cpus": min(1.0, cores / count)}


def _chunks(samples: Sequence[Sample], workers: int) -> Iterator[Sequence[Sample]]:
    """The samples in pieces small enough that every worker gets some, and a run can stop before its end."""
    size = max(1, min(_CHUNK, len(samples) // (4 * max(1, workers))))
    return (samples[start : start + size] for start in range(0, len(samples), size))


def _is_alive(worker: Any) -> bool:
    """Whether a worker is alive, or comes to be again; to start anew takes as long as loading does."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            return bool(ray.get(worker.is_alive.remote(), timeout=_PATIENCE))
        except ActorDiedError:
            return False
        except RayError:  # it is being started anew
            time.sleep(0.5)
    return False


def _rebuilt(name: str, message: str) -> CountcheckError:
    """A worker's error, of its own class where that can be made from a message alone."""
    kind = getattr(errors, name, CountcheckError)
    plain = isinstance(kind, type) and issubclass(kind, CountcheckError) and kind.__init__ is CountcheckError.__init__
    return kind(message) if plain else CountcheckError(message)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]
