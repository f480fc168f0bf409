"""What every answer of Black Forest Labs becomes: requests are filed, then asked after."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from PIL import Image
from scripted import BLACK, GOOD, PAGE, Says, by_path, serve
from telling import failure, made, outcomes, patience, picture, refusal, samples, told


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("BFL_API_KEY", "bfl-test-key-1234567890")


def ready(sample="/sample.png"):
    return {"id": "t1", "status": "Ready", "result": {"sample": sample, "seed": 9, "prompt": "three pigs, rewritten"}}


def moderated(status, **details):
    return Says({"id": "t1", "status": status, "details": details or None, "result": None})


def detail(status, text, **headers):
    return Says({"detail": text}, status=status, headers=headers)


# What the request is answered, what looks at it are answered (the last one repeats), and what the picture is.
FILED = "filed"
CASES = {
    "success": (
        {"looks": [Says({"id": "t1", "status": "Pending"}), Says(ready())]},
        picture(rewritten="three pigs, rewritten", extra={"seed": 9}),
    ),
    "a hiccup while looking": (
        {"looks": [Says("", status=502), Says(ready())]},
        picture(rewritten="three pigs, rewritten", extra={"seed": 9}),
    ),
    "explained block": (
        {"looks": [moderated("Request Moderated", **{"Moderation Reasons": ["violence"]})]},
        refusal(
            "stated",
            "code",
            code="Request Moderated",
            category="violence",
            words="Request Moderated",
            stage="prompt",
            request_id="t1",
            cost=0.0,
        ),
    ),
    "unexplained block": (
        {"looks": [moderated("Request Moderated")]},
        refusal(
            "unexplained",
            "code",
            code="Request Moderated",
            words="Request Moderated",
            stage="prompt",
            request_id="t1",
            cost=0.0,
        ),
    ),
    "moderated picture": (
        {"looks": [moderated("Content Moderated", **{"Moderation Reasons": ["Derivative Works Filter"]})]},
        refusal(
            "stated",
            "code",
            code="Content Moderated",
            category="Derivative Works Filter",
            words="Content Moderated",
            stage="picture",
            request_id="t1",
        ),
    ),
    "silent filter, black": (
        {"looks": [Says(ready())], "sample": Says(BLACK)},
        refusal(
            "silent",
            "pixels",
            code="blank",
            stage="picture",
            request_id="t1",
            rewritten="three pigs, rewritten",
            pixels=(64, 64),
            cost=0.04,
            extra={"seed": 9},
        ),
    ),
    "silent filter, missing": (
        {"looks": [Says({"id": "t1", "status": "Ready", "result": {}})]},
        refusal("silent", "silence", request_id="t1"),
    ),
    "429": (
        {"filed": detail(429, "Too many active tasks")},
        failure("transient", "status", message="Too many active tasks."),
    ),
    "429 with Retry-After": (
        {"filed": detail(429, "Too many active tasks", **{"retry-after": "7"})},
        failure("transient", "status", message="Too many active tasks.", retry_after=7.0),
    ),
    "500": (
        {"filed": detail(500, "Internal Server Error")},
        failure("transient", "status", message="Internal Server Error."),
    ),
    "timeout": ({"filed": Says({}, seconds=2)}, failure("transient", "transport")),
    "never ready": (
        {"looks": [Says({"id": "t1", "status": "Pending"})]},
        failure("transient", "code", code="generation_timeout", message="it was not ready after 1 seconds.", raw=False),
    ),
    "reset mid-body": ({"filed": Says({"id": "t1"}, cut=True)}, failure("transient", "transport")),
    "malformed JSON": (
        {"filed": Says('{"id": "t1"')},
        failure("damaged", "code", code="malformed_answer", message='{"id": "t1".'),
    ),
    "picture cut short": (
        {"looks": [Says(ready())], "sample": Says(GOOD[: len(GOOD) // 2])},
        failure(
            "damaged",
            "pixels",
            message="the picture is damaged or cut short (image file is truncated).",
            request_id="t1",
            extra={"seed": 9},
        ),
    ),
    "picture gone": (
        {"looks": [Says(ready())], "sample": Says("gone", status=404)},
        failure("transient", "transport", request_id="t1", extra={"seed": 9}),
    ),
    "HTML page with 200": ({"filed": Says(PAGE)}, failure("unknown", "", message="Bad day.")),
    "wrong key": (
        {"filed": detail(403, "Not authenticated - Invalid Authentication")},
        failure("closed", "status", message="Not authenticated - Invalid Authentication."),
    ),
    "exhausted quota": (
        {"filed": detail(402, "Insufficient credits. Please add credits.")},
        failure("closed", "message", message="Insufficient credits. Please add credits."),
    ),
    "bad parameter": (
        {
            "filed": Says(
                {
                    "detail": [
                        {"loc": ["body", "width"], "msg": "Input should be less than 1440", "type": "less_than_equal"}
                    ]
                },
                status=422,
            )
        },
        failure("bad_request", "status", code="less_than_equal", message="Input should be less than 1440."),
    ),
    "broken task": (
        {"looks": [Says({"id": "t1", "status": "Error", "result": None})]},
        failure("transient", "code", code="Error", message="the task ended as 'Error'.", request_id="t1"),
    ),
    "forgotten task": (
        {"looks": [Says({"id": "t1", "status": "Task not found"}, status=404)]},
        failure(
            "transient", "code", code="Task not found", message="the task ended as 'Task not found'.", request_id="t1"
        ),
    ),
    "unheard-of status": (
        {"looks": [Says({"id": "t1", "status": "Meditating"})]},
        failure("unknown", "", code="Meditating", message="the task ended as 'Meditating'.", request_id="t1"),
    ),
}


def run(answer, source="flux-2-pro", **settings):
    routes = {"sample": Says(GOOD), **answer}

    def with_addresses(asked, count):
        says = answering(asked, count)
        if isinstance(says.body, dict) and (says.body.get("result") or {}).get("sample"):
            says = replace(
                says, body={**says.body, "result": {**says.body["result"], "sample": f"{server.url}/sample.png"}}
            )
        return says

    with serve(with_addresses) as server:
        filed = Says({"id": "t1", "polling_url": f"{server.url}/looks?id=t1"})
        answering = by_path(
            **{"v1": filed, **{("v1" if name == "filed" else name): says for name, says in routes.items()}}
        )
        return outcomes(made("bfl", source, base_url=server.url, poll=0.01, **settings))


@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_becomes(name):
    answer, became = CASES[name]
    assert [told(outcome) for outcome in run(answer, timeout=patience(name))] == [became]


def test_what_is_sent_and_that_the_key_goes_to_nobody_else():
    with serve(Says({"id": "t1", "polling_url": "https://elsewhere.example/looks"})) as server:
        (outcome,) = outcomes(made("bfl", "flux-2-pro", base_url=server.url))
    (asked,) = server.asked
    assert asked.path == "/v1/flux-2-pro"
    assert asked.headers["x-key"] == "bfl-test-key-1234567890"
    seed = asked.body.pop("seed")
    assert 0 <= seed < 2**31
    assert asked.body == {
        "prompt": "three pigs",
        "output_format": "png",
        "width": 1024,
        "height": 1024,
        "safety_tolerance": 2,
    }
    assert told(outcome) == failure(
        "unknown",
        "",
        code="foreign_polling_url",
        message="asks to be called at elsewhere.example, which is not theirs.",
    )


def test_an_edit_sends_the_picture():
    with serve(Says({"detail": "stop here"}, status=422)) as server:
        generator = made("bfl", "flux-kontext-pro", base_url=server.url, aspect_ratio="1:1")
        (sample,) = samples(generator)
        generator.edit(sample, Image.new("RGB", (8, 8)), "three pigs, not four", 1, ())
        generator.close()
    body = server.asked[0].body
    assert (body["prompt"], body["aspect_ratio"], "width" in body) == ("three pigs, not four", "1:1", False)
    assert base64.b64decode(body["input_image"]).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("source", "able"), [("flux-2-pro", True), ("flux-kontext-max", True), ("flux-pro-1.1", False)]
)
def test_which_models_edit(source, able):
    assert made("bfl", source).traits.edits is able


def test_looking_again_never_files_again():
    found = run({"looks": [Says("", status=503)] * 3 + [Says(ready())]})
    assert [told(outcome)["kind"] for outcome in found] == ["picture"]


def test_flux_3_is_asked_without_seed_and_size_and_searches_nothing():
    with serve(detail(400, "stop here")) as server:
        generator = made("bfl", "flux-3-image", base_url=server.url, aspect_ratio="1:1", resolution="1k")
        outcomes(generator)
    assert server.asked[0].path == "/v1/flux-3-image"
    assert server.asked[0].body == {
        "prompt": "three pigs",
        "safety_tolerance": 2,
        "grounding": False,
        "aspect_ratio": "1:1",
        "resolution": "1k",
    }
    assert not generator.traits.seeded and not generator.traits.edits


def test_settings_of_flux_3_leave_the_recipes_of_older_models_as_they_were():
    old, new = made("bfl", "flux-2-pro").recipe, made("bfl", "flux-3-image", grounding=False).recipe
    assert {"resolution", "grounding", "version"}.isdisjoint(old.settings)
    assert new.settings["grounding"] is False
