"""fal over its REST interface, without its queue and its retries: one request, one answer."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from countcheck.cards import Card
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Stage
from countcheck.generators.remote.client import EditingGenerator
from countcheck.generators.remote.http import Answer, HttpClient, given_fields
from countcheck.generators.remote.reply import Ask, Reply, Slot
from countcheck.images.decode import encode_png

_ADDRESS = "https://fal.run"  # where a model answers itself, without the queue
# The service is not to try again by itself.
_NO_RETRY = {"x-fal-no-retry": "1"}


def reply_of_result(answer: Answer) -> Reply:
    """Read a result. A flagged picture comes black, with ``has_nsfw_concepts`` true at its place."""
    fields, headers = answer.fields, answer.headers
    pictures = fields.get("images", [fields["image"]] if "image" in fields else None)
    if not isinstance(pictures, list):
        return reply_of_fault(answer)
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
        raw=answer.body,
        extra={"billable_units": units} if units else {},
    )


def reply_of_fault(answer: Answer) -> Reply:
    """Read an error; its place (``loc``) tells what was objected to. Of the infrastructure's, ``error_type`` comes first."""
    reply = answer.fault()
    fields: Mapping[str, Any] = answer.body if isinstance(answer.body, Mapping) else {}
    kind, details = str(fields.get("error_type") or ""), fields.get("detail")
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

    def connect(self) -> HttpClient:
        """Return a connection with the key in its headers."""
        headers = {"Authorization": f"Key {self.read_key()}", "Accept": "application/json", **_NO_RETRY}
        base, timeout = str(self.settings["base_url"]) or _ADDRESS, float(self.settings["timeout"])
        return HttpClient(base, headers=headers, timeout=timeout)

    def ask(self, ask: Ask) -> Reply:
        """Send one request and read its result."""
        source = str(self.settings["edit_source"]) if ask.picture is not None else self.source
        return reply_of_result(self.client.call("POST", f"/{quote(source)}", json=self._arguments(ask)))

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
