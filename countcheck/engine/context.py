"""What the stages of one run share: the run folder, the counter, the suite, the budget and the signals to stop.

`countcheck.engine.run` builds one `RunContext`; the prompt pipeline and the conversation runner read it and never know
each other.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.counting.judging import JudgedPicture, judge_detections
from countcheck.detectors.base import Detections
from countcheck.detectors.common.pictures import size_of
from countcheck.engine.batching import Asked, PendingOutcome
from countcheck.engine.budget import Budget
from countcheck.engine.counter_check import compare_with_tested
from countcheck.engine.progress import Progress, ShowsWaits, ShowsWorkers
from countcheck.engine.scoring import nouns_of, outcome_record, with_judgement
from countcheck.generators.base import Generator
from countcheck.generators.outcome import Failure, Outcome
from countcheck.images.convert import as_image
from countcheck.images.decode import MAX_PIXELS
from countcheck.images.types import Pixels
from countcheck.storage.picture_store import StoredPicture
from countcheck.storage.records import OutcomeRecord
from countcheck.storage.result_table import HASH
from countcheck.storage.run_folder import NO_STATES, RunFolder
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Noun, Suite

# Reads the run after every batch; a sentence says why the run may end now.
Decide: TypeAlias = Callable[[RunFolder], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorPlan:
    """What one generator has to make.

    Attributes:
        card: The generator's card.
        generator: Ready to generate.
        samples: The samples it owes the run, made or not.
        skipped: Number of conversations left out because the generator can neither converse nor edit.
        absent: Number of samples left out because the generator, a recording, does not hold them.
    """

    card: Card
    generator: Generator
    samples: tuple[Sample, ...]
    skipped: int = 0
    absent: int = 0


def _record_of(outcome: Outcome, price: float | None, text: str, stored: StoredPicture) -> OutcomeRecord:
    record = outcome_record(outcome, price, text=text, picture=stored.path, digest=stored.digest, size=stored.size)
    return replace(record, detail={**record.detail, HASH: stored.hash}) if stored.hash else record


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What the stages of one run share. Safe to use from several threads.

    Attributes:
        folder: The run folder, open.
        counting: Id of the counting that new detections and verdicts belong to.
        counter: Counts every picture of the run.
        suite: What is asked.
        progress: Receives what happens.
        budget: USD spent and allowed.
        stop: Set when the run should end with what is under way.
        decide: Asked after every batch; a sentence ends the run. ``None`` when nobody asks.
        nouns: Everything of the suite that must be counted.
    """

    folder: RunFolder
    counting: int
    counter: Counter
    suite: Suite
    progress: Progress
    budget: Budget
    stop: threading.Event
    decide: Decide | None = None
    nouns: tuple[Noun, ...] = field(init=False)
    _counter_lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _write_lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nouns", tuple(nouns_of(self.suite)))

    def stopped(self) -> bool:
        """Whether nothing more may be requested: the run was stopped, or the budget is spent."""
        return self.stop.is_set() or self.budget.empty()

    def count_and_judge(self, pictures: Sequence[Pixels], asked: Sequence[Asked]) -> list[JudgedPicture]:
        """Detect, count and judge pictures, in order; one batch at a time, since a detector is not thread-safe."""
        with self._counter_lock:
            detections = self.counter.detect(pictures, self.nouns, [tags.get("style") for _, tags in asked])
        return [self._judge(each, what) for each, what in zip(detections, asked, strict=True)]

    def count_batch(self, batch: Sequence[PendingOutcome]) -> None:
        """Count the pictures of a batch while their files are written; then write all entries.

        Raises:
            DiskFull: When there is no room for a file or an entry.
        """
        pictures = [pending for pending in batch if pending.pixels is not None and pending.detections is None]
        by_key = dict(self._count_in_parts(pictures))
        for pending in batch:
            if pending.detections is not None:
                by_key[pending.key] = self._judge(pending.detections, pending.asked)
        self.write(
            [(pending.generator, with_judgement(pending.entry.result(), by_key.get(pending.key))) for pending in batch]
        )

    def _count_in_parts(self, pictures: Sequence[PendingOutcome]) -> Iterator[tuple[str, JudgedPicture]]:
        """Count pictures, few at a time where they are large; yield key and judgement."""
        part: list[tuple[PendingOutcome, Pixels]] = []
        total = 0
        for pending in pictures:
            if pending.pixels is None:
                continue
            pixels = pending.pixels()
            if part and total + math.prod(size_of(pixels)) > MAX_PIXELS:
                yield from self._count_part(part)
                part, total = [], 0
            part.append((pending, pixels))
            total += math.prod(size_of(pixels))
        if part:
            yield from self._count_part(part)

    def _count_part(self, part: Sequence[tuple[PendingOutcome, Pixels]]) -> Iterator[tuple[str, JudgedPicture]]:
        judged = self.count_and_judge([pixels for _, pixels in part], [pending.asked for pending, _ in part])
        for (pending, _), judgement in zip(part, judged, strict=True):
            yield pending.key, judgement

    def _judge(self, detections: Detections, asked: Asked) -> JudgedPicture:
        targets, tags = asked
        return judge_detections(self.counter, detections, targets, tags, self.nouns)

    def forget(self, outcome: Outcome) -> None:
        """Leave a sample undone that was stopped before its last try; what its tries cost stays spent.

        Raises:
            DiskFull: When there is no room.
        """
        if outcome.cost:
            self.budget.add(outcome.cost)
            self.folder.resume.add_spent(outcome.cost)

    def save_picture(
        self,
        outcome: Outcome,
        price: float | None,
        text: str,
        keep: Callable[[OutcomeRecord], OutcomeRecord],
        note: Callable[[OutcomeRecord], None] = lambda entry: None,
    ) -> OutcomeRecord:
        """Write an outcome's picture file and thumbnail, and return the outcome's entry.

        Args:
            outcome: Picture, refusal or failure; only what has pixels is written.
            price: USD a picture, when the outcome does not say its cost.
            text: What was asked.
            keep: Receives the entry as soon as the picture file is safely on disk, before the thumbnail is made, and
                returns the entry to go on with.
            note: Receives the entry before the picture file is written, to note that it was paid for.

        Raises:
            DiskFull: When there is no room for the file.
        """
        pixels = None if isinstance(outcome, Failure) else outcome.pixels
        if pixels is None:
            return keep(outcome_record(outcome, price, text=text))
        writer = self.folder.pictures.writer
        image = as_image(pixels)
        data = writer.encode(image)
        stored = StoredPicture.of(writer.path_of(outcome.key, outcome.turn), data, image)
        entry = _record_of(outcome, price, text, stored)
        note(entry)
        writer.write_file(stored.path, data)
        entry = keep(entry)
        writer.save_thumbnail(stored, image)
        return entry

    def save_encoded(
        self,
        outcome: Outcome,
        price: float | None,
        text: str,
        keep: Callable[[OutcomeRecord], OutcomeRecord],
        stored: StoredPicture,
        data: bytes | None = None,
        thumbnail: bytes | None = None,
    ) -> OutcomeRecord:
        """Return the entry of an outcome whose picture a worker has encoded; write its bytes where they came along.

        Args:
            outcome: Without its pixels.
            price, text, keep: As in `save_picture`.
            stored: The picture's file.
            data, thumbnail: Bytes that are still to be written; ``None`` when the worker wrote them.

        Raises:
            DiskFull: When there is no room for the file.
        """
        if data is not None:
            self.folder.pictures.writer.write_file(stored.path, data)
            self.folder.pictures.writer.write_thumbnail(stored, thumbnail)
        return keep(_record_of(outcome, price, text, stored))

    def report_workers(self, generator: str, made: Mapping[str, int]) -> None:
        """Report how many outcomes each worker of a generator has brought so far."""
        with self._write_lock:
            if isinstance(self.progress, ShowsWorkers):
                self.progress.workers(generator, made)

    def report_message(self, sentence: str) -> None:
        """Report a sentence, from any thread."""
        with self._write_lock:
            self.progress.message(sentence)

    def report_wait(self, generator: str, reason: str, seconds: float) -> None:
        """Report that a generator holds its requests back for a limit of its service, for so many seconds."""
        with self._write_lock:
            if isinstance(self.progress, ShowsWaits):
                self.progress.wait(generator, reason, seconds)
            else:
                self.progress.message(f"{generator} waits {seconds:.0f} s: {reason}")

    def write(self, entries: Sequence[tuple[str, OutcomeRecord]], states: Mapping[str, Any] = NO_STATES) -> None:
        """Write entries in one transaction, report them, and ask whether the run is decided.

        Args:
            entries: Names of generators, each with an outcome and its verdict.
            states: By sample key, the state of a conversation's dialogue after its entry.

        Raises:
            DiskFull: When there is no room; nothing of the batch is written then.
        """
        with self._write_lock:
            self.folder.write([entry for _, entry in entries], self.counting, states)
            for generator, entry in entries:
                self.progress.advance(generator, entry)
            if self.decide is not None and not self.stop.is_set():
                sentence = self.decide(self.folder)
                if sentence is not None:
                    self.folder.record_decision(sentence)
                    self.progress.message(sentence)
                    self.stop.set()


@contextlib.contextmanager
def run_ending(folder: RunFolder, counter: Counter, progress: Progress) -> Iterator[None]:
    """Compare what a run made with the pictures its counter was tested on; close the folder when anything is raised."""
    try:
        yield
        compare_with_tested(folder, counter.name, progress.message, counter=counter)
    except BaseException:
        folder.close()
        raise
