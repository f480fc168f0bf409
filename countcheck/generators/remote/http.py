"""Call services that have no client of their own over plain HTTP, and poll filed requests until they are ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from countcheck.errors import BadSettings
from countcheck.generators.remote.download import read_body, trusted
from countcheck.generators.remote.error_replies import reply_of_body, reply_of_error
from countcheck.generators.remote.reply import Reply

MAX_ANSWER = 128 * 1024 * 1024
# A filed request is paid for: so many failed looks in a row are forgiven before it is given up.
MAX_HICCUPS = 5
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered: HTTP status, headers (names in lower case) and the body as JSON, text or bytes."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def fields(self) -> Mapping[str, Any]:
        """Return the body's fields; empty unless it is a JSON object that came with a 2xx."""
        return self.body if isinstance(self.body, Mapping) and self.status < 300 else {}

    @property
    def request_id(self) -> str:
        """Return the server's name of this request; empty when it gives none."""
        return self.headers.get("x-request-id", "")

    def fault(self) -> Reply:
        """Read the answer as an error."""
        return reply_of_useless(self.body, status=self.status, headers=self.headers)


class HttpClient:
    """Call one server over plain HTTP.

    Args:
        base: Where paths begin.
        headers: Sent with every call.
        timeout: Seconds that one call may take.
    """

    def __init__(self, base: str, *, headers: Mapping[str, str], timeout: float) -> None:
        import httpx2

        if not base.startswith(("https://", "http://")):
            raise BadSettings(f"base_url is {base!r}. Give an address that begins with https:// or http://.")
        self.base = base.rstrip("/")
        self._timeout = timeout
        self._client = httpx2.Client(verify=trusted(), headers=dict(headers), timeout=timeout, follow_redirects=False)

    def call(self, method: str, path: str, **content: Any) -> Answer:
        """Make one call.

        Raises:
            httpx2.HTTPError: When no answer came, or not the whole of it.
            BodyTooLong: When the answer is longer than `MAX_ANSWER` bytes.
            TimeoutError: When it was not whole in time.
        """
        url = path if path.startswith(("https://", "http://")) else self.base + path
        until = time.monotonic() + self._timeout
        with self._client.stream(method, url, **content) as response:
            data = read_body(response, max_bytes=MAX_ANSWER, until=until)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(status=response.status_code, headers=headers, body=body_of(data, headers))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def reply_of_useless(body: Any, *, status: int, headers: Mapping[str, str]) -> Reply:
    """Read an answer of an unexpected shape as an error. One that says it is JSON and is none is damaged."""
    reply = reply_of_body(body, status=status, headers=headers)
    if status < 300 and isinstance(body, str) and "json" in headers.get("content-type", ""):
        return replace(reply, codes=("malformed_answer",))
    return reply


def poll_until_ready(look: Callable[[], Reply | None], *, seconds: float, pause: float) -> Reply:
    """Poll a filed request every ``pause`` seconds until ``look`` returns a reply, and return that.

    A passing error of the network or the server while polling is forgiven, because filing again would be paying again.
    After ``seconds`` the reply is an error with the code ``generation_timeout``.
    """
    until, hiccups = time.monotonic() + seconds, 0
    while True:
        try:
            reply = look()
        except Exception as error:  # whatever the client raises is read, as everywhere
            reply = reply_of_error(error)
        if reply is not None:
            hiccups += 1
            passing = reply.error and (reply.transport or reply.status in _PASSING)
            if not passing or hiccups > MAX_HICCUPS:
                return reply
        else:
            hiccups = 0
        if time.monotonic() + pause > until:
            message = f"it was not ready after {seconds:g} seconds"
            return Reply(error=True, codes=("generation_timeout",), message=message)
        time.sleep(pause)


def given_fields(value: Any, *, name: str) -> dict[str, Any]:
    """Return a card's ``extra``: fields passed to the model unchanged; in a spec they are JSON text.

    Raises:
        BadSettings: When it is no JSON object.

    >>> given_fields('{"steps": 4}', name="example")
    {'steps': 4}
    """
    if isinstance(value, str):
        try:
            value = orjson.loads(value or "{}")
        except orjson.JSONDecodeError as error:
            raise BadSettings(f"{name}: extra is {value[:80]!r}, which is not JSON. Give an object.") from error
    if not isinstance(value, Mapping):
        raise BadSettings(f"{name}: extra is {str(value)[:80]!r}. Give names with values.")
    return {str(field): inner for field, inner in value.items()}


def body_of(data: bytes, headers: Mapping[str, str]) -> Any:
    """Return a body as what it is: a picture's bytes, JSON, or text.

    >>> body_of(b'{"a": 1}', {}), body_of(b"sorry", {})
    ({'a': 1}, 'sorry')
    """
    if headers.get("content-type", "").startswith("image/"):
        return data
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return data.decode("utf-8", "replace")
