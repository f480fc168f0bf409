"""A provider as a stranger would add it: one file, nothing but the public seam, httpx2 for a service without a client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from countcheck.generators.remote.client import EditingGenerator
from countcheck.generators.remote.dialogue import ConversingGenerator
from countcheck.generators.remote.error_replies import reply_of_body
from countcheck.generators.remote.reply import Ask, Reply, Slot
from countcheck.images.decode import encode_png


class EaselGenerator(ConversingGenerator, EditingGenerator):
    """``easel:MODEL`` draws at ``POST /draw``, with seeds, and remembers a conversation by its id."""

    family: ClassVar[str] = "easel"
    key: ClassVar[tuple[str, ...]] = ("EASEL_KEY",)
    seeded: ClassVar[bool] = True
    max_per_request: ClassVar[int] = 4
    defaults: ClassVar[Mapping[str, Any]] = {"base_url": "https://easel.example/v1", "size": 512}

    def connect(self) -> Any:
        httpx2 = self.sdk("httpx2")
        headers = {"authorization": f"Bearer {self.read_key()}"}
        return httpx2.Client(base_url=self.settings["base_url"], headers=headers, timeout=self.settings["timeout"])

    def ask(self, ask: Ask) -> Reply:
        body = {"model": self.source, "text": ask.text, "seed": ask.seed, "n": ask.count, "conversation": ask.history}
        if ask.picture is not None:
            body["picture"] = encode_png(ask.picture).hex()
        answer = self.client.post("/draw", json=body)
        if answer.status_code != 200:
            return reply_of_body(answer.content, status=answer.status_code, headers=answer.headers)
        found = answer.json()
        return Reply(
            slots=tuple(Slot(data=one) for one in found["pictures"]),
            words=found.get("words", ""),
            history=found.get("conversation"),
            status=200,
            raw=found,
        )
