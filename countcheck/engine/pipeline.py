"""The prompts of one generator in one run: from outcomes to files, counts, verdicts and rows.

The generator yields in the calling thread; outcomes are counted beside it or in turns with it (see
`countcheck.engine.batching`); a small pool encodes and writes the files; the ledger is written when both are done with
a picture. A picture that was paid for is in the ledger, file and entry, before it waits to be counted.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from countcheck.detectors.base import Detections
from countcheck.detectors.common.pictures import size_of
from countcheck.engine.batching import (
    BATCH,
    Asked,
    BackgroundBatcher,
    Batcher,
    InlineBatcher,
    OutcomeJob,
    PendingOutcome,
)
from countcheck.engine.context import GeneratorPlan, RunContext
from countcheck.engine.scoring import cost_of, with_numbers
from countcheck.errors import BadInput
from countcheck.generators.base import AsksAdmission, Closable, Generator, SavesOutcomes, Stoppable
from countcheck.generators.outcome import Outcome, Picture, is_interrupted
from countcheck.images.encode import encoding_threads
from countcheck.images.types import Pixels
from countcheck.storage.picture_store import StoredPicture
from countcheck.storage.records import OutcomeRecord
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Conversation, Prompt

T = TypeVar("T")
_LARGE = 16_000_000  # pixels of a picture that is not kept in memory until it is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedOutcome:
    """An outcome, and what was done with its picture where it was made.

    Attributes:
        outcome: Without its pixels when ``stored`` is there.
        detections: What was detected; ``None`` when nobody has looked.
        stored: The picture's file; ``None`` when it is not encoded yet.
        data: The bytes of that file where it is still to be written; ``None`` when it lies there.
        thumbnail: Likewise the bytes of its thumbnail.
    """

    outcome: Outcome
    detections: Detections | None = None
    stored: StoredPicture | None = None
    data: bytes | None = None
    thumbnail: bytes | None = None


@runtime_checkable
class DetectsPictures(Protocol):
    """A generator whose pictures are made by workers, and detected and saved there, with the run's counter and nouns."""

    def generate_detected(self, samples: Sequence[Sample]) -> Iterator[DetectedOutcome]:
        """Yield one outcome per sample, in any order."""
        ...


@runtime_checkable
class ReportsWorkers(Protocol):
    """A generator that can say what its workers do.

    Attributes:
        lost_workers: How many were lost so far; each may have left a file half written.
    """

    lost_workers: int

    def report_workers(self, message: Callable[[str], None], made: Callable[[Mapping[str, int]], None]) -> None:
        """Call ``message`` with sentences about workers, and ``made`` with the number of outcomes of each by its name."""
        ...


class GeneratorPipeline:
    """The prompts of one generator in one run: from outcomes to rows.

    Args:
        context: What the run shares.
        plan: The generator and its samples.
        batcher: Counts beside the generators of the run. A generator that computes on this machine's cores takes turns
            with the counter instead.
    """

    def __init__(self, context: RunContext, plan: GeneratorPlan, batcher: BackgroundBatcher) -> None:
        self._context = context
        self._shared_batcher = batcher
        self._card = plan.card
        self._generator = plan.generator
        self._paid = plan.generator.traits.remote
        self._saved: dict[str, OutcomeRecord] = {}  # outcomes whose generator waited until they were stored

    def make(self, prompts: Sequence[Sample]) -> None:
        """Generate, count and keep these samples, until all are done or the run is stopped.

        Raises:
            BadInput: When the generator yields an outcome that was not asked of it, or yields one twice.
            GeneratorClosed: When the generator refuses every request; what was made is kept.
        """
        missing = {sample.key: sample for sample in prompts}
        if self._paid and isinstance(self._generator, SavesOutcomes):
            self._generator.save = functools.partial(self._save, dict(missing))
        with (
            ThreadPoolExecutor(encoding_threads(), thread_name_prefix="files") as self._files,
            self._batcher() as batcher,
            _closing(_generate(self._generator, prompts)) as outcomes,
        ):
            stopped = False
            for detected in outcomes:
                outcome = detected.outcome
                sample = missing.pop(outcome.key, None)
                if sample is None:
                    raise BadInput(
                        f"the generator {self._card.name} gave an outcome for {outcome.key!r}, which was not asked of "
                        "it, or gave it twice. Fix the generator; `countcheck.testing` checks this."
                    )
                if is_interrupted(outcome):
                    self._context.forget(outcome)
                    continue
                # Paid at once: to wait until it is counted would let more be asked for than the budget allows.
                if not isinstance(self._generator, AsksAdmission):
                    self._context.budget.add(cost_of(outcome, self._card.price))
                start = functools.partial(self._start, sample, detected)
                batcher.take(OutcomeJob(seconds=outcome.seconds, start=start, paid=self._paid))
                if not stopped and (batcher.broken or self._context.stopped()):
                    stopped = True  # what is in progress is paid for, and accepted
                    if not isinstance(self._generator, Stoppable):
                        break
                    self._generator.stop()

    def count_uncounted(self, owed: Mapping[str, Sample]) -> set[str]:
        """Count the outcomes that an interrupted run stored and did not count.

        Args:
            owed: By key, the samples whose outcomes are wanted.

        Returns:
            The keys of the samples that are done now.
        """
        counted: set[str] = set()
        entries = [entry for entry in self._context.folder.resume.uncounted() if entry.key in owed]
        for start in range(0, len(entries), BATCH):
            pending = [self._stored(entry, owed[entry.key]) for entry in entries[start : start + BATCH]]
            batch = [each for each in pending if each is not None]
            if batch:
                self._context.count_batch(batch)
                counted |= {each.key for each in batch}
        return counted

    def _stored(self, entry: OutcomeRecord, sample: Sample) -> PendingOutcome | None:
        """A stored outcome that is not counted; ``None`` when its picture is gone, and the sample is owed again."""
        pixels: Callable[[], Pixels] | None = None
        if entry.outcome == "picture":
            try:
                picture = self._context.folder.pictures.decode(entry.picture)
            except BadInput as error:
                self._context.progress.message(
                    f"a picture that was paid for is gone, so it is asked for again: {error}"
                )
                self._context.folder.resume.forget([entry.key])
                return None
            pixels = lambda: picture  # noqa: E731
        known: Future[OutcomeRecord] = Future()
        known.set_result(entry)
        return PendingOutcome(
            generator=self._card.name, key=entry.key, asked=asked_of(sample.asked), entry=known, pixels=pixels
        )

    def _batcher(self) -> contextlib.AbstractContextManager[Batcher]:
        if self._generator.traits.on_cores:
            return InlineBatcher(self._context.count_batch)
        return contextlib.nullcontext(self._shared_batcher)

    def _save(self, samples: Mapping[str, Sample], outcome: Outcome) -> None:
        """Store an outcome that was paid for; its request's place is free when this returns. Any thread may call it."""
        sample = samples.get(outcome.key)
        if sample is not None and not is_interrupted(outcome):
            outcome = with_numbers(outcome, asked_of(sample.asked)[0])
            resume = self._context.folder.resume
            self._saved[outcome.key] = self._context.save_picture(
                outcome, self._card.price, sample.text, self._keep, note=resume.note_answer
            )

    def _keep(self, entry: OutcomeRecord) -> OutcomeRecord:
        if self._paid:
            self._context.folder.resume.save_uncounted(entry)
        return entry

    def _start(self, sample: Sample, detected: DetectedOutcome, crowded: bool) -> PendingOutcome:
        """Begin to write an outcome's file; many and large pictures are read back from it instead of kept in memory."""
        outcome = detected.outcome
        entry: Future[OutcomeRecord]
        if outcome.key in self._saved:
            entry = Future()
            entry.set_result(self._saved.pop(outcome.key))
        elif detected.stored is not None:
            entry = self._take_stored(detected, detected.stored, sample)
        else:
            told = with_numbers(outcome, asked_of(sample.asked)[0])
            entry = self._files.submit(self._context.save_picture, told, self._card.price, sample.text, self._keep)
        pixels: Callable[[], Pixels] | None = None
        if isinstance(outcome, Picture) and detected.detections is None:
            # What is counted of a picture that saving changes is what its file shows.
            pictures = self._context.folder.pictures
            from_file = crowded or detected.stored is not None or not pictures.format.lossless
            if from_file or math.prod(size_of(outcome.pixels)) > _LARGE:
                path = entry.result().picture
                pixels = lambda: pictures.decode(path)  # noqa: E731
            else:
                picture = outcome.pixels
                pixels = lambda: picture  # noqa: E731
        return PendingOutcome(
            generator=self._card.name,
            key=sample.key,
            asked=asked_of(sample.asked),
            entry=entry,
            pixels=pixels,
            detections=detected.detections if isinstance(outcome, Picture) else None,
        )

    def _take_stored(self, made: DetectedOutcome, stored: StoredPicture, sample: Sample) -> Future[OutcomeRecord]:
        """The entry of an outcome whose picture a worker has encoded; its bytes are written where they came along."""
        save = functools.partial(self._context.save_encoded, made.outcome, self._card.price, sample.text, self._keep)
        if made.data is not None:
            return self._files.submit(save, stored, made.data, made.thumbnail)
        entry: Future[OutcomeRecord] = Future()
        entry.set_result(save(stored))
        return entry


def asked_of(asked: Prompt | Conversation) -> Asked:
    """Return what a prompt asks for; nothing countable of a whole conversation, whose turns ask."""
    return (asked.targets if isinstance(asked, Prompt) else (), asked.tags)


def _generate(generator: Generator, samples: Sequence[Sample]) -> Iterator[DetectedOutcome]:
    if isinstance(generator, DetectsPictures):
        yield from generator.generate_detected(samples)
        return
    with _closing(generator.generate(samples)) as outcomes:
        for outcome in outcomes:
            yield DetectedOutcome(outcome=outcome)


@contextlib.contextmanager
def _closing(iterator: Iterator[T]) -> Iterator[Iterator[T]]:
    """The iterator, closed at the end if it can be."""
    try:
        yield iterator
    finally:
        if isinstance(iterator, Closable):
            iterator.close()
