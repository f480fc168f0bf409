"""Replicate over its REST interface: a prediction is created and polled, so that its error, logs and times are known."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from countcheck.cards import Card
from countcheck.generators.base import Traits
from countcheck.generators.remote.bodies import pictures_in
from countcheck.generators.remote.client import EditingGenerator
from countcheck.generators.remote.http import Answer, HttpClient, given_fields, poll_until_ready
from countcheck.generators.remote.reply import Ask, Reply
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

    def connect(self) -> HttpClient:
        """Return a connection with the key in its headers."""
        headers = {"Authorization": f"Bearer {self.read_key()}", "Accept": "application/json"}
        return HttpClient(str(self.settings["base_url"]), headers=headers, timeout=float(self.settings["timeout"]))

    def ask(self, ask: Ask) -> Reply:
        """Create a prediction and wait for its result."""
        seconds = float(self.settings["timeout"])
        model, _, version = self.source.partition(":")
        path = "/v1/predictions" if version else f"/v1/models/{model}/predictions"
        body = {"input": self._input(ask), **({"version": version} if version else {})}
        # The service holds the request open for at most a minute and answers at once when the picture is there.
        held = {"Prefer": f"wait={max(1, min(60, int(seconds)))}"}
        made = self.client.call("POST", path, json=body, headers=held)
        place = made.fields.get("id")
        if not isinstance(place, str) or not place:
            return _fault(made)
        answers = iter([made])

        def look() -> Reply | None:
            answer = next(answers, None) or self.client.call("GET", f"/v1/predictions/{quote(place, safe='')}")
            return reply_of_prediction(answer.fields) if answer.fields else _fault(answer)

        return poll_until_ready(look, seconds=seconds, pause=float(self.settings["poll"]))

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


def _fault(answer: Answer) -> Reply:
    """Read an error; its ``detail`` says more than its ``title``, which repeats the status."""
    reply = answer.fault()
    detail = answer.body.get("detail") if isinstance(answer.body, Mapping) else None
    return replace(reply, message=detail) if isinstance(detail, str) and detail else reply


PROVIDER = ReplicateGenerator
