"""Pictures fetched from the addresses that providers give: limited in size, time, redirects and scheme."""

from __future__ import annotations

import functools
import ipaddress
import socket
import ssl
import time
from urllib.parse import urljoin, urlsplit

from countcheck.errors import BadInput
from countcheck.images.decode import MAX_BYTES

MAX_REDIRECTS = 3


@functools.cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed; read once, because reading them takes longer than many a picture."""
    import httpx

    return httpx.create_ssl_context()


def fetch_picture(url: str, *, loopback: bool = False, max_bytes: int = MAX_BYTES, seconds: float = 60.0) -> bytes:
    """The bytes behind an https address of the open internet; with ``loopback``, of this machine too (http as well).

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
                    return _limited(response, url, max_bytes, until)
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


def _limited(response: object, url: str, max_bytes: int, until: float) -> bytes:
    import httpx

    assert isinstance(response, httpx.Response)
    said = response.headers.get("content-length", "")
    if said.isdigit() and int(said) > max_bytes:
        raise BadInput(f"{_shown(url)} holds {said} bytes, more than {max_bytes}.")
    held = bytearray()
    for chunk in response.iter_bytes():
        held += chunk
        if len(held) > max_bytes:
            raise BadInput(f"{_shown(url)} holds more than {max_bytes} bytes.")
        if time.monotonic() > until:
            raise BadInput(f"{_shown(url)} took too long.")
    return bytes(held)


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
