"""What headers, bodies and sentences say of the time to wait."""

from __future__ import annotations

import pytest

from countcheck.generators.remote.waits import retry_after, wait_in_words


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, None, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, None, 1.5),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, None, 60.0),
        ({}, {"error": {"details": [{"retryDelay": "12.5s"}]}}, 12.5),
        ({"retry-after": "inf"}, None, None),
        ({"retry-after": "soon"}, None, None),
        ({}, {"retryDelay": "1.2.3s"}, None),
        ({}, {"retryDelay": "."}, None),
    ],
)
def test_the_time_to_wait(headers, body, seconds):
    assert retry_after(headers, body, now=40.0) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset-requests": "22s", "x-ratelimit-remaining-requests": "0"}, 22.0),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0"}, 360.0),
        (
            {
                "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "50s",
                "x-ratelimit-remaining-tokens": "9000",
            },
            2.0,
        ),
        ({"x-ratelimit-reset": "1700000012"}, 12.0),
        ({"ratelimit-reset": "17"}, 17.0),
        ({"anthropic-ratelimit-requests-reset": "2023-11-14T22:13:50Z"}, 30.0),
        ({"x-ratelimit-reset-images": "never"}, None),
        ({"x-ratelimit-limit-requests": "60"}, None),
    ],
)
def test_headers_that_tell_when_a_limit_is_full_again(headers, seconds):
    assert retry_after(headers, status=429, now=1_700_000_000.0) == seconds
    assert retry_after(headers, status=400, now=1_700_000_000.0) is None


@pytest.mark.parametrize(
    ("sentence", "seconds"),
    [
        ("Please try again in 22s.", 22.0),
        ("Rate limit is exceeded. Try again in 7 seconds.", 7.0),
        ("Please retry after 1m30s", 90.0),
        ("Retry in 2 minutes and 5 seconds.", 125.0),
        ("Limit: 5 / 1min. Please wait 12 minutes.", 720.0),
        ("Try again in 86ms.", 0.086),
        ("Please try again in a minute.", 60.0),
        ("You can generate again in an hour.", 3600.0),
        ("请求过于频繁，请在30秒后重试", 30.0),
        ("5分後にもう一度お試しください", 300.0),
        ("30초 후에 다시 시도해 주세요", 30.0),
        ("Versuche es in 30 Sekunden erneut.", 30.0),
        ("Réessayez dans 3 heures.", 10800.0),
        ("попробуйте ещё раз через 2 минуты", 120.0),
        ("Inténtelo de nuevo en 5 minutos", 300.0),
        ("Please try again in a few minutes.", None),
        ("The image is 3s of video at most.", None),
        ("Limit 10 images per minute.", None),
        ("", None),
    ],
)
def test_sentences_that_tell_how_long_to_wait(sentence, seconds):
    assert wait_in_words(sentence) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["1 " * 5000, "in 1h" * 4000, "9" * 100_000, "try again in " * 8000])
def test_hostile_sentences_are_read_quickly(text):
    wait_in_words(text)
