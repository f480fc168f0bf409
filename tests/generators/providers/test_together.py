"""What every answer of Together becomes, through its own client."""

from __future__ import annotations

import pytest
from PIL import Image
from scripted import B64, BLACK_B64, CUT_B64, PAGE, Says, serve
from telling import failure, made, outcomes, patience, picture, refusal, samples, told


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("TOGETHER_API_KEY", "tgp_v1_test_key_1234567890")


def result(*pictures):
    data = [{"index": place, "type": "b64_json", "b64_json": one} for place, one in enumerate(pictures)]
    return Says({"id": "i1", "model": "m", "object": "list", "data": data}, headers={"x-request-id": "r1"})


def error(status, code, kind, message, **headers):
    return Says(
        {"id": "e1", "error": {"message": message, "type": kind, "param": None, "code": code}},
        status=status,
        headers=headers,
    )


CASES = {
    "success": (result(B64), picture()),
    "explained block": (
        error(422, None, "invalid_request_error", "NSFW content detected in the prompt"),
        refusal(
            "stated",
            "message",
            code="invalid_request_error",
            category="sexual",
            words="NSFW content detected in the prompt",
            stage="prompt",
            cost=0.0,
        ),
    ),
    "unexplained block": (
        error(422, "content_policy_violation", "invalid_request_error", "Your prompt was rejected."),
        refusal(
            "unexplained",
            "code",
            code="content_policy_violation",
            words="Your prompt was rejected.",
            stage="prompt",
            cost=0.0,
        ),
    ),
    "silent filter, black": (
        result(BLACK_B64),
        refusal("silent", "pixels", code="blank", stage="picture", request_id="r1", pixels=(64, 64), cost=0.04),
    ),
    "silent filter, missing": (result(), refusal("silent", "silence", request_id="r1")),
    "silent filter, empty item": (
        Says({"id": "i1", "model": "m", "object": "list", "data": [{"index": 0}]}),
        refusal("silent", "silence"),
    ),
    "429": (
        error(429, "rate_limit_exceeded", "rate_limit", "Rate limit exceeded"),
        failure("transient", "code", code="rate_limit_exceeded", message="Rate limit exceeded."),
    ),
    "429 with Retry-After": (
        error(429, "rate_limit_exceeded", "rate_limit", "Rate limit exceeded", **{"retry-after": "7"}),
        failure("transient", "code", code="rate_limit_exceeded", message="Rate limit exceeded.", retry_after=7.0),
    ),
    "500": (
        error(500, None, "server_error", "Internal server error"),
        failure("transient", "code", code="server_error", message="Internal server error."),
    ),
    "timeout": (Says({}, seconds=2), failure("transient", "transport")),
    "reset mid-body": (Says(result(B64).body, cut=True), failure("transient", "transport")),
    "malformed JSON": (Says('{"data": ['), failure("damaged", "code", code="malformed_answer", message='{"data": [.')),
    "truncated base64": (
        result(CUT_B64),
        failure(
            "damaged",
            "pixels",
            message="the picture's base64 is damaged or cut short (Incorrect padding).",
            request_id="r1",
        ),
    ),
    "HTML page with 200": (Says(PAGE), failure("unknown", "", message="Bad day.")),
    "wrong key": (
        error(401, "invalid_api_key", "invalid_request_error", "Invalid API key provided."),
        failure("closed", "code", code="invalid_api_key", message="Invalid API key provided."),
    ),
    "exhausted quota": (
        error(402, None, "credit_limit", "Credit limit exceeded. Please add a credit card."),
        failure("closed", "message", code="credit_limit", message="Credit limit exceeded. Please add a credit card."),
    ),
    "no such model": (
        error(404, "model_not_available", "invalid_request_error", "Unable to access model x."),
        failure("closed", "status", code="model_not_available", message="Unable to access model x."),
    ),
    "bad parameter": (
        error(400, "invalid_value", "invalid_request_error", "width must be a multiple of 16"),
        failure("bad_request", "code", code="invalid_value", message="width must be a multiple of 16."),
    ),
}


def run(answer, source="black-forest-labs/FLUX.1-schnell", repeats=1, **settings):
    with serve(answer) as server:
        return outcomes(made("together", source, base_url=server.url, **settings), repeats=repeats)


@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_becomes(name):
    answer, became = CASES[name]
    assert [told(outcome) for outcome in run(answer, timeout=patience(name))] == [became]


def test_fewer_pictures_than_asked_are_silent_for_the_rest():
    found = run(result(B64), repeats=2, per_request=2)
    assert [told(outcome) for outcome in found] == [
        picture(attempts=["picture+silent"]),
        refusal("silent", "silence", request_id="r1", attempts=["picture+silent"]),
    ]


def test_what_is_sent_and_sent_once():
    with serve(CASES["429"][0]) as server:
        outcomes(
            made("together", "black-forest-labs/FLUX.1-schnell", base_url=server.url, steps=4, safety_checker=False)
        )
    (asked,) = server.asked
    assert asked.path == "/v1/images/generations"
    assert asked.headers["authorization"] == "Bearer tgp_v1_test_key_1234567890"
    seed = asked.body.pop("seed")
    assert 0 <= seed < 2**31
    assert asked.body == {
        "model": "black-forest-labs/FLUX.1-schnell",
        "prompt": "three pigs",
        "n": 1,
        "width": 1024,
        "height": 1024,
        "steps": 4,
        "response_format": "base64",
        "output_format": "png",
        "disable_safety_checker": True,
    }


@pytest.mark.parametrize(
    ("source", "field"),
    [("black-forest-labs/FLUX.1-kontext-pro", "image_url"), ("black-forest-labs/FLUX.2-pro", "reference_images")],
)
def test_an_edit_sends_the_picture_as_the_model_wants_it(source, field):
    with serve(CASES["wrong key"][0]) as server:
        generator = made("together", source, base_url=server.url)
        (sample,) = samples(generator)
        generator.edit(sample, Image.new("RGB", (8, 8)), "three pigs, not four", 1, ())
        generator.close()
    sent = server.asked[0].body[field]
    assert (sent if isinstance(sent, str) else sent[0]).startswith("data:image/png;base64,iVBOR")


def test_models_that_only_draw_do_not_edit():
    assert not made("together", "black-forest-labs/FLUX.1-schnell").traits.edits
