"""Google's Gemini image models, by the SDK's own chats: one picture a request, the history as the SDK keeps it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

from countcheck.cards import Card
from countcheck.errors import BadSettings
from countcheck.generators.batch_notes import BatchNote
from countcheck.generators.providers._google_protocol import GOOGLE_CODES, GoogleClient, reply_of_gemini
from countcheck.generators.refusals.codes import Meaning
from countcheck.generators.remote.batches import BatchingGenerator, BatchState
from countcheck.generators.remote.dialogue import ConversingGenerator
from countcheck.generators.remote.error_replies import reply_of_body
from countcheck.generators.remote.reply import Ask, Reply

_THINKING = ("minimal", "low", "medium", "high", "xhigh")
_HARMS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")


_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED")


class GoogleGenerator(BatchingGenerator, ConversingGenerator):
    """``google:MODEL``: Gemini image models, with an API key, or on Vertex with ``vertex=true``.

    With ``mode=batch`` requests are handed in by the Batch API of the developer API.
    """

    family: ClassVar[str] = "google"
    service: ClassVar[str] = "Gemini"
    extra: ClassVar[str] = "google"
    codes: ClassVar[Mapping[str, Meaning]] = GOOGLE_CODES
    key: ClassVar[tuple[str, ...]] = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    seeded: ClassVar[bool] = False  # a seed is sent, and nothing is promised
    # Answers come in one body, and bodies of more than a gigabyte were seen that no client could read.
    batch_limit: ClassVar[int] = 50
    defaults: ClassVar[Mapping[str, Any]] = {
        "base_url": "",
        "api_version": "",
        "vertex": False,  # the enterprise platform instead of the developer API
        "project": "",  # on Vertex with credentials of the machine; empty: with a key
        "location": "",
        "aspect_ratio": "1:1",
        "image_size": "1K",
        "modalities": "TEXT,IMAGE",
        "safety": "",  # a threshold for all adjustable categories, BLOCK_NONE to BLOCK_LOW_AND_ABOVE
        "temperature": None,
        "thinking_level": "",  # minimal, low, medium, high; empty leaves it to the model. It changes counts
    }
    later: ClassVar[tuple[str, ...]] = ("thinking_level",)

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        level = self.settings["thinking_level"]
        if level not in ("", *_THINKING):
            raise BadSettings(f"{card.name}: thinking_level is {level!r}. Choose from {', '.join(_THINKING)}.")
        if self.in_batches and self.settings["vertex"]:
            raise BadSettings(f"{card.name}: batches go by the developer API alone. Leave vertex out, or mode=batch.")

    def connect(self) -> GoogleClient:
        """Return the SDK's client."""
        return GoogleClient(
            self.sdk("google.genai"), self.settings, vertex=bool(self.settings["vertex"]), key=self.read_key
        )

    def ask(self, ask: Ask) -> Reply:
        """Send one message in a chat that begins with the history so far."""
        before = ask.history or {"contents": [], "said": 0}
        chat = self.client.client.chats.create(
            model=self.source, config=self._config(ask), history=list(before["contents"])
        )
        message: Any = ask.text
        reply = self.client.read(lambda: chat.send_message(message), reply_of_gemini)
        # A turn that was blocked outright is not in the curated history: the next one is answered as if it had never
        # been asked. So is it in the SDK, and so it is kept here, and told.
        curated = chat.get_history(curated=True) if not reply.error else before["contents"]
        seen = sum(content.role == "user" for content in before["contents"])
        history = {"contents": curated, "said": before["said"] + 1}
        turns = {"turns_said": before["said"], "turns_seen": seen} if before["said"] else {}
        return replace(reply, history=history, extra={**reply.extra, **turns})

    def list_models(self) -> Mapping[str, date | None]:
        """Return the service's models. It names no ends."""
        listed = self.client.client.models.list()
        return {str(model.name or "").removeprefix("models/"): None for model in listed}

    def hand_in(self, note: BatchNote, asks: Mapping[str, Ask], known: Callable[[str], None]) -> None:
        """Begin a batch with all requests in it, once."""
        if note.id:
            return
        requests = [
            {"contents": ask.text, "config": self._config(ask), "metadata": {"key": key}} for key, ask in asks.items()
        ]
        job = self.client.client.batches.create(
            model=self.source, src=requests, config={"display_name": f"countcheck-{note.token}"}
        )
        known(job.name)

    def find(self, note: BatchNote, since: float) -> str:
        """Find the batch that is called by the note's token."""
        for job in self.client.client.batches.list(config={"page_size": 100}):
            if job.display_name == f"countcheck-{note.token}":
                return str(job.name)
            if job.create_time is not None and job.create_time.timestamp() < since:
                break
        return ""

    def look(self, note: BatchNote) -> BatchState:
        """Return how far the batch is."""
        body = self._batch(note)
        metadata = _mapping(body.get("metadata"))
        state = str(metadata.get("state") or "").rpartition("_STATE_")[2]
        stats = _mapping(metadata.get("batchStats"))
        answered = _whole(stats.get("successfulRequestCount")) + _whole(stats.get("failedRequestCount"))
        failed = state == "FAILED" or (bool(body.get("error")) and state not in _ENDED)
        return BatchState(
            waiting=state not in _ENDED and not failed,
            answered=answered,
            total=_whole(stats.get("requestCount")),
            cancelled=state == "CANCELLED",
            seconds=_between(metadata.get("createTime"), metadata.get("endTime")),
            failure=reply_of_body({"error": body.get("error") or {"message": "the batch failed"}}, status=400)
            if failed
            else None,
        )

    def fetch(self, note: BatchNote) -> Iterator[tuple[str, Reply | None]]:
        """Read the answers, each by the key of its request, or by its place when they come without."""
        body = self._batch(note)
        output = _mapping(body.get("response")) or _mapping(_mapping(body.get("metadata")).get("output"))
        listed = _mapping(output.get("inlinedResponses")).get("inlinedResponses")
        answers = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
        for place, answer in enumerate(answers):
            key = _mapping(answer.get("metadata")).get("key")
            if key is None and len(answers) == len(note.keys):
                key = note.keys[place]
            error = answer.get("error")
            if isinstance(error, Mapping):
                yield str(key), reply_of_body({"error": error}, status=_status_of(error))
            else:
                yield str(key), replace(reply_of_gemini(_mapping(answer.get("response"))), status=200)

    def _batch(self, note: BatchNote) -> Mapping[str, Any]:
        """Return the batch as it came: the SDK drops what the service says of a blocked answer."""
        return self.client.body_of(lambda: self.client.client.batches.get(name=note.id))

    def pack(self, history: Any) -> Any:
        """Return the contents field by field; pictures and thought signatures are bytes, to be sent back unchanged."""
        return {**history, "contents": [one.model_dump(exclude_none=True) for one in history["contents"]]}

    def unpack(self, packed: Any) -> Any:
        """Return the SDK's own contents again."""
        content = self.sdk("google.genai").types.Content
        return {**packed, "contents": [content.model_validate(one) for one in packed["contents"]]}

    def _config(self, ask: Ask) -> Any:
        types = self.sdk("google.genai").types
        picture = {name: self.settings[name] for name in ("aspect_ratio", "image_size") if self.settings[name]}
        safety, level = self.settings["safety"], str(self.settings["thinking_level"])
        return types.GenerateContentConfig(
            response_modalities=[one.strip() for one in str(self.settings["modalities"]).split(",") if one.strip()],
            image_config=types.ImageConfig(**picture) if picture else None,
            seed=ask.seed,
            temperature=self.settings["temperature"],
            thinking_config=types.ThinkingConfig(thinking_level=level.upper()) if level else None,
            safety_settings=[
                types.SafetySetting(category=f"HARM_CATEGORY_{harm}", threshold=safety) for harm in _HARMS if safety
            ]
            or None,
        )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _whole(value: Any) -> int:
    return int(value) if str(value).isdecimal() else 0


def _status_of(error: Mapping[str, Any]) -> int | None:
    """Return the HTTP status of an error inside a batch, which is a code of gRPC or of HTTP."""
    code = _whole(error.get("code"))
    by_code = {3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 9: 400, 13: 500, 14: 503, 16: 401}
    return code if code >= 100 else by_code.get(code)


def _between(begun: Any, ended: Any) -> float | None:
    try:
        first, last = (datetime.datetime.fromisoformat(str(at)) for at in (begun, ended))
        return max(0.0, (last - first).total_seconds())
    except (TypeError, ValueError):
        return None


PROVIDER = GoogleGenerator
