"""The base of every generator behind a network: rate limit, retries, keys, downloads, and outcomes from replies.

No vendor is known here. A provider is a subclass in one file of `countcheck.generators.providers`. It says what it is
in class attributes and writes two methods::

    class ExampleGenerator(RemoteGenerator):
        family = "example"              # its name in specs and messages
        service = "Example"             # its name in words, for `countcheck list` and `countcheck doctor`
        extra = "example"               # pip install 'countcheck[example]'
        key = ("EXAMPLE_API_KEY",)      # environment variables that may hold the key
        codes = code_table(Sense.REFUSED, "too_naughty")   # what its own codes mean
        defaults = {"size": "1024x1024", "base_url": ""}   # settings that can change a picture, with their defaults
        seeded = True                   # the service honours seeds

        def connect(self):              # once, before the first request; the client is kept as self.client
            example = self.sdk("example")                    # MissingExtra when not installed
            return example.Client(api_key=self.read_key(), timeout=self.settings["timeout"], max_retries=0)

        def ask(self, ask):             # one attempt, in any thread; the SDK's own retries are off
            answer = self.client.draw(self.source, ask.text, seed=ask.seed, n=ask.count)
            return Reply(slots=tuple(Slot(data=image.b64) for image in answer.images))

    PROVIDER = ExampleGenerator         # what the registry loads

Whatever ``ask`` raises goes through ``explain`` (by default `countcheck.generators.remote.error_replies.reply_of_error`),
and every reply through `countcheck.generators.refusals.classify.read`. A service that keeps a conversation derives from
`countcheck.generators.remote.dialogue.ConversingGenerator`, one that changes pictures from `EditingGenerator`
(``Ask.picture``).
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any, ClassVar

import tenacity

from countcheck.cards import Card, fill
from countcheck.credentials import read_key, redact, refuse_secrets
from countcheck.errors import BadInput, BadSettings, CountcheckError, GeneratorClosed, MissingExtra
from countcheck.generators.base import Admission, Closable, FreeAdmission, Traits
from countcheck.generators.outcome import Attempt, Failure, Fault, Outcome, is_interrupted
from countcheck.generators.price import price_of
from countcheck.generators.refusals.codes import Meaning
from countcheck.generators.refusals.reading import Ended, Reading
from countcheck.generators.remote.attempts import (
    MIN_TOLD_WAIT,
    Attempted,
    in_words,
    interrupted,
    is_throttled,
    is_worth_another,
)
from countcheck.generators.remote.connection import CONNECTION, check_settings, duration, with_new_names
from countcheck.generators.remote.download import BadAddress, fetch_picture
from countcheck.generators.remote.error_replies import reply_of_error
from countcheck.generators.remote.outcomes import Request, Settled, outcomes_of_reply, without_secrets
from countcheck.generators.remote.preload import IMPORTING, import_modules, preload
from countcheck.generators.remote.rate_limit import RateLimiter
from countcheck.generators.remote.reply import Ask, Reply
from countcheck.images.types import Pixels
from countcheck.suites.samples import Recipe, Sample
from countcheck.suites.suite import Target

_FETCHES = 3
_MIN_REPORTED_WAIT = 5.0  # seconds; shorter waits are not worth a word


class RemoteGenerator:
    """Ask a provider for pictures. The module's docstring says what a subclass writes.

    Attributes:
        family: Name in specs and messages.
        service: Name in words.
        extra: The extra of this package that installs the provider's client; empty when none is needed.
        key: Environment variables (or names in the keyring) that may hold the key, first choice first.
        codes: What the provider's own codes mean; see `countcheck.generators.refusals.codes.code_table`.
        modules: Modules that the provider's client imports only when it is first used.
        defaults: Settings that can change a picture, with their defaults. They are part of the recipe.
        later: Settings of ``defaults`` that the family took up after its first release: they are left out of the recipe
            while nobody sets them, so that runs that were begun without them go on.
        connection: The provider's own defaults for `CONNECTION`.
        max_per_request: Largest number of pictures that one request may ask for, 1 or more.
        needs_source: The spec must name a model.
        batches: Requests can be handed in together and fetched later; see `countcheck.generators.remote.batches`.
        reports_cost: Every reply states its cost, so that a budget holds without a price in the card.
    """

    family: ClassVar[str] = ""
    service: ClassVar[str] = ""
    extra: ClassVar[str] = ""
    key: ClassVar[tuple[str, ...]] = ()
    codes: ClassVar[Mapping[str, Meaning]] = {}
    modules: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[Mapping[str, Any]] = {}
    later: ClassVar[tuple[str, ...]] = ()
    connection: ClassVar[Mapping[str, Any]] = {}
    seeded: ClassVar[bool] = False
    converses: ClassVar[bool] = False
    edits: ClassVar[bool] = False
    max_per_request: ClassVar[int] = 1
    needs_source: ClassVar[bool] = True
    batches: ClassVar[bool] = False
    reports_cost: ClassVar[bool] = False

    def __init__(self, card: Card) -> None:
        refuse_secrets(card.settings, family=self.family)
        card = with_new_names(card)
        self.card = card
        self.source = card.source
        self.settings: dict[str, Any] = fill(card, {**CONNECTION, **self.connection, **self.defaults})
        if self.needs_source and not card.source:
            raise BadSettings(f"{card.name}: no model is named. Write {self.family}:MODEL.")
        check_settings(card.name, self.settings, batches=self.batches)
        unset = {name for name in self.later if self.settings[name] == self.defaults[name]}
        changing = {name: self.settings[name] for name in sorted(self.defaults) if name not in unset}
        self._recipe = Recipe(name=card.name, revision=card.revision, settings={"source": card.source, **changing})
        self.limiter = RateLimiter(
            requests=float(self.settings["requests_per_minute"] or 0),
            pictures=float(self.settings["pictures_per_minute"] or 0),
            concurrency=self.settings["concurrency"],
        )
        preload()
        self._secrets: set[str] = set()
        self._client: Any = None
        self._connecting = threading.Lock()
        self._stop = threading.Event()
        self._ended = threading.Event()  # stopped, or closed: nothing more is asked
        self._closed = ""
        self.price = price_of(card, self.settings)
        self.save: Callable[[Outcome], None] = lambda outcome: None
        self.admission: Admission = FreeAdmission()
        self._limit = ""  # what is said of a limit that ends too late, and when that is by the limiter's clock
        self._limited_until = float("-inf")
        self._left_undone = False
        self._report_wait: Callable[[str, float], None] | None = None

    # What a provider writes.

    def connect(self) -> Any:
        """Make the service's client. It is made once and kept as ``self.client``."""
        return None

    def ask(self, ask: Ask) -> Reply:
        """Make one attempt at one request. May raise whatever the client raises."""
        raise TypeError(f"{type(self).__name__} does not say how to ask; write its method ask")

    def explain(self, error: Exception) -> Reply:
        """Read an exception from `ask`. Providers whose clients hide things override it."""
        return reply_of_error(error)

    # What a provider uses.

    @property
    def client(self) -> Any:
        """Return what `connect` made."""
        if self._client is None:
            with self._connecting, IMPORTING:
                if self._client is None:
                    import_modules(self.modules)
                    self._client = self.connect()
        return self._client

    def read_key(self) -> str:
        """Return the key from the environment or the keyring. From then on it is redacted from everything kept.

        Raises:
            GeneratorClosed: When no key is set.
        """
        named = self.settings["key_env"]
        value = read_key((named,) if named else self.key, family=self.family)
        self._secrets.add(value)
        return value

    @property
    def address(self) -> str:
        """Return where the service is asked; empty when only its client knows. Relative picture addresses begin there."""
        return str(self.settings.get("base_url") or "")

    @property
    def secrets(self) -> frozenset[str]:
        """Return what must never be kept."""
        return frozenset(self._secrets)

    def sdk(self, module: str) -> Any:
        """Import a vendor's module.

        Raises:
            MissingExtra: When it is not installed.
        """
        try:
            return importlib.import_module(module)
        except ImportError as error:
            raise MissingExtra(self.extra or self.family, feature=f"the {self.family} generator") from error

    # What the engine uses.

    @property
    def name(self) -> str:
        """Name the generator as the user does."""
        return self.card.name

    @property
    def traits(self) -> Traits:
        """Describe what the generator can do."""
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
        """Describe everything that can change a picture."""
        return self._recipe

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """Yield one outcome per sample, as each is known. Samples not begun before `stop` are left out.

        Raises:
            GeneratorClosed: After everything in progress has been yielded, when the service serves nobody with this
                key, account, quota or model.
        """
        self._begin()
        groups = self._groups(samples)
        most = int(self.settings["concurrency"])
        in_progress: set[Future[list[Outcome]]] = set()
        with ThreadPoolExecutor(max_workers=most, thread_name_prefix=f"countcheck-{self.family}") as pool:
            try:
                while True:
                    while len(in_progress) < most and not self._ending and (group := next(groups, None)):
                        in_progress.add(pool.submit(self._draw, group))
                    if not in_progress:
                        break
                    done, in_progress = wait(in_progress, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield from future.result()
            finally:
                if in_progress:  # the consumer went away, or something broke: begin nothing more
                    self.stop()
                    pool.shutdown(wait=True, cancel_futures=True)
        if self._closed:
            raise GeneratorClosed(self._closed)
        if self._is_limited and (self._left_undone or next(groups, None)):
            raise GeneratorClosed(self._limit)

    def report_waits(self, report: Callable[[str, float], None]) -> None:
        """Call ``report`` with the reason and the seconds whenever requests are held back for a limit of the service."""
        self._report_wait = report

    def stop(self) -> None:
        """Finish the samples in progress and begin no others."""
        self._stop.set()
        self._ended.set()
        self.limiter.wake()

    def pause(self, seconds: float) -> None:
        """Wait, unless it is stopped meanwhile."""
        self._ended.wait(seconds)

    @property
    def stopped(self) -> bool:
        """Tell whether nothing more is to be asked."""
        return self._ending

    def tell_wait(self, reason: str, seconds: float) -> None:
        """Tell who asked for it, see `report_waits`, that it waits."""
        if self._report_wait is not None:
            self._report_wait(redact(" ".join(reason.split()), self._secrets)[:120], seconds)

    def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if isinstance(client, Closable):
            client.close()

    def respond(self, ask: Ask) -> tuple[Reply, Outcome]:
        """Carry one request through, retries included: for conversations and edits.

        Raises:
            GeneratorClosed: When the service was already found to serve nobody.
        """
        self._begin()
        attempted = self._admitted(ask, (ask.key,))
        if attempted is None:
            return Reply(), Failure(
                key=ask.key, turn=ask.turn, fault=Fault.INTERRUPTED, message="stopped before it was asked"
            )
        return attempted.reply, attempted.outcomes[0]

    # How.

    @property
    def _ending(self) -> bool:
        return self._ended.is_set() or self._is_limited

    @property
    def _is_limited(self) -> bool:
        """Tell whether a limit holds that ends too late to be awaited."""
        return self.limiter.now() < self._limited_until

    def _begin(self) -> None:
        if self._closed or self._is_limited:
            raise GeneratorClosed(self._closed or self._limit)
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
        """Group samples of one text, as many as one request may ask for."""
        together = min(int(self.settings["per_request"]), self.max_per_request)
        if together <= 1:
            yield from ([sample] for sample in samples)
            return
        by_text: dict[str, list[Sample]] = {}
        for sample in samples:
            by_text.setdefault(sample.text, []).append(sample)
        for alike in by_text.values():
            for start in range(0, len(alike), together):
                yield alike[start : start + together]

    def _draw(self, group: list[Sample]) -> list[Outcome]:
        if self._ending:
            return []
        first = group[0]
        ask = Ask(text=first.text, seed=first.seed, key=first.key, count=len(group))
        attempted = self._admitted(ask, tuple(sample.key for sample in group), self.save)
        return list(attempted.outcomes) if attempted else []

    def _admitted(
        self, ask: Ask, keys: tuple[str, ...], save: Callable[[Outcome], None] = lambda outcome: None
    ) -> Attempted | None:
        """Carry one request through if the budget covers it, and tell what it cost; ``None`` when it was not sent."""
        if not self.admission.begin(ask.count, stopped=lambda: self._ending):
            return None
        attempted: Attempted | None = None
        try:
            attempted = self._carry_through(ask, keys)
            for outcome in attempted.outcomes if attempted else ():
                save(outcome)
            return attempted
        finally:
            # What a sample cost that was stopped before its last try is counted where it is left undone.
            outcomes = attempted.outcomes if attempted else ()
            self.admission.end(ask.count, [each for each in outcomes if not is_interrupted(each)])

    def _carry_through(self, ask: Ask, keys: tuple[str, ...]) -> Attempted | None:
        """Make all attempts at one request; ``None`` when it was stopped before the first.

        An attempt after a limit whose end was told does not count as one of the ``attempts``. When it is stopped while
        another attempt is due, its outcomes are failures that say so: not done, not failed.
        """
        attempts: list[Attempt] = []
        last: Attempted | None = None
        paid_before = 0.0  # what an attempt before the last one cost is paid all the same
        counted, limited_for, due = 0, 0.0, False
        while True:
            waited = self.limiter.enter(pictures=ask.count, stopped=lambda: self._ending)
            if waited is None:
                break
            if last is not None:
                paid_before += (last.reply.cost or 0.0) / len(keys)
            last = self._attempt(ask, keys, waited, attempts)
            counted += not last.is_limited or int(self.settings["attempts"]) == 1
            limited_for += (last.wait or 0.0) if last.is_limited else 0.0
            due = last.again and counted < int(self.settings["attempts"])
            due = due and limited_for < max(float(self.settings["max_wait"]), MIN_TOLD_WAIT)
            if not due or self._ending:
                break
            self._ended.wait(last.pause(len(attempts), float(self.settings["first_wait"])))
        if last is None:
            return None
        if due and self._ending:
            self._left_undone = True
            last = replace(last, outcomes=tuple(interrupted(outcome) for outcome in last.outcomes))
        outcomes = tuple(
            replace(
                outcome,
                attempts=tuple(attempts),
                cost=(outcome.cost or 0.0) + paid_before if paid_before else outcome.cost,
            )
            for outcome in last.outcomes
        )
        return replace(last, outcomes=outcomes)

    def _attempt(self, ask: Ask, keys: tuple[str, ...], waited: float, attempts: list[Attempt]) -> Attempted:
        sent, began = self.limiter.now(), time.perf_counter()
        try:
            reply = self._reply(ask)
        finally:
            self.limiter.leave()
        seconds = time.perf_counter() - began
        reply, settled = self.settle(reply, keys, seconds=seconds, turn=ask.turn, asked=ask.text)
        outcomes = tuple(each.outcome for each in settled)
        readings = [each.reading for each in settled]
        attempt = Attempt(
            seconds=seconds, what=in_words(readings), status=reply.status, request_id=reply.request_id, waited=waited
        )
        attempts.append(without_secrets(attempt, self._secrets))
        again = is_worth_another(reply, readings, first=len(attempts) == 1)
        wait = reply.retry_after
        if wait is None:
            wait = next((reading.wait for reading in readings if reading.wait is not None), None)
        too_long = wait is not None and wait > 0 and wait >= float(self.settings["max_wait"])
        self._adapt_rate(reply, readings, sent, None if too_long else wait)
        self._note_end(outcomes, wait if too_long and again else None)
        return Attempted(reply, outcomes, again and not too_long, wait)

    def _note_end(self, outcomes: Sequence[Outcome], too_long: float | None) -> None:
        """Begin nothing more when the service serves nobody, or not for a longer time than is awaited."""
        for outcome in outcomes:
            if isinstance(outcome, Failure) and outcome.fault is Fault.CLOSED:
                self._closed = str(GeneratorClosed.by(self.name, outcome.message))
                self._ended.set()
                self.limiter.wake()
            elif isinstance(outcome, Failure) and too_long is not None:
                wait = f"It asks to wait {duration(too_long)}, longer than max_wait ({duration(self.settings['max_wait'])})."
                self._limit = str(GeneratorClosed.by(self.name, f"{outcome.message} {wait}"))
                self._limited_until = max(self._limited_until, self.limiter.now() + too_long)
                self.limiter.wake()

    def settle(
        self, reply: Reply, keys: tuple[str, ...], *, seconds: float, turn: int = 0, asked: str = ""
    ) -> tuple[Reply, list[Settled]]:
        """Read a reply: return it with its cost, where usage and formula decide that, and one outcome for each key."""
        if reply.cost is None and self.price.rates:
            pictured = any(slot.has_picture for slot in reply.slots)
            reply = replace(reply, cost=self.price.cost_of(reply.usage, pictured=pictured))
        request = Request(
            keys=keys,
            fetch=self._fetch,
            codes=self.codes,
            turn=turn,
            seconds=seconds,
            secrets=self._secrets,
            price=self.price.flat,
            asked=asked,
        )
        return reply, outcomes_of_reply(reply, request)

    def _reply(self, ask: Ask) -> Reply:
        try:
            return self.ask(ask)
        except CountcheckError:
            raise
        except Exception as error:  # a vendor's client may raise anything; all of it is read, none is let through
            return self.explain(error)

    def _adapt_rate(self, reply: Reply, readings: Sequence[Reading], sent: float, wait: float | None) -> None:
        if is_throttled(reply, readings):
            longer = self.limiter.slow_down(sent=sent, retry_after=wait)
            if longer and wait is not None and wait >= _MIN_REPORTED_WAIT:
                self.tell_wait(next((r.message for r in readings if r.message), "") or "rate limit", wait)
        elif any(reading.ended is not Ended.FAILURE for reading in readings):
            self.limiter.speed_up()

    def _fetch(self, url: str) -> bytes:
        """Return a finished picture's bytes. The picture is paid for, so the fetch is tried again, never the request."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_FETCHES),
            wait=tenacity.wait_random_exponential(multiplier=float(self.settings["first_wait"]), max=10),
            sleep=tenacity.sleep_using_event(self._stop),
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, BadInput) and not isinstance(error, BadAddress)
            ),
            reraise=True,
        )
        data: bytes = retrying(fetch_picture, url, own=self.address, loopback=bool(self.settings["loopback"]))
        return data


class EditingGenerator(RemoteGenerator):
    """A remote generator that changes given pictures."""

    edits: ClassVar[bool] = True

    def edit(self, sample: Sample, pixels: Pixels, instruction: str, turn: int, targets: Sequence[Target]) -> Outcome:
        """Change a picture as the instruction says, and return the outcome."""
        asked = Ask(text=instruction, seed=sample.seed, key=sample.key, turn=turn, picture=pixels)
        return self.respond(asked)[1]
