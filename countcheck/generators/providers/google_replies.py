"""What Gemini and Imagen answer: every part of every candidate, every reason field. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from countcheck.generators.outcome import Stage
from countcheck.generators.refusals.classify import listen
from countcheck.generators.remote.reply import Reply, Slot

_IN_TEXT = re.compile(r"!?\[?[^\[\]()]*\]?\(?(data:image/[\w+.\-]+;base64,[A-Za-z0-9+/=\s]+)\)?")
# Reasons that mean the picture beside them is only a step of the model's thinking.
_FINISHED = ("", "STOP", "FINISH_REASON_UNSPECIFIED", "MAX_TOKENS")


def reply_of_gemini(body: Mapping[str, Any]) -> Reply:
    """The reply in a ``generateContent`` answer: its last picture, its words without thoughts, its reasons."""
    candidates = [one for one in _list(body.get("candidates")) if isinstance(one, Mapping)]
    feedback = body.get("promptFeedback") if isinstance(body.get("promptFeedback"), Mapping) else {}
    assert isinstance(feedback, Mapping)
    parts = [part for candidate in candidates for part in _parts(candidate)]
    reasons = [str(candidate.get("finishReason") or "") for candidate in candidates]
    block = str(feedback.get("blockReason") or "")
    ratings = [*_list(feedback.get("safetyRatings")), *(r for c in candidates for r in _list(c.get("safetyRatings")))]
    messages = [feedback.get("blockReasonMessage"), *(candidate.get("finishMessage") for candidate in candidates)]
    categories = list(_objected(ratings))
    if "BLOCKLIST" in reasons and not categories:
        categories = ["blocklist"]
    words, inline = _words(parts)
    # A sketch among the thoughts is no picture where the answer itself declines.
    finished = all(reason in _FINISHED for reason in reasons) and not listen(words).declines
    slot = _picture(parts, finished=finished) or inline
    return Reply(
        slots=(slot,) if slot else (),
        words=words,
        codes=tuple(code for code in (block, *reasons) if code),
        categories=() if slot else tuple(categories),
        message=" ".join(str(one) for one in messages if one),
        stage=Stage.PROMPT if block else Stage.PICTURE if any(r not in _FINISHED for r in reasons) else Stage.UNKNOWN,
        error="candidates" not in body and not feedback and "usageMetadata" not in body,
        status=200,
        request_id=str(body.get("responseId") or ""),
        raw=body,
        extra=_extra(body),
    )


def reply_of_imagen(body: Mapping[str, Any]) -> Reply:
    """The reply in a ``predict`` answer; a filtered place is told apart only when reasons were asked for."""
    slots = []
    for one in _list(body.get("predictions")):
        if not isinstance(one, Mapping):
            continue
        why = str(one.get("raiFilteredReason") or "")
        data = one.get("bytesBase64Encoded")
        slots.append(
            Slot(
                data=data if isinstance(data, str) and data else None,
                withheld=bool(why),
                codes=("content_filtered",) if why else (),
                message=why,
                rewritten=str(one.get("prompt") or ""),
            )
        )
    return Reply(slots=tuple(slot for slot in slots if slot.has_picture or slot.withheld), status=200, raw=body)


def _parts(candidate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = candidate.get("content")
    found = _list(content.get("parts")) if isinstance(content, Mapping) else []
    return [part for part in found if isinstance(part, Mapping)]


def _picture(parts: Sequence[Mapping[str, Any]], *, finished: bool) -> Slot | None:
    """The last picture that is no thought; of a finished answer the last at all, as finals have been seen marked so."""
    drawn = [part for part in parts if _data(part)]
    final = [part for part in drawn if not part.get("thought")] or (drawn if finished else [])
    return Slot(data=_data(final[-1])) if final else None


def _data(part: Mapping[str, Any]) -> str:
    inline = part.get("inlineData")
    if not isinstance(inline, Mapping) or not str(inline.get("mimeType") or "image/").startswith("image/"):
        return ""
    return str(inline.get("data") or "").replace("-", "+").replace("_", "/")


def _words(parts: Sequence[Mapping[str, Any]]) -> tuple[str, Slot | None]:
    """What was said, thoughts left out; some gateways write the picture into it as a data URL."""
    text = "\n".join(str(part["text"]) for part in parts if part.get("text") and not part.get("thought"))
    found = _IN_TEXT.search(text)
    if found is None:
        return text.strip(), None
    return text.replace(found.group(), " ").strip(), Slot(data=found[1])


def _objected(ratings: Sequence[Any]) -> Iterator[str]:
    """Harm categories that were blocked, or found likely."""
    for rating in ratings:
        if isinstance(rating, Mapping) and (
            rating.get("blocked") is True or str(rating.get("probability")) in ("MEDIUM", "HIGH")
        ):
            yield str(rating.get("category") or "").removeprefix("HARM_CATEGORY_").lower()


def _extra(body: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"model": body.get("modelVersion"), "usage": body.get("usageMetadata")}
    return {name: value for name, value in kept.items() if value}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
