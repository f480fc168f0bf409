"""One generator's part of a run: from outcomes to files, counts, verdicts and rows.

The generator yields in the calling thread, what has come is counted beside it or in turns with it, a small pool encodes
and writes the files, and the ledger is written when both are done with a picture. A picture that was paid for is in the
ledger, file and entry, before it waits to be counted. Conversations are held in `countcheck.engine.conversations`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.engine.batching import BATCH, Asked, BackgroundBatcher, InlineBatcher, PendingOutcome
from countcheck.engine.budget import Budget
from countcheck.engine.conversations import ConversationRunner
from countcheck.engine.progress import Progress
from countcheck.engine.scoring import JudgedPicture, entry_of, judge_detections, judged, nouns_of
from countcheck.errors import BadInput
from countcheck.generators.base import Closable, Generator, Stoppable
from countcheck.generators.outcome import Failure, Outcome, Picture
from countcheck.images import thumbnails
from countcheck.images.decode import as_image, encode_png, read_picture
from countcheck.images.types import Pixels
from countcheck.storage.records import OutcomeRecord
from countcheck.storage.run_folder import NO_STATES, RunFolder
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Conversation, Prompt, Suite

_WRITERS = 2  # files written at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What one generator owes: its samples, how many conversations it cannot hold, and how many it has nothing for."""

    card: Card
    generator: Generator
    samples: tuple[Sample, ...]
    skipped: int = 0
    absent: int = 0


class GeneratorPipeline:
    """One generator's part of a run: from outcomes to rows."""

    def __init__(
        self,
        run: RunFolder,
        counting: int,
        each: Planned,
        counter: Counter,
        suite: Suite,
        watch: Progress,
        purse: Budget,
        stopping: threading.Event,
        decided: Callable[[RunFolder], str | None] | None,
    ) -> None:
        self.run = run
        self.card = each.card
        self.generator = each.generator
        self.suite = suite
        self.nouns = nouns_of(suite)
        self.watch = watch
        self.purse = purse
        self._counting = counting
        self._counter = counter
        self._stopping = stopping
        self._decided = decided
        self._paid = each.generator.traits.remote
        self._looking = threading.Lock()
        self._writing = threading.Lock()

    def make(self, owed: Sequence[Sample]) -> None:
        """What waits to be counted first, then prompts, then conversations."""
        counted = self._count_waiting({sample.key: sample for sample in owed})
        prompts = [sample for sample in owed if isinstance(sample.asked, Prompt) and sample.key not in counted]
        talks = [sample for sample in owed if isinstance(sample.asked, Conversation)]
        with ThreadPoolExecutor(_WRITERS, thread_name_prefix="files") as self._files:
            if prompts and not self.over():
                self._make_prompts(prompts)
            if talks and not self.over():
                ConversationRunner(self).hold_all(talks)

    def over(self) -> bool:
        """Whether nothing more may be asked for."""
        return self._stopping.is_set() or self.purse.empty()

    def entry(self, outcome: Outcome, text: str, note: Callable[[OutcomeRecord], OutcomeRecord]) -> OutcomeRecord:
        """The outcome's entry; ``note`` takes it as soon as its picture file is safely on disk, and gives it back."""
        pixels = None if isinstance(outcome, Failure) else outcome.pixels
        if pixels is None:
            return note(entry_of(outcome, self.card.price, text=text))
        path = self.run.picture_path(outcome.key, outcome.turn)
        image = as_image(pixels)
        data = encode_png(image)
        digest = self.run.write_picture(path, data)
        entry = note(entry_of(outcome, self.card.price, text=text, picture=path, digest=digest))
        thumbnails.keep(self.run.path, path, image, len(data))
        return entry

    def see(self, pictures: Sequence[Pixels], asked: Sequence[Asked]) -> list[JudgedPicture]:
        """What is found in each picture, and what it means for what was asked there."""
        with self._looking:
            found = self._counter.detect(pictures, self.nouns, [tags.get("style") for _, tags in asked])
        return [
            judge_detections(self._counter, one, targets, tags, self.nouns)
            for one, (targets, tags) in zip(found, asked, strict=True)
        ]

    def write(self, entries: Sequence[OutcomeRecord], states: Mapping[str, Any] = NO_STATES) -> None:
        """Entries into the ledger; then whoever watches is told, and whoever decides is asked."""
        with self._writing:
            self.run.write(entries, self._counting, states)
            for entry in entries:
                self.watch.made(self.card.name, entry)
            if self._decided is not None and not self._stopping.is_set():
                sentence = self._decided(self.run)
                if sentence is not None:
                    self.run.set_facts({"until_decided": sentence})
                    self.watch.says(sentence)
                    self._stopping.set()

    # -- prompts -------------------------------------------------------------------------------------------------

    def _make_prompts(self, owed: Sequence[Sample]) -> None:
        by_key = {sample.key: sample for sample in owed}
        with self._counting_it() as counting, _closing(self.generator.generate(owed)) as outcomes:
            stopped = False
            for outcome in outcomes:
                sample = by_key.pop(outcome.key, None)
                if sample is None:
                    raise BadInput(
                        f"the generator {self.card.name} gave an outcome for {outcome.key!r}, which was not asked of "
                        "it, or gave it twice. Mend the generator; `countcheck.testing` checks this."
                    )
                self.purse.pay(outcome, self.card.price)
                counting.take(sample, outcome)
                if not stopped and (counting.broken or self.over()):
                    stopped = True  # what is under way is paid for, and taken in
                    if not isinstance(self.generator, Stoppable):
                        break
                    self.generator.stop()

    def _counting_it(self) -> InlineBatcher | BackgroundBatcher:
        if self.generator.traits.on_cores:
            return InlineBatcher(self._taken_in, self._count)
        # What was paid for is taken in at once, however long counting takes.
        return BackgroundBatcher(self._taken_in, self._count, endless=self._paid)

    def _taken_in(self, sample: Sample, outcome: Outcome, crowded: bool) -> PendingOutcome:
        """An outcome on its way into the ledger; when many wait already, its pixels are left to its file."""

        def note(entry: OutcomeRecord) -> OutcomeRecord:
            if self._paid:
                self.run.unfinished.keep(entry)
            return entry

        entry = self._files.submit(self.entry, outcome, sample.text, note)
        pixels = _given(outcome.pixels) if isinstance(outcome, Picture) else None
        if pixels is not None and crowded:
            path = self.run.path / entry.result().picture
            pixels = lambda: read_picture(path)  # noqa: E731
        return PendingOutcome(sample.key, asked_of(sample.asked), entry, pixels)

    def _count_waiting(self, owed: Mapping[str, Sample]) -> set[str]:
        """Count what an interrupted run paid for and did not count; returns the keys."""
        counted: set[str] = set()
        waiting = [entry for entry in self.run.unfinished.waiting() if entry.key in owed]
        for start in range(0, len(waiting), BATCH):
            batch = []
            for entry in waiting[start : start + BATCH]:
                try:
                    pixels = _given(read_picture(self.run.path / entry.picture)) if entry.outcome == "picture" else None
                except BadInput as error:
                    self.watch.says(f"a picture that was paid for is gone, so it is asked for again: {error}")
                    self.run.unfinished.forget([entry.key])
                    continue
                batch.append(PendingOutcome(entry.key, asked_of(owed[entry.key].asked), _known(entry), pixels))
            if batch:
                self._count(batch)
                counted |= {one.key for one in batch}
        return counted

    def _count(self, batch: Sequence[PendingOutcome]) -> None:
        """Look at the batch's pictures while their files are written; then write it all."""
        shown = [one for one in batch if one.pixels is not None]
        pictures = [one.pixels() for one in shown if one.pixels is not None]
        found = self.see(pictures, [one.asked for one in shown])
        seen = {one.key: each for one, each in zip(shown, found, strict=True)}
        self.write([judged(one.entry.result(), seen.get(one.key)) for one in batch])


def asked_of(asked: Prompt | Conversation) -> Asked:
    """What a prompt asks for; nothing countable of a whole conversation, whose turns ask."""
    return (asked.targets if isinstance(asked, Prompt) else (), asked.tags)


def _given(pixels: Pixels) -> Callable[[], Pixels]:
    return lambda: pixels


def _known(entry: OutcomeRecord) -> Future[OutcomeRecord]:
    known: Future[OutcomeRecord] = Future()
    known.set_result(entry)
    return known


@contextlib.contextmanager
def _closing(outcomes: Iterator[Outcome]) -> Iterator[Iterator[Outcome]]:
    """The outcomes, closed when nobody wants more of them, if they can be."""
    try:
        yield outcomes
    finally:
        if isinstance(outcomes, Closable):
            outcomes.close()
