"""Alibaba's Model Studio (DashScope): the Qwen-Image and Wan models in its own protocol, over plain HTTP.

The service rewrites prompts unless told not to (``prompt_extend``), so it is told.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from countcheck.cards import Card
from countcheck.errors import BadSettings
from countcheck.generators.outcome import Stage
from countcheck.generators.refusals.codes import Meaning, Sense, code_table
from countcheck.generators.remote.client import EditingGenerator
from countcheck.generators.remote.http import Answer, HttpClient, given_fields
from countcheck.generators.remote.reply import Ask, Reply, Slot
from countcheck.images.decode import encode_png

_PATH = "/api/v1/services/aigc/multimodal-generation/generation"


def reply_of_answer(answer: Answer) -> Reply:
    """Read one answer: pictures stand among the parts of messages, an error in ``code`` and ``message``."""
    output = answer.fields.get("output")
    choices = output.get("choices") if isinstance(output, Mapping) else None
    told = answer.body if isinstance(answer.body, Mapping) else {}
    request_id = str(told.get("request_id") or answer.request_id)
    if not isinstance(choices, list):
        return replace(answer.fault(), request_id=request_id)
    parts = [part for choice in choices for part in _parts(choice)]
    finished = [str(choice.get("finish_reason") or "") for choice in choices if isinstance(choice, Mapping)]
    usage = answer.fields.get("usage")
    return Reply(
        slots=tuple(_slot(part) for part in parts if part.get("image")),
        words="\n".join(str(part["text"]) for part in parts if part.get("text")),
        codes=tuple(reason for reason in finished if reason),
        status=answer.status,
        request_id=request_id,
        raw=answer.body,
        extra={"usage": usage} if isinstance(usage, Mapping) else {},
    )


def _parts(choice: Any) -> Iterator[Mapping[str, Any]]:
    message = choice.get("message") if isinstance(choice, Mapping) else None
    content = message.get("content") if isinstance(message, Mapping) else None
    if isinstance(content, str):
        yield {"text": content}
    for part in content if isinstance(content, list) else []:
        if isinstance(part, Mapping):
            yield part


def _slot(part: Mapping[str, Any]) -> Slot:
    rewritten = part.get("actual_prompt") or part.get("revised_prompt")
    return Slot(url=str(part["image"]), rewritten=str(rewritten or ""))


class DashScopeGenerator(EditingGenerator):
    """Make pictures with ``dashscope:qwen-image-2.0`` and its like. Keys belong to one region, which ``base_url`` names."""

    family: ClassVar[str] = "dashscope"
    service: ClassVar[str] = "Alibaba Model Studio"
    key: ClassVar[tuple[str, ...]] = ("DASHSCOPE_API_KEY",)
    codes: ClassVar[Mapping[str, Meaning]] = {
        **code_table(Sense.REFUSED, "DataInspectionFailed data_inspection_failed"),
        **code_table(Sense.REFUSED, "IPInfringementSuspect", category="copyright"),
        **code_table(Sense.REFUSED, "InputDataInspectionFailed", stage=Stage.PROMPT),
        **code_table(Sense.REFUSED, "OutputDataInspectionFailed", stage=Stage.PICTURE),
        **code_table(
            Sense.TRANSIENT, "Throttling Throttling.* InternalError InternalError.* SystemError RequestTimeOut"
        ),
        **code_table(
            Sense.CLOSED, "Throttling.AllocationQuota AllocationQuota.* AccessDenied AccessDenied.* Arrearage"
        ),
        **code_table(Sense.CLOSED, "InvalidApiKey ModelNotFound ModelAccessDenied WorkspaceAccessDenied"),
        **code_table(Sense.BAD_REQUEST, "InvalidParameter InvalidParameter.* InvalidURL BadRequest.*"),
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        "size": "1328*1328",  # written with an asterisk; empty leaves it to the model
        "negative_prompt": "",
        "prompt_extend": False,  # the service's rewriting of prompts
        "watermark": False,  # the service's mark in a corner of the picture
        "extra": {},  # further parameters, as the model knows them
        "base_url": "https://dashscope-intl.aliyuncs.com",
    }
    seeded: ClassVar[bool] = True
    max_per_request: ClassVar[int] = 6

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._extra = given_fields(self.settings["extra"], name=card.name)
        size = str(self.settings["size"]).replace("x", "*")
        if size and not all(side.isdigit() for side in size.split("*")):
            raise BadSettings(f"{card.name}: size is {self.settings['size']!r}. Give WIDTH*HEIGHT.")
        self._size = size

    def connect(self) -> HttpClient:
        """Return a connection with the key in its headers."""
        headers = {"Authorization": f"Bearer {self.read_key()}", "Accept": "application/json"}
        return HttpClient(str(self.settings["base_url"]), headers=headers, timeout=float(self.settings["timeout"]))

    def ask(self, ask: Ask) -> Reply:
        """Send one request for one or several pictures."""
        content: list[dict[str, str]] = [{"text": ask.text}]
        if ask.picture is not None:
            picture = base64.b64encode(encode_png(ask.picture)).decode()
            content.insert(0, {"image": f"data:image/png;base64,{picture}"})
        parameters: dict[str, Any] = {
            "size": self._size,
            "n": ask.count,
            "seed": ask.seed,
            "prompt_extend": bool(self.settings["prompt_extend"]),
            "watermark": bool(self.settings["watermark"]),
            "negative_prompt": self.settings["negative_prompt"],
            **self._extra,
        }
        body = {
            "model": self.source,
            "input": {"messages": [{"role": "user", "content": content}]},
            # A null in ``extra`` leaves out a parameter that a model does not take.
            "parameters": {name: value for name, value in parameters.items() if value not in ("", None)},
        }
        return reply_of_answer(self.client.call("POST", _PATH, json=body))


PROVIDER = DashScopeGenerator
