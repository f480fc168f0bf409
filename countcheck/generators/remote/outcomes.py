"""From a reply to outcomes: pictures fetched, decoded and looked at, everything read by the tables, nothing secret kept."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from countcheck.credentials import raw_of, redact
from countcheck.errors import BadInput
from countcheck.generators.outcome import Failure, Fault, Outcome, Picture, Reason, Refusal, Stage
from countcheck.generators.refusals.blank_images import Look, classify_image
from countcheck.generators.refusals.classify import Ended, Reading, read
from countcheck.generators.refusals.codes import Meaning
from countcheck.generators.remote.reply import Reply, Slot
from countcheck.images.decode import decode
from countcheck.images.types import Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One wanted picture: how it was read, and the outcome made of that."""

    reading: Reading
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Opened:
    """What is in a slot: pixels and what they are, or why they cannot be used, or why they could not be fetched."""

    pixels: Pixels | None = None
    look: Look | None = None
    broken: str = ""
    lost: str = ""


def outcomes_of_reply(
    reply: Reply,
    keys: Sequence[str],
    *,
    codes: Mapping[str, Meaning] | None = None,
    fetch: Callable[[str], bytes],
    turn: int = 0,
    seconds: float = 0.0,
    secrets: Iterable[str] = (),
    price: float | None = None,
) -> list[Settled]:
    """One outcome for each wanted picture; a place nothing came for is filled from the reply as a whole.

    Args:
        reply: What came.
        keys: Of the samples that wait for pictures, in the order of the reply's slots.
        codes: What the provider's own codes mean.
        fetch: An address's bytes; raises `BadInput`.
        turn: Of a conversation.
        seconds: The request took; shared by the pictures.
        secrets: Never to be kept.
        price: USD per picture, when the reply does not say.
    """
    slots: list[Slot | None] = [*reply.slots[: len(keys)]]
    slots += [None] * (len(keys) - len(slots))
    opened = [_open(slot, fetch) for slot in slots]
    good = sum(1 for one in opened if one.look is not None)
    settled = []
    for key, slot, one in zip(keys, slots, opened, strict=True):
        reading = _reading(reply, slot, one, others=good > (one.look is not None), codes=codes)
        cost = _share(reply, came=one.look is not None, good=good, wanted=len(keys), price=price)
        outcome = _outcome(reply, slot, one, reading, key, turn, seconds / len(keys), tuple(secrets), cost)
        settled.append(Settled(reading=reading, outcome=outcome))
    return settled


def _share(reply: Reply, *, came: bool, good: int, wanted: int, price: float | None) -> float | None:
    """What one wanted picture cost: the pictures that came share what the reply cost; with none of them, all do."""
    if reply.cost is None:
        return None if price is None else price * reply.drawn
    return reply.cost / (good or wanted) if came or not good else 0.0


def _reading(
    reply: Reply, slot: Slot | None, opened: _Opened, *, others: bool, codes: Mapping[str, Meaning] | None
) -> Reading:
    if opened.lost:
        return Reading(ended=Ended.FAILURE, fault=Fault.TRANSIENT, message=opened.lost, by="transport")
    return read(reply, slot=slot, look=opened.look, broken=opened.broken, others=others, codes=codes)


def _open(slot: Slot | None, fetch: Callable[[str], bytes]) -> _Opened:
    if slot is None or not slot.has_picture:
        return _Opened()
    inline = slot.data or (slot.url if slot.url.startswith("data:") else None)
    try:
        data = _bytes(inline) if inline else fetch(slot.url)
    except BadInput as error:
        return _Opened(broken=str(error)) if inline else _Opened(lost=str(error))
    try:
        pixels = decode(data)
    except BadInput as error:
        return _Opened(broken=str(error))
    return _Opened(pixels=pixels, look=classify_image(pixels))


def _outcome(
    reply: Reply,
    slot: Slot | None,
    opened: _Opened,
    reading: Reading,
    key: str,
    turn: int,
    seconds: float,
    secrets: tuple[str, ...],
    cost: float | None,
) -> Outcome:
    words = redact(reply.words, secrets)
    rewritten = redact((slot.rewritten if slot else "") or reply.rewritten, secrets)
    shared: dict[str, Any] = {
        "key": key,
        "turn": turn,
        "seconds": seconds,
        "extra": _extra(reply, slot, opened, reading),
    }
    if reading.ended is Ended.PICTURE:
        assert opened.pixels is not None
        return Picture(pixels=opened.pixels, cost=cost, words=words, rewritten=rewritten, **shared)
    if reading.ended is Ended.REFUSAL:
        return Refusal(
            reason=reading.reason or Reason.UNEXPLAINED,
            category=reading.category,
            code=redact(reading.code, secrets),
            words=words or redact(reading.message, secrets),
            stage=reading.stage,
            request_id=reply.request_id,
            cost=_price_of_refusal(reply, reading, opened, cost),
            rewritten=rewritten,
            pixels=opened.pixels,
            **shared,
        )
    return Failure(
        fault=reading.fault or Fault.UNKNOWN,
        message=_sentence(redact(reading.message, secrets)),
        code=redact(reading.code, secrets),
        raw=raw_of(reply.raw, secrets) if reply.raw is not None else "",
        request_id=reply.request_id,
        retry_after=reply.retry_after,
        cost=None if reply.cost is None else cost,
        **shared,
    )


def _extra(reply: Reply, slot: Slot | None, opened: _Opened, reading: Reading) -> dict[str, Any]:
    extra: dict[str, Any] = dict(reply.extra)
    if reading.by:
        extra["by"] = reading.by
    if slot and slot.seed is not None:
        extra["seed"] = slot.seed
    if opened.look is not None and opened.look is not Look.FINE:
        extra["look"] = opened.look.value
    return extra


def _price_of_refusal(reply: Reply, reading: Reading, opened: _Opened, price: float | None) -> float | None:
    """A picture that was made and withheld may be charged; a prompt that was turned away is free."""
    if reply.cost is not None or opened.pixels is not None:
        return price
    return 0.0 if reading.stage is Stage.PROMPT and reading.by != "words" else None


_DATA_URL = re.compile(r"data:[\w/+.\-]*(?:;[\w=\-]+)*;base64,", re.IGNORECASE)


def _bytes(data: bytes | str) -> bytes:
    if isinstance(data, bytes):
        return data
    found = _DATA_URL.match(data)
    body = data[found.end() :] if found else data
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(f"the picture's base64 is damaged or cut short ({error}).") from error


def _sentence(text: str) -> str:
    plain = " ".join(text.split())[:500]
    return plain if plain.endswith((".", "!", "?", "。")) else f"{plain}."
