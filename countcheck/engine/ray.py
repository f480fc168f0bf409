"""The same engine over many machines: models that run here are spread over *hands*, Ray actors that each hold the
generator and the counter; the head alone keeps the run. A run begun on one machine goes on over many, and back.
"""

from __future__ import annotations

import collections
import functools
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from countcheck import errors
from countcheck.cards import Card
from countcheck.counting.counter import Counter, load_counter
from countcheck.detectors.base import Detections
from countcheck.engine.config import RunConfig
from countcheck.engine.progress import Progress
from countcheck.engine.run import load_generator, run
from countcheck.engine.scoring import nouns_of
from countcheck.errors import CountcheckError, GeneratorClosed, MissingExtra
from countcheck.generators.base import Closable, Dialogue, Generator, Stoppable, Traits
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

_CHUNK = 16  # samples that a hand is given at a time
_AHEAD = 2  # chunks that a hand has: one being made, one waiting
_TRIES = 3  # times that a hand may die over a sample before that is called the sample's fault
_PATIENCE = 600.0  # seconds for a hand to be begun anew, its models loaded


def run_on_ray(
    order: RunConfig,
    counter: str,
    *,
    watch: Progress | None = None,
    stopping: threading.Event | None = None,
    decided: Callable[[RunFolder], str | None] | None = None,
    hands: int | None = None,
) -> RunFolder:
    """`countcheck.engine.run.run`, with making and looking spread over a Ray cluster; returns the run, still open.

    The cluster is the one that ``RAY_ADDRESS`` names, else the one that runs here, else one begun for the purpose.
    Generators that wait on a network, or that do not like many samples at a time, are asked from the head alone:
    their limits are counted in one place, and keys never travel.

    Args:
        order: What to do.
        counter: Who counts, as a spec: every hand loads its own.
        watch: Who is told how it goes.
        stopping: Set it from elsewhere and the run ends cleanly with what is under way.
        decided: Asked now and then; a sentence ends the run.
        hands: How many per generator; by default one per GPU of the cluster, else one per two cores.

    Raises:
        CountcheckError: As `countcheck.engine.run.run` does, and when no cluster answers.
        GeneratorClosed: When no hand is left.
    """
    begun = _join()
    try:
        nouns = nouns_of(order.suite)
        crew: list[RayGenerator] = []

        def load(card: Card) -> Generator:
            own = load_generator(card)
            if own.traits.remote or not own.traits.batched:
                return own
            # The loaders are bound by value: a hand uses the very functions that the head does.
            engage = functools.partial(_engaged, load_generator, card, load_counter, counter)
            return RayGenerator(own, engage, nouns, hands=hands, crew=crew)

        plain = load_counter(counter)
        looked = _LookedAlready(plain.card, plain.detector, rule=plain.rule, second_counter=plain.second_counter)
        return run(order, looked, watch=watch, stopping=stopping, decided=decided, load=load)
    finally:
        if begun:
            ray.shutdown()


def _join() -> bool:
    """Join a cluster, or begin one on this machine; whether that was done here and is to be undone."""
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


Engage: TypeAlias = Callable[[], tuple[Generator, Counter]]


def _engaged(
    load: Callable[[Card], Generator], card: Card, load_counting: Callable[[str], Counter], counter: str
) -> tuple[Generator, Counter]:
    return load(card), load_counting(counter)


class _Looked(np.ndarray[Any, Any]):
    """A picture that a hand has looked at: its pixels, what was found in them, for which nouns and in which style."""

    found: Detections
    asked: tuple[tuple[Noun, ...], str | None]


class _LookedAlready(Counter):
    """A counter that does not look a second time at what a hand has looked at."""

    def detect(
        self, pictures: Sequence[Pixels], nouns: Sequence[Noun], styles: Sequence[str | None] | None = None
    ) -> list[Detections]:
        """What is in each picture, in order."""
        told = [None] * len(pictures) if styles is None else list(styles)
        known = [
            picture.found if isinstance(picture, _Looked) and picture.asked == (tuple(nouns), style) else None
            for picture, style in zip(pictures, told, strict=True)
        ]
        rest = [place for place, found in enumerate(known) if found is None]
        seen = iter(super().detect([pictures[k] for k in rest], nouns, [told[k] for k in rest]) if rest else ())
        return [found if found is not None else next(seen) for found in known]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """One outcome as it travels: without its pixels, with them as an array beside it, with what was found in them."""

    outcome: Outcome
    pixels: np.ndarray[Any, Any] | None = None
    found: Detections | None = None
    style: str | None = None

    def unpacked(self, nouns: tuple[Noun, ...]) -> Outcome:
        """The outcome with its pixels, which remember what was found in them."""
        if self.pixels is None or isinstance(self.outcome, Failure):
            return self.outcome
        pixels: Any = self.pixels
        if self.found is not None:
            pixels = self.pixels.view(_Looked)
            pixels.found, pixels.asked = self.found, (nouns, self.style)
        return replace(self.outcome, pixels=pixels)


class _Worker:
    """What runs elsewhere: one generator and one counter, loaded once."""

    def __init__(self, engage: Engage, nouns: tuple[Noun, ...]) -> None:
        self._nouns = nouns
        self._generator: Any = None
        self._ended: tuple[str, str] | None = None
        try:
            self._generator, self._counter = engage()
        except CountcheckError as error:  # kept for whoever asks first: an error in here would lose its words
            self._ended = (type(error).__name__, str(error))

    def make(self, samples: Sequence[Sample]) -> tuple[list[_Made], tuple[str, str] | None]:
        """What the samples came to; and the name and words of the error that ended it early, if one did."""
        if self._ended is not None:
            return [], self._ended
        styles = {sample.key: sample.asked.tags.get("style") for sample in samples}
        outcomes: list[Outcome] = []
        ended: tuple[str, str] | None = None
        try:
            for outcome in self._generator.generate(samples):
                outcomes.append(outcome)
        except CountcheckError as error:
            ended = (type(error).__name__, str(error))
        return self._packed(outcomes, styles), ended

    def edit(self, sample: Sample, pixels: Any, instruction: str, turn: int, targets: Sequence[Target]) -> _Made:
        """A picture changed; the head looks at it, because it knows the turn's style."""
        if self._ended is not None:
            return _Made(outcome=Failure(key=sample.key, turn=turn, fault=Fault.CRASH, message=self._ended[1]))
        return _travelling(self._generator.edit(sample, pixels, instruction, turn, targets))

    @ray.method(concurrency_group="control")
    def here(self) -> bool:
        """An answer."""
        return True

    @ray.method(concurrency_group="control")
    def stop(self) -> None:
        """Begin nothing more."""
        if isinstance(self._generator, Stoppable):
            self._generator.stop()

    def _packed(self, outcomes: Sequence[Outcome], styles: Mapping[str, str | None]) -> list[_Made]:
        """The outcomes ready to travel, their pictures looked at where they were made."""
        pictures = [outcome for outcome in outcomes if isinstance(outcome, Picture)]
        told = [styles.get(picture.key) for picture in pictures]
        if self._counter.chooses_views:  # which looks to take is found out at the head
            return [_travelling(outcome) for outcome in outcomes]
        found = self._counter.detect([picture.pixels for picture in pictures], self._nouns, told)
        seen = {picture.key: one for picture, one in zip(pictures, found, strict=True)}
        return [
            replace(_travelling(outcome), found=seen.get(outcome.key), style=styles.get(outcome.key))
            for outcome in outcomes
        ]


def _travelling(outcome: Outcome) -> _Made:
    """An outcome and its pixels, apart."""
    if isinstance(outcome, Failure) or outcome.pixels is None:
        return _Made(outcome=outcome)
    return _Made(outcome=replace(outcome, pixels=None), pixels=as_rgb(outcome.pixels))  # type: ignore[arg-type]


class RayGenerator:
    """A generator whose samples are made by many hands; to the engine it is a generator like any other."""

    def __init__(
        self,
        own: Generator,
        engage: Engage,
        nouns: Sequence[Noun],
        *,
        hands: int | None = None,
        crew: list[RayGenerator] | None = None,
    ) -> None:
        self._own: Any = own
        self._engage = engage
        self._nouns = tuple(nouns)
        self._wanted = hands
        self._hands: list[Any] = []
        self._stopped = False
        self._next = 0
        self._engaging = threading.Lock()
        self._crew: list[RayGenerator] = [] if crew is None else crew

    @property
    def name(self) -> str:
        """As the user calls it."""
        return str(self._own.name)

    @property
    def traits(self) -> Traits:
        """The generator's own; what is edited by hands is edited by all of them at once."""
        own: Traits = self._own.traits
        if own.converses or not own.edits:
            return own
        return replace(own, concurrency=max(own.concurrency, _shares(self._wanted)[0]))

    @property
    def recipe(self) -> Recipe:
        """The generator's own: where a picture is made does not change it."""
        recipe: Recipe = self._own.recipe
        return recipe

    def stop(self) -> None:
        """Give out nothing more, and let every hand finish what it is at."""
        self._stopped = True
        for hand in self._hands:
            hand.stop.remote()

    def let_go(self) -> None:
        """Let the hands go; others are engaged when there is work again."""
        for hand in self._hands:
            ray.kill(hand)
        self._hands = []

    def close(self) -> None:
        """Let the hands go, and give back what the head holds."""
        self.let_go()
        if isinstance(self._own, Closable):
            self._own.close()

    def open(self, sample: Sample) -> Dialogue:
        """A conversation, held by the head's own generator."""
        dialogue: Dialogue = self._own.open(sample)
        return dialogue

    def edit(self, sample: Sample, pixels: Pixels, instruction: str, turn: int, targets: Sequence[Target]) -> Outcome:
        """The picture changed, by the next hand in turn."""
        hand = self._in_turn()[0]
        task = hand.edit.remote(sample, as_rgb(pixels), instruction, turn, targets)
        try:
            made: _Made = ray.get(task)
        except RayError as error:
            return Failure(key=sample.key, turn=turn, fault=Fault.CRASH, message=f"a hand was lost: {_line(error)}.")
        return made.unpacked(self._nouns)

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """One outcome per sample, as the hands bring them.

        A hand that dies is begun anew and its samples are given out again, one by one; a sample over which hands keep
        dying is a failure.

        Raises:
            CountcheckError: What a hand's generator raised, after everything under way has been brought.
            GeneratorClosed: When no hand is left.
        """
        self._stopped = False
        waiting = collections.deque(_chunks(samples, len(self._ready())))
        under_way: dict[Any, tuple[Any, Sequence[Sample]]] = {}
        tries: collections.Counter[str] = collections.Counter()
        ended: CountcheckError | None = None
        why = ""
        while waiting or under_way:
            for hand in self._in_turn() if self._hands else ():
                busy = sum(1 for other, _ in under_way.values() if other is hand)
                # Behind a sample that may kill its hand nothing waits, or it would be lost as well.
                ahead = 1 if tries else _AHEAD
                while waiting and busy < ahead and not self._stopped and ended is None:
                    chunk = waiting.popleft()
                    under_way[hand.make.remote(chunk)] = (hand, chunk)
                    busy += 1
            if not under_way:
                break
            (task,), _ = ray.wait(list(under_way), num_returns=1)
            hand, chunk = under_way.pop(task)
            try:
                brought, error = ray.get(task)
            except RayError as lost:
                why = _line(lost)
                yield from self._lost(lost, hand, chunk, waiting, tries)
                continue
            yield from (made.unpacked(self._nouns) for made in brought)
            if error is not None:
                ended = _rebuilt(*error)
        if ended is not None:
            raise ended
        if waiting and not self._stopped:
            raise GeneratorClosed(
                f"{self.name}: every hand was lost ({why}). Look at the cluster; the same command goes on."
            )

    def _lost(
        self,
        lost: RayError,
        hand: Any,
        chunk: Sequence[Sample],
        waiting: collections.deque[Sequence[Sample]],
        tries: collections.Counter[str],
    ) -> Iterator[Outcome]:
        """Give a lost chunk out again, sample by sample, but for samples that were lost too often."""
        for sample in chunk:
            tries[sample.key] += 1
            if tries[sample.key] >= _TRIES:
                message = f"a hand was lost over it {_TRIES} times: {_line(lost)}."
                yield Failure(key=sample.key, fault=Fault.CRASH, message=message)
            else:
                waiting.appendleft([sample])
        if not _lives(hand):
            self._hands = [other for other in self._hands if other is not hand]

    def _in_turn(self) -> list[Any]:
        """The hands, another one first every time."""
        hands = self._ready()
        self._next = (self._next + 1) % len(hands)
        return hands[self._next :] + hands[: self._next]

    def _ready(self) -> list[Any]:
        """The hands, engaged on first use, when those of the generator before are let go: they hold its GPUs."""
        with self._engaging:
            if not self._hands:
                for other in self._crew:
                    other.let_go()
                self._crew[:] = [self]
                count, share = _shares(self._wanted)
                groups = {"control": 1}
                kind = ray.remote(max_restarts=-1, max_concurrency=1, concurrency_groups=groups, **share)(_Worker)
                self._hands = [kind.remote(self._engage, self._nouns) for _ in range(count)]
            return list(self._hands)


def _shares(wanted: int | None) -> tuple[int, dict[str, float]]:
    """How many hands, and what each one takes of the cluster."""
    there = ray.cluster_resources()
    gpus, cores = int(there.get("GPU", 0)), int(there.get("CPU", 1))
    count = wanted or gpus or max(1, cores // 2)
    if gpus:
        return count, {"num_gpus": gpus / count if count > gpus else 1, "num_cpus": 0}
    return count, {"num_cpus": min(1.0, cores / count)}


def _chunks(samples: Sequence[Sample], hands: int) -> Iterator[Sequence[Sample]]:
    """The samples in pieces small enough that every hand gets some, and a run can stop before its end."""
    size = max(1, min(_CHUNK, len(samples) // (4 * max(1, hands))))
    return (samples[start : start + size] for start in range(0, len(samples), size))


def _lives(hand: Any) -> bool:
    """Whether a hand lives, or comes to live again; beginning anew takes as long as loading does."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            return bool(ray.get(hand.here.remote(), timeout=_PATIENCE))
        except ActorDiedError:
            return False
        except RayError:  # it is being begun anew
            time.sleep(0.5)
    return False


def _rebuilt(name: str, words: str) -> CountcheckError:
    """A hand's error, of its own kind where that can be made from words alone."""
    kind = getattr(errors, name, CountcheckError)
    plain = isinstance(kind, type) and issubclass(kind, CountcheckError) and kind.__init__ is CountcheckError.__init__
    return kind(words) if plain else CountcheckError(words)


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]
