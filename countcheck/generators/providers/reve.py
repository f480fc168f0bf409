"""Reve's picture service, over plain HTTP: one picture a request, no seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from countcheck.cards import Card
from countcheck.generators.outcome import Stage
from countcheck.generators.refusals.codes import Meaning, Sense, code_table
from countcheck.generators.remote.client import RemoteGenerator
from countcheck.generators.remote.http import Answer, HttpClient, given_fields
from countcheck.generators.remote.reply import Ask, Reply, Slot


def reply_of_answer(answer: Answer) -> Reply:
    """Read one answer. ``content_violation`` marks a picture that is withheld, whether one comes or not."""
    picture, withheld = answer.fields.get("image"), answer.fields.get("content_violation") is True
    if not isinstance(picture, str) and not withheld:
        return answer.fault()
    told = {name: answer.fields[name] for name in ("version", "credits_used") if name in answer.fields}
    slot = Slot(
        data=picture if isinstance(picture, str) and picture else None,
        withheld=withheld,
        codes=("content_violation",) if withheld else (),
        message="the service marks it as a content violation" if withheld else "",
        stage=Stage.PICTURE if withheld and picture else Stage.UNKNOWN,
    )
    request_id = str(answer.fields.get("request_id") or answer.request_id)
    return Reply(slots=(slot,), status=answer.status, request_id=request_id, raw=answer.body, extra=told)


class ReveGenerator(RemoteGenerator):
    """Make pictures with ``reve:VERSION``; ``reve:latest`` is whatever is newest, and is told with each picture."""

    family: ClassVar[str] = "reve"
    service: ClassVar[str] = "Reve"
    key: ClassVar[tuple[str, ...]] = ("REVE_API_TOKEN",)
    codes: ClassVar[Mapping[str, Meaning]] = {
        **code_table(Sense.REFUSED, "content_violation CONTENT_POLICY_VIOLATION"),
        **code_table(Sense.CLOSED, "INVALID_API_KEY INSUFFICIENT_CREDITS INSUFFICIENT_BUDGET PARTNER_API_TOKEN_*"),
        **code_table(Sense.BAD_REQUEST, "INVALID_PARAMETER_VALUE MISSING_PARAMETER PROMPT_TOO_LONG"),
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        "aspect_ratio": "1:1",
        "test_time_scaling": None,  # more computing for one picture, 1 to 15; costs as many times more
        "extra": {},
        "base_url": "https://api.reve.com",
    }
    connection: ClassVar[Mapping[str, Any]] = {"concurrency": 4}

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._extra = given_fields(self.settings["extra"], name=card.name)

    def connect(self) -> HttpClient:
        """Return a connection with the key in its headers."""
        headers = {"Authorization": f"Bearer {self.read_key()}", "Accept": "application/json"}
        return HttpClient(str(self.settings["base_url"]), headers=headers, timeout=float(self.settings["timeout"]))

    def ask(self, ask: Ask) -> Reply:
        """Send one request for one picture."""
        fields = {
            "prompt": ask.text,
            "version": self.source,
            "aspect_ratio": self.settings["aspect_ratio"],
            "test_time_scaling": self.settings["test_time_scaling"],
        }
        body = {**{name: value for name, value in fields.items() if value not in ("", None)}, **self._extra}
        return reply_of_answer(self.client.call("POST", "/v1/image/create", json=body))


PROVIDER = ReveGenerator
