"""What every answer of Stability's service becomes."""

from __future__ import annotations

import pytest
from scripted import B64, BLACK_B64, CUT_B64, PAGE, Says, serve
from telling import failure, made, outcomes, patience, picture, refusal, told

from countcheck.errors import BadSettings, GeneratorClosed


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("STABILITY_API_KEY", "sk-stability-test-key-1234567890")


def good(image=B64, finish="SUCCESS"):
    return Says({"image": image, "finish_reason": finish, "seed": 3})


def error(status, name, *errors, **headers):
    return Says({"id": "e1", "name": name, "errors": list(errors)}, status=status, headers=headers)


CASES = {
    "success": (good(), picture(extra={"seed": 3})),
    "explained block": (
        error(403, "content_moderation", "Your request was flagged by our content moderation system: violence."),
        refusal(
            "stated",
            "code",
            code="content_moderation",
            category="violence",
            words="Your request was flagged by our content moderation system: violence.",
            stage="prompt",
            cost=0.0,
        ),
    ),
    "unexplained block": (
        error(
            403,
            "content_moderation",
            "Your request was flagged by our content moderation system, as a result your request was denied.",
        ),
        refusal(
            "unexplained",
            "code",
            code="content_moderation",
            words="Your request was flagged by our content moderation system, as a result your request was denied.",
            stage="prompt",
            cost=0.0,
        ),
    ),
    "withheld picture": (
        good(finish="CONTENT_FILTERED"),
        refusal(
            "unexplained",
            "field",
            code="CONTENT_FILTERED",
            stage="picture",
            pixels=(64, 64),
            cost=0.04,
            extra={"seed": 3},
        ),
    ),
    "silent filter, black": (
        good(BLACK_B64),
        refusal("silent", "pixels", code="blank", stage="picture", pixels=(64, 64), cost=0.04, extra={"seed": 3}),
    ),
    "silent filter, missing": (
        Says({"finish_reason": "SUCCESS", "seed": 3}),
        refusal("silent", "silence", extra={"seed": 3}),
    ),
    "429": (
        error(429, "rate_limit_exceeded", "You have exceeded the rate limit."),
        failure("transient", "code", code="rate_limit_exceeded", message="You have exceeded the rate limit."),
    ),
    "429 with Retry-After": (
        error(429, "rate_limit_exceeded", "You have exceeded the rate limit.", **{"retry-after": "7"}),
        failure(
            "transient",
            "code",
            code="rate_limit_exceeded",
            message="You have exceeded the rate limit.",
            retry_after=7.0,
        ),
    ),
    "500": (
        error(500, "internal_error", "An unexpected server error has occurred."),
        failure("transient", "code", code="internal_error", message="An unexpected server error has occurred."),
    ),
    "timeout": (Says({}, seconds=2), failure("transient", "transport")),
    "reset mid-body": (Says({"image": B64}, cut=True), failure("transient", "transport")),
    "malformed JSON": (
        Says('{"image": "iVBOR'),
        failure("damaged", "code", code="malformed_answer", message='{"image": "iVBOR.'),
    ),
    "truncated base64": (
        good(CUT_B64),
        failure(
            "damaged",
            "pixels",
            message="the picture's base64 is damaged or cut short (Incorrect padding).",
            extra={"seed": 3},
        ),
    ),
    "HTML page with 200": (Says(PAGE), failure("unknown", "", message="Bad day.")),
    "wrong key": (
        error(401, "unauthorized", "authorization: invalid or missing header value"),
        failure("closed", "code", code="unauthorized", message="authorization: invalid or missing header value."),
    ),
    "exhausted quota": (
        error(402, "payment_required", "You lack sufficient credits to make this request."),
        failure("closed", "code", code="payment_required", message="You lack sufficient credits to make this request."),
    ),
    "other 403": (
        error(403, "forbidden", "You may not use this model."),
        failure("closed", "status", code="forbidden", message="You may not use this model."),
    ),
    "bad parameter": (
        error(400, "bad_request", "aspect_ratio: must be one of ..."),
        failure("bad_request", "status", code="bad_request", message="aspect_ratio: must be one of ..."),
    ),
}


def run(answer, repeats=1, **settings):
    with serve(answer) as server:
        return outcomes(made("stability", "core", base_url=server.url, **settings), repeats=repeats)


@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_becomes(name):
    answer, became = CASES[name]
    assert [told(outcome) for outcome in run(answer, timeout=patience(name))] == [became]


def test_a_passing_fault_is_tried_again_by_us_alone():
    with serve([CASES["429"][0], good()]) as server:
        (outcome,) = outcomes(made("stability", "core", base_url=server.url, attempts=2))
    assert told(outcome) == picture(extra={"seed": 3}, attempts=["transient rate_limit_exceeded", "picture"])
    assert len(server.asked) == 2


def test_what_is_sent():
    with serve(good()) as server:
        outcomes(made("stability", "sd3.5-large", base_url=server.url, negative_prompt="dogs"))
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/v2beta/stable-image/generate/sd3")
    assert asked.headers["authorization"] == "Bearer sk-stability-test-key-1234567890"
    for field, value in {
        "prompt": "three pigs",
        "model": "sd3.5-large",
        "negative_prompt": "dogs",
        "aspect_ratio": "1:1",
    }.items():
        assert f'name="{field}"\r\n\r\n{value}\r\n'.encode() in asked.body
    assert b"cfg_scale" not in asked.body


def test_a_model_they_do_not_serve_is_refused_before_anything_is_sent():
    with pytest.raises(BadSettings, match="Choose from core, ultra"):
        made("stability", "sdxl")


def test_no_key_is_said_before_anything_is_sent(monkeypatch):
    monkeypatch.delenv("STABILITY_API_KEY")
    with pytest.raises(GeneratorClosed, match="STABILITY_API_KEY is not set"):
        _ = made("stability", "core").client
