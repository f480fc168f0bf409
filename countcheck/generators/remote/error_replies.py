"""Turn exceptions and error bodies of vendors' clients into a `Reply`, by their shape, so that no client is imported."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from countcheck.generators.outcome import Stage
from countcheck.generators.remote.bodies import (
    error_nodes,
    is_marked_unsafe,
    names_task,
    nodes_of,
    pictures_in,
    unpacked,
    unread_fields,
)
from countcheck.generators.remote.reply import Reply
from countcheck.generators.remote.waits import retry_after, wait_in_words

_CODE_FIELDS = (
    "code",
    "type",
    "name",
    "error_type",
    "status",
    "reason",
    "error_code",
    "finish_reason",
    "failure_reason",
    "status_code",
    "errno",
    "errcode",
)
_WORD_FIELDS = (
    "message",
    "msg",
    "detail",
    "error_message",
    "error_msg",
    "errmsg",
    "status_msg",
    "title",
    "error_description",
    "errors",
    "error",
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


def reply_of_error(error: BaseException) -> Reply:
    """Read an exception of a vendor's client: status, codes, message, request id, time to wait.

    >>> reply_of_error(ConnectionResetError("reset by peer")).transport
    True
    """
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
        status=found.status,
        codes=tuple(codes) if hasattr(builtins, name) else (*codes, name),
        categories=found.categories,
        message=message,
        stage=found.stage,
        request_id=str(getattr(error, "request_id", None) or found.request_id or ""),
        retry_after=found.retry_after if found.retry_after is not None else wait_in_words(message),
        rewritten=found.rewritten,
        invalid_field=found.invalid_field,
        raw=body if body is not None else f"{name}: {error}",
    )


def reply_of_body(body: Any, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> Reply:
    """Read an error body (JSON or text), wherever it keeps what it says. Works on every shape in use.

    An error that a gateway packed into a string counts before the gateway's own words.

    >>> reply = reply_of_body({"error": {"code": "slow_down", "message": "Try again in 22s."}}, status=429)
    >>> reply.codes, reply.message, reply.retry_after
    (('slow_down',), 'Try again in 22s.', 22.0)
    """
    headers = {name.lower(): value for name, value in (headers or {}).items()}
    if isinstance(body, bytes | str):
        body = _json_or_text(body)
    said = _Said()
    for node in _sorted_by_telling(nodes_of(body)):
        said.read(node)
    if isinstance(body, str) and body.strip() and not said.words:
        said.words = {_page_title(body): None}
    message = "; ".join(said.words)[:2000]
    status = said.status_inside(status)
    return Reply(
        error=True,
        status=status,
        codes=tuple(_telling(said.codes)),
        categories=tuple(said.categories),
        message=message,
        stage=said.stage,
        request_id=next((headers[name] for name in _ID_HEADERS if name in headers), ""),
        retry_after=retry_after(headers, body, status=status, sentence=message),
        rewritten=said.rewritten,
        invalid_field=said.invalid_field,
        raw=body,
    )


def completed(reply: Reply) -> Reply:
    """Complete a reply without a picture from the body it came with.

    An error said anywhere in the body makes the reply an error. A picture in a field that the provider's file does not
    know is taken. A body that names a task in place of a picture gets a code of its own, so that it is not taken for
    an empty answer.

    >>> completed(Reply(raw={"data": [], "error": {"code": "slow_down"}})).codes
    ('slow_down',)
    >>> completed(Reply(raw={"output": {"image": "https://example.org/a.png"}})).slots[0].url
    'https://example.org/a.png'
    """
    settled = reply.transport or any(slot.has_picture or slot.withheld or slot.codes for slot in reply.slots)
    body = reply.raw
    if settled or not isinstance(body, Mapping | list):
        return reply
    if reply.error and (reply.status or 0) >= 300:
        return reply
    if nodes := error_nodes(body):
        return reply if reply.error and reply.codes else _with_error(reply, nodes)
    if pictures := pictures_in(body):
        return replace(reply, error=False, slots=tuple(pictures))
    if names_task(body) and not reply.words:
        words = "the answer names a task that is still under way, and holds no picture"
        return replace(reply, codes=(*reply.codes, "unfinished_task"), message=reply.message or words)
    if reply.error and not reply.codes:
        return _with_error(reply, body)
    if not reply.error and not reply.words and not reply.codes and (names := unread_fields(body)):
        words = f"the answer holds no picture that is found, and fields that are not known: {', '.join(names[:8])}"
        return replace(reply, codes=("no_known_picture",), message=reply.message or words)
    return reply


def _with_error(reply: Reply, body: Any) -> Reply:
    found = reply_of_body(body, status=reply.status)
    return replace(
        reply,
        error=True,
        slots=(),
        status=found.status,
        codes=tuple(dict.fromkeys((*found.codes, *reply.codes))),
        categories=tuple(dict.fromkeys((*reply.categories, *found.categories))),
        message=found.message or reply.message,
        stage=reply.stage if reply.stage is not Stage.UNKNOWN else found.stage,
        retry_after=reply.retry_after if reply.retry_after is not None else found.retry_after,
    )


@dataclass(slots=True)
class _Said:
    """What the objects of one body say, gathered in order."""

    codes: dict[str, None] = field(default_factory=dict)
    words: dict[str, None] = field(default_factory=dict)
    categories: dict[str, None] = field(default_factory=dict)
    stage: Stage = Stage.UNKNOWN
    rewritten: str = ""
    invalid_field: bool = False

    def read(self, node: Mapping[str, Any]) -> None:
        """Take in what one object says."""
        self.codes |= dict.fromkeys(_quota_codes(node))
        for name in _CODE_FIELDS:
            self.codes |= dict.fromkeys(_texts(node.get(name)))
        place = node.get("loc")
        if isinstance(place, list) and len(place) > 1 and "prompt" not in place:  # a field that did not pass validation
            self.invalid_field = True
        for name in ("reason", "failure_reason"):
            if isinstance(sentence := node.get(name), str) and " " in sentence.strip():
                self.words |= {sentence: None}
        for name in _WORD_FIELDS:
            value = node.get(name)
            listed = value if isinstance(value, list) else [value]
            texts = [text for text in listed if isinstance(text, str) and text.strip()]
            # A string that packs an object is read as that object.
            self.words |= dict.fromkeys(text for text in texts if "{" not in text or unpacked(text) is None)
        self.categories |= dict.fromkeys(_categories(node))
        if self.stage is Stage.UNKNOWN:
            self.stage = next(_stages(node), Stage.UNKNOWN)
        self.rewritten = self.rewritten or str(node.get("revised_prompt") or "")

    def status_inside(self, outer: int | None) -> int | None:
        """Return the HTTP status that a gateway packed into the body; the outer one when there is none, or it is telling."""
        if outer is not None and not (outer < 300 or outer >= 500):
            return outer
        inner = [int(code) for code in self.codes if len(code) == 3 and code.isdigit() and 400 <= int(code) <= 599]
        return inner[0] if inner else outer


def _sorted_by_telling(nodes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Put packed errors before the objects that only hand them on."""
    listed = list(nodes)
    hands_on = [
        any(isinstance(value, str) and "{" in value and unpacked(value) is not None for value in node.values())
        for node in listed
    ]
    return [node for node, on in zip(listed, hands_on, strict=True) if not on] + [
        node for node, on in zip(listed, hands_on, strict=True) if on
    ]


def _quota_codes(node: Mapping[str, Any]) -> Iterator[str]:
    """Name what Google's quota metadata says: a quota per day is used up for today, one of zero is not granted."""
    quota = str(node.get("quotaId") or node.get("quota_id") or "")
    if not quota:
        return
    if re.search(r"per_?day", quota, re.IGNORECASE):
        yield "quota_per_day"
    if str(node.get("quotaValue", node.get("quota_value", ""))) == "0":
        yield "quota_of_zero"


def _categories(node: Mapping[str, Any]) -> Iterator[str]:
    yield from _texts(node.get("reasons"))
    if node.get("moderation_stage") or node.get("flagged") is True:
        yield from _flagged(node.get("categories"))
    if is_marked_unsafe(node):
        yield "sexual"
    details = node.get("moderation_details")
    if isinstance(details, Mapping):
        yield from _flagged(details.get("categories"))
    for name in ("content_filter_results", "content_filter_result"):
        results = node.get(name)
        if isinstance(results, Mapping):
            for category, result in results.items():
                if isinstance(result, Mapping) and result.get("filtered") is True:
                    yield str(category)


def _flagged(categories: Any) -> list[str]:
    """Return the categories that are listed, or marked true."""
    if isinstance(categories, Mapping):
        return [str(name) for name, value in categories.items() if value is True]
    return _texts(categories)


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
    """Leave out bare HTTP statuses, unless there are no other codes."""
    unique = list(dict.fromkeys(codes))
    return [code for code in unique if not (len(code) == 3 and code.isdigit())] or unique


def _status(error: BaseException, response: Any) -> int | None:
    for holder, attributes in ((error, ("status_code", "status", "code")), (response, ("status_code", "status"))):
        for attribute in attributes:
            value = getattr(holder, attribute, None)
            if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
                return value
    return None


def _headers(holder: Any) -> dict[str, str]:
    for attribute in ("headers", "response_headers"):
        found = getattr(holder, attribute, None)
        if found:
            try:
                return {str(name).lower(): str(value) for name, value in dict(found).items()}
            except (TypeError, ValueError):
                continue
    return {}


def _body(error: BaseException, response: Any) -> Any:
    for holder, attribute in ((error, "body"), (error, "details"), (error, "json_body")):
        value = getattr(holder, attribute, None)
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
