"""Replicate, through its own client: a prediction is created and polled, so that its error, logs and times are known."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from countcheck.cards import Card
from countcheck.generators.base import Traits
from countcheck.generators.remote.bodies import pictures_in
from countcheck.generators.remote.client import EditingGenerator
from countcheck.generators.remote.download import trusted
from countcheck.generators.remote.error_replies import reply_of_error
from countcheck.generators.remote.http import given_fields, poll_until_ready
from countcheck.generators.remote.reply import Ask, Reply
from countcheck.generators.remote.waits import retry_after
from countcheck.images.decode import encode_png

_CODE = re.compile(r"\b(E\d{3,4})\b")
_SEED = re.compile(r"\bseed\b\W{0,3}(\d{1,19})\b", re.IGNORECASE)
_ENDED = frozenset({"succeeded", "failed", "canceled", "aborted"})


def reply_of_prediction(prediction: Mapping[str, Any]) -> Reply | None:
    """Read a prediction; ``None`` while it is in progress."""
    status, error = str(prediction.get("status") or ""), str(prediction.get("error") or "")
    if status not in _ENDED:
        return None
    metrics = prediction.get("metrics")
    seconds = metrics.get("predict_time") if isinstance(metrics, Mapping) else None
    common: dict[str, Any] = {
        "request_id": str(prediction.get("id") or ""),
        "raw": {name: value for name, value in prediction.items() if name != "input"},
        "extra": {"predict_seconds": seconds} if isinstance(seconds, int | float) else {},
    }
    if status != "succeeded":
        codes = tuple(dict.fromkeys([*_CODE.findall(error), status]))
        return Reply(error=True, codes=codes, message=error or f"the prediction ended as {status!r}", **common)
    output = prediction.get("output")
    pictures = pictures_in(output, field="output")
    if output and not pictures:
        words = "the prediction succeeded, and no picture is found in its output"
        return Reply(codes=("unknown_output",), message=words, **common)
    used = _SEED.search(str(prediction.get("logs") or ""))
    seed = int(used[1]) if used else None
    return Reply(slots=tuple(replace(picture, seed=seed) for picture in pictures), **common)


class ReplicateGenerator(EditingGenerator):
    """Make pictures with any model on Replicate: ``owner/name`` or ``owner/name:version``. Inputs differ from model to model.

    ``extra`` in a card are handed to the model as they stand. ``seed_field``, ``count_field`` and ``edit_field`` say
    what the model calls these; empty where it has none.
    """

    family: ClassVar[str] = "replicate"
    service: ClassVar[str] = "Replicate"
    extra: ClassVar[str] = "replicate"
    key: ClassVar[tuple[str, ...]] = ("REPLICATE_API_TOKEN",)
    defaults: ClassVar[dict[str, Any]] = {
        "extra": {},
        "seed_field": "seed",
        "count_field": "",
        "edit_field": "",
        "base_url": "https://api.replicate.com",
    }
    # 600 predictions may be made in a minute; poll: seconds between two looks at one.
    connection: ClassVar[dict[str, Any]] = {"requests_per_minute": 600.0, "poll": 0.5}
    seeded: ClassVar[bool] = True
    max_per_request: ClassVar[int] = 4

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._extra = given_fields(self.settings["extra"], name=card.name)

    @property
    def traits(self) -> Traits:
        """Describe what the model can do: it is seeded and edits when it has fields for that."""
        seeded, edits = bool(self.settings["seed_field"]), bool(self.settings["edit_field"])
        return replace(super().traits, seeded=seeded, edits=edits)

    def connect(self) -> Any:
        """Return the client with its own retries off; it remembers each thread's last headers."""
        import httpx

        module, timeout = self.sdk("replicate"), float(self.settings["timeout"])
        self._last = threading.local()
        client = module.Client(
            api_token=self.read_key(),
            base_url=str(self.settings["base_url"]),
            timeout=timeout,
            transport=httpx.HTTPTransport(verify=trusted()),
            event_hooks={"response": [self._remember]},
        )
        tries = client._client._transport  # their own transport; nothing public turns its tries off
        if hasattr(tries, "max_attempts"):
            tries.max_attempts = 1
        return client

    def ask(self, ask: Ask) -> Reply:
        """Create a prediction and wait for its result."""
        self._last.headers = {}
        seconds = float(self.settings["timeout"])
        # Without a time to hold the request open, the client would wait for its answer for ever.
        held = max(1, min(60, int(seconds)))
        _, _, version = self.source.partition(":")
        made = (
            self.client.predictions.create(version=version, input=self._input(ask), wait=held)
            if version
            else self.client.models.predictions.create(model=self.source, input=self._input(ask), wait=held)
        )

        def look() -> Reply | None:
            reply = reply_of_prediction(_plain(made))
            if reply is None:
                made.reload()
                reply = reply_of_prediction(_plain(made))
            return reply

        return poll_until_ready(look, seconds=seconds, pause=float(self.settings["poll"]))

    def explain(self, error: Exception) -> Reply:
        """Read an exception of the client. It keeps no headers, so the thread's last ones tell the time to wait."""
        reply = reply_of_error(error)
        headers = getattr(self._last, "headers", {})
        return replace(
            reply,
            message=str(getattr(error, "detail", None) or getattr(error, "title", None) or reply.message),
            retry_after=reply.retry_after if reply.retry_after is not None else retry_after(headers),
            request_id=reply.request_id or headers.get("x-request-id", ""),
        )

    def close(self) -> None:
        """Close the connections; the client has no method for that."""
        client, self._client = self._client, None
        if client is not None:
            client._client.close()

    def _remember(self, response: Any) -> None:
        self._last.headers = {name.lower(): value for name, value in response.headers.items()}

    def _input(self, ask: Ask) -> dict[str, Any]:
        fields = {"prompt": ask.text, **self._extra}
        if self.settings["seed_field"]:
            fields[self.settings["seed_field"]] = ask.seed
        if self.settings["count_field"]:
            fields[self.settings["count_field"]] = ask.count
        if ask.picture is not None:
            fields[self.settings["edit_field"]] = (
                "data:image/png;base64," + base64.b64encode(encode_png(ask.picture)).decode()
            )
        return fields


def _plain(prediction: Any) -> dict[str, Any]:
    names = ("id", "status", "error", "output", "logs", "metrics", "version", "model")
    return {name: getattr(prediction, name, None) for name in names}


PROVIDER = ReplicateGenerator
