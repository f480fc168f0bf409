"""Run and recount: where the stages meet.

Making, encoding and counting overlap: the generator yields outcomes in the calling thread, one thread counts what
has come, a small pool encodes and writes the files, and the ledger is written when both are done with a picture.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Generator as Generator_
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from countcheck import controls
from countcheck.conversation import hold
from countcheck.counter import Counter
from countcheck.detectors.base import Detections
from countcheck.errors import BadInput, BadSettings, CountcheckError, GeneratorClosed
from countcheck.generators.base import Failure, Generator, Outcome, Picture, Refusal
from countcheck.generators.refusal import claims_success
from countcheck.geneval import verdict_of
from countcheck.pictures import encode_png, read_picture
from countcheck.plan import Sample, plan
from countcheck.plugins import load_generator_class
from countcheck.provenance import begin, describe, describe_generator
from countcheck.settings import Card, open_counters
from countcheck.store import Entry, Judged, Run, as_stored
from countcheck.suites.suite import Conversation, Noun, Prompt, Suite, Target, Turn
from countcheck.tuning import tuned
from countcheck.verdict import Kind, Verdict, VerdictRow, judge

_BATCH = 16  # pictures counted at a time
_AHEAD = 64  # outcomes waiting to be counted before the generator has to wait
_WRITERS = 2  # files written at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one run was told to do.

    Attributes:
        limit: At most this many samples of each generator; ``None`` for all.
        only: Tags that a prompt must have.
        budget: USD that must not be exceeded by more than the requests under way.
        retry_failed: Owe failed samples again.
    """

    suite: Suite
    generators: Sequence[Card]
    path: Path
    repeats: int = 1
    limit: int | None = None
    only: Mapping[str, str] | None = None
    budget: float | None = None
    retry_failed: bool = False


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


def load_generator(card: Card) -> Generator:
    """The generator behind a card. Raises what its adapter has to say against the card."""
    made: Generator = load_generator_class(card.family)(card)
    return made


def planned(order: Order, card: Card, generator: Generator) -> Planned:
    """The samples that a generator owes; conversations only when it can hold them."""
    able = generator.traits.converses or generator.traits.edits
    wanted = [s for s in plan(_only(order.suite, order.only), generator.recipe, repeats=order.repeats)]
    holdable = [s for s in wanted if able or isinstance(s.asked, Prompt)]
    # Recordings hold what was recorded, and owe nothing else.
    covers = getattr(generator, "covers", None)
    owed = [s for s in holdable if covers is None or covers(s)]
    if holdable and not owed:
        raise BadInput(
            f"{card.name} holds nothing of {order.suite.name}: none of its ids is a prompt or conversation of it."
        )
    return Planned(
        card=card,
        generator=generator,
        samples=tuple(owed[: order.limit]),
        skipped=len(wanted) - len(holdable),
        absent=len(holdable) - len(owed),
    )


def _only(suite: Suite, only: Mapping[str, str] | None) -> Suite:
    if not only:
        return suite

    def wanted(asked: Prompt | Conversation) -> bool:
        return all(asked.tags.get(tag) == value for tag, value in only.items())

    return replace(
        suite,
        prompts=tuple(p for p in suite.prompts if wanted(p)),
        conversations=tuple(c for c in suite.conversations if wanted(c)),
    )


def run(
    order: Order,
    counter: Counter,
    *,
    watch: Watch | None = None,
    stopping: threading.Event | None = None,
    decided: Callable[[Run], str | None] | None = None,
    load: Callable[[Card], Generator] | None = None,
) -> Run:
    """Make what is owed, count it, judge it, and keep it all; returns the run, still open.

    Args:
        order: What to do.
        counter: Who counts.
        watch: Who is told how it goes.
        stopping: Set it from elsewhere (Ctrl-C) and the run ends cleanly with what is under way.
        decided: Asked now and then; a sentence ends the run (``--until-decided``).
        load: Makes a generator from its card; `load_generator` unless somebody spreads it over machines.

    Raises:
        CannotDecide: When the counter fails its controls.
        RunMismatch: When the folder was begun with something else.
        BadInput: When the counter cannot know a noun of the suite, or nothing is left to make.
        GeneratorClosed: When a generator would not serve anybody; what was made is kept.
    """
    watch = watch or Silent()
    stopping = stopping or threading.Event()
    suite = _only(order.suite, order.only)
    if not suite.asked:
        raise BadInput(f"no prompt of {order.suite.name} has the tags {dict(order.only or {})}. Nothing to make.")
    _demand_nouns(counter, suite)
    counter = tuned(counter, suite.vocabulary, _styles(suite), says=watch.says)
    tested = controls.check(counter, nouns=suite.vocabulary, styles=_styles(suite))
    controls.demand(tested, counter.name)
    if tested.plain is None:
        watch.says(f"no control picture could be drawn in the words of {counter.name}: its count is untested")
    for style, passed in tested.by_style.items():
        if not passed.passed:
            watch.says(
                f"in the style {style} the counter got {passed.right} of {passed.total} control pictures right "
                f"({passed.needed} are needed): rates in that style are withheld"
            )
    with contextlib.ExitStack() as stack:
        plans = []
        for card in order.generators:
            generator = (load or load_generator)(card)
            stack.callback(getattr(generator, "close", lambda: None))
            plans.append(planned(order, card, generator))
        settings = {"repeats": order.repeats, "limit": order.limit, "only": dict(order.only or {})}
        generators = {
            each.card.name: {**describe_generator(each.card, each.generator), "skipped_conversations": each.skipped}
            for each in plans
        }
        run = begin(order.path, settings, suite, generators, counter)
        try:
            if order.retry_failed:
                run.reopen_failed()
            run.drop_unfinished()
            counting = run.begin_counting(describe(counter), tested.to_json())
            _make_all(run, counting, plans, counter, suite, order, watch, stopping, decided)
        except BaseException:
            run.close()
            raise
    return run


def _make_all(
    run: Run,
    counting: int,
    plans: Sequence[Planned],
    counter: Counter,
    suite: Suite,
    order: Order,
    watch: Watch,
    stopping: threading.Event,
    decided: Callable[[Run], str | None] | None,
) -> None:
    closed: list[CountcheckError] = []
    if order.budget is not None:
        for each in plans:
            _demand_price(each)
    purse = _Purse(order.budget, spent=sum(row.cost or 0.0 for row in run.rows()) if order.budget else 0.0)
    for each in plans:
        run.owe(each.samples)
    for each in plans:
        done = run.done()
        order_of_making: Sequence[Sample] = each.samples
        if decided is not None:
            from countcheck.stats.sequential import fair_order

            order_of_making = fair_order(each.samples)
        owed = [sample for sample in order_of_making if sample.key not in done]
        watch.begins(each.card.name, len(each.samples), len(each.samples) - len(owed))
        if each.skipped:
            watch.says(f"{each.card.name} can neither converse nor edit: {each.skipped} conversations are skipped")
        if each.absent:
            watch.says(
                f"{each.card.name} holds nothing for {each.absent} other samples of the suite: they are left out"
            )
        if not owed or stopping.is_set():
            continue
        line = _Line(run, counting, each, counter, suite, watch, purse, stopping, decided)
        try:
            line.make(owed)
        except GeneratorClosed as error:
            closed.append(error)
    if closed:
        raise closed[0]


def _demand_price(each: Planned) -> None:
    """A budget can only be kept where prices are known."""
    tells = getattr(each.generator, "tells_cost", False)
    if each.generator.traits.remote and each.card.price is None and not tells:
        raise BadSettings(
            f"no price is known for {each.card.name}, so a budget cannot be kept. Write price and priced into a card of "
            "its own and name the card's file, or leave --budget out."
        )


def _demand_nouns(counter: Counter, suite: Suite) -> None:
    missing = counter.unsupported(nouns_of(suite))
    if missing:
        raise BadInput(
            f"the counter {counter.name} cannot know {', '.join(repr(noun) for noun in missing)} "
            f"(asked for in {suite.name}). Use a counter that can: {', '.join(open_counters())} know any noun; "
            "`countcheck list counters` tells what the others know."
        )


def nouns_of(suite: Suite) -> list[Noun]:
    """Everything of a suite that must be counted, as the counter wants it."""
    phrases = {target.noun: target.phrase for target in suite.targets}
    return [
        suite.nouns[name] if name in suite.nouns else Noun(name=name, phrase=phrases.get(name, name))
        for name in suite.vocabulary
    ]


def _styles(suite: Suite) -> list[str]:
    tags = [asked.tags for asked in suite.asked]
    tags += [turn.tags for talk in suite.conversations for turn in talk.turns]
    return sorted({tag["style"] for tag in tags if "style" in tag})


class _Purse:
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
        return self.budget is not None and self.spent >= self.budget


class _Line:
    """One generator's part of a run: from outcomes to rows."""

    def __init__(
        self,
        run: Run,
        counting: int,
        each: Planned,
        counter: Counter,
        suite: Suite,
        watch: Watch,
        purse: _Purse,
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
            if prompts:
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
            return relative, self._run.write_picture(relative, encode_png(pixels))

        return self._files.submit(write)

    def _see(self, batch: Sequence[tuple[Sample, Outcome]]) -> list[_Seen | None]:
        """What was found in each picture of the batch; ``None`` for what is no picture."""
        shown = [(sample, outcome) for sample, outcome in batch if isinstance(outcome, Picture)]
        pictures = [outcome.pixels for _, outcome in shown]
        styles = [sample.asked.tags.get("style") for sample, _ in shown]
        with self._looking:
            found = iter(self._counter.detect(pictures, self._nouns, styles))
        return [
            _look(self._counter, next(found), sample.asked.targets, sample.asked.tags, self._nouns)
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

        def look(picture: Picture, turn: Turn) -> _Seen:
            with self._looking:
                style = {**sample.asked.tags, **turn.tags}.get("style")
                (found,) = self._counter.detect([picture.pixels], self._nouns, [style])
            return _look(self._counter, found, turn.targets, {**sample.asked.tags, **turn.tags}, self._nouns)

        for spoken in hold(sample, self._generator, look, nouns=self._suite.nouns):
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
class _Seen:
    """What was found in one picture."""

    detections: Detections
    verdict: Verdict | None
    counted: Mapping[str, tuple[int, int, int]]


def _look(
    counter: Counter,
    found: Detections,
    targets: Sequence[Target],
    tags: Mapping[str, str],
    nouns: Sequence[Noun],
) -> _Seen:
    if counter.rule.name == "geneval" and targets:
        verdict, numbers = verdict_of(found, "", targets, tags)
        return _Seen(detections=found, verdict=verdict, counted={noun: (n, n, n) for noun, n in numbers.items()})
    asked = dict.fromkeys(noun for target in targets for noun in target.nouns)
    counted = counter.count(found, [noun for noun in nouns if noun.name in asked], tags.get("style"))
    return _Seen(
        detections=found,
        verdict=judge(targets, counted) if targets else None,
        counted={noun: (n, counted.low[noun], counted.high[noun]) for noun, n in counted.counts.items()},
    )


def _entry(
    outcome: Outcome,
    file: tuple[str, str],
    seen: _Seen | None,
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


def recount(
    run: Run, counter: Counter, *, rule: str | None = None, says: Callable[[str], None] = lambda sentence: None
) -> None:
    """Judge a run again: from stored detections when the detector is the same, from its pictures when it is not.

    The old verdicts stay in the ledger; the new ones speak from now on.

    Args:
        run: What to judge.
        counter: Who counts, with its rule.
        rule: ``geneval`` for that benchmark's own rule instead of the counter's.
        says: Told what a person should know.

    Raises:
        CannotDecide: When the counter fails its controls.
        BadInput: When the counter cannot know a noun of the suite.
    """
    if rule is not None and rule != counter.rule.name:
        counter = counter.with_rule(replace(counter.rule, name=rule))
    _demand_nouns(counter, run.suite)
    counter = tuned(counter, run.suite.vocabulary, _styles(run.suite), says=says)
    begun, now = run.facts["counter"], describe(counter)
    same = begun["detector"] == as_stored(now["detector"])
    if same and begun["rule"] == as_stored(now["rule"]):
        tested = run.facts["controls"]
    else:
        tested = controls.check(counter, nouns=run.suite.vocabulary, styles=_styles(run.suite))
        controls.demand(tested, counter.name)
        tested = tested.to_json()
    nouns = nouns_of(run.suite)
    rows = {(row.key, row.turn): row for row in run.rows() if row.outcome == "picture"}
    looked = run.facts["counting"]
    counting = run.begin_counting(now, tested)
    if not same:
        run.write_detections(_detect_files(run, list(rows.values()), counter, nouns, says), counting)
        looked = counting
    judged = [
        Judged(
            key=key,
            turn=turn,
            verdict=seen.verdict.kind,
            leaning=seen.verdict.leaning,
            reason=seen.verdict.reason,
            counted=seen.counted,
        )
        for key, turn, found in run.detections(looked)
        if (seen := _look(counter, found, rows[key, turn].targets, rows[key, turn].tags, nouns)).verdict is not None
    ]
    run.write_verdicts(judged, counting)


def _detect_files(
    run: Run, rows: Sequence[VerdictRow], counter: Counter, nouns: Sequence[Noun], says: Callable[[str], None]
) -> list[tuple[str, int, Detections]]:
    found: list[tuple[str, int, Detections]] = []
    there = [(row, path) for row in rows if (path := run.picture(row)) is not None]
    if len(there) < len(rows):
        says(f"{len(rows) - len(there)} picture files are gone: their old verdicts stay")
    for start in range(0, len(there), _BATCH):
        part = there[start : start + _BATCH]
        styles = [row.tags.get("style") for row, _ in part]
        seen = counter.detect([read_picture(path) for _, path in part], nouns, styles)
        found += [(row.key, row.turn, one) for (row, _), one in zip(part, seen, strict=True)]
    return found
