"""What an error's headers and body say of the time to wait."""

from __future__ import annotations

import pytest

from countcheck.generators.remote.waits import retry_after


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
