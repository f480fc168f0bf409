"""Fetch pictures from the addresses that providers give, limited in size, time, redirects and scheme."""

from __future__ import annotations

import functools
import ipaddress
import socket
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from countcheck.errors import BadInput
from countcheck.images.decode import MAX_BYTES

if TYPE_CHECKING:
    import httpx

MAX_REDIRECTS = 3


class BodyTooLong(ValueError):
    """An answer's body is longer than allowed."""


@functools.cache
def trusted() -> ssl.SSLContext:
    """Return the trusted certificates. They are read once, because reading them takes longer than many a picture."""
    import httpx

    return httpx.create_ssl_context()


def fetch_picture(url: str, *, loopback: bool = False, max_bytes: int = MAX_BYTES, seconds: float = 60.0) -> bytes:
    """Return the bytes behind an https address of the public internet.

    Args:
        url: Where the picture is.
        loopback: Addresses of this machine are fetched too, by http as well.
        max_bytes: Largest length in bytes.
        seconds: Longest duration of the whole, redirects included.

    Raises:
        BadInput: For another scheme, a private address, too many redirects, too many bytes, too long a wait, or an
            answer that is not 200. The address's query, where signatures live, is never repeated.
    """
    import httpx

    until = time.monotonic() + seconds
    try:
        limits = httpx.Timeout(seconds, connect=min(seconds, 20.0))
        with httpx.Client(verify=trusted(), follow_redirects=False, timeout=limits) as client:
            for _ in range(MAX_REDIRECTS + 1):
                check_address(url, loopback=loopback)
                with client.stream("GET", url) as response:
                    if response.is_redirect:
                        url = urljoin(url, response.headers.get("location", ""))
                        continue
                    if response.status_code != 200:
                        raise BadInput(f"{_shown(url)} answered {response.status_code} instead of a picture.")
                    return read_body(response, max_bytes=max_bytes, until=until)
    except BodyTooLong as error:
        raise BadInput(f"{_shown(url)} holds {error}.") from None
    except TimeoutError:
        raise BadInput(f"{_shown(url)} took too long.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BadInput(f"{_shown(url)} could not be fetched ({type(error).__name__}).") from None
    raise BadInput(f"{_shown(url)} redirects more than {MAX_REDIRECTS} times.")


def check_address(url: str, *, loopback: bool) -> None:
    """Raises `BadInput` unless the address may be fetched from: see `fetch_picture`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        raise BadInput(f"{_shown(url)} is not an address that can be fetched.") from None
    if not host:
        raise BadInput(f"{_shown(url)} is not an address that can be fetched.")
    local = _is_loopback(host)
    if local and loopback and parts.scheme in ("http", "https"):
        return
    if parts.scheme != "https":
        raise BadInput(f"{_shown(url)} is not https, and only https is fetched.")
    if local or _is_private(host, port):
        raise BadInput(f"{_shown(url)} points into a private network. Set loopback=true if that is your own server.")


def read_body(response: httpx.Response, *, max_bytes: int, until: float) -> bytes:
    """Read a streamed answer's body, no longer and for no longer than allowed.

    Args:
        response: Streamed, not yet read.
        max_bytes: Largest length in bytes, after decompression.
        until: Latest time by `time.monotonic`, in seconds.

    Raises:
        BodyTooLong: When the body is longer, or says that it is.
        TimeoutError: When it is not whole in time.
    """
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise BodyTooLong(f"{declared} bytes, more than {max_bytes}")
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > max_bytes:
            raise BodyTooLong(f"more than {max_bytes} bytes")
        if time.monotonic() > until:
            raise TimeoutError("the answer was not whole in time")
    return bytes(body)


def _shown(url: str) -> str:
    return url.split("?", 1)[0][:200]


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_private(host: str, port: int) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        # Behind a proxy the name may be unknown here; the fetch itself will say what is wrong.
        return False
    return any(not ipaddress.ip_address(str(address[4][0]).partition("%")[0]).is_global for address in found)
