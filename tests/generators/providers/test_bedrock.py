"""What every answer of Amazon Bedrock becomes, through boto3."""

from __future__ import annotations

import pytest
from scripted import B64, BLACK_B64, CUT_B64, PAGE, Says, serve
from telling import failure, made, outcomes, patience, picture, refusal, told

from countcheck.generators.providers.bedrock import request_body
from countcheck.generators.remote.reply import Ask


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTEST1234")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret-access-key-1234567890")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


def nova(*pictures, error=None):
    return Says({"images": list(pictures), **({"error": error} if error else {})}, headers={"x-amzn-requestid": "b1"})


def stable(picture, why):
    return Says({"seeds": [5], "finish_reasons": [why], "images": [picture]}, headers={"x-amzn-requestid": "b1"})


def error(status, kind, message, **headers):
    return Says(
        {"message": message}, status=status, headers={"x-amzn-errortype": kind, "x-amzn-requestid": "b1", **headers}
    )


NOVA, STABLE = "amazon.nova-canvas-v1:0", "stability.sd3-5-large-v1:0"
ALL = "All of the generated images have been blocked by our content filters."
SOME = "Some of the generated images have been blocked by our content filters."
CASES = {
    "success": (nova(B64), picture()),
    "explained block": (
        error(
            400,
            "ValidationException",
            "This request has been blocked by our content filters. It names violence. Please adjust your text prompt to submit a new request.",
        ),
        refusal(
            "stated",
            "message",
            code="ValidationException",
            category="violence",
            words="This request has been blocked by our content filters. It names violence. Please adjust your text prompt to submit a new request.",
            stage="prompt",
            request_id="b1",
            cost=0.0,
        ),
    ),
    "unexplained block": (
        error(
            400,
            "ValidationException",
            "This request has been blocked by our content filters. Please adjust your text prompt to submit a new request.",
        ),
        refusal(
            "unexplained",
            "message",
            code="ValidationException",
            words="This request has been blocked by our content filters. Please adjust your text prompt to submit a new request.",
            stage="prompt",
            request_id="b1",
            cost=0.0,
        ),
    ),
    "blocked pictures": (
        nova(error=ALL),
        refusal(
            "unexplained",
            "field",
            words="All of the generated images have been blocked by our content filters.",
            stage="picture",
            request_id="b1",
        ),
    ),
    "silent filter, black": (
        nova(BLACK_B64),
        refusal("silent", "pixels", code="blank", stage="picture", request_id="b1", pixels=(64, 64), cost=0.04),
    ),
    "silent filter, missing": (nova(), refusal("silent", "silence", request_id="b1")),
    "429": (
        error(429, "ThrottlingException", "Too many requests, please wait before trying again."),
        failure(
            "transient",
            "code",
            code="ThrottlingException",
            message="Too many requests, please wait before trying again.",
            request_id="b1",
        ),
    ),
    "429 with Retry-After": (
        error(
            429, "ThrottlingException", "Too many requests, please wait before trying again.", **{"retry-after": "7"}
        ),
        failure(
            "transient",
            "code",
            code="ThrottlingException",
            message="Too many requests, please wait before trying again.",
            request_id="b1",
            retry_after=7.0,
        ),
    ),
    "500": (
        error(500, "InternalServerException", "The system encountered an unexpected error."),
        failure(
            "transient",
            "code",
            code="InternalServerException",
            message="The system encountered an unexpected error.",
            request_id="b1",
        ),
    ),
    "model timeout": (
        error(408, "ModelTimeoutException", "Model has timed out in processing the request."),
        failure(
            "transient",
            "code",
            code="ModelTimeoutException",
            message="Model has timed out in processing the request.",
            request_id="b1",
        ),
    ),
    "timeout": (Says({}, seconds=2), failure("transient", "transport")),
    "reset mid-body": (Says({"images": [B64]}, cut=True), failure("transient", "transport")),
    "malformed JSON": (
        Says('{"images": ['),
        failure("damaged", "code", code="malformed_answer", message='{"images": [.'),
    ),
    "truncated base64": (
        nova(CUT_B64),
        failure(
            "damaged",
            "pixels",
            message="the picture's base64 is damaged or cut short (Incorrect padding).",
            request_id="b1",
        ),
    ),
    "HTML page with 200": (Says(PAGE), failure("unknown", "", message="Bad day.")),
    "wrong key": (
        error(403, "UnrecognizedClientException", "The security token included in the request is invalid."),
        failure(
            "closed",
            "code",
            code="UnrecognizedClientException",
            message="The security token included in the request is invalid.",
            request_id="b1",
        ),
    ),
    "no access": (
        error(403, "AccessDeniedException", "You don't have access to the model with the specified model ID."),
        failure(
            "closed",
            "code",
            code="AccessDeniedException",
            message="You don't have access to the model with the specified model ID.",
            request_id="b1",
        ),
    ),
    "exhausted quota": (
        error(400, "ServiceQuotaExceededException", "Your request exceeds the service quota for your account."),
        failure(
            "closed",
            "code",
            code="ServiceQuotaExceededException",
            message="Your request exceeds the service quota for your account.",
            request_id="b1",
        ),
    ),
    "retired model": (
        error(404, "ResourceNotFoundException", "This model version has reached the end of its life."),
        failure(
            "closed",
            "code",
            code="ResourceNotFoundException",
            message="This model version has reached the end of its life.",
            request_id="b1",
        ),
    ),
    "bad parameter": (
        error(
            400,
            "ValidationException",
            "Malformed input request: #/imageGenerationConfig/width: 1000 is not a multiple of 16.",
        ),
        failure(
            "bad_request",
            "status",
            code="ValidationException",
            message="Malformed input request: #/imageGenerationConfig/width: 1000 is not a multiple of 16.",
            request_id="b1",
        ),
    ),
}
STABLE_CASES = {
    "success": (stable(B64, None), picture(extra={"seeds": [5]})),
    "prompt": (
        stable("", "Filter reason: prompt"),
        refusal(
            "unexplained",
            "field",
            code="Filter reason: prompt",
            words="Filter reason: prompt",
            stage="prompt",
            request_id="b1",
            cost=0.0,
            extra={"seeds": [5]},
        ),
    ),
    "picture": (
        stable(BLACK_B64, "Filter reason: output image"),
        refusal(
            "unexplained",
            "field",
            code="Filter reason: output image",
            words="Filter reason: output image",
            stage="picture",
            request_id="b1",
            pixels=(64, 64),
            cost=0.04,
            extra={"seeds": [5], "look": "blank"},
        ),
    ),
    "fault": (
        stable("", "Inference error"),
        failure(
            "transient",
            "code",
            code="inference_error",
            message="Inference error.",
            request_id="b1",
            extra={"seeds": [5]},
        ),
    ),
}


def run(answer, source=NOVA, repeats=1, **settings):
    with serve(answer) as server:
        return outcomes(made("bedrock", source, base_url=server.url, **settings), repeats=repeats)


def run_stable(answer):
    return run(answer, STABLE)


@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_becomes(name):
    answer, became = CASES[name]
    assert [told(outcome) for outcome in run(answer, timeout=patience(name))] == [became]


@pytest.mark.parametrize("name", STABLE_CASES)
def test_what_an_answer_of_stabilitys_models_becomes(name):
    answer, became = STABLE_CASES[name]
    assert [told(outcome) for outcome in run_stable(answer)] == [became]


def test_pictures_left_out_are_refusals():
    found = run(nova(B64, error=SOME), repeats=2, per_request=2)
    assert [told(outcome) for outcome in found] == [
        picture(attempts=["picture+unexplained"]),
        refusal("unexplained", "field", words=SOME, stage="picture", request_id="b1", attempts=["picture+unexplained"]),
    ]


def test_fewer_pictures_than_asked_are_silent_for_the_rest():
    found = run(nova(B64), repeats=2, per_request=2)
    assert [told(outcome)["kind"] for outcome in found] == ["picture", "refusal"]
    assert told(found[1])["reason"] == "silent"


def test_what_is_sent_and_sent_once():
    with serve(CASES["429"][0]) as server:
        outcomes(made("bedrock", NOVA, base_url=server.url))
    (asked,) = server.asked
    assert asked.path == "/model/amazon.nova-canvas-v1%3A0/invoke"
    seed = asked.body["imageGenerationConfig"].pop("seed")
    assert 0 <= seed <= 858_993_459
    assert asked.body == {
        "taskType": "TEXT_IMAGE",
        "textToImageParams": {"text": "three pigs"},
        "imageGenerationConfig": {
            "numberOfImages": 1,
            "width": 1024,
            "height": 1024,
            "quality": "standard",
            "cfgScale": 6.5,
        },
    }


def test_what_is_sent_to_stabilitys_models():
    ask = Ask(text="three pigs", seed=7)
    sent = request_body(STABLE, ask, {"aspect_ratio": "1:1", "negative_prompt": "dogs"})
    assert sent == {
        "prompt": "three pigs",
        "seed": 7,
        "mode": "text-to-image",
        "aspect_ratio": "1:1",
        "output_format": "png",
        "negative_prompt": "dogs",
    }


def test_no_credentials_close_the_generator(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    found = run(nova(B64))
    assert [told(outcome) for outcome in found] == [
        failure("closed", "code", code="NoCredentialsError", message="Unable to locate credentials.")
    ]
