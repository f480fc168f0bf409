"""Requests that are handed in together and answered within a day, at a lower price: ``mode=batch``.

A provider with a batch API derives from `BatchingGenerator` and says how batches are handed in, found, looked at and
fetched; `_BatchRun` does the rest. No step is done twice, wherever a process dies:

1. A note with a token of our own and the keys of the samples is stored. Nothing was handed in yet.
2. The batch is handed in with the token, and its id is stored. A process that died between the two finds the batch by its
   token among those of the account.
3. When the service is done, its answers are read like any others, and each outcome is stored before the next is read. A
   process that died meanwhile fetches again, which costs nothing, and leaves out what is stored.
4. The note is removed. Samples that the service did not come to (expired, a passing fault) go into a note for another
   round at the same moment; ``attempts`` is the number of rounds.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from countcheck.cards import Card
from countcheck.errors import BadSettings, CountcheckError, GeneratorClosed
from countcheck.generators.base import Traits
from countcheck.generators.batch_notes import BatchNote, BatchNotes, MemoryNotes
from countcheck.generators.outcome import Attempt, Failure, Fault, Outcome
from countcheck.generators.remote.client import RemoteGenerator
from countcheck.generators.remote.outcomes import without_secrets
from countcheck.generators.remote.reply import Ask, Reply
from countcheck.suites.samples import Sample

_LONGEST_PAUSE = 60.0  # seconds before another try of a call that failed
_SURE = 3600.0  # seconds by which clocks may differ when a batch is looked for by its age


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchState:
    """How far a batch is.

    Attributes:
        waiting: The service has not ended it.
        answered, total: Requests that are answered, of all.
        cancelled: Somebody ended it.
        seconds: What the service took for it; ``None`` when it does not say.
        failure: Of a batch that was turned away as a whole: what the service says.
    """

    waiting: bool
    answered: int = 0
    total: int = 0
    cancelled: bool = False
    seconds: float | None = None
    failure: Reply | None = None


class BatchingGenerator(RemoteGenerator):
    """A provider that also takes requests in batches.

    Attributes:
        batch_limit: Most requests of one batch, 1 or more; ``batch_size`` sets fewer.
    """

    batches: ClassVar[bool] = True
    batch_limit: ClassVar[int] = 100

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self.batch_notes: BatchNotes = MemoryNotes()
        self.waits_for_batches = True
        size = self.settings["batch_size"]
        if not isinstance(size, int) or not 0 <= size <= self.batch_limit:
            raise BadSettings(f"{card.name}: batch_size is {size!r}. Give a whole number up to {self.batch_limit}.")

    # What a provider writes.

    def hand_in(self, note: BatchNote, asks: Mapping[str, Ask], known: Callable[[str], None]) -> None:
        """Hand in what is not yet with the service, and call ``known`` with the batch's id as soon as there is one.

        Args:
            note: With its ``id`` when the batch exists; then only requests that it lacks are handed in.
            asks: By sample key, every request of the batch, in order.
            known: Stores the id.

        Raises:
            TypeError: Unless a provider overrides it, which may raise whatever its client raises.
        """
        raise TypeError(f"{type(self).__name__} does not say how to hand in; write its method hand_in")

    def find(self, note: BatchNote, since: float) -> str:
        """Return the id of the account's batch with the note's token; empty when there is none.

        Args:
            note: Of the batch.
            since: Older batches, in seconds since 1970, need not be looked at.

        Raises:
            TypeError: Unless a provider overrides it, which may raise whatever its client raises.
        """
        raise TypeError(f"{type(self).__name__} does not say how to find batches; write its method find")

    def look(self, note: BatchNote) -> BatchState:
        """Return how far a batch is.

        Raises:
            TypeError: Unless a provider overrides it, which may raise whatever its client raises.
        """
        raise TypeError(f"{type(self).__name__} does not say how to look at batches; write its method look")

    def fetch(self, note: BatchNote) -> Iterator[tuple[str, Reply | None]]:
        """Yield sample key and reply of every request; ``None`` for one that the service did not come to.

        Raises:
            TypeError: Unless a provider overrides it, which may raise whatever its client raises.
        """
        raise TypeError(f"{type(self).__name__} does not say how to fetch batches; write its method fetch")

    # What the engine uses.

    @property
    def in_batches(self) -> bool:
        """Tell whether requests are handed in together."""
        return bool(self.settings["mode"])

    @property
    def traits(self) -> Traits:
        """Describe what the generator can do; in batches nothing can be said twice."""
        traits = super().traits
        return replace(traits, converses=False, edits=False) if self.in_batches else traits

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """Yield one outcome per sample. In batches, samples whose answers are not awaited are left out.

        Raises:
            GeneratorClosed: When the service serves nobody with this key, account, quota or model.
        """
        if not self.in_batches:
            yield from super().generate(samples)
            return
        self._begin()
        yield from _BatchRun(self, samples).outcomes()


class _BatchRun:
    """The samples of one call of `generate`, on their way through batches."""

    def __init__(self, generator: BatchingGenerator, samples: Sequence[Sample]) -> None:
        self._generator = generator
        self._notes = generator.batch_notes
        self._owed = {sample.key: sample for sample in samples}
        self._reserved: dict[str, int] = {}  # pictures whose cost is reserved, by token
        self._progress: dict[str, str] = {}  # how far batches are, in words, by token
        self._closed = ""
        self._cancelled = False
        self._size = int(generator.settings["batch_size"]) or generator.batch_limit

    def outcomes(self) -> Iterator[Outcome]:
        generator = self._generator
        try:
            for note in self._wanted():
                self._reserve(note)
            while not self._ended:
                for note in self._wanted():
                    if note.sent and not self._ended:
                        yield from self._advance(note)
                for note in self._wanted():
                    if not note.sent and not self._ended:
                        self._hand_in(note, fresh=False)
                self._begin_batches()
                if not self._wanted() or not generator.waits_for_batches or self._ended:
                    break
                self._wait()
        finally:
            for token in list(self._reserved):
                generator.admission.end(self._reserved.pop(token), ())
        if self._closed:
            raise GeneratorClosed(self._closed)

    @property
    def _ended(self) -> bool:
        return bool(self._closed) or self._generator.stopped

    def _open(self) -> list[BatchNote]:
        return list(self._notes.of(self._generator.name))

    def _wanted(self) -> list[BatchNote]:
        """Return the notes of batches that hold a sample which is asked for now."""
        return [note for note in self._open() if not self._owed.keys().isdisjoint(note.keys)]

    def _wait(self) -> None:
        seconds = float(self._generator.settings["batch_poll"])
        named = ", ".join(self._progress.get(note.token, note.id) for note in self._wanted())
        self._generator.tell_wait(f"batches: {named}", seconds)
        self._generator.pause(seconds)

    # -- handing in ------------------------------------------------------------------------------------------------

    def _begin_batches(self) -> None:
        """Hand in what is owed and in no batch, as far as the budget goes."""
        generator = self._generator
        while not (self._ended or self._cancelled):
            notes = self._open()
            taken = {key for note in notes for key in note.keys}
            free = [key for key in self._owed if key not in taken]
            room = generator.admission.room()
            count = min(len(free), self._size if room is None else min(self._size, room))
            if not free or (not count and notes):
                return
            if not generator.admission.begin(max(count, 1), stopped=lambda: generator.stopped):
                return
            keys = tuple(free[: max(count, 1)])
            note = BatchNote(token=secrets.token_hex(16), generator=generator.name, keys=keys, at=time.time())
            self._reserved[note.token] = len(keys)
            self._notes.write(note)
            self._hand_in(note, fresh=True)

    def _reserve(self, note: BatchNote) -> None:
        self._generator.admission.commit(len(note.keys))
        self._reserved[note.token] = len(note.keys)

    def _release(self, note: BatchNote) -> None:
        self._generator.admission.end(self._reserved.pop(note.token, 0), ())

    def _hand_in(self, note: BatchNote, *, fresh: bool) -> None:
        """Bring a batch to the service; one that may be there already, as its note is not fresh, is looked for first."""
        look_first = not fresh

        def known(batch: str) -> None:
            nonlocal note
            note = replace(note, id=batch)
            self._notes.write(note)

        def hand_in() -> None:
            nonlocal note, look_first
            if look_first and not note.id and (found := self._generator.find(note, since=note.at - _SURE)):
                known(found)
            look_first = True
            if not note.id:  # what was made otherwise meanwhile is not asked for
                note = replace(note, keys=tuple(key for key in note.keys if key in self._owed))
            asks = {key: self._ask(key) for key in note.keys if key in self._owed}
            if asks:
                self._generator.hand_in(note, asks, known)

        if not self._call(hand_in, note):
            return
        if note.keys:
            self._notes.write(replace(note, sent=True))
        else:
            self._release(note)
            self._notes.remove(note)

    def _ask(self, key: str) -> Ask:
        sample = self._owed[key]
        return Ask(text=sample.text, seed=sample.seed, key=key)

    # -- coming back -----------------------------------------------------------------------------------------------

    def _advance(self, note: BatchNote) -> Iterator[Outcome]:
        """Look at a batch; yields its outcomes when the service is done with it."""
        looked: list[BatchState] = []
        if not self._call(lambda: looked.append(self._generator.look(note)), note):
            return
        state = looked[0]
        if state.waiting:
            self._progress[note.token] = f"{note.id} ({state.answered} of {state.total or len(note.keys)} answered)"
        elif state.failure is not None:
            self._turned_away(note, state.failure)
        else:
            yield from self._fetched(note, state)

    def _turned_away(self, note: BatchNote, reply: Reply) -> None:
        """End with what the service says of a batch that it did not take; its samples stay owed."""
        said = self._sentence(reply)
        self._release(note)
        self._notes.remove(note)
        self._closed = (
            f"{self._generator.name}: the batch {note.id} was turned away: {said} The same command asks again."
        )

    def _fetched(self, note: BatchNote, state: BatchState) -> Iterator[Outcome]:
        """Yield the outcomes of a batch as they are read; at the end its note is removed, or stands for another round."""
        generator = self._generator
        seconds = (state.seconds if state.seconds is not None else max(0.0, time.time() - note.at)) / len(note.keys)
        seen: set[str] = set()
        again: list[str] = []

        def settle(key: str, reply: Reply | None) -> Outcome | None:
            seen.add(key)
            if reply is None and state.cancelled:
                return None
            outcome = self._outcome(key, reply, seconds)
            if self._is_worth_another(outcome, note):
                again.append(key)
                return None
            generator.save(outcome)
            if self._reserved.get(note.token):
                self._reserved[note.token] -= 1
                generator.admission.end(1, [outcome])
            return outcome

        for attempt in itertools.count(1):
            try:
                for key, reply in generator.fetch(note):
                    # An answer may come twice, and of a sample that is done.
                    if key in self._owed and key not in seen and (outcome := settle(key, reply)) is not None:
                        yield outcome
                break
            except CountcheckError:
                raise
            except Exception as error:  # a vendor's client may raise anything; all of it is read
                if not self._may_try_again(error, note, attempt):
                    return
        for key in note.keys:
            if key in self._owed and key not in seen and (outcome := settle(key, None)) is not None:
                yield outcome
        for key in seen.difference(again):
            del self._owed[key]
        self._cancelled = self._cancelled or state.cancelled
        self._finish(note, again)

    def _outcome(self, key: str, reply: Reply | None, seconds: float) -> Outcome:
        if reply is None:
            return Failure(key=key, fault=Fault.TRANSIENT, message="the batch ended before the service came to it.")
        reply, (settled,) = self._generator.settle(reply, (key,), seconds=seconds, asked=self._owed[key].text)
        what = str(settled.reading.fault or settled.reading.reason or settled.reading.ended)
        attempt = Attempt(seconds=seconds, what=what, status=reply.status, request_id=reply.request_id)
        return replace(settled.outcome, attempts=(without_secrets(attempt, self._generator.secrets),))

    def _is_worth_another(self, outcome: Outcome, note: BatchNote) -> bool:
        """Tell whether a sample is left for another round; notes when the service serves nobody."""
        if not isinstance(outcome, Failure):
            return False
        if outcome.fault is Fault.CLOSED:
            self._closed = str(GeneratorClosed.by(self._generator.name, outcome.message))
            return True
        return outcome.fault is Fault.TRANSIENT and note.round < int(self._generator.settings["attempts"])

    def _finish(self, note: BatchNote, again: Sequence[str]) -> None:
        """Remove the note of a batch that is fetched; what is worth another round goes into a note of its own."""
        self._release(note)
        if not again or self._closed:
            self._notes.remove(note)
            return
        then = replace(
            note,
            token=secrets.token_hex(16),
            keys=tuple(again),
            at=time.time(),
            id="",
            sent=False,
            round=note.round + 1,
        )
        self._notes.remove(note, then)
        self._reserve(then)

    # -- calls -----------------------------------------------------------------------------------------------------

    def _call(self, step: Callable[[], None], note: BatchNote) -> bool:
        """Do a step with the service, several times when it fails in passing; ``False`` when it cannot be done now."""
        for attempt in itertools.count(1):
            try:
                step()
                return True
            except CountcheckError:
                raise
            except Exception as error:  # a vendor's client may raise anything; all of it is read
                if not self._may_try_again(error, note, attempt):
                    return False
        return False

    def _may_try_again(self, error: Exception, note: BatchNote, attempt: int) -> bool:
        """Wait after a fault that passes; after any other, note why it ends."""
        generator = self._generator
        reply = generator.explain(error)
        outcome = generator.settle(reply, ("",), seconds=0.0)[1][0].outcome
        passing = isinstance(outcome, Failure) and outcome.fault is Fault.TRANSIENT
        if not passing or attempt >= int(generator.settings["attempts"]):
            self._refused(reply, note, passing=passing)
            return False
        first = float(generator.settings["first_wait"])
        wait = reply.retry_after
        generator.pause(min(_LONGEST_PAUSE, first * 2.0 ** (attempt - 1)) if wait is None else wait)
        return not generator.stopped

    def _refused(self, reply: Reply, note: BatchNote, *, passing: bool) -> None:
        name, said = self._generator.name, self._sentence(reply)
        kept = next((each for each in self._open() if each.token == note.token), note)
        if passing:
            self._closed = f"{name}: {said} The same command goes on."
        elif kept.id and reply.status in (403, 404):
            day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(kept.at))
            self._closed = (
                f"{name}: the batch {kept.id}, handed in on {day}, is not there for this account ({said.rstrip('.')}). "
                "Use the key that it was handed in with, or --forget-batches to ask again, which is paid for again."
            )
        else:
            if not kept.id:  # turned away before there was a batch
                self._release(kept)
                self._notes.remove(kept)
            self._closed = str(GeneratorClosed.by(name, said))

    def _sentence(self, reply: Reply) -> str:
        outcome = self._generator.settle(reply, ("",), seconds=0.0)[1][0].outcome
        return outcome.message if isinstance(outcome, Failure) else f"{reply.message.rstrip('.')}."
