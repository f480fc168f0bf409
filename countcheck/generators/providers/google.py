"""Google's Gemini image models, by the SDK's own chats: one picture a request, the history as the SDK keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

from countcheck.cards import Card
from countcheck.errors import BadSettings
from countcheck.generators.providers._google_protocol import GOOGLE_CODES, GoogleClient, reply_of_gemini
from countcheck.generators.refusals.codes import Meaning
from countcheck.generators.remote.dialogue import ConversingGenerator
from countcheck.generators.remote.reply import Ask, Reply

_THINKING = ("minimal", "low", "medium", "high", "xhigh")
_HARMS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")


class GoogleGenerator(ConversingGenerator):
    """``google:MODEL``: Gemini image models, with an API key, or on Vertex with ``vertex=true``."""

    family: ClassVar[str] = "google"
    service: ClassVar[str] = "Gemini"
    extra: ClassVar[str] = "google"
    codes: ClassVar[Mapping[str, Meaning]] = GOOGLE_CODES
    key: ClassVar[tuple[str, ...]] = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    seeded: ClassVar[bool] = False  # a seed is sent, and nothing is promised
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


PROVIDER = GoogleGenerator
