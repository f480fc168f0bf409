"""Exceptions and error bodies of vendors' clients turned into a `Reply`; by their shape, so that no client is imported."""

from __future__ import annotations

import builtins
import email.utils
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from countcheck.generators.outcome import Stage
from countcheck.generators.remote.reply import Reply

_CODE_FIELDS = ("code", "type", "name", "error_type", "status", "reason", "error_code", "finish_reason")
_WORD_FIELDS = ("message", "msg", "detail", "error_message", "title", "error_description", "errors", "error")
_INNER = (
    "error",
    "inner_error",
    "innererror",
    "ctx",
    "metadata",
    "detail",
    "errors",
    "details",
    "content_filter_results",
    "content_filter_result",
)
_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "x-fal-request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-goog-request-id",
)

# Names of exceptions that mean: the connection failed. They differ by client, the words in them hardly.
_TRANSPORT = re.compile(
    r"timeout|timedout|connect(?:ion)?(?:error|reset|refused|aborted)?$|connectionerror|networkerror|remoteprotocolerror|readerror"
    r"|writeerror|protocolerror|incompleteread|chunkedencodingerror|brokenpipe|gaierror|endpointconnection|connectionclosed"
    r"|sslerror|transporterror|streamclosed|apiconnection",
    re.IGNORECASE,
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")


def reply_of_error(error: BaseException) -> Reply:
    """What an exception of a vendor's client says: status, codes, message, request id, time to wait."""
    response = getattr(error, "response", None)
    headers = _headers(response) or _headers(error)
    status = _status(error, response)
    body = _body(error, response)
    name = type(error).__name__
    found = reply_of_body(body, status=status, headers=headers)
    codes = _telling([*_texts(getattr(error, "code", None)), *_texts(getattr(error, "type", None)), *found.codes])
    message = found.message or _message(error)
    return Reply(
        error=True,
        transport=status is None and _is_transport(error),
        status=status,
        codes=tuple(codes) if hasattr(builtins, name) else (*codes, name),
        categories=found.categories,
        message=message,
        stage=found.stage,
        request_id=str(getattr(error, "request_id", None) or found.request_id or ""),
        retry_after=found.retry_after,
        rewritten=found.rewritten,
        raw=body if body is not None else f"{name}: {error}",
    )


def reply_of_body(body: Any, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> Reply:
    """What an error body (JSON read, or text) says, wherever it keeps it; works on every shape in use."""
    headers = {name.lower(): value for name, value in (headers or {}).items()}
    if isinstance(body, bytes | str):
        body = _json_or_text(body)
    codes: dict[str, None] = {}
    words: dict[str, None] = {}
    categories: dict[str, None] = {}
    stages: list[Stage] = []
    rewritten = ""
    for node in _nodes(body):
        for field in _CODE_FIELDS:
            codes |= dict.fromkeys(_texts(node.get(field)))
        for field in _WORD_FIELDS:
            value = node.get(field)
            listed = value if isinstance(value, list) else [value]
            words |= dict.fromkeys(text for text in listed if isinstance(text, str) and text.strip())
        categories |= dict.fromkeys(_categories(node))
        stages += _stages(node)
        rewritten = rewritten or str(node.get("revised_prompt") or "")
    if isinstance(body, str) and body.strip():
        words = {_page_title(body): None}
    return Reply(
        error=True,
        status=status,
        codes=tuple(_telling(codes)),
        categories=tuple(categories),
        message="; ".join(words)[:2000],
        stage=stages[0] if stages else Stage.UNKNOWN,
        request_id=next((headers[name] for name in _ID_HEADERS if name in headers), ""),
        retry_after=retry_after(headers, body),
        rewritten=rewritten,
        raw=body,
    )


def retry_after(headers: Mapping[str, str], body: Any = None, *, now: float | None = None) -> float | None:
    """Seconds to wait as the server says: ``retry-after-ms``, ``retry-after`` (seconds or a date), Google's ``retryDelay``."""
    lowered = {name.lower(): value for name, value in headers.items()}
    if (text := lowered.get("retry-after-ms")) and _number(text) is not None:
        return max(0.0, (_number(text) or 0.0) / 1000)
    if text := lowered.get("retry-after"):
        if (seconds := _number(text)) is not None:
            return max(0.0, seconds)
        try:
            return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - (time.time() if now is None else now))
        except (TypeError, ValueError):
            return None
    for node in _nodes(body):
        found = _DURATION.fullmatch(str(node.get("retryDelay") or ""))
        if found:
            return float(found[1]) * {"ms": 0.001, "m": 60.0, "h": 3600.0}.get(found[2] or "s", 1.0)
    return None


def _nodes(body: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """The dicts in which an error body may speak, outermost first."""
    if depth > 5:
        return
    if isinstance(body, Mapping):
        yield body
        for name in _INNER:
            yield from _nodes(body.get(name), depth + 1)
    elif isinstance(body, list):
        for inner in body[:20]:
            yield from _nodes(inner, depth + 1)


def _categories(node: Mapping[str, Any]) -> Iterator[str]:
    details = node.get("moderation_details")
    if isinstance(details, Mapping):
        yield from _texts(details.get("categories"))
    yield from _texts(node.get("reasons"))
    for field in ("content_filter_results", "content_filter_result"):
        results = node.get(field)
        if isinstance(results, Mapping):
            for name, result in results.items():
                if isinstance(result, Mapping) and result.get("filtered") is True:
                    yield str(name)


def _stages(node: Mapping[str, Any]) -> Iterator[Stage]:
    details = node.get("moderation_details")
    if isinstance(details, Mapping):
        said = details.get("moderation_stage")
        if said in ("input", "output"):
            yield Stage.PROMPT if said == "input" else Stage.PICTURE


def _texts(value: Any) -> list[str]:
    values: Iterable[Any] = value if isinstance(value, list | tuple) else [value]
    return [str(one) for one in values if isinstance(one, str | int) and not isinstance(one, bool) and str(one).strip()]


def _telling(codes: Iterable[str]) -> list[str]:
    """The codes without bare HTTP statuses, unless there is nothing else."""
    unique = list(dict.fromkeys(codes))
    return [code for code in unique if not (len(code) == 3 and code.isdigit())] or unique


def _status(error: BaseException, response: Any) -> int | None:
    for holder, fields in ((error, ("status_code", "status", "code")), (response, ("status_code", "status"))):
        for field in fields:
            value = getattr(holder, field, None)
            if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
                return value
    return None


def _headers(holder: Any) -> dict[str, str]:
    for field in ("headers", "response_headers"):
        found = getattr(holder, field, None)
        if found:
            try:
                return {str(name).lower(): str(value) for name, value in dict(found).items()}
            except (TypeError, ValueError):
                continue
    return {}


def _body(error: BaseException, response: Any) -> Any:
    for holder, field in ((error, "body"), (error, "details"), (error, "json_body")):
        value = getattr(holder, field, None)
        if value is not None and not callable(value):
            return value
    try:
        text = getattr(response, "text", None)
    except Exception:  # a streamed response that was never read
        return None
    return _json_or_text(text) if isinstance(text, str | bytes) and text else None


def _json_or_text(text: str | bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text if isinstance(text, str) else text.decode("utf-8", "replace")


def _page_title(text: str) -> str:
    found = re.search(r"<title[^>]*>(.{1,200}?)</title>", text, re.IGNORECASE | re.DOTALL)
    return " ".join((found[1] if found else text[:300]).split())


def _message(error: BaseException) -> str:
    message = getattr(error, "message", None)
    text = message if isinstance(message, str) and message else str(error) or type(error).__name__
    # A vendor's client says "Connection error." and leaves "Connection refused" to the error beneath.
    cause = _connection_error(error)
    return text if cause is None or (cause.strerror or "") in text else f"{text.rstrip('.')}: {cause.strerror}"


def _connection_error(error: BaseException) -> OSError | None:
    """Find the operating system's own error in a chain of errors."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if isinstance(link, OSError) and link.strerror:
            return link
        link = link.__cause__ or link.__context__
    return None


def _is_transport(error: BaseException) -> bool:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if isinstance(link, TimeoutError | ConnectionError) or any(
            _TRANSPORT.search(kind.__name__) for kind in type(link).__mro__[:4]
        ):
            return True
        link = link.__cause__ or link.__context__
    return False


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
