"""What is sent to Reve, and what comes back."""

from __future__ import annotations

import base64

import pytest
from scripted import GOOD, Says, serve
from telling import made, outcomes, told


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("REVE_API_TOKEN", "reve-test-key-1234567890")


def test_what_is_sent_and_which_version_drew():
    body = {"image": base64.b64encode(GOOD).decode(), "version": "reve@20260709", "content_violation": False}
    with serve(Says({**body, "credits_used": 18})) as server:
        (outcome,) = outcomes(made("reve", "latest", base_url=server.url, test_time_scaling=3))
    (asked,) = server.asked
    assert asked.path == "/v1/image/create"
    assert asked.headers["authorization"] == "Bearer reve-test-key-1234567890"
    assert asked.body == {"prompt": "three pigs", "version": "latest", "aspect_ratio": "1:1", "test_time_scaling": 3}
    assert told(outcome)["kind"] == "picture"
    assert (outcome.extra["version"], outcome.extra["credits_used"]) == ("reve@20260709", 18)


def test_a_withheld_picture_is_a_refusal():
    body = {"image": base64.b64encode(GOOD).decode(), "content_violation": True}
    with serve(Says(body)) as server:
        (outcome,) = outcomes(made("reve", "latest", base_url=server.url))
    refused = told(outcome)
    assert (refused["kind"], refused["reason"], refused["stage"]) == ("refusal", "unexplained", "picture")
