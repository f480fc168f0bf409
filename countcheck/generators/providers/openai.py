"""OpenAI, and any compatible server (``base_url``): the Images API, or the Responses API for chat models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

import orjson

from countcheck.cards import Card
from countcheck.errors import BadSettings
from countcheck.generators.base import Traits
from countcheck.generators.batch_notes import BatchNote
from countcheck.generators.outcome import Stage
from countcheck.generators.remote.batches import BatchingGenerator, BatchState
from countcheck.generators.remote.bodies import pictures_in
from countcheck.generators.remote.client import EditingGenerator
from countcheck.generators.remote.dialogue import ConversingGenerator
from countcheck.generators.remote.error_replies import reply_of_body
from countcheck.generators.remote.reply import Ask, Reply, Slot
from countcheck.images.decode import encode_png

# Models of the Images API; any other name is a chat model that draws with a tool.
_PAINTERS = ("gpt-image", "chatgpt-image", "dall-e")
_DRAW = "/v1/images/generations"
_TOKEN = "countcheck"  # noqa: S105 (the name of what we keep beside a batch)


class OpenAIGenerator(BatchingGenerator, ConversingGenerator, EditingGenerator):
    """``openai:MODEL``. Chat models hold conversations through the Responses API; image models change pictures.

    With ``mode=batch`` requests to image models are handed in by the Batch API.
    """

    family: ClassVar[str] = "openai"
    service: ClassVar[str] = "OpenAI and compatible servers"
    extra: ClassVar[str] = "openai"
    modules: ClassVar[tuple[str, ...]] = ("openai.resources.images", "openai.resources.responses")
    key: ClassVar[tuple[str, ...]] = ("OPENAI_API_KEY",)
    max_per_request: ClassVar[int] = 10
    batch_limit: ClassVar[int] = 500
    defaults: ClassVar[Mapping[str, Any]] = {
        "api": "auto",  # images, responses; auto tells by the model's name
        "base_url": "",  # of a compatible server; empty for OpenAI's own
        "size": "1024x1024",
        "quality": "",  # low, medium, high ...; empty leaves it to the service, here and below
        "background": "",
        "moderation": "",  # auto or low
        "output_format": "",
        "response_format": "",  # b64_json or url, for compatible servers that need to be told
        "seed_field": "",  # what a compatible server calls its seed; OpenAI has none
        "tool_model": "",  # which image model the chat model's tool uses
        "tool_choice": "auto",  # required makes a chat model draw; auto lets it decline in words
        "extra": {},  # further fields of the request, as the server knows them; null leaves one out
    }

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        api = self.settings["api"]
        if api not in ("auto", "images", "responses"):
            raise BadSettings(f"{card.name}: api is {api!r}. Give images, responses or auto.")
        if api == "auto":
            images = bool(self.settings["base_url"]) or card.source.startswith(_PAINTERS)
            api = "images" if images else "responses"
        self._speaks = api == "responses"
        if self._speaks and self.in_batches:
            raise BadSettings(f"{card.name}: batches are for image models. Leave mode=batch out, or name one.")
        if not isinstance(self.settings["extra"], Mapping):
            raise BadSettings(f"{card.name}: extra is {self.settings['extra']!r}. Give fields and their values.")

    @property
    def traits(self) -> Traits:
        """Describe what the model can do."""
        seeded, alone = bool(self.settings["seed_field"]), not self.in_batches
        return replace(
            super().traits, converses=self._speaks and alone, edits=not self._speaks and alone, seeded=seeded
        )

    def connect(self) -> Any:
        """Return OpenAI's client with its own retries off."""
        openai = self.sdk("openai")
        base_url = self.settings["base_url"] or None
        return openai.OpenAI(api_key=self._key(), base_url=base_url, max_retries=0, timeout=self.settings["timeout"])

    def list_models(self) -> Mapping[str, date | None]:
        """Return the service's models with the day on which each ends, which it calls ``shutdown_date``."""
        body = orjson.loads(self.client.models.with_raw_response.list().http_response.content)
        listed = body.get("data") if isinstance(body, Mapping) else None
        models = [model for model in listed or () if isinstance(model, Mapping) and model.get("id")]
        return {str(model["id"]): _day(model.get("shutdown_date")) for model in models}

    def _key(self) -> str:
        # A server of one's own wants no key, and OpenAI's must not be sent to it unasked.
        if self.settings["base_url"] and not self.settings["key_env"]:
            return "none"
        return self.read_key()

    def ask(self, ask: Ask) -> Reply:
        """Send one request."""
        if self._speaks:
            raw = self.client.responses.with_raw_response.create(**self._turn(ask))
            return _read(raw, reply_of_response)
        if ask.picture is not None:
            image = ("picture.png", encode_png(ask.picture), "image/png")
            raw = self.client.images.with_raw_response.edit(image=image, **self._drawing(ask))
        else:
            raw = self.client.images.with_raw_response.generate(**self._drawing(ask))
        return _read(raw, reply_of_images)

    def hand_in(self, note: BatchNote, asks: Mapping[str, Ask], known: Callable[[str], None]) -> None:
        """Upload the requests as JSON lines, and begin a batch of them, once."""
        if note.id:
            return
        lines = []
        for key, ask in asks.items():
            body = self._drawing(ask)
            body |= body.pop("extra_body") or {}
            lines.append(orjson.dumps({"custom_id": key, "method": "POST", "url": _DRAW, "body": body}))
        file = self.client.files.create(file=(f"{note.token}.jsonl", b"\n".join(lines)), purpose="batch")
        batch = self.client.batches.create(
            input_file_id=file.id, endpoint=_DRAW, completion_window="24h", metadata={_TOKEN: note.token}
        )
        known(batch.id)

    def find(self, note: BatchNote, since: float) -> str:
        """Find the batch whose metadata hold the note's token."""
        for batch in self.client.batches.list(limit=100):
            if (batch.metadata or {}).get(_TOKEN) == note.token:
                return str(batch.id)
            if batch.created_at < since:
                break
        return ""

    def look(self, note: BatchNote) -> BatchState:
        """Return how far the batch is."""
        batch = self.client.batches.retrieve(note.id)
        counts = batch.request_counts
        ended = next((at for at in (batch.completed_at, batch.expired_at, batch.cancelled_at) if at), None)
        errors = [error.model_dump(exclude_none=True) for error in (batch.errors and batch.errors.data) or ()]
        return BatchState(
            waiting=batch.status not in ("completed", "failed", "expired", "cancelled"),
            answered=counts.completed + counts.failed if counts else 0,
            total=counts.total if counts else 0,
            cancelled=batch.status == "cancelled",
            seconds=None if ended is None else max(0.0, float(ended - batch.created_at)),
            failure=reply_of_body({"error": errors[0] if errors else {}}, status=400)
            if batch.status == "failed"
            else None,
        )

    def fetch(self, note: BatchNote) -> Iterator[tuple[str, Reply | None]]:
        """Read the files of answers and of errors line by line; a line is as large as its picture."""
        batch = self.client.batches.retrieve(note.id)
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            with self.client.files.with_streaming_response.content(file) as response:
                for line in response.iter_lines():
                    if line.strip():
                        yield _line_of_batch(line)

    def _drawing(self, ask: Ask) -> dict[str, Any]:
        plain = ("size", "quality", "background", "moderation", "output_format", "response_format")
        chosen = {name: self.settings[name] for name in plain if self.settings[name]}
        if ask.picture is not None:
            for name in ("moderation", "background"):
                chosen.pop(name, None)
        body = dict(self.settings["extra"])
        if self.settings["seed_field"]:
            body[str(self.settings["seed_field"])] = ask.seed
        fields = {"model": self.source, "prompt": ask.text, "n": ask.count, **chosen}
        # A null in ``extra`` leaves out a field that a compatible server does not take.
        left_out = {name for name, value in body.items() if value is None}
        further = {name: value for name, value in body.items() if value is not None}
        return {
            **{name: value for name, value in fields.items() if name not in left_out},
            "extra_body": further or None,
        }

    def _turn(self, ask: Ask) -> dict[str, Any]:
        # Tools are not inherited from the turn before, so they are sent every time.
        plain = ("size", "quality", "background", "moderation", "output_format")
        tool = {name: self.settings[name] for name in plain if self.settings[name]}
        if self.settings["tool_model"]:
            tool["model"] = self.settings["tool_model"]
        request: dict[str, Any] = {
            "model": self.source,
            "input": ask.text,
            "tools": [{"type": "image_generation", **tool}],
            "extra_body": dict(self.settings["extra"]) or None,
        }
        if ask.history:
            request["previous_response_id"] = ask.history
        if self.settings["tool_choice"] == "required":
            request["tool_choice"] = {"type": "image_generation"}
        return request


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if isinstance(text, str) else None
    except ValueError:
        return None


def _line_of_batch(line: str) -> tuple[str, Reply | None]:
    """Read one line of a batch's answers: the sample's key and its reply, ``None`` when it was not come to."""
    body = _mapping(orjson.loads(line))
    key, response, error = str(body.get("custom_id") or ""), body.get("response"), _mapping(body.get("error"))
    if not isinstance(response, Mapping):
        passed = str(error.get("code") or "") in ("batch_expired", "batch_cancelled")
        return key, None if passed else reply_of_body({"error": error}, status=None)
    status, answer = _count(response.get("status_code")) or 200, response.get("body")
    request_id = str(response.get("request_id") or "")
    if status >= 400 or not isinstance(answer, Mapping):
        return key, replace(reply_of_body(answer, status=status), request_id=request_id)
    return key, replace(reply_of_images(answer), request_id=request_id, status=status)


def reply_of_images(body: Mapping[str, Any]) -> Reply:
    """Read an answer of the Images API. Servers that moderate picture by picture leave a place empty, or say so in it."""
    items = body.get("data")
    if not isinstance(items, list) and body.get("error"):
        return replace(reply_of_body(body, status=200), raw=body)
    known = "data" in body and isinstance(items, list | None)
    return Reply(
        slots=tuple(_slots(items if isinstance(items, list) else [])),
        error=not known,
        message="" if known else "an answer without the field data",
        status=200,
        raw=body,
        usage=usage_of_images(body.get("usage")),
        extra={"usage": body["usage"]} if isinstance(body.get("usage"), Mapping) else {},
    )


def usage_of_images(body: Any) -> dict[str, int]:
    """Read the tokens that a picture took; nothing of a usage in any other shape.

    >>> usage_of_images({"input_tokens": 20, "input_tokens_details": {"text_tokens": 20}, "output_tokens": 272})
    {'input_text': 20, 'output_image': 272}
    """
    if not isinstance(body, Mapping):
        return {}
    given, made = _mapping(body.get("input_tokens_details")), _mapping(body.get("output_tokens_details"))
    cached = _mapping(given.get("cached_tokens_details"))
    cached_text = _count(cached.get("text_tokens", 0 if cached else given.get("cached_tokens")))
    cached_image = _count(cached.get("image_tokens"))
    image = _count(given.get("image_tokens"))
    text = _count(given.get("text_tokens")) if given else _count(body.get("input_tokens"))
    used = {
        "input_text": text - min(text, cached_text),
        "cached_input_text": min(text, cached_text),
        "input_image": image - min(image, cached_image),
        "cached_input_image": min(image, cached_image),
        "output_text": _count(made.get("text_tokens")),
        "output_image": _count(made.get("image_tokens")) if made else _count(body.get("output_tokens")),
    }
    return {name: count for name, count in used.items() if count}


def _usage_of_response(body: Mapping[str, Any]) -> dict[str, int]:
    """Read what the chat model read and wrote, beside what its tool took."""
    usage = _mapping(body.get("usage"))
    read, written = _count(usage.get("input_tokens")), _count(usage.get("output_tokens"))
    cached = min(read, _count(_mapping(usage.get("input_tokens_details")).get("cached_tokens")))
    chat = {"chat_input": read - cached, "cached_chat_input": cached, "chat_output": written}
    tool = usage_of_images(_mapping(body.get("tool_usage")).get("image_gen"))
    return {name: count for name, count in {**chat, **tool}.items() if count}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _slots(items: list[Any]) -> Iterator[Slot]:
    for item in items:
        if not isinstance(item, Mapping):
            continue
        found = reply_of_body(item) if item.get("error") or item.get("content_filter_results") else None
        withheld = item.get("respect_moderation") is False or item.get("is_image_safe") is False
        data, url = item.get("b64_json"), item.get("url")
        if not data and not url and (elsewhere := pictures_in(item)):
            data, url = elsewhere[0].data, elsewhere[0].url
        yield Slot(
            data=data if isinstance(data, str) and data else None,
            url=url if isinstance(url, str) else "",
            withheld=withheld,
            codes=("content_filtered",) if withheld else found.codes if found and not data and not url else (),
            categories=found.categories if found else (),
            message=found.message if found else "",
            stage=Stage.PICTURE if withheld else Stage.UNKNOWN,
            rewritten=str(item.get("revised_prompt") or ""),
            seed=item["seed"] if isinstance(item.get("seed"), int) else None,
        )


def _read(raw: Any, reader: Any) -> Reply:
    """Read a raw response of the client; text that is not the expected JSON is an error."""
    content = raw.http_response.content
    request_id = raw.headers.get("x-request-id") or raw.headers.get("apim-request-id") or ""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        found = reply_of_body(content, status=raw.status_code, headers=dict(raw.headers))
        page = content.lstrip()[:1] == b"<"
        codes = () if page else ("malformed_answer",)
        message = found.message if page else "the answer is not JSON, or was cut short"
        return replace(found, codes=codes, message=message, request_id=request_id)
    if not isinstance(body, Mapping):
        return Reply(
            error=True,
            status=raw.status_code,
            message="the answer is JSON of no known shape",
            raw=body,
            request_id=request_id,
        )
    reply: Reply = reader(body)
    return replace(reply, request_id=request_id or reply.request_id, status=raw.status_code)


def reply_of_response(body: Mapping[str, Any]) -> Reply:
    """Read a response object of the Responses API; its id is the history that the next turn continues."""
    output = body.get("output")
    items = [item for item in output if isinstance(item, Mapping)] if isinstance(output, list) else []
    error = body.get("error") if isinstance(body.get("error"), Mapping) else None
    status = str(body.get("status") or "")
    calls = [item for item in items if item.get("type") == "image_generation_call"]
    words, refused = _words(items)
    found = reply_of_body(error, status=200) if error else None
    failed = status in ("failed", "cancelled") or (not items and error is not None)
    return Reply(
        slots=_slots_of_calls(calls),
        words=words,
        refused=refused,
        codes=_codes(body, status, found),
        categories=found.categories if found else (),
        message=found.message if found else "",
        stage=found.stage if found else Stage.UNKNOWN,
        error=failed or ("output" not in body and error is None),
        status=200,
        drawn=max(1, sum(_is_drawn(call) for call in calls)),
        history=body.get("id"),
        raw=body,
        usage=_usage_of_response(body),
        extra=_extra(body, calls),
    )


def _slots_of_calls(calls: Sequence[Mapping[str, Any]]) -> tuple[Slot, ...]:
    """Return the picture to judge: the last one finished, as a reader of the chat sees it; a failed call only without one."""
    drawn = [
        Slot(data=call["result"], rewritten=str(call.get("revised_prompt") or "")) for call in calls if _is_drawn(call)
    ]
    return (drawn[-1],) if drawn else tuple(_failed(call) for call in calls[-1:])


def _is_drawn(call: Mapping[str, Any]) -> bool:
    return bool(call.get("result")) and isinstance(call["result"], str) and call.get("status") != "failed"


def _failed(call: Mapping[str, Any]) -> Slot:
    found = reply_of_body(call.get("error") or {})
    return Slot(
        codes=found.codes or ("failed",),
        categories=found.categories,
        message=found.message,
        stage=found.stage,
        rewritten=str(call.get("revised_prompt") or ""),
    )


def _words(items: Sequence[Mapping[str, Any]]) -> tuple[str, bool]:
    """Return the assistant's words without its reasoning, and whether a part of them is marked as a refusal."""
    said: list[str] = []
    refused = False
    for item in items:
        parts = item.get("content") if item.get("type") == "message" else None
        for part in parts if isinstance(parts, list) else []:
            if isinstance(part, Mapping):
                refused = refused or bool(part.get("refusal"))
                said.append(str(part.get("refusal") or part.get("text") or ""))
    return "\n".join(text for text in said if text.strip()), refused


def _codes(body: Mapping[str, Any], status: str, found: Reply | None) -> tuple[str, ...]:
    details = body.get("incomplete_details")
    why = str(details.get("reason") or "") if isinstance(details, Mapping) else ""
    return tuple(code for code in (*(found.codes if found else ()), why, status) if code)


def _extra(body: Mapping[str, Any], calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    kept: dict[str, Any] = {"response": body.get("id"), "model": body.get("model")}
    for name in ("usage", "tool_usage"):
        if isinstance(body.get(name), Mapping):
            kept[name] = body[name]
    drawn = sum(_is_drawn(call) for call in calls)
    if drawn > 1:
        kept["pictures"] = drawn
    return kept


PROVIDER = OpenAIGenerator
