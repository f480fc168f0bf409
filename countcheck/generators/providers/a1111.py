"""AUTOMATIC1111's web UI and Forge, over the HTTP interface they share, on this machine or the local network."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import orjson

from countcheck.cards import Card
from countcheck.generators.remote.client import RemoteGenerator
from countcheck.generators.remote.http import Answer, HttpClient, given_fields
from countcheck.generators.remote.reply import Ask, Reply, Slot


def reply_of_answer(answer: Answer) -> Reply:
    """Read one answer of ``txt2img``. A grid of all pictures may come first; it is not one of them."""
    listed = answer.fields.get("images")
    if not isinstance(listed, list):
        return _fault(answer)
    info = _info(answer.fields.get("info"))
    first, seeds = info.get("index_of_first_image"), info.get("all_seeds")
    pictures = listed[first if isinstance(first, int) and len(listed) > first >= 0 else 0 :]
    return Reply(
        slots=tuple(
            Slot(data=picture if isinstance(picture, str) else None, seed=_at(seeds, place))
            for place, picture in enumerate(pictures)
        ),
        status=answer.status,
        raw=answer.body,
        extra={name: info[name] for name in ("sd_model_name", "sd_model_hash", "version") if info.get(name)},
    )


class A1111Generator(RemoteGenerator):
    """Make pictures with a web UI. The source is a checkpoint's name, or the server's address, or nothing.

    ``extra`` is handed on as it stands.
    """

    family: ClassVar[str] = "a1111"
    service: ClassVar[str] = "AUTOMATIC1111 and Forge"
    needs_source: ClassVar[bool] = False
    defaults: ClassVar[dict[str, Any]] = {
        "steps": 20,
        "guidance": 7.0,
        "width": 512,
        "height": 512,
        "sampler": "Euler a",
        "scheduler": "",
        "negative_prompt": "",
        "extra": {},
        "base_url": "http://127.0.0.1:7860",
    }
    # One machine draws one picture at a time.
    connection: ClassVar[dict[str, Any]] = {"concurrency": 1}
    seeded: ClassVar[bool] = True
    max_per_request: ClassVar[int] = 8

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._extra = given_fields(self.settings["extra"], name=card.name)

    def connect(self) -> HttpClient:
        """Return a connection; no key is needed."""
        base = self.source if self._is_address else str(self.settings["base_url"])
        timeout = float(self.settings["timeout"])
        return HttpClient(base, headers=self._login(), timeout=timeout)

    def ask(self, ask: Ask) -> Reply:
        """Send one request for one or several pictures."""
        fields: dict[str, Any] = {
            "prompt": ask.text,
            "negative_prompt": self.settings["negative_prompt"],
            "seed": ask.seed,
            "steps": self.settings["steps"],
            "cfg_scale": self.settings["guidance"],
            "width": self.settings["width"],
            "height": self.settings["height"],
            "sampler_name": self.settings["sampler"],
            "batch_size": ask.count,
            "n_iter": 1,
            "do_not_save_grid": True,
            "save_images": False,
        }
        if self.settings["scheduler"]:
            fields["scheduler"] = self.settings["scheduler"]
        if self.source and not self._is_address:
            fields["override_settings"] = {"sd_model_checkpoint": self.source}
        fields |= self._extra
        return reply_of_answer(self.client.call("POST", "/sdapi/v1/txt2img", json=fields))

    @property
    def _is_address(self) -> bool:
        return self.source.startswith(("https://", "http://"))

    def _login(self) -> dict[str, str]:
        """Return the header for a server started with ``--api-auth``: the key is ``user:password``."""
        if not self.settings["key_env"]:
            return {}
        return {"Authorization": "Basic " + base64.b64encode(self.read_key().encode()).decode()}


def _fault(answer: Answer) -> Reply:
    """Read an error: its ``error`` is only the exception's name, its sentence is in ``errors`` or ``detail``."""
    fault, body = answer.fault(), answer.body
    if not isinstance(body, Mapping) or not isinstance(body.get("error"), str):
        return fault
    words = [text for text in (body["error"], body.get("errors"), body.get("detail")) if isinstance(text, str) and text]
    return replace(fault, message=": ".join(words[:2]))


def _info(text: Any) -> Mapping[str, Any]:
    try:
        found = orjson.loads(text) if isinstance(text, str) else text
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _at(seeds: Any, place: int) -> int | None:
    if not isinstance(seeds, list) or place >= len(seeds) or not isinstance(seeds[place], int):
        return None
    return int(seeds[place])


PROVIDER = A1111Generator
