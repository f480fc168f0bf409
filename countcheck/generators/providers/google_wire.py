"""Google's client with its answers kept as they came.

The SDK drops what the server says of a blocked answer (``finishMessage``) for clients with an API key, so answers are
read from the bytes, which a hook of the HTTP client keeps. Retries are off unless asked for, and none are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from countcheck.generators.remote.error_replies import reply_of_body, reply_of_error
from countcheck.generators.remote.reply import Reply


@dataclass(frozen=True, slots=True)
class _Kept:
    """The last answer of a thread, as it came."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class GoogleWire:
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
