"""Azure OpenAI, and Microsoft's own models on Foundry: OpenAI's client and answers at another address. ``azure:DEPLOYMENT``."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from countcheck.errors import GeneratorClosed
from countcheck.generators.providers.openai import OpenAIGenerator


class AzureGenerator(OpenAIGenerator):
    """Make pictures with a deployment. The resource's address is ``base_url`` or ``AZURE_OPENAI_ENDPOINT``."""

    family: ClassVar[str] = "azure"
    service: ClassVar[str] = "Azure OpenAI"
    extra: ClassVar[str] = "openai"
    key: ClassVar[tuple[str, ...]] = ("AZURE_OPENAI_API_KEY",)
    # "auto" would take every address for an image server; deployments may bear any name.
    defaults: ClassVar[dict[str, Any]] = {**OpenAIGenerator.defaults, "api": "images", "api_version": ""}

    # Azure lists models, and cards name deployments.
    list_models = None  # type: ignore[assignment]

    def connect(self) -> Any:
        """Return Azure's client when an ``api_version`` is set; else one for the resource's ``/openai/v1``.

        Raises:
            GeneratorClosed: When no address is set.
        """
        openai = self.sdk("openai")
        address = (self.settings["base_url"] or os.environ.get("AZURE_OPENAI_ENDPOINT", "")).rstrip("/")
        if not address:
            raise GeneratorClosed(
                f"{self.name}: no address. Set AZURE_OPENAI_ENDPOINT to https://RESOURCE.openai.azure.com, or base_url."
            )
        plain = {"api_key": self.read_key(), "max_retries": 0, "timeout": self.settings["timeout"]}
        if self.settings["api_version"]:
            return openai.AzureOpenAI(azure_endpoint=address, api_version=self.settings["api_version"], **plain)
        base = address if address.endswith("/v1") else f"{address}/openai/v1"
        # Microsoft's own models, at ``/mai/v1``, are documented with the key in this header.
        headers = {"api-key": plain["api_key"]} if "/mai/" in base else None
        return openai.OpenAI(base_url=base, default_headers=headers, **plain)


PROVIDER = AzureGenerator
