"""Where keys come from: the environment, or a keyring. Never a setting, a card or a command line."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

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
