"""What Gemini and Imagen share: the client whose answers are kept as they came, what its codes mean, and how answers are read.

The SDK drops what the server says of a blocked answer (``finishMessage``) for clients with an API key, so answers are
read from the bytes, which a hook of the HTTP client keeps. The SDK's own retries stay off.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
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
    """Send with the SDK's client, and read what really came.

    Args:
        genai: The SDK.
        settings: An adapter's: base_url, api_version, timeout, project, location.
        vertex: The enterprise platform instead of the developer API.
        key: Returns the key; called unless a project is set.
    """

    def __init__(self, genai: Any, settings: Mapping[str, Any], *, vertex: bool, key: Callable[[], str]) -> None:
        import httpx2

        self._last = threading.local()
        seconds = float(settings["timeout"])
        self._http = httpx2.Client(timeout=seconds, event_hooks={"response": [self._remember]})
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
        """Send with the SDK, and read the bytes that came, whatever the SDK made of them."""
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

    def body_of(self, send: Callable[[], Any]) -> Mapping[str, Any]:
        """Send with the SDK, and return the body that came. Raises what the SDK raises of an error status."""
        self._last.kept = None
        try:
            send()
        except Exception:  # the SDK may stumble over a good body that it does not know
            kept: _Kept | None = self._last.kept
            if kept is None or kept.status >= 400:
                raise
        kept = self._last.kept
        return _mapping(orjson.loads(kept.content)) if kept is not None else {}

    def close(self) -> None:
        """Close the connections."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _GeminiAnswer:
    """The parts of a ``generateContent`` answer that say how it ended, with every missing field filled in.

    Attributes:
        parts: Of all candidates, in order.
        finish_reasons: One for each candidate; empty text where none is given.
        block_reason: Why the prompt was blocked; empty when it was not.
        ratings: Safety ratings of the prompt, then of the candidates.
        messages: Sentences beside the reasons.
        has_answer: The body has the shape of an answer at all.
    """

    parts: tuple[Mapping[str, Any], ...]
    finish_reasons: tuple[str, ...]
    block_reason: str
    ratings: tuple[Mapping[str, Any], ...]
    messages: tuple[str, ...]
    has_answer: bool

    @property
    def finished(self) -> bool:
        """Tell whether every candidate came to its own end."""
        return all(reason in _FINISHED for reason in self.finish_reasons)

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the reasons that are given, the prompt's first."""
        return tuple(code for code in (self.block_reason, *self.finish_reasons) if code)

    @property
    def stage(self) -> Stage:
        """Tell what was objected to."""
        if self.block_reason:
            return Stage.PROMPT
        return Stage.UNKNOWN if self.finished else Stage.PICTURE


def _parse_gemini(body: Mapping[str, Any]) -> _GeminiAnswer:
    candidates = _mappings(body.get("candidates"))
    feedback = _mapping(body.get("promptFeedback"))
    sentences = [feedback.get("blockReasonMessage"), *(candidate.get("finishMessage") for candidate in candidates)]
    return _GeminiAnswer(
        parts=tuple(
            part for candidate in candidates for part in _mappings(_mapping(candidate.get("content")).get("parts"))
        ),
        finish_reasons=tuple(str(candidate.get("finishReason") or "") for candidate in candidates),
        block_reason=str(feedback.get("blockReason") or ""),
        ratings=tuple(
            rating for holder in (feedback, *candidates) for rating in _mappings(holder.get("safetyRatings"))
        ),
        messages=tuple(str(sentence) for sentence in sentences if sentence),
        has_answer="candidates" in body or bool(feedback) or "usageMetadata" in body,
    )


def reply_of_gemini(body: Mapping[str, Any]) -> Reply:
    """Read a ``generateContent`` answer: its last picture, its words without thoughts, its reasons."""
    answer = _parse_gemini(body)
    words, inline = _words(answer.parts)
    # A sketch among the thoughts is no picture where the answer itself declines.
    slot = _picture(answer.parts, finished=answer.finished and not read_words(words).declines) or inline
    return Reply(
        slots=(slot,) if slot else (),
        words=words,
        codes=answer.codes,
        categories=() if slot else _categories(answer),
        message=" ".join(answer.messages),
        stage=answer.stage,
        error=not answer.has_answer,
        status=200,
        request_id=str(body.get("responseId") or ""),
        raw=body,
        usage=usage_of_gemini(body.get("usageMetadata")),
        extra=_extra(body),
    )


def usage_of_gemini(body: Any) -> dict[str, int]:
    """Read the tokens that an answer took. Thoughts are charged like text.

    >>> usage_of_gemini({"promptTokenCount": 9, "candidatesTokenCount": 1300, "thoughtsTokenCount": 40,
    ...     "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}]})
    {'input_text': 9, 'output_text': 50, 'output_image': 1290}
    """
    usage = _mapping(body)
    prompt, drawn = _tokens(usage, "promptTokensDetails"), _tokens(usage, "candidatesTokensDetails").get("IMAGE", 0)
    pictures = prompt.get("IMAGE", 0)
    text = max(_count(usage, "promptTokenCount") + _count(usage, "toolUsePromptTokenCount") - pictures, 0)
    cached = min(_count(usage, "cachedContentTokenCount"), text)
    words = max(_count(usage, "candidatesTokenCount") - drawn, 0) + _count(usage, "thoughtsTokenCount")
    used = {
        "input_text": text - cached,
        "cached_input_text": cached,
        "input_image": pictures,
        "output_text": words,
        "output_image": drawn,
    }
    return {name: count for name, count in used.items() if count}


def _tokens(usage: Mapping[str, Any], name: str) -> dict[str, int]:
    return {str(each.get("modality")): _count(each, "tokenCount") for each in _mappings(usage.get(name))}


def _count(holder: Mapping[str, Any], name: str) -> int:
    value = holder.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _categories(answer: _GeminiAnswer) -> tuple[str, ...]:
    """Name the harm categories that were blocked, or found likely."""
    named = tuple(
        str(rating.get("category") or "").removeprefix("HARM_CATEGORY_").lower()
        for rating in answer.ratings
        if rating.get("blocked") is True or str(rating.get("probability")) in ("MEDIUM", "HIGH")
    )
    return named or (("blocklist",) if "BLOCKLIST" in answer.finish_reasons else ())


def reply_of_imagen(body: Mapping[str, Any]) -> Reply:
    """Read a ``predict`` answer. A filtered place can be told only when reasons were asked for."""
    slots = []
    for prediction in _mappings(body.get("predictions")):
        why = str(prediction.get("raiFilteredReason") or "")
        data = prediction.get("bytesBase64Encoded")
        slots.append(
            Slot(
                data=data if isinstance(data, str) and data else None,
                withheld=bool(why),
                codes=("content_filtered",) if why else (),
                message=why,
                rewritten=str(prediction.get("prompt") or ""),
            )
        )
    return Reply(slots=tuple(slot for slot in slots if slot.has_picture or slot.withheld), status=200, raw=body)


def _picture(parts: Sequence[Mapping[str, Any]], *, finished: bool) -> Slot | None:
    """Return the last picture that is no thought; of a finished answer the last at all, as finals have been seen marked so."""
    drawn = [part for part in parts if _data(part)]
    final = [part for part in drawn if not part.get("thought")] or (drawn if finished else [])
    return Slot(data=_data(final[-1])) if final else None


def _data(part: Mapping[str, Any]) -> str:
    inline = part.get("inlineData")
    if not isinstance(inline, Mapping) or not str(inline.get("mimeType") or "image/").startswith("image/"):
        return ""
    return str(inline.get("data") or "").replace("-", "+").replace("_", "/")


def _words(parts: Sequence[Mapping[str, Any]]) -> tuple[str, Slot | None]:
    """Return the words without thoughts, and the picture that some gateways write into them as a data URL."""
    text = "\n".join(str(part["text"]) for part in parts if part.get("text") and not part.get("thought"))
    link = _IN_TEXT.search(text)
    if link is None:
        return text.strip(), None
    return text.replace(link.group(), " ").strip(), Slot(data=link[1])


def _extra(body: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"model": body.get("modelVersion"), "usage": body.get("usageMetadata")}
    return {name: value for name, value in kept.items() if value}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
