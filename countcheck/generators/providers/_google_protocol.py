"""What Gemini and Imagen share: the client whose answers are kept as they came, what its codes mean, and how answers are read.

The SDK drops what the server says of a blocked answer (``finishMessage``) for clients with an API key, so answers are
read from the bytes, which a hook of the HTTP client keeps. The SDK's own retries stay off.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from countcheck.generators.outcome import Stage
from countcheck.generators.refusals.codes import Meaning, Sense, code_table
from countcheck.generators.refusals.words import read_words
from countcheck.generators.remote.error_replies import reply_of_body, reply_of_error
from countcheck.generators.remote.reply import Reply, Slot

# What Google's own words mean. A block reason of pictures that is not known yet is a refusal too.
GOOGLE_CODES: Mapping[str, Meaning] = {
    **code_table(
        Sense.REFUSED,
        "SAFETY IMAGE_SAFETY PROHIBITED_CONTENT IMAGE_PROHIBITED_CONTENT OTHER IMAGE_OTHER ESCALATION",
    ),
    **code_table(Sense.REFUSED, "BLOCKLIST"),
    **code_table(Sense.REFUSED, "JAILBREAK", category="jailbreak"),
    **code_table(Sense.REFUSED, "MODEL_ARMOR", category="org_policy"),
    **code_table(Sense.REFUSED, "RECITATION IMAGE_RECITATION", category="copyright"),
    **code_table(Sense.REFUSED, "SPII", category="personal_data"),
    **code_table(Sense.DEFLECTED, "NO_IMAGE"),
    **code_table(
        Sense.BAD_REQUEST,
        "MAX_TOKENS CONTINUATION MALFORMED_FUNCTION_CALL MALFORMED_RESPONSE UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS"
        " MISSING_THOUGHT_SIGNATURE LANGUAGE OUT_OF_RANGE",
    ),
    **code_table(Sense.TRANSIENT, "INTERNAL UNAVAILABLE DEADLINE_EXCEEDED RESOURCE_EXHAUSTED"),
    **code_table(Sense.CLOSED, "FAILED_PRECONDITION PERMISSION_DENIED UNAUTHENTICATED NOT_FOUND"),
    **code_table(Sense.NOTHING, "STOP FINISH_REASON_UNSPECIFIED INVALID_ARGUMENT BLOCK_REASON_UNSPECIFIED"),
    **code_table(Sense.REFUSED, "IMAGE*"),
}


@dataclass(frozen=True, slots=True)
class _Kept:
    """The last answer of a thread, as it came."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class GoogleClient:
    """A client of the SDK, and a way to send with it and read what really came.

    Args:
        genai: The SDK.
        settings: An adapter's: base_url, api_version, timeout, project, location.
        vertex: The enterprise platform instead of the developer API.
        key: Unless a project of one's own is set.
    """

    def __init__(self, genai: Any, settings: Mapping[str, Any], *, vertex: bool, key: Callable[[], str]) -> None:
        import httpx

        self._last = threading.local()
        seconds = float(settings["timeout"])
        self._http = httpx.Client(timeout=seconds, event_hooks={"response": [self._remember]})
        options = genai.types.HttpOptions(
            base_url=settings["base_url"] or None,
            api_version=settings["api_version"] or None,
            timeout=int(seconds * 1000),
            httpx_client=self._http,
        )
        place: dict[str, Any] = {"vertexai": True} if vertex else {}
        if settings["project"]:
            place |= {"project": settings["project"], "location": settings["location"] or "global"}
        else:
            place["api_key"] = key()
        self.client = genai.Client(http_options=options, **place)

    def read(self, send: Callable[[], Any], reader: Callable[[Mapping[str, Any]], Reply]) -> Reply:
        """Send by the SDK; read from the bytes that came, whatever the SDK made of them."""
        self._last.kept = None
        trouble: Exception | None = None
        try:
            send()
        except Exception as error:  # read below, with the body when there is one
            trouble = error
        kept: _Kept | None = self._last.kept
        if kept is None or kept.status >= 400:
            return _trouble(trouble, kept)
        try:
            body = orjson.loads(kept.content)
        except orjson.JSONDecodeError:
            page = kept.content.lstrip()[:1] == b"<"
            found = reply_of_body(kept.content, status=kept.status, headers=kept.headers)
            message = found.message if page else "the answer is not JSON, or was cut short"
            return replace(found, codes=() if page else ("malformed_answer",), message=message)
        if not isinstance(body, Mapping):
            return Reply(error=True, status=kept.status, message="the answer is JSON of no known shape", raw=body)
        return replace(reader(body), status=kept.status)

    def close(self) -> None:
        """Give the connections back."""
        self.client.close()
        self._http.close()

    def _remember(self, response: Any) -> None:
        response.read()
        headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
        self._last.kept = _Kept(response.status_code, headers, response.content)


def _trouble(error: Exception | None, kept: _Kept | None) -> Reply:
    if error is None:
        return Reply(error=True, message="the client gave no answer")
    found = reply_of_error(error)
    if kept is not None:
        body = reply_of_body(kept.content, status=kept.status, headers=kept.headers)
        return replace(found, retry_after=body.retry_after, request_id=found.request_id or body.request_id)
    if isinstance(error, ValueError) and not found.transport:
        # Turned away by the SDK itself, before anything was sent.
        return replace(found, codes=(*found.codes, "invalid_value"))
    return found


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
    finished = all(reason in _FINISHED for reason in reasons) and not read_words(words).declines
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
