"""Settings of every remote generator that cannot change a picture: limits, retries, time."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from countcheck.cards import Card
from countcheck.errors import BadSettings

# Settings of every remote generator. None of them can change a picture, so none is part of the recipe.
CONNECTION: Mapping[str, Any] = {
    "requests_per_minute": 0.0,  # 0: no limit but the provider's own answers
    "pictures_per_minute": 0.0,
    "concurrency": 8,
    "attempts": 5,  # per request, the first included, those after a limit whose end was told left out; 1: no other
    "timeout": 300.0,  # seconds for one request
    "max_wait": 3600.0,  # seconds that one sample waits in all for limits whose end is told; longer ones are not awaited
    "first_wait": 1.0,  # seconds before the second attempt; doubles, with jitter
    "per_request": 1,  # pictures asked for in one request, where the service can
    "mode": "",  # batch: requests are handed in together and answered within a day, at a lower price
    "batch_size": 0,  # requests of one batch; 0: as many as the service takes
    "batch_poll": 30.0,  # seconds between two looks at batches that are waited for
    "key_env": "",  # another environment variable to read the key from
    "loopback": False,  # pictures may be fetched from this machine
}
_LOG = logging.getLogger("countcheck")
_OLD_NAMES = {"most_wait": "max_wait"}


def with_new_names(card: Card) -> Card:
    """Read settings under the names that they had before, and say so in the log.

    Raises:
        BadSettings: When a setting is given under both names.
    """
    settings = dict(card.settings)
    for old, new in _OLD_NAMES.items():
        if old not in settings:
            continue
        if new in settings:
            raise BadSettings(f"{card.name}: {old} and {new} are the same setting. Give {new} alone.")
        _LOG.warning(
            "%s: the setting %s is called %s now; the old name goes with the next release", card.name, old, new
        )
        settings[new] = settings.pop(old)
    return replace(card, settings=settings)


def check_settings(name: str, settings: Mapping[str, Any], *, batches: bool = False) -> None:
    """Check the values of `CONNECTION`; ``batches`` tells whether the service takes requests in batches.

    Raises:
        BadSettings: When one makes no sense; says which and what to give.
    """
    for setting in ("concurrency", "attempts", "per_request"):
        value = settings[setting]
        if not isinstance(value, int) or value < 1:
            raise BadSettings(f"{name}: {setting} is {value!r}. Give a whole number, 1 or more.")
    for setting in ("timeout", "max_wait", "first_wait", "poll", "batch_poll"):
        value = settings.get(setting, 0.0)
        if not isinstance(value, int | float) or not (0 <= value < math.inf) or (setting == "timeout" and not value):
            raise BadSettings(f"{name}: {setting} is {value!r}. Give seconds, more than 0.")
    mode = settings.get("mode", "")
    if mode not in ("", "batch"):
        raise BadSettings(f"{name}: mode is {mode!r}. Give batch, or leave it out.")
    if mode and not batches:
        raise BadSettings(f"{name}: this service takes no batches of pictures. Leave mode={mode} out.")


def duration(seconds: float) -> str:
    """Write a number of seconds for people.

    >>> duration(22), duration(90), duration(3600), duration(4000)
    ('22 s', '1 min 30 s', '1 h', '1 h 7 min')
    """
    whole = round(float(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
