"""One generator's part of a run: from outcomes to files, counts, verdicts and rows.

The generator yields in the calling thread, one thread counts what has come, a small pool encodes and writes the files,
and the ledger is written when both are done with a picture.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Generator as Generator_
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from countcheck import thumbnails
from countcheck.conversation import hold
from countcheck.counter import Counter
from countcheck.detectors.base import Detections
from countcheck.errors import BadInput
from countcheck.generators.base import Failure, Generator, Outcome, Picture, Refusal
from countcheck.generators.refusal import claims_success
from countcheck.geneval import verdict_of
from countcheck.pictures import as_image, encode_png
from countcheck.plan import Sample
from countcheck.records import Entry
from countcheck.settings import Card
from countcheck.store import Run
from countcheck.suites.suite import Conversation, Noun, Prompt, Suite, Target, Turn
from countcheck.verdict import Kind, Verdict, judge

_BATCH = 16  # pictures counted at a time
_AHEAD = 64  # outcomes waiting to be counted before the generator has to wait
_WRITERS = 2  # files written at a time


class Watch(Protocol):
    """Who is told how the run goes; the command line shows it."""

    def begins(self, generator: str, owed: int, done: int) -> None:
        """A generator starts (again)."""

    def made(self, generator: str, entry: Entry) -> None:
        """An outcome is in the ledger."""

    def says(self, sentence: str) -> None:
        """Something a person should know."""


class Silent:
    """A watch that looks away."""

    def begins(self, generator: str, owed: int, done: int) -> None:
        """Nothing."""

    def made(self, generator: str, entry: Entry) -> None:
        """Nothing."""

    def says(self, sentence: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What one generator owes: its samples, how many conversations it cannot hold, and how many it has nothing for."""

    card: Card
    generator: Generator
    samples: tuple[Sample, ...]
    skipped: int = 0
    absent: int = 0


def nouns_of(suite: Suite) -> list[Noun]:
    """Everything of a suite that must be counted, as the counter wants it."""
    phrases = {target.noun: target.phrase for target in suite.targets}
    return [
        suite.nouns[name] if name in suite.nouns else Noun(name=name, phrase=phrases.get(name, name))
        for name in suite.vocabulary
    ]


class Purse:
    """What was spent, against what may be."""

    def __init__(self, budget: float | None, spent: float) -> None:
        self.budget = budget
        self.spent = spent
        self._paying = threading.Lock()

    def pay(self, outcome: Outcome, price: float | None) -> None:
        """Spend as soon as an outcome is there; waiting until it is counted would let more be asked for."""
        with self._paying:
            self.spent += _cost(outcome, price) or 0.0

    def empty(self) -> bool:
        """Whether nothing more may be bought."""
        return self.budget is not None and self.spent >= self.budget


class Line:
    """One generator's part of a run: from outcomes to rows."""

    def __init__(
        self,
        run: Run,
        counting: int,
        each: Planned,
        counter: Counter,
        suite: Suite,
        watch: Watch,
        purse: Purse,
        stopping: threading.Event,
        decided: Callable[[Run], str | None] | None,
    ) -> None:
        self._run = run
        self._counting = counting
        self._card = each.card
        self._generator = each.generator
        self._counter = counter
        self._suite = suite
        self._nouns = nouns_of(suite)
        self._watch = watch
        self._purse = purse
        self._stopping = stopping
        self._decided = decided
        self._looking = threading.Lock()
        self._writing = threading.Lock()
        self._queue: queue.Queue[tuple[Sample, Outcome] | None] = queue.Queue(maxsize=_AHEAD)
        self._broken: BaseException | None = None

    def make(self, owed: Sequence[Sample]) -> None:
        """Prompts first, then conversations."""
        prompts = [sample for sample in owed if isinstance(sample.asked, Prompt)]
        talks = [sample for sample in owed if isinstance(sample.asked, Conversation)]
        with ThreadPoolExecutor(_WRITERS, thread_name_prefix="files") as self._files:
            if prompts and not self._over():
                self._make_prompts(prompts)
            if talks and not self._over():
                self._hold_talks(talks)

    # -- prompts -------------------------------------------------------------------------------------------------

    def _make_prompts(self, owed: Sequence[Sample]) -> None:
        by_key = {sample.key: sample for sample in owed}
        counting = threading.Thread(target=self._count_all, name="counting", daemon=True)
        counting.start()
        try:
            with contextlib.closing(_closable(self._generator.generate(owed))) as outcomes:
                stopped = False
                for outcome in outcomes:
                    if self._broken is not None:
                        break
                    sample = by_key.pop(outcome.key, None)
                    if sample is None:
                        raise BadInput(
                            f"the generator {self._card.name} gave an outcome for {outcome.key!r}, which was not "
                            "asked of it, or gave it twice. Mend the generator; `countcheck.testing` checks this."
                        )
                    self._purse.pay(outcome, self._card.price)
                    self._queue.put((sample, outcome))
                    if not stopped and self._over():
                        stopped = True
                        stop = getattr(self._generator, "stop", None)
                        if stop is None:
                            break
                        stop()
        finally:
            self._queue.put(None)
            counting.join()
        if self._broken is not None:
            raise self._broken

    def _over(self) -> bool:
        return self._stopping.is_set() or self._purse.empty()

    def _count_all(self) -> None:
        try:
            finished = False
            while not finished:
                batch: list[tuple[Sample, Outcome]] = []
                item = self._queue.get()
                while item is not None:
                    batch.append(item)
                    if len(batch) >= _BATCH:
                        break
                    try:
                        item = self._queue.get_nowait()
                    except queue.Empty:
                        break
                finished = item is None
                if batch:
                    self._keep(batch)
        except BaseException as error:
            self._broken = error
            while self._queue.get() is not None:  # let the generator's thread come to its end
                pass

    def _keep(self, batch: Sequence[tuple[Sample, Outcome]]) -> None:
        files = [self._file(outcome) for _, outcome in batch]
        seen = self._see(batch)
        entries = [
            _entry(outcome, file.result() if file else ("", ""), looked, self._card.price, text=sample.text)
            for (sample, outcome), file, looked in zip(batch, files, seen, strict=True)
        ]
        self._write(entries)

    def _write(self, entries: Sequence[Entry]) -> None:
        self._run.write(entries, self._counting)
        for entry in entries:
            self._watch.made(self._card.name, entry)
        if self._decided is not None and not self._stopping.is_set():
            sentence = self._decided(self._run)
            if sentence is not None:
                self._run.set_facts({"until_decided": sentence})
                self._watch.says(sentence)
                self._stopping.set()

    def _file(self, outcome: Outcome) -> Future[tuple[str, str]] | None:
        pixels = getattr(outcome, "pixels", None)
        if pixels is None:
            return None
        relative = self._run.picture_path(outcome.key, outcome.turn)

        def write() -> tuple[str, str]:
            image = as_image(pixels)
            data = encode_png(image)
            digest = self._run.write_picture(relative, data)
            thumbnails.keep(self._run.path, relative, image, len(data))
            return relative, digest

        return self._files.submit(write)

    def _see(self, batch: Sequence[tuple[Sample, Outcome]]) -> list[Seen | None]:
        """What was found in each picture of the batch; ``None`` for what is no picture."""
        shown = [(sample, outcome) for sample, outcome in batch if isinstance(outcome, Picture)]
        pictures = [outcome.pixels for _, outcome in shown]
        styles = [sample.asked.tags.get("style") for sample, _ in shown]
        with self._looking:
            found = iter(self._counter.detect(pictures, self._nouns, styles))
        return [
            look(self._counter, next(found), sample.asked.targets, sample.asked.tags, self._nouns)
            if isinstance(outcome, Picture) and isinstance(sample.asked, Prompt)
            else None
            for sample, outcome in batch
        ]

    # -- conversations -------------------------------------------------------------------------------------------

    def _hold_talks(self, owed: Sequence[Sample]) -> None:
        """Hold conversations, several at once where the generator can."""
        with ThreadPoolExecutor(max(1, self._generator.traits.concurrency), thread_name_prefix="talks") as pool:
            talks = [pool.submit(self._hold, sample) for sample in owed]
            try:
                for talk in as_completed(talks):
                    talk.result()
            except BaseException:
                for talk in talks:
                    talk.cancel()
                raise

    def _hold(self, sample: Sample) -> None:
        """Hold one conversation to its end; each turn is kept before the next is said."""
        if self._over():
            return

        def look_at(picture: Picture, turn: Turn) -> Seen:
            with self._looking:
                style = {**sample.asked.tags, **turn.tags}.get("style")
                (found,) = self._counter.detect([picture.pixels], self._nouns, [style])
            return look(self._counter, found, turn.targets, {**sample.asked.tags, **turn.tags}, self._nouns)

        for spoken in hold(sample, self._generator, look_at, nouns=self._suite.nouns):
            self._purse.pay(spoken.outcome, self._card.price)
            file = self._file(spoken.outcome)
            entry = _entry(
                spoken.outcome,
                file.result() if file else ("", ""),
                spoken.seen,
                self._card.price,
                text=spoken.step.text,
            )
            entry = replace(
                entry,
                turn=spoken.turn,
                script=spoken.step.script,
                repair=spoken.step.repair,
                detail={**entry.detail, **spoken.step.wording},
                closes=spoken.closes,
            )
            with self._writing:
                self._write([entry])
            if self._over():
                return


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was found in one picture."""

    detections: Detections
    verdict: Verdict | None
    counted: Mapping[str, tuple[int, int, int]]


def look(
    counter: Counter,
    found: Detections,
    targets: Sequence[Target],
    tags: Mapping[str, str],
    nouns: Sequence[Noun],
) -> Seen:
    """Count and judge what a detector found in one picture, against what had to hold there."""
    if counter.rule.name == "geneval" and targets:
        verdict, numbers = verdict_of(found, "", targets, tags)
        return Seen(detections=found, verdict=verdict, counted={noun: (n, n, n) for noun, n in numbers.items()})
    asked = dict.fromkeys(noun for target in targets for noun in target.nouns)
    counted = counter.count(found, [noun for noun in nouns if noun.name in asked], tags.get("style"))
    return Seen(
        detections=found,
        verdict=judge(targets, counted) if targets else None,
        counted={noun: (n, counted.low[noun], counted.high[noun]) for noun, n in counted.counts.items()},
    )


def _entry(
    outcome: Outcome,
    file: tuple[str, str],
    seen: Seen | None,
    price: float | None,
    *,
    text: str,
) -> Entry:
    base = Entry(
        key=outcome.key,
        turn=outcome.turn,
        outcome=type(outcome).__name__.lower(),
        text=text,
        picture=file[0],
        digest=file[1],
        seconds=outcome.seconds,
        cost=_cost(outcome, price),
        detail=detail_of(outcome),
    )
    match outcome:
        case Refusal():
            return replace(base, verdict=Kind.REFUSED, leaning=Kind.REFUSED, reason=_refused(outcome))
        case Failure():
            return replace(base, verdict=Kind.FAILED, leaning=Kind.FAILED, reason=outcome.message)
    if seen is None or seen.verdict is None:
        return replace(base, detections=seen.detections if seen else None)
    return replace(
        base,
        detections=seen.detections,
        verdict=seen.verdict.kind,
        leaning=seen.verdict.leaning,
        reason=seen.verdict.reason,
        counted=seen.counted,
    )


def _cost(outcome: Outcome, price: float | None) -> float | None:
    """What an outcome cost: as the provider says, or a picture's price."""
    return price if outcome.cost is None and isinstance(outcome, Picture) else outcome.cost


def _refused(outcome: Refusal) -> str:
    named = f" ({outcome.category})" if outcome.category else ""
    return f"refused, {outcome.reason}{named}"


def detail_of(outcome: Outcome) -> dict[str, Any]:
    """What the ledger keeps of an outcome beside its columns."""
    detail: dict[str, Any] = dict(outcome.extra)
    names = {
        Picture: ("words", "rewritten"),
        Refusal: ("reason", "category", "code", "words", "stage", "request_id", "rewritten"),
        Failure: ("fault", "message", "code", "raw", "request_id"),
    }[type(outcome)]
    for name in names:
        value = getattr(outcome, name)
        if value:
            detail[name] = str(value)
    if not isinstance(outcome, Failure) and claims_success(outcome.words):
        detail["claims"] = True
    if outcome.attempts:
        detail["attempts"] = [asdict(attempt) for attempt in outcome.attempts]
    return detail


def _closable(outcomes: Iterator[Outcome]) -> Generator_[Outcome, None, None]:
    """The outcomes, closed with the generator's own iterator when nobody wants more."""
    yield from outcomes
