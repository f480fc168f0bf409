"""A generator whose samples are made by workers; to the engine it is a generator like any other."""

from __future__ import annotations

import collections
import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

from countcheck.engine.pipeline import DetectedOutcome
from countcheck.engine.workers.crew import CallFailed, Crew, WorkerHandle, WorkerLost, rebuilt
from countcheck.engine.workers.size import PoolSize
from countcheck.engine.workers.worker import LoadModels, WorkerError, WorkerSetup
from countcheck.errors import GeneratorClosed
from countcheck.files import PART, atomic_write
from countcheck.generators.base import Closable, Dialogue, Generator, Traits
from countcheck.generators.outcome import Failure, Fault, Outcome
from countcheck.images.convert import as_rgb
from countcheck.images.types import Pixels
from countcheck.storage.picture_files import FolderFiles, open_files
from countcheck.suites.samples import Recipe, Sample
from countcheck.suites.suite import Noun, Target

_MAX_CHUNK = 16  # samples that a worker is given at a time
_MIN_CHUNK = 4
_CHUNK_SECONDS = 8.0  # of work in one chunk: as much may be lost with a worker
_LEAST_SECONDS = 0.5  # of work in one chunk: less is not worth a call
_AHEAD = 2  # chunks that a worker has: one being made, one waiting
_TRIES = 3  # times that a worker may be lost over a sample before that counts as the sample's fault
_POLL = 0.5  # seconds between two looks at whether to stop
_SLOW_START = 60.0  # seconds after which the user is told that no worker has started yet


class WorkerPool:
    """A generator whose samples are made by workers.

    Args:
        local: The head's own generator: its name, traits and recipe count, and it opens conversations.
        setup: What workers load, detect and save; see `WorkerSetup`. Its probe is made here.
        start: Starts one worker.
        size: Returns how many there are to be, once they are needed.
        active: Shared by the pools of a run: the one that has workers, since only one at a time has the devices.

    Attributes:
        lost_workers: How many were lost so far.
    """

    def __init__(
        self,
        local: Generator,
        setup: WorkerSetup,
        start: Callable[[WorkerSetup], WorkerHandle],
        size: Callable[[], PoolSize],
        *,
        active: list[WorkerPool] | None = None,
    ) -> None:
        self._local: Any = local
        self._setup = setup
        self._start = start
        self._size = size
        self._active: list[WorkerPool] = [] if active is None else active
        self._crew: Crew | None = None
        self._probe: Path | None = None
        self._stopped = False
        self.lost_workers = 0
        self._lock = threading.Lock()
        self._made: collections.Counter[str] = collections.Counter()
        self._message: Callable[[str], None] = lambda sentence: None
        self._report_made: Callable[[Mapping[str, int]], None] = lambda made: None

    @property
    def name(self) -> str:
        """Name the generator as the user does."""
        return str(self._local.name)

    @property
    def traits(self) -> Traits:
        """The head's own, its cores free; where it edits, all workers edit at once."""
        traits: Traits = replace(self._local.traits, on_cores=False)
        if traits.converses or not traits.edits:
            return traits
        return replace(traits, concurrency=max(traits.concurrency, self._size().highest))

    @property
    def recipe(self) -> Recipe:
        """The head's own: where a picture is made does not change it."""
        recipe: Recipe = self._local.recipe
        return recipe

    def report_workers(self, message: Callable[[str], None], made: Callable[[Mapping[str, int]], None]) -> None:
        """Call ``message`` with sentences about workers, and ``made`` with the number of outcomes of each."""
        self._message, self._report_made = message, made

    def stop(self) -> None:
        """Give out no more samples, and let every worker finish what it has begun."""
        self._stopped = True
        crew = self._crew
        for worker in crew.ready if crew else ():
            worker.call("stop")

    def release_workers(self) -> None:
        """End the workers; others are started when there is work again."""
        with self._lock:
            if self._crew is not None:
                self._crew.end()
            self._crew = None
            if self._probe is not None:
                self._probe.unlink(missing_ok=True)
            self._probe = None

    def close(self) -> None:
        """End the workers, and release what the head holds."""
        self.release_workers()
        if isinstance(self._local, Closable):
            self._local.close()

    def open(self, sample: Sample) -> Dialogue:
        """Open a conversation with the head's own generator, which gets the devices of the workers."""
        self.release_workers()
        dialogue: Dialogue = self._local.open(sample)
        return dialogue

    def edit(self, sample: Sample, pixels: Pixels, instruction: str, turn: int, targets: Sequence[Target]) -> Outcome:
        """Edit a picture on the next worker in turn."""
        crew = self._ready_crew()
        crew.fit(self._size().highest)
        while not crew.ready and crew.starting:
            for done in wait(list(crew.starting), return_when=FIRST_COMPLETED).done:
                crew.welcome(done)
        workers = crew.in_turn()
        if not workers:
            message = f"a worker was lost: {crew.loss}."
            return Failure(key=sample.key, turn=turn, fault=Fault.CRASH, message=message)
        try:
            outcome: Outcome = workers[0].call("edit", sample, as_rgb(pixels), instruction, turn, targets).result()
        except WorkerLost as lost:
            self.lost_workers += crew.drop(workers[0], str(lost))
            return Failure(key=sample.key, turn=turn, fault=Fault.CRASH, message=f"a worker was lost: {lost}.")
        except CallFailed as failed:
            return Failure(key=sample.key, turn=turn, fault=Fault.CRASH, message=f"a worker failed: {failed}.")
        return outcome

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """Yield one outcome per sample, as the workers bring them; see `generate_detected`."""
        for detected in self.generate_detected(samples):
            yield detected.outcome

    def generate_detected(self, samples: Sequence[Sample]) -> Iterator[DetectedOutcome]:
        """Yield one outcome per sample with its detections and its file, as the workers bring them.

        A worker that is lost is replaced and its samples are given out again, one by one; a sample over which workers are
        lost again and again is a failure. A worker without memory leaves its samples to the others.

        Raises:
            CountcheckError: What a worker's generator raised, after everything in progress has been brought.
            GeneratorClosed: When no worker is left.
        """
        self._stopped = False
        crew, size = self._ready_crew(), self._size()
        schedule = _Schedule(samples, size.highest)
        for worker in crew.ready:
            worker.call("resume")
        waited = 0.0
        while schedule.unfinished:
            if not self._stopped and schedule.error is None:
                crew.fit(schedule.wanted)
                for worker in crew.in_turn():
                    schedule.assign(worker)
                    if schedule.is_idle(worker):
                        crew.release(worker)
            elif not schedule.in_progress:
                break
            if not schedule.in_progress and not crew.starting:
                break
            done = wait([*schedule.in_progress, *crew.starting], timeout=_POLL, return_when=FIRST_COMPLETED).done
            if not crew.ready and waited < _SLOW_START <= (waited := waited + (0 if done else _POLL)):
                self._message(f"{self.name}: no worker has started yet{size.needs and f'; each needs {size.needs}'}")
            for future in done:
                if future in crew.starting:
                    crew.welcome(future)
                else:
                    yield from self._collect(schedule, crew, future)
        if schedule.error is not None:
            raise rebuilt(schedule.error)
        if schedule.waiting and not self._stopped:
            raise GeneratorClosed(
                f"{self.name}: every worker was lost ({crew.loss}). Look at the machines; the same command goes on."
            )

    def _collect(self, schedule: _Schedule, crew: Crew, future: Future[Any]) -> Iterator[DetectedOutcome]:
        """The outcomes of a call that is done, or of a lost one the failures of samples lost too often."""
        worker = schedule.in_progress[future][0]
        try:
            outcomes = schedule.collect(future)
        except WorkerLost as lost:
            self.lost_workers += crew.drop(worker, str(lost))
            outcomes = schedule.give_out_again(future, str(lost))
        except CallFailed as failed:
            outcomes = schedule.give_out_again(future, str(failed))
        if schedule.retired is not None:
            crew.retire(worker, schedule.retired)
            schedule.retired = None
        if outcomes:
            self._made[worker.name] += len(outcomes)
            self._report_made(dict(self._made))
        yield from outcomes

    def _ready_crew(self) -> Crew:
        """The crew, made on first use, once that of the generator before, which holds its devices, has ended."""
        with self._lock:
            if self._crew is None:
                for pool in self._active:
                    if pool is not self:
                        pool.release_workers()
                self._active[:] = [self]
                size, setup = self._size(), self._with_probe()
                started: list[WorkerHandle] = []

                def start() -> WorkerHandle:
                    # The first one says what all would say.
                    started.append(self._start(replace(setup, quiet=bool(started))))
                    return started[-1]

                self._crew = Crew(
                    start,
                    lowest=size.lowest,
                    highest=size.highest,
                    message=lambda sentence: self._message(sentence),
                )
            return self._crew

    def _with_probe(self) -> WorkerSetup:
        """The setup with a file that shows a worker whether it sees the head's folder."""
        files = open_files(self._setup.pictures)
        if not self._setup.probe or not isinstance(files, FolderFiles):
            return replace(self._setup, probe="")
        name = f"images/.{secrets.token_hex(8)}{PART}"
        self._probe = files.folder / name
        with contextlib.suppress(OSError):  # a full disk is found again where pictures are written
            atomic_write(self._probe, b"seen")
        return replace(self._setup, pictures=str(files.folder), probe=name)


class _Schedule:
    """The samples of one `generate_detected`: waiting, and in progress on a worker.

    Attributes:
        waiting: Samples that no worker has.
        in_progress: Call to its worker and samples.
        error: What ended a worker's generator for all; ``None`` while none has ended.
        retired: What ended the generator of the worker that was collected last, and of no other.
    """

    def __init__(self, samples: Sequence[Sample], workers: int) -> None:
        self.waiting = collections.deque(samples)
        self.in_progress: dict[Future[Any], tuple[WorkerHandle, Sequence[Sample]]] = {}
        self.error: WorkerError | None = None
        self.retired: WorkerError | None = None
        self._workers = max(1, workers)
        self._seconds, self._count = 0.0, 0
        self._suspects: collections.Counter[str] = collections.Counter()

    @property
    def unfinished(self) -> bool:
        """Whether any sample waits or is in progress."""
        return bool(self.waiting or self.in_progress)

    @property
    def wanted(self) -> int:
        """Workers that there is work for."""
        return len({id(worker) for worker, _ in self.in_progress.values()}) + len(self.waiting)

    def is_idle(self, worker: WorkerHandle) -> bool:
        """Whether a worker has nothing, and nothing waits for it."""
        return not self.waiting and all(other is not worker for other, _ in self.in_progress.values())

    def assign(self, worker: WorkerHandle) -> None:
        """Give a worker samples until it has enough."""
        given = [chunk for other, chunk in self.in_progress.values() if other is worker]
        while self.waiting and len(given) < _AHEAD:
            # Beside a sample that may end its worker nothing waits, or it would be lost as well.
            if given and any(self._is_suspect(chunk[0]) for chunk in (self.waiting, *given)):
                break
            chunk = self._next_chunk()
            self.in_progress[worker.call("make", chunk)] = (worker, chunk)
            given.append(chunk)

    def _is_suspect(self, sample: Sample) -> bool:
        """Whether a worker was lost over this sample, or over one of those that it was among."""
        return sample.key in self._suspects

    def collect(self, future: Future[Any]) -> list[DetectedOutcome]:
        """The outcomes of a call that is done. Raises `WorkerLost` or `CallFailed`, and stays in progress then."""
        outcomes, error = future.result()
        _, chunk = self.in_progress.pop(future)
        brought = {made.outcome.key for made in outcomes}
        self._count += len(outcomes)
        self._seconds += sum(made.outcome.seconds for made in outcomes)
        for key in brought:
            self._suspects.pop(key, None)
        if error is not None:
            if error.only_here:
                self.retired = error
                self.waiting.extendleft(sample for sample in reversed(chunk) if sample.key not in brought)
            else:
                self.error = error
        return list(outcomes)

    def give_out_again(self, future: Future[Any], loss: str) -> list[DetectedOutcome]:
        """Put a lost call's samples back, to go out one by one; returns failures for samples that were lost too often.

        They wait behind all others: a worker that was lost for a reason of its own is hardly lost over the same again.
        """
        _, chunk = self.in_progress.pop(future)
        failures = []
        for sample in chunk:
            self._suspects[sample.key] += len(chunk) == 1  # among others it may have been another
            if self._suspects[sample.key] >= _TRIES:
                del self._suspects[sample.key]
                message = f"a worker was lost over it {_TRIES} times: {loss}."
                failure = Failure(key=sample.key, fault=Fault.CRASH, message=message)
                failures.append(DetectedOutcome(outcome=failure))
            else:
                self.waiting.append(sample)
        return failures

    def _next_chunk(self) -> list[Sample]:
        if self._is_suspect(self.waiting[0]):
            return [self.waiting.popleft()]
        each = self._seconds / self._count if self._count else 0.0
        size = min(_MAX_CHUNK, max(_MIN_CHUNK, int(_CHUNK_SECONDS / each))) if each else _MIN_CHUNK
        if self._workers > 1:  # small towards the end, where one worker would work while the others have nothing
            least = max(1, int(_LEAST_SECONDS / each)) if each else 1
            size = min(size, max(least, len(self.waiting) // (_AHEAD * self._workers)))
        chunk: list[Sample] = []
        while self.waiting and len(chunk) < size and not self._is_suspect(self.waiting[0]):
            chunk.append(self.waiting.popleft())
        return chunk


def pool_setup(load_models: LoadModels, nouns: Sequence[Noun], pictures: str, image_format: str) -> WorkerSetup:
    """Return what the workers of a run are started with; those that may be on other machines look for a probe."""
    return WorkerSetup(
        load_models=load_models, nouns=tuple(nouns), pictures=pictures, image_format=image_format, probe="wanted"
    )
