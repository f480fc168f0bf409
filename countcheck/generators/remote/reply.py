"""One request and its reply, without any vendor's terms. Providers translate into these; nothing is judged here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from countcheck.generators.outcome import Stage
from countcheck.images.types import Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request to send.

    Attributes:
        text: What is said.
        seed: 0 to 2**31 - 1; adapters without seeds leave it.
        key: Of the (first) sample it is for.
        turn: The number of the turn in its conversation, repairs included, from 0.
        count: Pictures wanted from this one request, 1 or more.
        picture: To be changed as ``text`` says; ``None`` for a new picture.
        history: What the adapter's own `Reply.history` held after the turn before; ``None`` at the start.
    """

    text: str
    seed: int = 0
    key: str = ""
    turn: int = 0
    count: int = 1
    picture: Pixels | None = None
    history: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One picture of an answer, or the place where one should be.

    Attributes:
        data: The encoded picture: bytes, or base64 text (a data URL too).
        url: Where to fetch it, when ``data`` is not there.
        withheld: The provider flagged it (``has_nsfw_concepts``, ``CONTENT_FILTERED`` ...): never counted, whatever
            it looks like.
        codes: What the provider calls what happened to it; most telling first.
        categories: What it objects to, in its own words.
        message: Its sentence about it.
        stage: What was objected to.
        rewritten: The prompt it really used.
        seed: The seed it really used.
    """

    data: bytes | str | None = None
    url: str = ""
    withheld: bool = False
    codes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    message: str = ""
    stage: Stage = Stage.UNKNOWN
    rewritten: str = ""
    seed: int | None = None

    @property
    def has_picture(self) -> bool:
        """Tell whether something came that should be a picture."""
        return bool(self.data or self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Everything one request brought, good or bad.

    Attributes:
        slots: Pictures in order, withheld ones included.
        words: What the assistant said to the user; never its private reasoning.
        refused: The provider itself marks ``words`` as a refusal (OpenAI's ``refusal`` part).
        codes: Error codes, error types, finish reasons, block reasons of the whole answer; most telling first.
        categories: What is objected to, in the provider's words.
        message: The provider's (not the assistant's) sentence.
        stage: What was objected to.
        error: The request failed: an exception, or an answer that says so.
        invalid_field: The service names a field of the request, not the prompt, that did not pass validation.
        transport: The connection failed (timeout, reset, no route): always worth another try.
        status: HTTP status; ``None`` when there was none.
        retry_after: Seconds the server asked to wait.
        cost: USD, when the provider says so.
        usage: Tokens used, by field of `countcheck.generators.price.FIELDS`; empty when the reply does not say.
        drawn: Pictures made for each one kept, where a model draws several before it is content; all are charged.
        history: For the next turn; see `Ask.history`.
        raw: The body as it came (anything `countcheck.credentials.raw_of` takes); kept only when nothing else explains.
        extra: Worth keeping with the outcome; plain JSON without secrets.
    """

    slots: tuple[Slot, ...] = ()
    words: str = ""
    refused: bool = False
    codes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    message: str = ""
    stage: Stage = Stage.UNKNOWN
    error: bool = False
    invalid_field: bool = False
    transport: bool = False
    status: int | None = None
    request_id: str = ""
    retry_after: float | None = None
    rewritten: str = ""
    cost: float | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    drawn: int = 1
    history: Any = None
    raw: Any = None
    extra: Mapping[str, Any] = field(default_factory=dict)
