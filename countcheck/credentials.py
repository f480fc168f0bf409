"""Read API keys from the environment or a keyring, and take secrets out of text before it is kept or shown."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import html
import importlib.util
import os
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from countcheck.errors import BadSettings, GeneratorClosed

SERVICE = "countcheck"
_SECRET = re.compile(r"(?:^|_)(?:api_?key|key|token|secret|password|credential)s?$", re.IGNORECASE)


def read_key(names: Iterable[str], *, family: str) -> str:
    """Return the first of these that is set in the environment, or kept in the keyring under ``countcheck``.

    Raises:
        GeneratorClosed: When there is none; says which to set.
    """
    names = tuple(names)
    for name in names:
        if value := os.environ.get(name, "").strip():
            return value
    for name in names:
        if value := _from_keyring(name):
            return value
    raise GeneratorClosed(
        f"{family} needs a key, and {' or '.join(names)} is not set."
        f" Set it in the environment, or keep it with: keyring set {SERVICE} {names[0]}"
    )


def refuse_secrets(settings: Mapping[str, Any], *, family: str) -> None:
    """Refuse a setting that looks like a key, without repeating the value.

    Raises:
        BadSettings: When there is one.
    """
    for name in settings:
        if _SECRET.search(name) and name != "key_env":
            raise BadSettings(
                f"{family}: {name} is not a setting, because settings are written down. Set the key in the environment"
                f" or the keyring; key_env names another variable to read it from."
            )


def _from_keyring(name: str) -> str:
    if importlib.util.find_spec("keyring") is None:
        return ""
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, name) or ""
    except (KeyringError, RuntimeError):
        # No keyring runs here (a server, a container): the environment is then the only place.
        return ""


HIDDEN = "[key]"
MIN_SECRET = 4  # characters; shorter texts are no secrets, and hiding them would garble everything
MAX_RAW = 20_000

# Shapes of vendors' keys, and places where a key stands whatever its shape.
_SHAPES = re.compile(
    r"""
    \b(?:sk|pk|rk)-[A-Za-z0-9_\-]{8,}            # OpenAI, Stability, Together and many who copy them
  | \b(?:xai|gsk|hf|r8|tgp_v1|nvapi|fal|bfl)[_-][A-Za-z0-9_\-]{12,}
  | \bAIza[0-9A-Za-z_\-]{20,}                    # Google
  | \bya29\.[0-9A-Za-z_\-.]{10,}                 # Google access tokens
  | \bA[KS]IA[0-9A-Z]{12,}                       # AWS access key ids
  | \beyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{5,}\.[A-Za-z0-9_\-]{5,}   # JSON web tokens
    """,
    re.VERBOSE,
)
_PLACES = re.compile(
    r"""(?ix)
    (\b(?:authorization|proxy-authorization)["']?\s*[:=]\s*["']?(?:bearer|basic|key|token)?\s*
      | \bbearer\s+
      | \b(?:x-)?(?:api|goog-api|access|secret|subscription|account)?[-_]?(?:key|token|secret|password|signature)["']?\s*[:=]\s*["']?
      | [?&](?:key|token|sig|signature|x-amz-(?:signature|credential|security-token))=
    )
    ([^\s"'&,;<>\]\[]{8,})
    """
)
_BULK = re.compile(r"(?:data:[\w/+.\-]+;base64,)?[A-Za-z0-9+/_\-]{400,}={0,2}")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text without the given secrets and without anything that looks like a key.

    >>> redact("you sent quite-secret-value", ["quite-secret-value"])
    'you sent [key]'
    """
    return _PLACES.sub(rf"\1{HIDDEN}", _SHAPES.sub(HIDDEN, hide(text, secrets)))


def hide(text: str, secrets: Iterable[str]) -> str:
    """Return a text without the given secrets, in whatever spelling a server may repeat them.

    >>> hide("Basic dXNlcjpzZXNhbWUtb3Blbi1zZXNhbWU=", ["sesame-open-sesame"])
    'Basic dXNlcjp[key]U='
    """
    for secret in secrets:
        if len(secret) >= MIN_SECRET:
            for spelling in _spellings(secret):
                text = text.replace(spelling, HIDDEN)
    return text


def hidden(value: Any, secrets: Iterable[str]) -> Any:
    """Return plain JSON that may hold bytes without the given secrets; everything else in it stays as it is."""
    known = [secret for secret in secrets if len(secret) >= MIN_SECRET]
    if not known:
        return value
    if isinstance(value, Mapping):
        return {
            hide(name, known) if isinstance(name, str) else name: hidden(inner, known) for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [hidden(inner, known) for inner in value]
    if isinstance(value, str):
        return hide(value, known)
    if isinstance(value, bytes):
        for secret in known:
            for spelling in _spellings(secret):
                value = value.replace(spelling.encode(), HIDDEN.encode())
    return value


@functools.lru_cache(maxsize=64)
def _spellings(secret: str) -> tuple[str, ...]:
    """Spell a secret as it may be repeated: plain, escaped for URLs, JSON and HTML, in hex and inside base64; longest first."""
    data = secret.encode()
    spellings = {
        secret,
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        orjson.dumps(secret).decode()[1:-1],
        html.escape(secret),
        data.hex(),
        data.hex().upper(),
        *_inside_base64(data),
    }
    return tuple(sorted((spelling for spelling in spellings if spelling), key=len, reverse=True))


def _inside_base64(data: bytes) -> Iterator[str]:
    """Yield the characters that bytes become in base64, wherever they stand in what is encoded."""
    for offset, leading in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
        # The last character also depends on what follows, unless the bytes end with a group of three.
        whole = encoded if (offset + len(data)) % 3 == 0 else encoded[:-1]
        if len(whole) - leading >= 8:
            yield whole[leading:]
            yield whole[leading:].translate(_URL_SAFE)


_URL_SAFE = str.maketrans("+/", "-_")


def sound(value: Any) -> Any:
    """Return text, or anything that holds text, without lone surrogates: SQLite, JSON and terminals refuse them.

    They come from answers cut in the middle of an emoji; each becomes a replacement character.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, Mapping):
        return {sound(name): sound(inner) for name, inner in value.items()}
    return [sound(inner) for inner in value] if isinstance(value, list | tuple) else value


def raw_of(body: Any, secrets: Iterable[str] = ()) -> str:
    """Return an answer as text worth keeping: no secrets, pictures as their length and digest, `MAX_RAW` characters at most.

    >>> raw_of({"error": "no"})
    '{"error":"no"}'
    """
    if isinstance(body, bytes):
        body = body[: MAX_RAW * 4].decode("utf-8", "replace")
    if not isinstance(body, str):
        body = orjson.dumps(_slim(body), default=str).decode("utf-8", "replace")
    slim = _BULK.sub(lambda found: _digest(found.group()), body)
    return redact(slim[:MAX_RAW], secrets)


def _slim(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _slim(inner) for name, inner in value.items()}
    if isinstance(value, bytes | bytearray):
        return _digest(base64.b64encode(value).decode())
    if isinstance(value, str):
        return _digest(value) if len(value) >= 400 and _BULK.fullmatch(value) else sound(value)
    if isinstance(value, Sequence):
        return [_slim(inner) for inner in value]
    return value


def _digest(text: str) -> str:
    body = text.partition(";base64,")[2] or text
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_" if "-" in body or "_" in body else None)
    except (binascii.Error, ValueError):
        data = text.encode()
    return f"[{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()[:16]}]"
