"""stable-diffusion.cpp's own server, by its native jobs: ``sdcpp:``, or ``sdcpp:http://host:1234``.

Its OpenAI-like address takes seeds and steps only as text inside the prompt, so it is not used. A job is filed, then
polled until it is completed or has failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from countcheck.cards import Card
from countcheck.generators.refusals.codes import Meaning, Sense, code_table
from countcheck.generators.remote.client import RemoteGenerator
from countcheck.generators.remote.http import Answer, HttpClient, given_fields, poll_until_ready
from countcheck.generators.remote.reply import Ask, Reply, Slot

_UNDER_WAY = frozenset({"queued", "generating"})


def reply_of_job(answer: Answer, *, seed: int) -> Reply | None:
    """Read an answer about a job; ``None`` while it is under way. The n-th picture has the n-th seed from ``seed``."""
    job = answer.fields
    status = str(job.get("status") or "")
    if status in _UNDER_WAY:
        return None
    if status != "completed":
        fault = answer.fault()
        return replace(fault, codes=fault.codes or ((status,) if status else ()), raw=answer.body)
    result = job.get("result")
    listed = result.get("images") if isinstance(result, Mapping) else None
    images = sorted(
        (image for image in listed or () if isinstance(image, Mapping)), key=lambda image: image.get("index") or 0
    )
    slots = tuple(Slot(data=str(image.get("b64_json") or "") or None, seed=seed + n) for n, image in enumerate(images))
    return Reply(slots=slots, status=answer.status, request_id=str(job.get("id") or ""), raw=answer.body)


class StableDiffusionCppGenerator(RemoteGenerator):
    """Make pictures with whatever model the server has loaded. A setting left ``none`` is the server's own."""

    family: ClassVar[str] = "sdcpp"
    service: ClassVar[str] = "stable-diffusion.cpp's server"
    codes: ClassVar[Mapping[str, Meaning]] = {
        **code_table(Sense.TRANSIENT, "queue_full generation_failed cancelled"),
        **code_table(Sense.BAD_REQUEST, "invalid_request"),
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        "width": 512,
        "height": 512,
        "steps": None,
        "guidance": None,  # classifier-free guidance
        "distilled_guidance": None,  # of FLUX and its like
        "sampler": "",
        "scheduler": "",
        "negative_prompt": "",
        "extra": {},  # further fields of the native request
        "base_url": "http://127.0.0.1:1234",
    }
    # One computer draws one picture at a time; poll: seconds between two looks at a job.
    connection: ClassVar[Mapping[str, Any]] = {"concurrency": 1, "poll": 0.25, "loopback": True}
    seeded: ClassVar[bool] = True
    needs_source: ClassVar[bool] = False

    def __init__(self, card: Card) -> None:
        if card.source.startswith(("http://", "https://")):
            card = replace(card, settings={**card.settings, "base_url": card.source})
        super().__init__(card)
        self._extra = given_fields(self.settings["extra"], name=card.name)

    def connect(self) -> HttpClient:
        """Return a connection; the server wants no key."""
        return HttpClient(str(self.settings["base_url"]), headers={}, timeout=float(self.settings["timeout"]))

    def ask(self, ask: Ask) -> Reply:
        """File a job for one picture and wait for it."""
        filed = self.client.call("POST", "/sdcpp/v1/img_gen", json=self._fields(ask))
        name = str(filed.fields.get("id") or "")
        if not name:
            return filed.fault()
        return poll_until_ready(
            lambda: reply_of_job(self.client.call("GET", f"/sdcpp/v1/jobs/{name}"), seed=ask.seed),
            seconds=float(self.settings["timeout"]),
            pause=float(self.settings["poll"]),
        )

    def _fields(self, ask: Ask) -> dict[str, Any]:
        given = self.settings
        guidance = {"txt_cfg": given["guidance"], "distilled_guidance": given["distilled_guidance"]}
        sampling = {
            "sample_steps": given["steps"],
            "sample_method": given["sampler"],
            "scheduler": given["scheduler"],
            "guidance": {name: value for name, value in guidance.items() if value is not None},
        }
        fields = {
            "prompt": ask.text,
            "negative_prompt": given["negative_prompt"],
            "width": given["width"],
            "height": given["height"],
            "seed": ask.seed,
            "batch_count": ask.count,
            "output_format": "png",
            "sample_params": {name: value for name, value in sampling.items() if value not in ("", None, {})},
        }
        return {**{name: value for name, value in fields.items() if value not in ("", None, {})}, **self._extra}


PROVIDER = StableDiffusionCppGenerator
