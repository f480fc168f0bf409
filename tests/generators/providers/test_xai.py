"""What every answer of xAI becomes, through its own client and a gRPC server that speaks its messages."""

from __future__ import annotations

import grpc
import pytest
import scripted
from grpc_loopback import Says, serve
from PIL import Image
from scripted import B64, BLACK_B64, CUT_B64
from telling import failure, made, outcomes, patience, picture, refusal, samples, told
from xai_sdk.proto import image_pb2

Code = grpc.StatusCode
PREFIX = "data:image/png;base64,"


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("XAI_API_KEY", "xai-test-key-1234567890")


def image(data, fine=True):
    return image_pb2.GeneratedImage(base64=PREFIX + data if data else "", respect_moderation=fine)


def error(code, details, **trailing):
    return Says(
        code=code, details=details, trailing=tuple((name.replace("_", "-"), value) for name, value in trailing.items())
    )


CASES = {
    "success": (
        Says([image(B64)], ticks=200_000_000),
        picture(cost=0.02, extra={"model": "grok-imagine-image-quality"}),
    ),
    "explained block": (
        error(Code.INVALID_ARGUMENT, "Generated image rejected by content moderation: violence."),
        refusal(
            "stated",
            "message",
            code="INVALID_ARGUMENT",
            category="violence",
            words="Generated image rejected by content moderation: violence.",
            stage="picture",
        ),
    ),
    "unexplained block": (
        error(Code.INVALID_ARGUMENT, "Your prompt was rejected by content moderation."),
        refusal(
            "unexplained",
            "message",
            code="INVALID_ARGUMENT",
            words="Your prompt was rejected by content moderation.",
            stage="prompt",
            cost=0.0,
        ),
    ),
    "withheld picture": (
        Says([image("", fine=False)], ticks=200_000_000),
        refusal(
            "unexplained",
            "field",
            words="the picture did not respect moderation rules",
            stage="picture",
            cost=0.02,
            extra={"model": "grok-imagine-image-quality"},
        ),
    ),
    "silent filter, black": (
        Says([image(BLACK_B64)]),
        refusal(
            "silent",
            "pixels",
            code="blank",
            stage="picture",
            pixels=(64, 64),
            cost=0.04,
            extra={"model": "grok-imagine-image-quality"},
        ),
    ),
    "silent filter, missing": (Says([]), refusal("silent", "silence", extra={"model": "grok-imagine-image-quality"})),
    "silent filter, empty item": (
        Says([image("")]),
        refusal("silent", "silence", extra={"model": "grok-imagine-image-quality"}),
    ),
    "429": (
        error(Code.RESOURCE_EXHAUSTED, "Too many requests for team"),
        failure("transient", "status", code="RESOURCE_EXHAUSTED", message="Too many requests for team."),
    ),
    "429 with Retry-After": (
        error(Code.RESOURCE_EXHAUSTED, "Too many requests for team", retry_after="7"),
        failure(
            "transient", "status", code="RESOURCE_EXHAUSTED", message="Too many requests for team.", retry_after=7.0
        ),
    ),
    "500": (
        error(Code.INTERNAL, "Internal error"),
        failure("transient", "status", code="INTERNAL", message="Internal error."),
    ),
    "unavailable": (
        error(Code.UNAVAILABLE, "Service temporarily unavailable"),
        failure("transient", "code", code="UNAVAILABLE", message="Service temporarily unavailable."),
    ),
    "timeout": (Says([image(B64)], seconds=1), failure("transient", "transport")),
    "truncated base64": (
        Says([image(CUT_B64)]),
        failure(
            "damaged",
            "pixels",
            message="the picture's base64 is damaged or cut short (Incorrect padding).",
            raw=False,
            extra={"model": "grok-imagine-image-quality"},
        ),
    ),
    "malformed message": (
        Says(garbage=b"\xff\xff not a message"),
        failure("transient", "status", code="INTERNAL", message="Exception deserializing response!"),
    ),
    "wrong key": (
        error(Code.UNAUTHENTICATED, "Incorrect API key provided"),
        failure("closed", "code", code="UNAUTHENTICATED", message="Incorrect API key provided."),
    ),
    "exhausted quota": (
        error(
            Code.PERMISSION_DENIED, "Your team has used all available credits or reached its monthly spending limit."
        ),
        failure(
            "closed",
            "code",
            code="PERMISSION_DENIED",
            message="Your team has used all available credits or reached its monthly spending limit.",
        ),
    ),
    "exhausted quota told as a limit": (
        error(Code.RESOURCE_EXHAUSTED, "Your team has run out of credits."),
        failure("closed", "message", code="RESOURCE_EXHAUSTED", message="Your team has run out of credits."),
    ),
    "no such model": (
        error(Code.NOT_FOUND, "The model grok-9 does not exist"),
        failure("closed", "message", code="NOT_FOUND", message="The model grok-9 does not exist."),
    ),
    "bad parameter": (
        error(Code.INVALID_ARGUMENT, "Argument not supported: size"),
        failure("bad_request", "status", code="INVALID_ARGUMENT", message="Argument not supported: size."),
    ),
}


def run(answer, source="grok-imagine-image-quality", repeats=1, **settings):
    with serve(answer) as (host, _):
        return outcomes(made("xai", source, host=host, **settings), repeats=repeats)


@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_becomes(name):
    answer, became = CASES[name]
    assert [told(outcome) for outcome in run(answer, timeout=patience(name))] == [became]


def test_fewer_pictures_than_asked_are_silent_for_the_rest():
    found = run(Says([image(B64)], ticks=400_000_000), repeats=2, per_request=2)
    assert [told(outcome)["kind"] for outcome in found] == ["picture", "refusal"]
    assert told(found[0])["cost"] == pytest.approx(0.04)


def test_each_picture_has_its_own_flag():
    found = run(Says([image("", fine=False), image(B64)]), repeats=2, per_request=2)
    assert [told(outcome)["kind"] for outcome in found] == ["refusal", "picture"]


def test_what_is_sent_and_sent_once():
    with serve(error(Code.UNAVAILABLE, "Service temporarily unavailable")) as (host, service):
        outcomes(made("xai", "grok-imagine-image", host=host))
    (asked,) = service.asked
    assert (asked.prompt, asked.model, asked.n) == ("three pigs", "grok-imagine-image", 1)
    assert asked.format == image_pb2.ImageFormat.IMG_FORMAT_BASE64
    assert asked.aspect_ratio == image_pb2.ImageAspectRatio.IMG_ASPECT_RATIO_1_1
    assert service.keys == ["Bearer xai-test-key-1234567890"]


def test_an_edit_sends_the_picture():
    with serve(Says([image(B64)])) as (host, service):
        generator = made("xai", "grok-imagine-image", host=host)
        (sample,) = samples(generator)
        generator.edit(sample, Image.new("RGB", (8, 8)), "three pigs, not four", 1, ())
        generator.close()
    assert service.asked[0].image.image_url.startswith("data:image/png;base64,iVBOR")


@pytest.mark.parametrize("answer", [scripted.Says(scripted.PAGE), scripted.Says("half", cut=True)])
def test_a_server_that_speaks_something_else_is_a_passing_fault(answer):
    with scripted.serve(answer) as server:
        (outcome,) = outcomes(made("xai", "grok-imagine-image", host=server.url.removeprefix("http://")))
    assert (told(outcome)["kind"], told(outcome)["fault"]) == ("failure", "transient")


def test_a_setting_they_do_not_take_is_a_bad_request():
    found = run(Says([image(B64)]), aspect_ratio="7:5")
    assert [told(outcome) for outcome in found] == [
        failure("bad_request", "code", code="invalid_value", message="Invalid image aspect ratio 7:5.")
    ]
