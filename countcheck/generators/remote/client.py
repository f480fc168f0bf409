"""Every generator behind a network: pace, retries, keys, downloads, and outcomes from replies. No vendor is known here.

An adapter is a subclass in one file that says what it is (class attributes) and writes two methods::

    class ExampleGenerator(RemoteGenerator):
        family = "example"              # its name in specs, tables of codes and messages
        extra = "example"               # pip install 'countcheck[example]'
        key_names = ("EXAMPLE_API_KEY",)
        defaults = {"size": "1024x1024", "base_url": ""}   # settings that can change a picture, with their defaults
        seeded = True                   # the service honours seeds

        def connect(self):              # once, before the first request; the client is kept as self.client
            example = self.sdk("example")                    # MissingExtra when not installed
            return example.Client(api_key=self.key(), timeout=self.settings["timeout"], max_retries=0)

        def ask(self, ask):             # one attempt, in any thread; SDK retries off
            answer = self.client.draw(self.source, ask.text, seed=ask.seed, n=ask.count)
            return Reply(slots=tuple(Slot(data=one.b64) for one in answer.images))

Whatever ``ask`` raises goes through ``explain`` (by default `countcheck.generators.remote.error_replies.reply_of_error`), and every
reply through `countcheck.generators.refusals.classify.read`. Add the mixin `ConversingGenerator` for services that keep a conversation
(``Ask.history`` in, ``Reply.history`` out; plain JSON, or see `ConversingGenerator.pack`) and `Changes` for those that edit (``Ask.picture``).
"""

from __future__ import annotations

import importlib
import math
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import tenacity

from countcheck.cards import Card, fill
from countcheck.credentials import read_key, redact, refuse_secrets
from countcheck.errors import BadInput, BadSettings, CountcheckError, GeneratorClosed, MissingExtra
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Attempt, Failure, Fault, Outcome
from countcheck.generators.refusals.classify import Ended, Reading
from countcheck.generators.remote.dialogue import RemoteDialogue
from countcheck.generators.remote.download import fetch_picture
from countcheck.generators.remote.error_replies import reply_of_error
from countcheck.generators.remote.outcomes import settle
from countcheck.generators.remote.rate_limit import Pace
from countcheck.generators.remote.reply import Ask, Reply
from countcheck.images.types import Pixels
from countcheck.suites.samples import Recipe, Sample
from countcheck.suites.suite import Target

# Settings of every remote generator; none of them can change a picture, so none is part of the recipe.
PLUMBING: Mapping[str, Any] = {
    "requests_per_minute": 0.0,  # 0: no limit but the provider's own answers
    "pictures_per_minute": 0.0,
    "concurrency": 8,
    "attempts": 5,  # per request, the first included
    "timeout": 300.0,  # seconds for one request
    "most_wait": 120.0,  # seconds; a server that asks for a longer wait gets no further attempt
    "first_wait": 1.0,  # seconds before the second attempt; doubles, with jitter
    "per_request": 1,  # pictures asked for in one request, where the service can
    "key_env": "",  # another environment variable to read the key from
    "loopback": False,  # pictures may be fetched from this machine
}
_FETCHES = 3


@dataclass(frozen=True, slots=True)
class _Tried:
    """One attempt, judged."""

    reply: Reply
    outcomes: tuple[Outcome, ...]
    again: bool
    wait: float | None


class RemoteGenerator:
    """Base of the adapters; see the module's words for what an adapter writes."""

    family: ClassVar[str] = ""
    extra: ClassVar[str] = ""
    key_names: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[Mapping[str, Any]] = {}
    plumbing: ClassVar[Mapping[str, Any]] = {}  # the adapter's own values for PLUMBING
    seeded: ClassVar[bool] = False
    converses: ClassVar[bool] = False
    edits: ClassVar[bool] = False
    most_per_request: ClassVar[int] = 1
    needs_source: ClassVar[bool] = True
    reports_cost: ClassVar[bool] = False  # every reply says what it cost, so that a budget holds without a price
    codes_of: ClassVar[str] = ""  # whose codes, when not the family's own

    def __init__(self, card: Card) -> None:
        refuse_secrets(card.settings, family=self.family)
        plumbing = {**PLUMBING, **self.plumbing}
        self.card = card
        self.source = card.source
        self.settings: dict[str, Any] = fill(card, {**plumbing, **self.defaults})
        if self.needs_source and not card.source:
            raise BadSettings(f"{card.name}: no model is named. Write {self.family}:MODEL.")
        for name in ("concurrency", "attempts", "per_request"):
            if not isinstance(self.settings[name], int) or self.settings[name] < 1:
                raise BadSettings(f"{card.name}: {name} is {self.settings[name]!r}. Give a whole number, 1 or more.")
        for name in ("timeout", "most_wait", "first_wait", "poll"):
            value = self.settings.get(name, 0.0)
            if not isinstance(value, int | float) or not (0 <= value < math.inf) or (name == "timeout" and not value):
                raise BadSettings(f"{card.name}: {name} is {value!r}. Give seconds, more than 0.")
        changing = {name: self.settings[name] for name in sorted(self.defaults)}
        self._recipe = Recipe(name=card.name, revision=card.revision, settings={"source": card.source, **changing})
        self.pace = Pace(
            requests=float(self.settings["requests_per_minute"] or 0),
            pictures=float(self.settings["pictures_per_minute"] or 0),
            concurrency=self.settings["concurrency"],
        )
        self._secrets: set[str] = set()
        self._client: Any = None
        self._connecting = threading.Lock()
        self._stop = threading.Event()
        self._closed = ""

    # What an adapter writes.

    def connect(self) -> Any:
        """The service's client, made once; kept as ``self.client``."""
        return None

    def ask(self, ask: Ask) -> Reply:
        """One attempt. May raise whatever the client raises."""
        raise TypeError(f"{type(self).__name__} does not say how to ask; write its method ask")

    def explain(self, error: Exception) -> Reply:
        """What an exception from `ask` says; adapters whose clients hide things override it."""
        return reply_of_error(error)

    # What an adapter uses.

    @property
    def client(self) -> Any:
        """What `connect` made."""
        if self._client is None:
            with self._connecting:
                if self._client is None:
                    self._client = self.connect()
        return self._client

    def key(self) -> str:
        """The key, from the environment or the keyring; redacted from everything kept from now on."""
        named = self.settings["key_env"]
        found = read_key((named,) if named else self.key_names, family=self.family)
        self._secrets.add(found)
        return found

    @property
    def secrets(self) -> frozenset[str]:
        """What must never be kept."""
        return frozenset(self._secrets)

    def sdk(self, module: str) -> Any:
        """A vendor's module. Raises `MissingExtra`."""
        try:
            return importlib.import_module(module)
        except ImportError as error:
            raise MissingExtra(self.extra or self.family, feature=f"the {self.family} generator") from error

    # What the engine uses.

    @property
    def name(self) -> str:
        """As the user calls it."""
        return self.card.name

    @property
    def traits(self) -> Traits:
        """What it can do."""
        return Traits(
            seeded=self.seeded,
            batched=False,
            converses=self.converses,
            edits=self.edits,
            remote=True,
            concurrency=int(self.settings["concurrency"]),
        )

    @property
    def recipe(self) -> Recipe:
        """Everything of it that can change a picture."""
        return self._recipe

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """One outcome per sample, in the order in which they are done; those not begun before `stop` are left out.

        Raises:
            GeneratorClosed: After everything under way has been yielded, when the service serves nobody with this
                key, account, quota or model.
        """
        self._begin()
        groups = self._groups(samples)
        most = int(self.settings["concurrency"])
        under_way: set[Future[list[Outcome]]] = set()
        with ThreadPoolExecutor(max_workers=most, thread_name_prefix=f"countcheck-{self.family}") as pool:
            try:
                while True:
                    while len(under_way) < most and not self._ending and (group := next(groups, None)):
                        under_way.add(pool.submit(self._draw, group))
                    if not under_way:
                        break
                    done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield from future.result()
            finally:
                if under_way:  # the consumer went away, or something broke: begin nothing more
                    self.stop()
                    pool.shutdown(wait=True, cancel_futures=True)
        if self._closed:
            raise GeneratorClosed(self._closed)

    def stop(self) -> None:
        """Finish what is under way, start nothing more."""
        self._stop.set()
        self.pace.wake()

    def close(self) -> None:
        """Give back connections."""
        client, self._client = self._client, None
        closing = getattr(client, "close", None)
        if callable(closing):
            closing()

    def respond(self, ask: Ask) -> tuple[Reply, Outcome]:
        """One request carried through, retries and all: for conversations and edits.

        Raises:
            GeneratorClosed: When the service was already found to serve nobody.
        """
        self._begin()
        tried, _ = self._carry_through(ask, (ask.key,))
        if tried is None:
            return Reply(), Failure(
                key=ask.key, turn=ask.turn, fault=Fault.TRANSIENT, message="stopped before it was asked"
            )
        return tried.reply, tried.outcomes[0]

    # How.

    @property
    def _ending(self) -> bool:
        return self._stop.is_set() or bool(self._closed)

    def _begin(self) -> None:
        if self._closed:
            raise GeneratorClosed(self._closed)
        try:
            _ = self.client
        except CountcheckError:
            raise
        except Exception as error:  # clients check keys and addresses in their own words
            shown = redact(f"{type(error).__name__}: {error}", self._secrets)[:300]
            raise GeneratorClosed(
                f"{self.name}: the client could not be made ({shown}). Check key and settings."
            ) from None

    def _groups(self, samples: Sequence[Sample]) -> Iterator[list[Sample]]:
        together = min(int(self.settings["per_request"]), self.most_per_request)
        if together <= 1:
            yield from ([sample] for sample in samples)
            return
        same: dict[str, list[Sample]] = {}
        for sample in samples:
            same.setdefault(sample.text, []).append(sample)
        for alike in same.values():
            for start in range(0, len(alike), together):
                yield alike[start : start + together]

    def _draw(self, group: list[Sample]) -> list[Outcome]:
        if self._ending:
            return []
        first = group[0]
        ask = Ask(text=first.text, seed=first.seed, key=first.key, count=len(group))
        tried, _ = self._carry_through(ask, tuple(sample.key for sample in group))
        return list(tried.outcomes) if tried else []

    def _carry_through(self, ask: Ask, keys: tuple[str, ...]) -> tuple[_Tried | None, list[Attempt]]:
        """All attempts at one request; ``None`` when it was stopped before the first."""
        attempts: list[Attempt] = []
        last: list[_Tried] = []

        def once() -> _Tried | None:
            waited = self.pace.enter(pictures=ask.count, stopped=lambda: self._ending)
            if waited is None:
                return last[-1] if last else None
            last.append(self._attempt(ask, keys, waited, attempts))
            return last[-1]

        retrying = tenacity.Retrying(
            stop=tenacity.stop_any(
                tenacity.stop_after_attempt(int(self.settings["attempts"])), tenacity.stop_when_event_set(self._stop)
            ),
            wait=self._pause,
            sleep=tenacity.sleep_using_event(self._stop),
            retry=tenacity.retry_if_result(lambda tried: tried is not None and tried.again and not self._closed),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        tried: _Tried | None = retrying(once)
        if tried is None:
            return None, attempts
        # What an attempt before the last one cost is paid all the same.
        before = sum(one.reply.cost or 0.0 for one in last[:-1]) / len(keys)
        outcomes = tuple(
            replace(outcome, attempts=tuple(attempts), cost=(outcome.cost or 0.0) + before if before else outcome.cost)
            for outcome in tried.outcomes
        )
        return replace(tried, outcomes=outcomes), attempts

    def _pause(self, state: tenacity.RetryCallState) -> float:
        """Seconds before the next attempt: as the server asks, or doubling with full jitter."""
        tried = state.outcome.result() if state.outcome else None
        if tried is not None and tried.wait is not None:
            return float(tried.wait) + random.uniform(0, 0.25)
        first = float(self.settings["first_wait"])
        most = min(60.0, first * 2.0 ** (state.attempt_number - 1))
        return random.uniform(most / 2, most * 1.5)

    def _attempt(self, ask: Ask, keys: tuple[str, ...], waited: float, attempts: list[Attempt]) -> _Tried:
        sent, began = self.pace.now(), time.perf_counter()
        try:
            reply = self._reply(ask)
        finally:
            self.pace.leave()
        seconds = time.perf_counter() - began
        settled = settle(
            reply,
            keys,
            turn=ask.turn,
            seconds=seconds,
            provider=self.codes_of or self.family,
            fetch=self._fetch,
            secrets=self._secrets,
            price=self.card.price,
        )
        outcomes = [one.outcome for one in settled]
        readings = [one.reading for one in settled]
        attempts.append(
            Attempt(
                seconds=seconds,
                what=_what(reply, readings),
                status=reply.status,
                request_id=reply.request_id,
                waited=waited,
            )
        )
        self._heed(reply, readings, sent)
        for outcome in outcomes:
            if isinstance(outcome, Failure) and outcome.fault is Fault.CLOSED:
                self._closed = str(GeneratorClosed.by(self.name, outcome.message))
                self.pace.wake()
        no_picture = not any(reading.ended is Ended.PICTURE for reading in readings)
        broken = no_picture and any(reading.fault is Fault.TRANSIENT for reading in readings) and not _came(reply)
        doubtful = no_picture and len(attempts) == 1 and any(reading.again for reading in readings)
        too_long = (reply.retry_after or 0.0) > float(self.settings["most_wait"])
        return _Tried(reply, tuple(outcomes), (broken or doubtful) and not too_long, reply.retry_after)

    def _reply(self, ask: Ask) -> Reply:
        try:
            return self.ask(ask)
        except CountcheckError:
            raise
        except Exception as error:  # a vendor's client may raise anything; all of it is read, none is let through
            return self.explain(error)

    def _heed(self, reply: Reply, readings: Sequence[Reading], sent: float) -> None:
        throttled = any(reading.fault is Fault.TRANSIENT for reading in readings) and (
            reply.status == 429 or any(_THROTTLE.search(code) for code in reply.codes)
        )
        if throttled:
            self.pace.too_fast(sent=sent, retry_after=reply.retry_after)
        elif any(reading.ended is not Ended.FAILURE for reading in readings):
            self.pace.went_well()

    def _fetch(self, url: str) -> bytes:
        """A finished picture's bytes. The picture is paid for, so the fetch is tried again, never the request."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_FETCHES),
            wait=tenacity.wait_random_exponential(multiplier=float(self.settings["first_wait"]), max=10),
            sleep=tenacity.sleep_using_event(self._stop),
            retry=tenacity.retry_if_exception_type(BadInput),
            reraise=True,
        )
        found: bytes = retrying(fetch_picture, url, loopback=bool(self.settings["loopback"]))
        return found


class ConversingGenerator(RemoteGenerator):
    """A remote generator that keeps conversations.

    Where `Reply.history` is plain JSON (an id, a list of messages) it is kept as it is, so that a conversation cut off
    is gone on with. One that holds anything else is packed and unpacked by the adapter.
    """

    converses: ClassVar[bool] = True

    def pack(self, history: Any) -> Any:
        """A history as plain JSON in which ``bytes`` may stand, for pictures and other large parts."""
        return history

    def unpack(self, packed: Any) -> Any:
        """The history that was packed."""
        return packed

    def open(self, sample: Sample) -> RemoteDialogue:
        """Begin a conversation; nothing is sent yet."""
        return RemoteDialogue(self, sample)


class Changes(RemoteGenerator):
    """A remote generator that changes pictures it is given."""

    edits: ClassVar[bool] = True

    def edit(self, sample: Sample, pixels: Pixels, instruction: str, turn: int, targets: Sequence[Target]) -> Outcome:
        """The picture changed as the instruction says."""
        asked = Ask(text=instruction, seed=sample.seed, key=sample.key, turn=turn, picture=pixels)
        return self.respond(asked)[1]


_THROTTLE = re.compile(r"rate.?limit|throttl|slow.?down|too.?many|resource.?exhausted", re.IGNORECASE)


def _came(reply: Reply) -> bool:
    return any(slot.has_picture for slot in reply.slots)


def _what(reply: Reply, readings: Sequence[Reading]) -> str:
    ended = "+".join(dict.fromkeys(str(r.fault or r.reason or r.ended) for r in readings))
    code = next((reading.code for reading in readings if reading.code), "")
    return f"{ended} {code}".strip()[:120]
