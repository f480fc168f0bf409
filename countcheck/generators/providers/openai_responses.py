"""What OpenAI's Responses API answers when a chat model draws with its tool: read field by field, nothing assumed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from countcheck.generators.outcome import Stage
from countcheck.generators.remote.error_replies import reply_of_body
from countcheck.generators.remote.reply import Reply, Slot


def reply_of_response(body: Mapping[str, Any]) -> Reply:
    """The reply in a response object; its id is the history that the next turn goes on from."""
    output = body.get("output")
    items = [item for item in output if isinstance(item, Mapping)] if isinstance(output, list) else []
    error = body.get("error") if isinstance(body.get("error"), Mapping) else None
    status = str(body.get("status") or "")
    calls = [item for item in items if item.get("type") == "image_generation_call"]
    words, refused = _words(items)
    found = reply_of_body(error, status=200) if error else None
    failed = status in ("failed", "cancelled") or (not items and error is not None)
    return Reply(
        slots=_slots(calls),
        words=words,
        refused=refused,
        codes=_codes(body, status, found),
        categories=found.categories if found else (),
        message=found.message if found else "",
        stage=found.stage if found else Stage.UNKNOWN,
        error=failed or ("output" not in body and error is None),
        status=200,
        drawn=max(1, sum(_is_drawn(call) for call in calls)),
        history=body.get("id"),
        raw=body,
        extra=_extra(body, calls),
    )


def _slots(calls: Sequence[Mapping[str, Any]]) -> tuple[Slot, ...]:
    """The picture to judge: the last one finished, as a reader of the chat would take it; failed calls only without one."""
    drawn = [
        Slot(data=call["result"], rewritten=str(call.get("revised_prompt") or "")) for call in calls if _is_drawn(call)
    ]
    return (drawn[-1],) if drawn else tuple(_failed(call) for call in calls[-1:])


def _is_drawn(call: Mapping[str, Any]) -> bool:
    return bool(call.get("result")) and isinstance(call["result"], str) and call.get("status") != "failed"


def _failed(call: Mapping[str, Any]) -> Slot:
    found = reply_of_body(call.get("error") or {})
    return Slot(
        codes=found.codes or ("failed",),
        categories=found.categories,
        message=found.message,
        stage=found.stage,
        rewritten=str(call.get("revised_prompt") or ""),
    )


def _words(items: Sequence[Mapping[str, Any]]) -> tuple[str, bool]:
    """What the assistant said, reasoning left out, and whether a part of it is marked as a refusal."""
    said: list[str] = []
    refused = False
    for item in items:
        parts = item.get("content") if item.get("type") == "message" else None
        for part in parts if isinstance(parts, list) else []:
            if isinstance(part, Mapping):
                refused = refused or bool(part.get("refusal"))
                said.append(str(part.get("refusal") or part.get("text") or ""))
    return "\n".join(text for text in said if text.strip()), refused


def _codes(body: Mapping[str, Any], status: str, found: Reply | None) -> tuple[str, ...]:
    details = body.get("incomplete_details")
    why = str(details.get("reason") or "") if isinstance(details, Mapping) else ""
    return tuple(code for code in (*(found.codes if found else ()), why, status) if code)


def _extra(body: Mapping[str, Any], calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    kept: dict[str, Any] = {"response": body.get("id"), "model": body.get("model")}
    for name in ("usage", "tool_usage"):
        if isinstance(body.get(name), Mapping):
            kept[name] = body[name]
    drawn = sum(_is_drawn(call) for call in calls)
    if drawn > 1:
        kept["pictures"] = drawn
    return kept
