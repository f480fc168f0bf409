"""Fetch pictures from the addresses that providers give, limited in size, time, redirects and scheme."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import socket
import ssl
import time
import urllib.request
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from countcheck.errors import BadInput
from countcheck.images.decode import MAX_BYTES

if TYPE_CHECKING:
    import httpx2

MAX_REDIRECTS = 3


class BodyTooLong(ValueError):
    """An answer's body is longer than allowed."""


@functools.cache
def trusted() -> ssl.SSLContext:
    """Return the trusted certificates. They are read once, because reading them takes longer than many a picture."""
    import httpx2

    return httpx2.create_ssl_context()


class BadAddress(BadInput):
    """An address that may not be fetched from. Another try would bring the same."""


def fetch_picture(
    url: str, *, own: str = "", loopback: bool = False, max_bytes: int = MAX_BYTES, seconds: float = 60.0
) -> bytes:
    """Return the bytes behind an https address of the public internet.

    The address that was checked is the one that is connected: a name is resolved once, and a second answer of its name
    server changes nothing. Only a proxy of the environment resolves names itself.

    Args:
        url: Where the picture is; may be relative to ``own``.
        own: Address of the server that was asked for the picture. Its host may be in a private network, and http.
        loopback: Addresses of this machine are fetched too, by http as well.
        max_bytes: Largest length in bytes.
        seconds: Longest duration of the whole, redirects included.

    Raises:
        BadAddress: For another scheme or a private address.
        BadInput: For too many redirects, too many bytes, too long a wait, or an answer that is not 200. The address's
            query, where signatures are, is never repeated.
    """
    import httpx2

    until = time.monotonic() + seconds
    url = urljoin(own.rstrip("/") + "/", url) if own and not urlsplit(url).scheme else url
    try:
        limits = httpx2.Timeout(seconds, connect=min(seconds, 20.0))
        with httpx2.Client(verify=trusted(), follow_redirects=False, timeout=limits) as client:
            for _ in range(MAX_REDIRECTS + 1):
                with _opened(client, url, check_address(url, loopback=loopback, own=own)) as response:
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
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise BadInput(f"{_shown(url)} could not be fetched ({type(error).__name__}).") from None
    raise BadInput(f"{_shown(url)} redirects more than {MAX_REDIRECTS} times.")


def _opened(
    client: httpx2.Client, url: str, addresses: Sequence[str]
) -> contextlib.AbstractContextManager[httpx2.Response]:
    """Open an address at the first of the checked IP addresses that answers; by its name when there are none."""
    import httpx2

    if not addresses:
        return client.stream("GET", url)
    parts = urlsplit(url)
    for last, address in enumerate(addresses, start=1):
        literal = f"[{address}]" if ":" in address else address
        netloc = literal if parts.port is None else f"{literal}:{parts.port}"
        request = client.build_request(
            "GET",
            parts._replace(netloc=netloc).geturl(),
            headers={"host": parts.netloc.rpartition("@")[2]},
            extensions={"sni_hostname": parts.hostname},
        )
        try:
            return contextlib.closing(client.send(request, stream=True))
        except httpx2.ConnectError:
            if last == len(addresses):
                raise
    raise AssertionError("there is at least one address")


def check_address(url: str, *, loopback: bool, own: str = "") -> tuple[str, ...]:
    """Check that an address may be fetched from; see `fetch_picture`.

    Returns:
        The IP addresses to connect to; none where the name is to be used: servers of one's own, and behind a proxy.

    Raises:
        BadAddress: When it may not.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        raise BadAddress(f"{_shown(url)} is not an address that can be fetched.") from None
    if not host:
        raise BadAddress(f"{_shown(url)} is not an address that can be fetched.")
    if _is_loopback(host):
        if loopback and parts.scheme in ("http", "https"):
            return ()
        if parts.scheme == "https":
            raise BadAddress(f"{_shown(url)} is on this machine. Set loopback=true if that is your own server.")
    elif own and host == urlsplit(own).hostname and parts.scheme in ("http", "https"):
        return ()
    elif parts.scheme in ("http", "https") and _is_private_name(host):
        raise BadAddress(
            f"{_shown(url)} is in a private network, and pictures are fetched from there only when base_url names that"
            " host. Set base_url to it, or let the server send pictures inside its answer."
        )
    if parts.scheme != "https":
        raise BadAddress(f"{_shown(url)} is not https, and only https is fetched.")
    return _public_addresses(url, host, port)


def _public_addresses(url: str, host: str, port: int) -> tuple[str, ...]:
    """Resolve a name, once.

    Raises:
        BadAddress: When any of its addresses is not public.
        BadInput: When the name is not known.
    """
    if _is_behind_proxy(host):  # the proxy resolves names, and is the user's own
        return ()
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise BadInput(f"{_shown(url)} could not be fetched (the name is not known).") from None
    addresses = tuple(dict.fromkeys(str(answer[4][0]).partition("%")[0] for answer in answers))
    if not addresses or not all(_is_public(ipaddress.ip_address(address)) for address in addresses):
        raise BadAddress(f"{_shown(url)} leads into a private network, and nothing is fetched from there.")
    return addresses


def _is_behind_proxy(host: str) -> bool:
    proxies = urllib.request.getproxies()
    return bool(proxies.get("https") or proxies.get("all")) and not urllib.request.proxy_bypass(host)


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inside is not None and not inside.is_global:
            return False
    return address.is_global and not address.is_multicast


# Names that no public name server knows.
_PRIVATE_SUFFIXES = (".local", ".lan", ".internal", ".intranet", ".home", ".home.arpa", ".corp", ".private")


def _is_private_name(host: str) -> bool:
    """Tell by the name alone whether a host is in a private network."""
    try:
        return not _is_public(ipaddress.ip_address(host))
    except ValueError:
        return "." not in host or host.endswith(_PRIVATE_SUFFIXES)


def read_body(response: httpx2.Response, *, max_bytes: int, until: float) -> bytes:
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
