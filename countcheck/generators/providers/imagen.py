"""Google's Imagen on Vertex (the enterprise platform): several pictures a request, each with its own filter reason."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

from countcheck.generators.providers._google_protocol import GOOGLE_CODES, GoogleClient, reply_of_imagen
from countcheck.generators.refusals.codes import Meaning
from countcheck.generators.remote.client import RemoteGenerator
from countcheck.generators.remote.reply import Ask, Reply


class ImagenGenerator(RemoteGenerator):
    """Make pictures with ``imagen:MODEL``."""

    family: ClassVar[str] = "imagen"
    service: ClassVar[str] = "Imagen"
    extra: ClassVar[str] = "google"
    codes: ClassVar[Mapping[str, Meaning]] = GOOGLE_CODES
    key: ClassVar[tuple[str, ...]] = ("GOOGLE_API_KEY",)
    max_per_request: ClassVar[int] = 4
    seeded: ClassVar[bool] = True
    defaults: ClassVar[Mapping[str, Any]] = {
        "base_url": "",
        "api_version": "",
        "project": "",
        "location": "",
        "aspect_ratio": "1:1",
        "safety": "BLOCK_MEDIUM_AND_ABOVE",
        "people": "ALLOW_ADULT",
        "negative_prompt": "",
        "rewrite": False,  # the service's own prompt rewriting: off, or the model answers another prompt
    }

    def connect(self) -> GoogleClient:
        """Return the SDK's client for the enterprise platform."""
        # The SDK warns at every call that this API will go; its card says so once.
        warnings.filterwarnings("ignore", message=".*generate_images.*")
        return GoogleClient(self.sdk("google.genai"), self.settings, vertex=True, key=self.read_key)

    def ask(self, ask: Ask) -> Reply:
        """Send one request. Reasons are asked for; the watermark is off, because seeds need that."""
        types = self.sdk("google.genai").types
        config = types.GenerateImagesConfig(
            number_of_images=ask.count,
            aspect_ratio=self.settings["aspect_ratio"],
            seed=ask.seed,
            add_watermark=False,
            include_rai_reason=True,
            safety_filter_level=self.settings["safety"],
            person_generation=self.settings["people"],
            negative_prompt=self.settings["negative_prompt"] or None,
            enhance_prompt=bool(self.settings["rewrite"]),
        )

        def send() -> None:
            self.client.client.models.generate_images(model=self.source, prompt=ask.text, config=config)

        return self.client.read(send, reply_of_imagen)


PROVIDER = ImagenGenerator
