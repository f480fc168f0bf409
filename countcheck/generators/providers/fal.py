"""fal, through its own client, without its queue and its retries: one request, one answer."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from countcheck.cards import Card
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Stage
from countcheck.generators.remote.client import EditingGenerator
from countcheck.generators.remote.error_replies import reply_of_body, reply_of_error
from countcheck.generators.remote.http import given_fields
from countcheck.generators.remote.reply import Ask, Reply, Slot
from countcheck.images.decode import encode_png

# Neither fal's own service nor its queue is to try again behind our back.
_NO_RETRY = {"x-fal-no-retry": "1"}


def reply_of_result(body: Any, *, headers: Mapping[str, str]) -> Reply:
    """Read a result. A flagged picture comes black, with ``has_nsfw_concepts`` true at its place."""
    fields: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    pictures = fields.get("images", [fields["image"]] if "image" in fields else None)
    if not isinstance(pictures, list):
        return reply_of_body(body, status=200, headers=headers)
    flags, seed = fields.get("has_nsfw_concepts"), fields.get("seed")
    flagged = [flag is True for flag in flags] if isinstance(flags, list) else []
    units = headers.get("x-fal-billable-units")
    return Reply(
        slots=tuple(
            _slot(picture, withheld=any(flagged[place : place + 1]), seed=seed if isinstance(seed, int) else None)
            for place, picture in enumerate(pictures)
        ),
        status=200,
        request_id=headers.get("x-fal-request-id", ""),
        raw=body,
        extra={"billable_units": units} if units else {},
    )


def reply_of_fal_error(error: Exception) -> Reply:
    """Read an exception of the client; its place (``loc``) tells what was objected to."""
    reply = reply_of_error(error)
    kind, details = str(getattr(error, "error_type", "") or ""), getattr(error, "message", None)
    codes = dict.fromkeys([*((kind,) if kind else ()), *reply.codes])
    places = (
        [detail.get("loc") for detail in details if isinstance(detail, Mapping)] if isinstance(details, list) else []
    )
    named = [
        str(text)
        for detail in (details if isinstance(details, list) else ())
        if isinstance(detail, Mapping) and isinstance(detail.get("ctx"), Mapping)
        for text in detail["ctx"].values()
        if isinstance(text, str) and text not in reply.message
    ]
    about_prompt = any(isinstance(place, list) and "prompt" in place for place in places)
    message = "; ".join([reply.message, *named])
    return replace(reply, codes=tuple(codes), message=message, stage=Stage.PROMPT if about_prompt else reply.stage)


class FalGenerator(EditingGenerator):
    """Make pictures with any model on fal, by its id. Inputs differ from model to model.

    ``extra`` in a card are handed to the model as they stand. ``edit_source`` names the model that changes pictures,
    ``edit_field`` what it calls the picture (``image_urls`` takes a list).
    """

    family: ClassVar[str] = "fal"
    service: ClassVar[str] = "fal"
    extra: ClassVar[str] = "fal"
    key: ClassVar[tuple[str, ...]] = ("FAL_KEY",)
    defaults: ClassVar[dict[str, Any]] = {
        "width": 1024,
        "height": 1024,
        "aspect_ratio": "",  # what some models take instead of width and height
        "safety_checker": True,
        "extra": {},
        "edit_source": "",
        "edit_field": "image_url",
        "base_url": "",
    }
    connection: ClassVar[dict[str, Any]] = {"concurrency": 4}
    seeded: ClassVar[bool] = True
    max_per_request: ClassVar[int] = 4

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._extra = given_fields(self.settings["extra"], name=card.name)

    @property
    def traits(self) -> Traits:
        """Describe what the model can do: it edits when ``edit_source`` names a model for that."""
        return replace(super().traits, edits=bool(self.settings["edit_source"]))

    def connect(self) -> Any:
        """Return the service's client with its own retries off."""
        # Its number of tries and its address are constants of the module: there is no other place to set them.
        self.sdk("fal_client").client.MAX_ATTEMPTS = 1
        self._last = threading.local()
        client = self.sdk("fal_client").SyncClient(key=self.read_key(), default_timeout=float(self.settings["timeout"]))
        client._client.event_hooks = {"request": [self._direct], "response": [self._remember]}
        return client

    def ask(self, ask: Ask) -> Reply:
        """Send one request and read its result."""
        self._last.headers = {}
        source = str(self.settings["edit_source"]) if ask.picture is not None else self.source
        timeout = float(self.settings["timeout"])
        body = self.client.run(source, arguments=self._arguments(ask), timeout=timeout, headers=dict(_NO_RETRY))
        return reply_of_result(body, headers=self._last.headers)

    def explain(self, error: Exception) -> Reply:
        """Read an exception of the client."""
        return reply_of_fal_error(error)

    def _arguments(self, ask: Ask) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "prompt": ask.text,
            "seed": ask.seed,
            "num_images": ask.count,
            "output_format": "png",
            "enable_safety_checker": self.settings["safety_checker"],
        }
        if self.settings["aspect_ratio"]:
            fields["aspect_ratio"] = self.settings["aspect_ratio"]
        elif ask.picture is None:
            fields["image_size"] = {"width": self.settings["width"], "height": self.settings["height"]}
        if ask.picture is not None:
            name, url = str(self.settings["edit_field"]), _data_url(encode_png(ask.picture))
            fields[name] = [url] if name.endswith("s") else url
        fields |= self._extra
        return {name: value for name, value in fields.items() if value is not None}

    def _direct(self, request: Any) -> None:
        """Send a request to ``base_url`` instead, when there is one."""
        if self.settings["base_url"]:
            base = urlsplit(str(self.settings["base_url"]))
            request.url = request.url.copy_with(scheme=base.scheme, netloc=base.netloc.encode())
            request.headers["host"] = base.netloc

    def close(self) -> None:
        """Close the connections; the client has no method for that."""
        client, self._client = self._client, None
        if client is not None:
            client._client.close()

    def _remember(self, response: Any) -> None:
        self._last.headers = {name.lower(): value for name, value in response.headers.items()}


def _data_url(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def _slot(picture: Any, *, withheld: bool, seed: int | None) -> Slot:
    url = str((picture.get("url") if isinstance(picture, Mapping) else picture) or "")
    inside = url.startswith("data:")
    return Slot(
        data=url if inside else None,
        url="" if inside else url,
        withheld=withheld,
        codes=("has_nsfw_concepts",) if withheld else (),
        categories=("sexual",) if withheld else (),
        stage=Stage.PICTURE if withheld else Stage.UNKNOWN,
        seed=seed,
    )


PROVIDER = FalGenerator
