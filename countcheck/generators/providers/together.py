"""Together, through its own client, read from the raw answer: the client's types want fields that servers leave out."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from countcheck.cards import Card
from countcheck.generators.base import Traits
from countcheck.generators.remote.client import EditingGenerator
from countcheck.generators.remote.download import trusted
from countcheck.generators.remote.http import body_of, given_fields, reply_of_useless
from countcheck.generators.remote.reply import Ask, Reply, Slot
from countcheck.images.decode import encode_png

_PASSED = {"width": "width", "height": "height", "steps": "steps", "guidance": "guidance_scale"}


def reply_of_answer(body: Any, *, status: int, headers: Mapping[str, str]) -> Reply:
    """Read one answer of the image endpoint."""
    listed = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(listed, list):
        return reply_of_useless(body, status=status, headers=headers)
    items = sorted((item for item in listed if isinstance(item, Mapping)), key=lambda item: item.get("index") or 0)
    return Reply(
        slots=tuple(Slot(data=item.get("b64_json") or None, url=str(item.get("url") or "")) for item in items),
        status=status,
        request_id=headers.get("x-request-id", ""),
        raw=body,
    )


class TogetherGenerator(EditingGenerator):
    """Make pictures with models on Together. FLUX.1 Kontext and FLUX.2 change pictures too."""

    family: ClassVar[str] = "together"
    service: ClassVar[str] = "Together"
    extra: ClassVar[str] = "together"
    modules: ClassVar[tuple[str, ...]] = ("together.resources.images",)
    key: ClassVar[tuple[str, ...]] = ("TOGETHER_API_KEY",)
    defaults: ClassVar[dict[str, Any]] = {
        "width": 1024,
        "height": 1024,
        "steps": None,
        "guidance": None,
        "negative_prompt": "",
        "safety_checker": True,
        "extra": {},
        "base_url": "https://api.together.xyz",
    }
    connection: ClassVar[dict[str, Any]] = {"requests_per_minute": 60.0}
    seeded: ClassVar[bool] = True
    max_per_request: ClassVar[int] = 4

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._extra = given_fields(self.settings["extra"], name=card.name)

    @property
    def traits(self) -> Traits:
        """Describe what the model can do: only Kontext and FLUX.2 edit."""
        return replace(super().traits, edits=self._edit_field() != "")

    def connect(self) -> Any:
        """Return the service's client with its own retries off."""
        module, timeout = self.sdk("together"), float(self.settings["timeout"])
        return module.Together(
            api_key=self.read_key(),
            base_url=str(self.settings["base_url"]),
            timeout=timeout,
            max_retries=0,
            http_client=module.DefaultHttpxClient(verify=trusted()),
        )

    def ask(self, ask: Ask) -> Reply:
        """Send one request for one or several pictures."""
        fields = {name: self.settings[ours] for ours, name in _PASSED.items() if self.settings[ours] is not None}
        if self.settings["negative_prompt"]:
            fields["negative_prompt"] = self.settings["negative_prompt"]
        if not self.settings["safety_checker"]:
            fields["disable_safety_checker"] = True
        further = dict(self._extra)
        if ask.picture is not None:
            url, name = (
                "data:image/png;base64," + base64.b64encode(encode_png(ask.picture)).decode(),
                self._edit_field(),
            )
            further[name] = [url] if name == "reference_images" else url
        raw = self.client.images.with_raw_response.generate(
            model=self.source,
            prompt=ask.text,
            n=ask.count,
            seed=ask.seed,
            response_format="base64",
            output_format="png",
            extra_body=further,
            **fields,
        ).http_response
        headers = dict(raw.headers)
        return reply_of_answer(body_of(raw.content, headers), status=raw.status_code, headers=headers)

    def _edit_field(self) -> str:
        name = self.source.lower()
        if "kontext" in name:
            return "image_url"
        return "reference_images" if "flux.2" in name else ""


PROVIDER = TogetherGenerator
