"""Stability's v2beta picture service, over plain HTTP: there is no current client for it."""

from __future__ import annotations

from typing import Any, ClassVar

from countcheck.cards import Card
from countcheck.errors import BadSettings
from countcheck.generators.outcome import Stage
from countcheck.generators.remote.client import RemoteGenerator
from countcheck.generators.remote.http import Answer, HttpClient
from countcheck.generators.remote.reply import Ask, Reply, Slot

# What a source names: the address, and the model where one address serves several.
_SERVED = {
    "core": ("core", ""),
    "ultra": ("ultra", ""),
    "sd3.5-large": ("sd3", "sd3.5-large"),
    "sd3.5-large-turbo": ("sd3", "sd3.5-large-turbo"),
    "sd3.5-medium": ("sd3", "sd3.5-medium"),
    "sd3.5-flash": ("sd3", "sd3.5-flash"),
}
_PASSED = ("aspect_ratio", "negative_prompt", "style_preset", "cfg_scale")


def reply_of_answer(answer: Answer) -> Reply:
    """Read one answer. A withheld picture comes blurred, beside ``CONTENT_FILTERED``."""
    picture, finish = answer.fields.get("image"), str(answer.fields.get("finish_reason") or "")
    if not isinstance(picture, str) and not finish:
        return answer.fault()
    withheld = finish not in ("", "SUCCESS")
    seed = answer.fields.get("seed")
    slot = Slot(
        data=picture if isinstance(picture, str) else None,
        withheld=withheld,
        codes=(finish,) if withheld else (),
        stage=Stage.PICTURE if withheld else Stage.UNKNOWN,
        seed=seed if isinstance(seed, int) else None,
    )
    return Reply(slots=(slot,), status=answer.status, request_id=answer.request_id, raw=answer.body)


class StabilityGenerator(RemoteGenerator):
    """Make pictures with Stable Image Core, Ultra and Stable Diffusion 3.5; one picture a request."""

    family: ClassVar[str] = "stability"
    service: ClassVar[str] = "Stability AI"
    key: ClassVar[tuple[str, ...]] = ("STABILITY_API_KEY",)
    defaults: ClassVar[dict[str, Any]] = {
        "aspect_ratio": "1:1",
        "negative_prompt": "",
        "style_preset": "",
        "cfg_scale": None,
        "base_url": "https://api.stability.ai",
    }
    # The service counts 150 requests in ten seconds, and shuts whoever goes over it out for a minute.
    connection: ClassVar[dict[str, Any]] = {"requests_per_minute": 600.0}
    seeded: ClassVar[bool] = True

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        if card.source not in _SERVED:
            raise BadSettings(f"{card.name}: Stability serves no {card.source!r}. Choose from {', '.join(_SERVED)}.")

    def connect(self) -> HttpClient:
        """Return a connection with the key in its headers."""
        headers = {"Authorization": f"Bearer {self.read_key()}", "Accept": "application/json"}
        base, timeout = str(self.settings["base_url"]), float(self.settings["timeout"])
        return HttpClient(base, headers=headers, timeout=timeout)

    def ask(self, ask: Ask) -> Reply:
        """Send one request for one picture."""
        address, model = _SERVED[self.source]
        # A seed of 0 would mean: any.
        fields = {"prompt": ask.text, "seed": ask.seed or 1, "output_format": "png", "model": model}
        fields |= {name: self.settings[name] for name in _PASSED}
        parts = {name: (None, str(value)) for name, value in fields.items() if value not in ("", None)}
        return reply_of_answer(self.client.call("POST", f"/v2beta/stable-image/generate/{address}", files=parts))


PROVIDER = StabilityGenerator
