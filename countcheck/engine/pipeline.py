"""The prompts of one generator in one run: from outcomes to files, counts, verdicts and rows.

The generator yields in the calling thread; outcomes are counted beside it or in turns with it (see
`countcheck.engine.batching`); a small pool encodes and writes the files; the ledger is written when both are done with
a picture. A picture that was paid for is in the ledger, file and entry, before it waits to be counted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from countcheck.engine.batching import BATCH, BackgroundBatcher, InlineBatcher, PendingOutcome
from countcheck.engine.context import Asked, GeneratorPlan, RunContext
from countcheck.engine.scoring import judged
from countcheck.errors import BadInput
from countcheck.generators.base import Closable, Stoppable
from countcheck.generators.outcome import Outcome, Picture
from countcheck.images.decode import read_picture
from countcheck.images.types import Pixels
from countcheck.storage.records import OutcomeRecord
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Conversation, Prompt

_WRITERS = 2  # picture files encoded and written at a time


class GeneratorPipeline:
    """The prompts of one generator in one run: from outcomes to rows.

    Args:
        context: What the run shares.
        plan: The generator and its samples.
    """

    def __init__(self, context: RunContext, plan: GeneratorPlan) -> None:
        self._context = context
        self._card = plan.card
        self._generator = plan.generator
        self._paid = plan.generator.traits.remote

    def make(self, prompts: Sequence[Sample]) -> None:
        """Generate, count and keep these samples, until all are done or the run is stopped.

        Raises:
            BadInput: When the generator yields an outcome that was not asked of it, or yields one twice.
            GeneratorClosed: When the generator refuses every request; what was made is kept.
        """
        waiting = {sample.key: sample for sample in prompts}
        with (
            ThreadPoolExecutor(_WRITERS, thread_name_prefix="files") as self._files,
            self._batcher() as batcher,
            _closing(self._generator.generate(prompts)) as outcomes,
        ):
            stopped = False
            for outcome in outcomes:
                sample = waiting.pop(outcome.key, None)
                if sample is None:
                    raise BadInput(
                        f"the generator {self._card.name} gave an outcome for {outcome.key!r}, which was not asked of "
                        "it, or gave it twice. Mend the generator; `countcheck.testing` checks this."
                    )
                self._context.budget.pay(outcome, self._card.price)
                batcher.take(sample, outcome)
                if not stopped and (batcher.broken or self._context.stopped()):
                    stopped = True  # what is under way is paid for, and taken in
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
        entries = [entry for entry in self._context.folder.unfinished.waiting() if entry.key in owed]
        for start in range(0, len(entries), BATCH):
            batch = []
            for entry in entries[start : start + BATCH]:
                try:
                    path = self._context.folder.path / entry.picture
                    pixels = _given(read_picture(path)) if entry.outcome == "picture" else None
                except BadInput as error:
                    self._context.progress.says(
                        f"a picture that was paid for is gone, so it is asked for again: {error}"
                    )
                    self._context.folder.unfinished.forget([entry.key])
                    continue
                batch.append(PendingOutcome(entry.key, asked_of(owed[entry.key].asked), _known(entry), pixels))
            if batch:
                self._count(batch)
                counted |= {pending.key for pending in batch}
        return counted

    def _batcher(self) -> InlineBatcher | BackgroundBatcher:
        if self._generator.traits.on_cores:
            return InlineBatcher(self._start, self._count)
        # What was paid for is taken in at once, however long counting takes.
        return BackgroundBatcher(self._start, self._count, endless=self._paid)

    def _start(self, sample: Sample, outcome: Outcome, crowded: bool) -> PendingOutcome:
        """Begin to write an outcome's file; when many outcomes wait, its pixels are left to the file alone."""

        def keep(entry: OutcomeRecord) -> OutcomeRecord:
            if self._paid:
                self._context.folder.unfinished.keep(entry)
            return entry

        entry = self._files.submit(self._context.save_picture, outcome, self._card.price, sample.text, keep)
        pixels = _given(outcome.pixels) if isinstance(outcome, Picture) else None
        if pixels is not None and crowded:
            path = self._context.folder.path / entry.result().picture
            pixels = lambda: read_picture(path)  # noqa: E731
        return PendingOutcome(sample.key, asked_of(sample.asked), entry, pixels)

    def _count(self, batch: Sequence[PendingOutcome]) -> None:
        """Count the batch's pictures while their files are written; then write all entries."""
        pictures = [pending for pending in batch if pending.pixels is not None]
        pixels = [pending.pixels() for pending in pictures if pending.pixels is not None]
        judgements = self._context.count_and_judge(pixels, [pending.asked for pending in pictures])
        by_key = {pending.key: judgement for pending, judgement in zip(pictures, judgements, strict=True)}
        entries = [judged(pending.entry.result(), by_key.get(pending.key)) for pending in batch]
        self._context.write(self._card.name, entries)


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
    """The outcomes, closed at the end if they can be."""
    try:
        yield outcomes
    finally:
        if isinstance(outcomes, Closable):
            outcomes.close()
