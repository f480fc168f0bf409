"""Ideogram's own service, over plain HTTP. Its prompt rewriting is off unless a card turns it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from countcheck.cards import Card
from countcheck.errors import BadSettings
from countcheck.generators.outcome import Stage
from countcheck.generators.remote.client import RemoteGenerator
from countcheck.generators.remote.http import Answer, HttpClient
from countcheck.generators.remote.reply import Ask, Reply, Slot

# What a source names: the address, and what it calls the prompt.
_SERVED = {"v3": ("ideogram-v3", "prompt"), "v4": ("ideogram-v4", "text_prompt")}
_PASSED = ("aspect_ratio", "resolution", "rendering_speed", "magic_prompt", "negative_prompt", "style_type")


def reply_of_answer(answer: Answer, *, asked: str) -> Reply:
    """Read one answer. A picture that the service finds unsafe has no address."""
    listed = answer.fields.get("data")
    if not isinstance(listed, list):
        return answer.fault()
    items = [item for item in listed if isinstance(item, Mapping)]
    return Reply(
        slots=tuple(_slot(item, asked) for item in items),
        status=answer.status,
        request_id=answer.request_id,
        raw=answer.body,
    )


class IdeogramGenerator(RemoteGenerator):
    """Make pictures with ``ideogram:v3`` or ``ideogram:v4``."""

    family: ClassVar[str] = "ideogram"
    service: ClassVar[str] = "Ideogram"
    key: ClassVar[tuple[str, ...]] = ("IDEOGRAM_API_KEY",)
    defaults: ClassVar[dict[str, Any]] = {
        "aspect_ratio": "1x1",
        "resolution": "",
        "rendering_speed": "DEFAULT",
        "magic_prompt": "OFF",
        "negative_prompt": "",
        "style_type": "",
        "base_url": "https://api.ideogram.ai",
    }
    # Ten requests may be under way at once.
    connection: ClassVar[dict[str, Any]] = {"concurrency": 8}
    seeded: ClassVar[bool] = True
    max_per_request: ClassVar[int] = 8

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        if card.source not in _SERVED:
            raise BadSettings(f"{card.name}: Ideogram serves no {card.source!r}. Choose from {', '.join(_SERVED)}.")

    def connect(self) -> HttpClient:
        """Return a connection with the key in its headers."""
        base, timeout = str(self.settings["base_url"]), float(self.settings["timeout"])
        return HttpClient(base, headers={"Api-Key": self.read_key()}, timeout=timeout)

    def ask(self, ask: Ask) -> Reply:
        """Send one request for one or several pictures."""
        address, prompt = _SERVED[self.source]
        fields: dict[str, Any] = {prompt: ask.text, "seed": ask.seed, "num_images": ask.count}
        fields |= {name: self.settings[name] for name in _PASSED}
        if fields["resolution"]:
            fields["aspect_ratio"] = ""  # they take the one or the other
        parts = {name: (None, str(value)) for name, value in fields.items() if value not in ("", None)}
        return reply_of_answer(self.client.call("POST", f"/v1/{address}/generate", files=parts), asked=ask.text)


def _slot(item: Mapping[str, Any], asked: str) -> Slot:
    seed, used = item.get("seed"), str(item.get("prompt") or "")
    unsafe = item.get("is_image_safe") is False
    return Slot(
        url=str(item.get("url") or ""),
        withheld=unsafe,
        codes=("is_image_safe",) if unsafe else (),
        message="the picture failed the safety checks" if unsafe else "",
        stage=Stage.PICTURE if unsafe else Stage.UNKNOWN,
        rewritten=used if used != asked else "",
        seed=seed if isinstance(seed, int) else None,
    )


PROVIDER = IdeogramGenerator
