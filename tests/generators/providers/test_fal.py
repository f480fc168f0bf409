"""What every answer of fal becomes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image
from scripted import B64, BLACK, BLACK_B64, GOOD, PAGE, Says, by_path, serve
from telling import failure, made, outcomes, patience, picture, refusal, samples, told


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("FAL_KEY", "fal-test-id:fal-test-secret-123")


def result(*places, **other):
    images = [{"url": place, "width": 64, "height": 64, "content_type": "image/png"} for place in places]
    headers = {"x-fal-request-id": "f1", "x-fal-billable-units": "1"}
    return Says(
        {"images": images, "seed": 7, "prompt": "three pigs", "has_nsfw_concepts": [False] * len(places), **other},
        headers=headers,
    )


def detail(kind, text, status=422, **ctx):
    body = {
        "detail": [{"loc": ["body", "prompt"], "msg": text, "type": kind, "input": {}, **({"ctx": ctx} if ctx else {})}]
    }
    return Says(body, status=status, headers={"x-fal-request-id": "f1"})


def broken(status, text, kind="", **headers):
    return Says(
        {"detail": text, **({"error_type": kind} if kind else {})},
        status=status,
        headers={"x-fal-request-id": "f1", **headers},
    )


CASES = {
    "success": ({"rest": result("/out.png")}, picture(extra={"billable_units": "1", "seed": 7})),
    "success, picture inside": (
        {"rest": result("data:image/png;base64," + "GOOD")},
        picture(extra={"billable_units": "1", "seed": 7}),
    ),
    "explained block": (
        {
            "rest": detail(
                "content_policy_violation",
                "The content could not be processed because it contained material flagged by a content checker: violence.",
            )
        },
        refusal(
            "stated",
            "code",
            code="content_policy_violation",
            category="violence",
            words="The content could not be processed because it contained material flagged by a content checker: violence.",
            stage="prompt",
            request_id="f1",
            cost=0.0,
        ),
    ),
    "unexplained block": (
        {
            "rest": detail(
                "content_policy_violation",
                "The content could not be processed because it contained material flagged by a content checker.",
            )
        },
        refusal(
            "unexplained",
            "code",
            code="content_policy_violation",
            words="The content could not be processed because it contained material flagged by a content checker.",
            stage="prompt",
            request_id="f1",
            cost=0.0,
        ),
    ),
    "flagged picture": (
        {"rest": result("/out.png", has_nsfw_concepts=[True]), "out": Says(BLACK)},
        refusal(
            "stated",
            "field",
            category="sexual",
            stage="picture",
            request_id="f1",
            pixels=(64, 64),
            cost=0.04,
            extra={"billable_units": "1", "seed": 7, "look": "blank"},
        ),
    ),
    "silent filter, black": (
        {"rest": result("/out.png"), "out": Says(BLACK)},
        refusal(
            "silent",
            "pixels",
            code="blank",
            stage="picture",
            request_id="f1",
            pixels=(64, 64),
            cost=0.04,
            extra={"billable_units": "1", "seed": 7},
        ),
    ),
    "silent filter, missing": (
        {"rest": result()},
        refusal("silent", "silence", request_id="f1", extra={"billable_units": "1"}),
    ),
    "no media": (
        {"rest": detail("no_media_generated", "No media was generated")},
        refusal("deflected", "code", code="no_media_generated", words="No media was generated", request_id="f1"),
    ),
    "429": (
        {"rest": broken(429, "Reached concurrent requests limit of 10")},
        failure(
            "transient",
            "status",
            message="Reached concurrent requests limit of 10.",
            request_id="f1",
        ),
    ),
    "429 with Retry-After": (
        {"rest": broken(429, "Reached concurrent requests limit of 10", **{"retry-after": "7"})},
        failure(
            "transient",
            "status",
            message="Reached concurrent requests limit of 10.",
            request_id="f1",
            retry_after=7.0,
        ),
    ),
    "500": (
        {"rest": detail("internal_server_error", "Internal server error", status=500)},
        failure("transient", "code", code="internal_server_error", message="Internal server error.", request_id="f1"),
    ),
    "runner trouble": (
        {"rest": broken(503, "Runner disconnected", "runner_disconnected")},
        failure("transient", "code", code="runner_disconnected", message="Runner disconnected.", request_id="f1"),
    ),
    "request timeout told": (
        {"rest": broken(504, "Request timed out", "request_timeout")},
        failure("transient", "code", code="request_timeout", message="Request timed out.", request_id="f1"),
    ),
    "timeout": ({"rest": Says({}, seconds=2)}, failure("transient", "transport")),
    "reset mid-body": ({"rest": Says(result("/out.png").body, cut=True)}, failure("transient", "transport")),
    "malformed JSON": (
        {"rest": Says('{"images": [')},
        failure("damaged", "code", code="malformed_answer", message='{"images": [.'),
    ),
    "picture cut short": (
        {"rest": result("/out.png"), "out": Says(GOOD[: len(GOOD) // 2])},
        failure(
            "damaged",
            "pixels",
            message="the picture is damaged or cut short (image file is truncated).",
            request_id="f1",
            extra={"billable_units": "1", "seed": 7},
        ),
    ),
    "HTML page with 200": (
        {"rest": Says(PAGE)},
        failure("unknown", "", message="Bad day."),
    ),
    "wrong key": (
        {"rest": broken(401, "Cannot access application. Authentication is required.")},
        failure(
            "closed",
            "message",
            message="Cannot access application. Authentication is required.",
            request_id="f1",
        ),
    ),
    "exhausted quota": (
        {
            "rest": broken(
                403, "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
            )
        },
        failure(
            "closed",
            "message",
            message="User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.",
            request_id="f1",
        ),
    ),
    "bad parameter": (
        {"rest": detail("value_error", "Value error, image size too large")},
        failure(
            "bad_request", "code", code="value_error", message="Value error, image size too large.", request_id="f1"
        ),
    ),
}


def run(answer, source="fal-ai/flux/dev", repeats=1, **settings):
    def with_addresses(asked, count):
        says = answering(asked, count)
        if isinstance(says.body, dict) and says.body.get("images"):
            images = [{**image, "url": place_of(image["url"])} for image in says.body["images"]]
            says = replace(says, body={**says.body, "images": images})
        return says

    def place_of(url):
        return (
            f"data:image/png;base64,{BLACK_B64 if 'BLACK' in url else B64}"
            if url.startswith("data:")
            else server.url + url
        )

    answering = by_path(**{"out": Says(GOOD), **answer})
    with serve(with_addresses) as server:
        return outcomes(made("fal", source, base_url=server.url, **settings), repeats=repeats)


@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_becomes(name):
    answer, became = CASES[name]
    assert [told(outcome) for outcome in run(answer, timeout=patience(name))] == [became]


def test_fewer_pictures_than_asked_are_silent_for_the_rest():
    found = run({"rest": result("/out.png")}, repeats=2, per_request=2)
    extra = {"billable_units": "1"}
    assert [told(outcome) for outcome in found] == [
        picture(attempts=["picture+silent"], extra={**extra, "seed": 7}),
        refusal("silent", "silence", request_id="f1", attempts=["picture+silent"], extra=extra),
    ]


def test_each_picture_has_its_own_flag():
    found = run(
        {"rest": result("/out.png", "/black.png", has_nsfw_concepts=[False, True]), "black": Says(BLACK)},
        repeats=2,
        per_request=2,
    )
    assert [told(outcome)["kind"] for outcome in found] == ["picture", "refusal"]


def test_what_is_sent_and_sent_once():
    with serve(broken(429, "Reached concurrent requests limit of 10")) as server:
        outcomes(made("fal", "fal-ai/flux/dev", base_url=server.url, extra={"num_inference_steps": 28}))
    (asked,) = server.asked
    assert asked.path == "/fal-ai/flux/dev"
    assert asked.headers["authorization"] == "Key fal-test-id:fal-test-secret-123"
    assert asked.headers["x-fal-no-retry"] == "1"
    seed = asked.body.pop("seed")
    assert 0 <= seed < 2**31
    assert asked.body == {
        "prompt": "three pigs",
        "num_images": 1,
        "output_format": "png",
        "enable_safety_checker": True,
        "image_size": {"width": 1024, "height": 1024},
        "num_inference_steps": 28,
    }


def test_an_edit_goes_to_the_model_that_edits():
    with serve(broken(401, "no")) as server:
        generator = made(
            "fal", "fal-ai/flux/dev", base_url=server.url, edit_source="fal-ai/edit", edit_field="image_urls"
        )
        (sample,) = samples(generator)
        generator.edit(sample, Image.new("RGB", (8, 8)), "three pigs, not four", 1, ())
        generator.close()
    (asked,) = server.asked
    assert asked.path == "/fal-ai/edit"
    assert asked.body["image_urls"][0].startswith("data:image/png;base64,iVBOR")
    assert "image_size" not in asked.body
