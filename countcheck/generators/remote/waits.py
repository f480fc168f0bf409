"""Find how long a server asks to wait: in headers, in fields of the body, in its sentence. Pure."""

from __future__ import annotations

import datetime
import email.utils
import math
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from countcheck.generators.remote.bodies import nodes_of

_UNITS = {
    "ms": r"ms|milliseconds?|毫秒",
    "s": r"s|secs?|seconds?|segundos?|secondes?|sekunden?|secondi|secondo|seconden|sekundy?|sekund|секунд[уы]?|секунди|saniye|giây|detik|sekunder|ثانية|ثوان|ثواني|सेकंड|秒钟?|초",
    "m": r"m|mins?|minutes?|minutos?|minuten?|minuti|minuto|minuut|minuty?|minut|минут[уы]?|хвилин[уи]?|dakika|phút|menit|minuter|دقيقة|دقائق|मिनट|分钟?|分鐘|分|분",
    "h": r"h|hrs?|hours?|horas?|heures?|stunden?|ore|ora|uur|godzin[yę]?|час(?:а|ов)?|годин[уи]?|saat|giờ|jam|timmar?|ساعة|ساعات|घंटे|घंटा|小时|小時|時間|시간",
    "d": r"days?|días?|jours?|tage?n?|giorni|dias?|dagen|dni|дн(?:я|ей)|天|日間|일",
}
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PARTS = tuple((unit, re.compile(rf"(?:{pattern})(?![a-zà-ÿа-я])")) for unit, pattern in _UNITS.items())
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
# Words before or after a duration that make it a time to wait.
_BEFORE = re.compile(
    r"(?:\b(?:again|retry|wait|waiting|after|in|within|resets?|available|back|dans|en|tra|fra|daqui a|em|espere|attendez|warte\w*|nach|über|binnen|over|wacht|za|poczekaj|через|подождите|sonra|om|vänta|sau|dalam|tunggu|بعد|خلال)"
    r"|请?在|请?等待?|于)[\s:~about]*$"
)
_AFTER = re.compile(r"^\s*(?:后|後|之后|以后|후|뒤|sonra|बाद|में|later|erneut)")
_WORD_WAITS = (
    (re.compile(r"\b(?:in|after|wait(?: for)?|for) (?:a|one) second\b"), 1.0),
    (re.compile(r"\b(?:in|after|wait(?: for)?|for) (?:a|one) minute\b"), 60.0),
    (re.compile(r"\b(?:in|after|wait(?: for)?|for) (?:an|one) hour\b"), 3600.0),
    (re.compile(r"\b(?:in|after|wait(?: for)?|for) half an hour\b"), 1800.0),
)
_DURATION_FIELD = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h)?\s*")
_LIMIT_STATUSES = (None, 200, 403, 429, 503, 529)


def retry_after(
    headers: Mapping[str, str],
    body: Any = None,
    *,
    status: int | None = None,
    sentence: str = "",
    now: float | None = None,
) -> float | None:
    """Return the seconds that a server asks to wait, or ``None`` when it does not say.

    Looked at in this order: ``retry-after-ms`` and ``retry-after`` (seconds or a date), Google's ``retryDelay`` and
    fields called ``retry_after``, headers that tell when a used-up limit is full again, and the sentence.

    Args:
        headers: Of the answer.
        body: Of the answer.
        status: HTTP status; limits that are full again later are looked at only in answers to too many requests.
        sentence: What the server says.
        now: Seconds since 1970; the clock's when left out.

    >>> retry_after({"Retry-After": "7"})
    7.0
    >>> retry_after({}, sentence="Rate limit reached. Please try again in 1m30s.")
    90.0
    >>> retry_after({"x-ratelimit-reset-requests": "22s", "x-ratelimit-remaining-requests": "0"}, status=429)
    22.0
    """
    now = time.time() if now is None else now
    lowered = {name.lower(): value for name, value in headers.items()}
    if (milliseconds := _number(lowered.get("retry-after-ms", ""))) is not None:
        return max(0.0, milliseconds / 1000)
    if text := lowered.get("retry-after"):
        return _seconds_or_date(text, now)
    for node in nodes_of(body):
        if (seconds := _wait_field(node)) is not None:
            return seconds
    if status in _LIMIT_STATUSES:
        resets = [seconds for seconds in _resets(lowered, now) if seconds is not None]
        if resets:
            return max(resets)
    return wait_in_words(sentence)


def wait_in_words(sentence: str) -> float | None:
    """Return the seconds that a sentence asks to wait; ``None`` when it names no time to wait.

    >>> wait_in_words("Limit: 5 / min. Please try again in 22s.")
    22.0
    >>> wait_in_words("请求过于频繁，请在30秒后重试")
    30.0
    >>> wait_in_words("At most 10 images in a request.") is None
    True
    """
    text = sentence[:2000].lower()
    for start, end, seconds in _durations(text):
        if _BEFORE.search(text, max(0, start - 24), start) or _AFTER.match(text[end : end + 12]):
            return seconds
    return next((seconds for pattern, seconds in _WORD_WAITS if pattern.search(text)), None)


def _durations(text: str) -> Iterator[tuple[int, int, float]]:
    """Find durations such as ``22s``, ``1m30s`` and ``2 minutes``: start, end and seconds."""
    start, end, total = -1, -1, 0.0
    for number in _NUMBER.finditer(text):
        gap = text[end : number.start()] if end >= 0 else ""
        begin = number.end()
        while begin < len(text) and text[begin] in " -\u00a0":
            begin += 1
        unit = next(((name, match) for name, pattern in _PARTS if (match := pattern.match(text, begin))), None)
        if unit is None:
            continue
        seconds = float(number[0].replace(",", ".")) * _SECONDS[unit[0]]
        if end >= 0 and gap.strip(" ,") in ("", "and", "und", "et", "y", "e"):
            end, total = unit[1].end(), total + seconds
            continue
        if end >= 0:
            yield start, end, total
        start, end, total = number.start(), unit[1].end(), seconds
    if end >= 0:
        yield start, end, total


def _wait_field(node: Mapping[str, Any]) -> float | None:
    for name in ("retryDelay", "retry_after", "retryAfter", "retry_after_seconds", "estimated_time"):
        value = node.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            continue
        written = _DURATION_FIELD.fullmatch(str(value))
        if written:
            return float(written[1]) * _SECONDS[written[2] or "s"]
    return None


def _resets(headers: Mapping[str, str], now: float) -> Iterator[float | None]:
    """Yield when each limit is full again, in seconds; only used-up limits where the answer tells which those are."""
    waits: dict[str, float | None] = {}
    for name, value in headers.items():
        if "ratelimit" not in name.replace("-limit", "limit").replace("rate-", "rate") or "reset" not in name:
            continue
        waits[name] = _reset_value(value, now)
    remaining = {name: headers.get(name.replace("reset", "remaining")) for name in waits}
    used_up = [name for name in waits if remaining[name] in ("0", "0.0")]
    # A limit of which something is left is not what was hit.
    yield from (waits[name] for name in used_up or [name for name in waits if remaining[name] is None])


def _reset_value(value: str, now: float) -> float | None:
    text = value.strip().lower()
    if (number := _number(text)) is not None:
        if number > 1e11:  # milliseconds since 1970
            return max(0.0, number / 1000 - now)
        return max(0.0, number - now) if number > 1e9 else max(0.0, number)
    parts = list(_durations(text))
    if len(parts) == 1 and parts[0][0] == 0 and parts[0][1] == len(text):
        return parts[0][2]
    return _seconds_or_date(value, now)


def _seconds_or_date(text: str, now: float) -> float | None:
    if (seconds := _number(text)) is not None:
        return max(0.0, seconds)
    for parse in (email.utils.parsedate_to_datetime, datetime.datetime.fromisoformat):
        try:
            return max(0.0, parse(text).timestamp() - now)
        except (TypeError, ValueError, OverflowError):
            continue
    return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
