"""Read API keys from the environment or a keyring, and take secrets out of text before anything is kept or shown."""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib.util
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from countcheck.errors import BadSettings, GeneratorClosed

SERVICE = "countcheck"
_SECRET = re.compile(r"(?:^|_)(?:api_?key|key|token|secret|password|credential)s?$", re.IGNORECASE)


def read_key(names: Iterable[str], *, family: str) -> str:
    """The first of these that is set in the environment, or kept in the keyring under ``countcheck``.

    Raises:
        GeneratorClosed: If there is none; says which to set.
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
    """Raises `BadSettings`, without repeating the value, if a setting looks like a key."""
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
    """The text without the given secrets and without anything that looks like a key."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, HIDDEN)
    return _PLACES.sub(rf"\1{HIDDEN}", _SHAPES.sub(HIDDEN, text))


def hidden(value: Any, secrets: Iterable[str]) -> Any:
    """Plain JSON, bytes in it too, without the given secrets; everything else in it stays as it is."""
    known = [secret for secret in secrets if len(secret) >= 4]
    if isinstance(value, Mapping):
        return {name: hidden(inner, known) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(inner, known) for inner in value]
    for secret in known:
        if isinstance(value, str):
            value = value.replace(secret, HIDDEN)
        elif isinstance(value, bytes):
            value = value.replace(secret.encode(), HIDDEN.encode())
    return value


def sound(value: Any) -> Any:
    """Text, or anything that holds text, without halves of characters: neither SQLite, JSON nor a terminal takes them.

    They come from answers cut in the middle of an emoji; each becomes a replacement character.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, Mapping):
        return {sound(name): sound(inner) for name, inner in value.items()}
    return [sound(inner) for inner in value] if isinstance(value, list | tuple) else value


def raw_of(body: Any, secrets: Iterable[str] = ()) -> str:
    """An answer as text worth keeping: no secrets, pictures replaced by their digest and length, not overlong."""
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
