"""Turn a reply into outcomes: pictures are fetched, decoded and classified, everything is read by the tables of refusals,
and nothing secret is kept.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from countcheck.credentials import hidden, hide, raw_of, redact
from countcheck.errors import BadInput
from countcheck.generators.outcome import Attempt, Failure, Fault, Outcome, Picture, Reason, Refusal, Stage
from countcheck.generators.refusals.blank_images import Look, classify_image
from countcheck.generators.refusals.classify import read
from countcheck.generators.refusals.codes import Meaning
from countcheck.generators.refusals.reading import Ended, Reading
from countcheck.generators.remote.error_replies import completed
from countcheck.generators.remote.reply import Reply, Slot
from countcheck.images.decode import decode
from countcheck.images.types import Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is known of the request that a reply answers.

    Attributes:
        keys: Of the samples that wait for pictures, in the order of the reply's slots; one or more.
        fetch: Returns an address's bytes; raises `BadInput`.
        codes: What the provider's own codes mean.
        turn: Of a conversation, from 0.
        seconds: Duration of the request; shared by the pictures.
        secrets: Texts that must never be kept.
        price: USD per picture, when the reply does not say.
        asked: The prompt. A service that repeats it does not mean it.
    """

    keys: Sequence[str]
    fetch: Callable[[str], bytes]
    codes: Mapping[str, Meaning] = field(default_factory=dict)
    turn: int = 0
    seconds: float = 0.0
    secrets: Iterable[str] = ()
    price: float | None = None
    asked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One wanted picture: how it was read, and the outcome made of that."""

    reading: Reading
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """One place of a reply, opened.

    Attributes:
        key: Of the sample that waits for this picture.
        slot: ``None`` when the reply has fewer places than were asked for.
        pixels: The decoded picture, and what it is (``look``).
        broken: Why the picture cannot be used.
        lost: Why the picture could not be fetched.
    """

    key: str
    slot: Slot | None
    pixels: Pixels | None = None
    look: Look | None = None
    broken: str = ""
    lost: str = ""


def outcomes_of_reply(reply: Reply, request: Request) -> list[Settled]:
    """Make one outcome for each wanted picture. A place that nothing came for is filled from the reply as a whole.

    >>> (settled,) = outcomes_of_reply(Reply(error=True, status=503), Request(keys=("k",), fetch=lambda url: b""))
    >>> str(settled.outcome.fault)
    'transient'
    """
    reply = completed(reply)
    slots: list[Slot | None] = [*reply.slots[: len(request.keys)]]
    slots += [None] * (len(request.keys) - len(slots))
    places = [_open(key, slot, request.fetch) for key, slot in zip(request.keys, slots, strict=True)]
    usable = sum(place.look is not None for place in places)
    settled = []
    for place in places:
        came = place.look is not None
        reading = _reading(reply, place, others=usable > came, request=request)
        cost = _share(reply, request, came=came, usable=usable)
        settled.append(Settled(reading=reading, outcome=_outcome(reply, request, place, reading, cost)))
    return settled


def _open(key: str, slot: Slot | None, fetch: Callable[[str], bytes]) -> _Place:
    if slot is None or not slot.has_picture:
        return _Place(key=key, slot=slot)
    inline = slot.data or (slot.url if slot.url.startswith("data:") else None)
    try:
        data = _bytes(inline) if inline else fetch(slot.url)
    except BadInput as error:
        if inline:
            return _Place(key=key, slot=slot, broken=str(error))
        return _Place(key=key, slot=slot, lost=str(error))
    try:
        pixels = decode(data)
    except BadInput as error:
        return _Place(key=key, slot=slot, broken=str(error))
    return _Place(key=key, slot=slot, pixels=pixels, look=classify_image(pixels))


def _reading(reply: Reply, place: _Place, *, others: bool, request: Request) -> Reading:
    if place.lost:
        return Reading(ended=Ended.FAILURE, fault=Fault.TRANSIENT, message=place.lost, by="transport")
    return read(
        reply,
        slot=place.slot,
        look=place.look,
        broken=place.broken,
        others=others,
        codes=request.codes,
        asked=request.asked,
    )


def _share(reply: Reply, request: Request, *, came: bool, usable: int) -> float | None:
    """Return the cost of one wanted picture in USD: pictures that came share the reply's cost; with none, all do."""
    if reply.cost is None:
        return None if request.price is None else request.price * reply.drawn
    return reply.cost / (usable or len(request.keys)) if came or not usable else 0.0


def without_secrets(attempt: Attempt, secrets: Iterable[str]) -> Attempt:
    """Return the record of a request without the keys that a server repeated in its ids and codes."""
    return replace(attempt, what=hide(attempt.what, secrets), request_id=hide(attempt.request_id, secrets))


def _outcome(reply: Reply, request: Request, place: _Place, reading: Reading, cost: float | None) -> Outcome:
    secrets = tuple(request.secrets)
    request_id = hide(reply.request_id, secrets)
    words = redact(reply.words, secrets)
    rewritten = redact((place.slot.rewritten if place.slot else "") or reply.rewritten, secrets)
    if rewritten.strip() == request.asked.strip():
        rewritten = ""  # a service that repeats the prompt drew it as it was written
    shared: dict[str, Any] = {
        "key": place.key,
        "turn": request.turn,
        "seconds": request.seconds / len(request.keys),
        "extra": hidden(_extra(reply, place, reading), secrets),
    }
    if reading.ended is Ended.PICTURE:
        assert place.pixels is not None
        return Picture(pixels=place.pixels, cost=cost, words=words, rewritten=rewritten, **shared)
    if reading.ended is Ended.REFUSAL:
        return Refusal(
            reason=reading.reason or Reason.UNEXPLAINED,
            category=redact(reading.category, secrets),
            code=redact(reading.code, secrets),
            words=words or redact(reading.message, secrets),
            stage=reading.stage,
            request_id=request_id,
            cost=_cost_of_refusal(reply, place, reading, cost),
            rewritten=rewritten,
            pixels=place.pixels,
            **shared,
        )
    return Failure(
        fault=reading.fault or Fault.UNKNOWN,
        message=_sentence(redact(reading.message, secrets)),
        code=redact(reading.code, secrets),
        raw=raw_of(reply.raw, secrets) if reply.raw is not None else "",
        request_id=request_id,
        retry_after=reply.retry_after if reply.retry_after is not None else reading.wait,
        cost=None if reply.cost is None else cost,
        **shared,
    )


def _extra(reply: Reply, place: _Place, reading: Reading) -> dict[str, Any]:
    extra: dict[str, Any] = dict(reply.extra)
    if reading.by:
        extra["by"] = reading.by
    if place.slot and place.slot.seed is not None:
        extra["seed"] = place.slot.seed
    if place.look is not None and place.look is not Look.FINE:
        extra["look"] = place.look.value
    return extra


def _cost_of_refusal(reply: Reply, place: _Place, reading: Reading, cost: float | None) -> float | None:
    """Return a refusal's cost in USD: a picture made and withheld may be charged; a prompt turned away is free."""
    if reply.cost is not None or place.pixels is not None:
        return cost
    return 0.0 if reading.stage is Stage.PROMPT and reading.by != "words" else None


_DATA_URL = re.compile(r"data:[\w/+.\-]*(?:;[\w=\-]+)*;base64,", re.IGNORECASE)


def _bytes(data: bytes | str) -> bytes:
    if isinstance(data, bytes):
        return data
    prefix = _DATA_URL.match(data)
    body = data[prefix.end() :] if prefix else data
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(f"the picture's base64 is damaged or cut short ({error}).") from error


def _sentence(text: str) -> str:
    plain = " ".join(text.split())[:500]
    return plain if plain.endswith((".", "!", "?", "。")) else f"{plain}."
