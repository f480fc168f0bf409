"""Black Forest Labs: a request is filed, then polled until it is ready, moderated or broken.

Their own client keeps asking about a moderated request until it gives up, so this one asks by hand.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from countcheck.cards import Card
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Stage
from countcheck.generators.refusals.codes import Meaning, Sense, code_table
from countcheck.generators.remote.client import EditingGenerator
from countcheck.generators.remote.http import Answer, HttpClient, given_fields, poll_until_ready
from countcheck.generators.remote.reply import Ask, Reply, Slot
from countcheck.images.decode import encode_png

_MODERATED = {"Request Moderated": Stage.PROMPT, "Content Moderated": Stage.PICTURE}
_UNDER_WAY = frozenset({"Pending", "Queued", "Reasoning", "Processing", "Preparing", "Generating"})
_HOSTS = (".bfl.ai", ".bfl.ml")


def reply_of_task(answer: Answer) -> Reply | None:
    """Read an answer about a filed request; ``None`` while it is in progress."""
    told: Mapping[str, Any] = (
        answer.body if isinstance(answer.body, Mapping) else {}
    )  # a forgotten task comes with a 404
    status, request_id = str(told.get("status") or ""), str(told.get("id") or "")
    if status in _UNDER_WAY:
        return None
    if status in _MODERATED:
        return Reply(
            error=True,
            codes=(status,),
            categories=tuple(_reasons(told.get("details"))),
            message=status,
            stage=_MODERATED[status],
            request_id=request_id,
            raw=answer.body,
        )
    if status != "Ready":
        fault = answer.fault()
        message = fault.message or (f"the task ended as {status!r}" if status else "")
        return replace(fault, message=message, request_id=request_id)
    result = told.get("result")
    fields: Mapping[str, Any] = result if isinstance(result, Mapping) else {}
    seed = fields.get("seed")
    slot = Slot(
        url=str(fields.get("sample") or ""),
        rewritten=str(fields.get("prompt") or ""),
        seed=seed if isinstance(seed, int) else None,
    )
    return Reply(slots=(slot,), status=answer.status, request_id=request_id, raw=answer.body)


class BlackForestLabsGenerator(EditingGenerator):
    """Make pictures with the FLUX models of their makers. FLUX.2 and Kontext change pictures too; FLUX 3 takes no seed."""

    family: ClassVar[str] = "bfl"
    service: ClassVar[str] = "Black Forest Labs"
    key: ClassVar[tuple[str, ...]] = ("BFL_API_KEY",)
    defaults: ClassVar[dict[str, Any]] = {
        "width": 1024,
        "height": 1024,
        "aspect_ratio": "",  # what Kontext and Ultra take instead of width and height
        "safety_tolerance": 2,
        "prompt_upsampling": None,
        "resolution": "",  # of FLUX 3, a class in place of width and height: 768sq, 1k, 1.5k, 2k, 4k
        "grounding": None,  # of FLUX 3: true lets it search the web for what the prompt names; off unless set
        "version": "",  # of FLUX 3; empty for the newest
        "extra": {},
        "base_url": "https://api.bfl.ai",
    }
    later: ClassVar[tuple[str, ...]] = ("resolution", "grounding", "version")
    codes: ClassVar[Mapping[str, Meaning]] = {
        **code_table(Sense.TRANSIENT, "error task_not_found"),
        **code_table(Sense.NOTHING, "pending"),
    }
    # 24 may be under way at once; poll: seconds between two looks at a filed request.
    connection: ClassVar[dict[str, Any]] = {"poll": 0.5, "concurrency": 16}
    seeded: ClassVar[bool] = True

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._extra = given_fields(self.settings["extra"], name=card.name)

    @property
    def traits(self) -> Traits:
        """Describe what the model can do: only FLUX.2 and Kontext edit, and FLUX 3 takes no seed."""
        able = self.source.startswith("flux-2") or "kontext" in self.source
        return replace(super().traits, edits=able, seeded=not self._is_third)

    @property
    def _is_third(self) -> bool:
        return self.source.startswith("flux-3")

    def connect(self) -> HttpClient:
        """Return a connection with the key in its headers."""
        headers = {"x-key": self.read_key(), "Accept": "application/json"}
        base, timeout = str(self.settings["base_url"]), float(self.settings["timeout"])
        return HttpClient(base, headers=headers, timeout=timeout)

    def ask(self, ask: Ask) -> Reply:
        """Submit a request and wait for its result."""
        filed = self.client.call("POST", f"/v1/{self.source}", json=self._fields(ask))
        where = str(filed.fields.get("polling_url") or "")
        if not where:
            return filed.fault()
        if not self._is_theirs(where):
            message = f"asks to be called at {urlsplit(where).hostname}, which is not theirs"
            return Reply(error=True, codes=("foreign_polling_url",), message=message, raw=filed.body)
        return poll_until_ready(
            lambda: reply_of_task(self.client.call("GET", where)),
            seconds=float(self.settings["timeout"]),
            pause=float(self.settings["poll"]),
        )

    def _fields_of_third(self, ask: Ask) -> dict[str, Any]:
        names = ("aspect_ratio", "resolution", "version")
        chosen = {name: self.settings[name] for name in names if self.settings[name]}
        plain = {"prompt": ask.text, "safety_tolerance": self.settings["safety_tolerance"]}
        return {**plain, "grounding": bool(self.settings["grounding"]), **chosen, **self._extra}

    def _fields(self, ask: Ask) -> dict[str, Any]:
        if self._is_third:
            return self._fields_of_third(ask)
        fields: dict[str, Any] = {"prompt": ask.text, "seed": ask.seed, "output_format": "png"}
        shape = ("aspect_ratio",) if self.settings["aspect_ratio"] else ("width", "height")
        fields |= {name: self.settings[name] for name in (*shape, "safety_tolerance", "prompt_upsampling")}
        if ask.picture is not None:
            fields["input_image"] = base64.b64encode(encode_png(ask.picture)).decode()
        fields |= self._extra
        return {name: value for name, value in fields.items() if value is not None}

    def _is_theirs(self, url: str) -> bool:
        """Tell whether an address may receive the key: the server that was asked, or another of the same company."""
        parts, own = urlsplit(url), urlsplit(self.client.base)
        if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
            return True
        return parts.scheme == "https" and (parts.hostname or "").endswith(_HOSTS)


def _reasons(details: Any) -> Iterator[str]:
    found = details.get("Moderation Reasons") if isinstance(details, Mapping) else None
    for reason in found if isinstance(found, list) else [found]:
        if isinstance(reason, str) and reason.strip():
            yield reason


PROVIDER = BlackForestLabsGenerator
