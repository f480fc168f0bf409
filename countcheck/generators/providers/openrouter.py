"""OpenRouter: chat models of many makers that draw, over plain HTTP, because its additions to the chat format matter."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from countcheck.cards import Card
from countcheck.generators.outcome import Stage
from countcheck.generators.providers._google_protocol import GOOGLE_CODES
from countcheck.generators.refusals.codes import Meaning
from countcheck.generators.remote.client import EditingGenerator
from countcheck.generators.remote.dialogue import ConversingGenerator
from countcheck.generators.remote.error_replies import reply_of_body
from countcheck.generators.remote.http import Answer, HttpClient, given_fields
from countcheck.generators.remote.reply import Ask, Reply, Slot
from countcheck.images.decode import encode_png

Message = dict[str, Any]


def reply_of_answer(answer: Answer) -> Reply:
    """Read one chat completion: pictures beside the words, the maker's own reason beside OpenRouter's."""
    choices = answer.fields.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else None
    if choice is None:
        return _fault(answer)
    if isinstance(choice.get("error"), Mapping):  # the maker's error, in an answer that is itself well
        return replace(
            _with_makers(reply_of_body(choice, status=_status(choice, answer.status)), choice), raw=answer.body
        )
    found = choice.get("message")
    message: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    usage = answer.fields.get("usage")
    cost = usage.get("cost") if isinstance(usage, Mapping) else None
    refusal = message.get("refusal")
    return Reply(
        slots=tuple(_slots(message.get("images"))),
        words=str(refusal or message.get("content") or ""),
        refused=bool(refusal),
        codes=tuple(str(choice[name]) for name in ("native_finish_reason", "finish_reason") if choice.get(name)),
        status=answer.status,
        request_id=str(answer.fields.get("id") or ""),
        cost=float(cost) if isinstance(cost, int | float) else None,
        raw=answer.body,
        extra={"model": answer.fields["model"]} if answer.fields.get("model") else {},
    )


def _fault(answer: Answer) -> Reply:
    """Read an error, which may come with a 200: its own code is the status then."""
    fault = answer.fault()
    if not isinstance(answer.body, Mapping):
        return fault
    return _with_makers(replace(fault, status=_status(answer.body, answer.status)), answer.body)


def _status(body: Mapping[str, Any], otherwise: int) -> int:
    error = body.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if otherwise < 300 and isinstance(code, int) and 400 <= code <= 599 else otherwise


def _with_makers(reply: Reply, body: Mapping[str, Any]) -> Reply:
    """Add what the model's maker said, which OpenRouter passes on as text."""
    error = body.get("error")
    metadata = error.get("metadata") if isinstance(error, Mapping) else None
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    if not isinstance(raw, str | Mapping) or not raw:
        return reply
    theirs = reply_of_body(raw)
    return replace(
        reply,
        codes=(*theirs.codes, *reply.codes),
        categories=(*reply.categories, *theirs.categories),
        message="; ".join(dict.fromkeys(text for text in (theirs.message, reply.message) if text)),
        stage=theirs.stage if theirs.stage is not Stage.UNKNOWN else reply.stage,
    )


class OpenRouterGenerator(ConversingGenerator, EditingGenerator):
    """``openrouter:MAKER/MODEL``. In a conversation the model sees all that was said, and its last picture."""

    family: ClassVar[str] = "openrouter"
    service: ClassVar[str] = "OpenRouter"
    reports_cost: ClassVar[bool] = True
    key: ClassVar[tuple[str, ...]] = ("OPENROUTER_API_KEY",)
    defaults: ClassVar[dict[str, Any]] = {"extra": {}, "base_url": "https://openrouter.ai/api/v1"}
    codes: ClassVar[Mapping[str, Meaning]] = (
        GOOGLE_CODES  # native reasons are the makers'; Google's are the only ones of their own kind
    )

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._extra = given_fields(self.settings["extra"], name=card.name)

    def connect(self) -> HttpClient:
        """Return a connection with the key in its headers."""
        base, timeout = str(self.settings["base_url"]), float(self.settings["timeout"])
        return HttpClient(base, headers={"Authorization": f"Bearer {self.read_key()}"}, timeout=timeout)

    def ask(self, ask: Ask) -> Reply:
        """Send one turn."""
        history: list[Message] = list(ask.history or [])
        shown = _last_picture(history)
        if ask.picture is not None:
            shown = "data:image/png;base64," + base64.b64encode(encode_png(ask.picture)).decode()
        said = _said(ask.text, shown)
        body = {
            "model": self.source,
            "messages": [*map(_plain, history), said],
            "modalities": ["image", "text"],
            "seed": ask.seed,
            "usage": {"include": True},
            **self._extra,
        }
        reply = reply_of_answer(self.client.call("POST", "/chat/completions", json=body))
        pictures = [slot.data for slot in reply.slots if isinstance(slot.data, str)]
        answered: Message = {"role": "assistant", "content": reply.words, "pictures": pictures}
        return replace(reply, history=[*history, {"role": "user", "content": ask.text}, answered])

    def pack(self, history: list[Message]) -> Any:
        """Return the messages with their pictures' data URLs as bytes, which are kept in files."""
        return [{**one, "pictures": [url.encode() for url in one.get("pictures", ())]} for one in history]

    def unpack(self, packed: Any) -> list[Message]:
        """Return the messages again."""
        return [{**one, "pictures": [url.decode() for url in one["pictures"]]} for one in packed]


def _said(text: str, picture: str) -> Message:
    if not picture:
        return {"role": "user", "content": text}
    parts = [{"type": "image_url", "image_url": {"url": picture}}, {"type": "text", "text": text}]
    return {"role": "user", "content": parts}


def _plain(message: Message) -> Message:
    return {"role": message["role"], "content": message["content"]}


def _last_picture(history: list[Message]) -> str:
    return next((message["pictures"][-1] for message in reversed(history) if message.get("pictures")), "")


def _slots(images: Any) -> Iterator[Slot]:
    for image in images if isinstance(images, list) else ():
        where = image.get("image_url") if isinstance(image, Mapping) else None
        url = str((where.get("url") if isinstance(where, Mapping) else where) or "")
        inside = url.startswith("data:")
        yield Slot(data=url if inside else None, url="" if inside else url)


PROVIDER = OpenRouterGenerator
