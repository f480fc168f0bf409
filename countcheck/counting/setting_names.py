"""Names that settings of counters had in the version before, and how they are read."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from countcheck.errors import BadSettings

# Read for one release, with a warning; of rules, and of a counter's settings.
OLD_RULE_NAMES: Mapping[str, str] = {
    "of_best": "relative_threshold",
    "glimpse": "zero_doubt_score",
    "sure_to": "max_certain_count",
    "rival_lead": "distractor_score_ratio",
    "rival_iou": "cross_class_iou",
    "group_share": "group_box_coverage",
}
OLD_SETTING_NAMES: Mapping[str, str] = {"second": "second_counter"}

_log = logging.getLogger("countcheck")


def renamed(
    settings: Mapping[str, Any], names: Mapping[str, str] = OLD_SETTING_NAMES, *, place: str = ""
) -> dict[str, Any]:
    """Put settings under their new names.

    Args:
        settings: As written.
        names: Old name to new name.
        place: Where they were written: old names are then logged as a warning; empty for what a ledger recorded.

    Raises:
        BadSettings: When a setting is written under both names.

    >>> renamed({"of_best": 0.4}, OLD_RULE_NAMES)
    {'relative_threshold': 0.4}
    """
    body: dict[str, Any] = {}
    for name, value in settings.items():
        new = names.get(name, name)
        if new != name and new in settings:
            raise BadSettings(
                f"{place or 'the run'}: {name!r} is the old name of {new!r}, and both are given. Keep {new!r}."
            )
        if new != name and place:
            _log.warning("%s: %s is now called %s; the old name is read until the next release.", place, name, new)
        body[new] = value
    return body
