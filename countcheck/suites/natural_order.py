"""The order in which people list names with numbers in them."""

from __future__ import annotations

import re

_MAX_DIGITS = 18


def natural_key(text: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Return a sort key that compares runs of digits as numbers: for tag values, and for names of files.

    Text that begins with a number comes before text that does not.

    >>> sorted(["10", "2", "noir", "img_10", "img_9", "1"], key=natural_key)
    ['1', '2', '10', 'img_9', 'img_10', 'noir']
    """
    runs = [run for run in re.split(r"(\d+)", text) if run]
    return tuple(_run_key(run) for run in runs), text


def _run_key(run: str) -> tuple[int, int, str]:
    is_number = run.isdecimal() and len(run) <= _MAX_DIGITS  # longer runs cost quadratic time to turn into numbers
    return (0, int(run), "") if is_number else (1, 0, run)
