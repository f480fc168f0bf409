"""What every answer of AUTOMATIC1111 and Forge becomes."""

from __future__ import annotations

import json

import pytest
from scripted import B64, BLACK_B64, CUT_B64, PAGE, Says, serve
from telling import failure, made, outcomes, patience, picture, refusal, told

from countcheck.errors import BadSettings


def drawn(*pictures, **info):
    return Says(
        {
            "images": list(pictures),
            "parameters": {},
            "info": json.dumps({"all_seeds": [7, 8, 9], "index_of_first_image": 0, **info}),
        }
    )


def error(status, kind, errors="", detail="", **headers):
    return Says({"error": kind, "detail": detail, "body": "", "errors": errors}, status=status, headers=headers)


CASES = {
    "success": (drawn(B64, sd_model_name="v1-5"), picture(extra={"sd_model_name": "v1-5", "seed": 7})),
    "a grid before the picture": (drawn(BLACK_B64, B64, index_of_first_image=1), picture(extra={"seed": 7})),
    "info that cannot be read": (Says({"images": [B64], "parameters": {}, "info": "{"}), picture()),
    "silent filter, black": (
        drawn(BLACK_B64),
        refusal("silent", "pixels", code="blank", stage="picture", pixels=(64, 64), cost=0.04, extra={"seed": 7}),
    ),
    "silent filter, missing": (drawn(), refusal("silent", "silence")),
    "explained block": (
        error(400, "ValueError", "NSFW content detected by the filter extension"),
        refusal(
            "stated", "message", category="sexual", words="ValueError: NSFW content detected by the filter extension"
        ),
    ),
    "unexplained block": (
        error(400, "ValueError", "Prompt blocked by the safety filter"),
        refusal("unexplained", "message", words="ValueError: Prompt blocked by the safety filter"),
    ),
    "429": (Says("busy", status=429), failure("transient", "status", message="busy.")),
    "429 with Retry-After": (
        Says("busy", status=429, headers={"retry-after": "7"}),
        failure("transient", "status", message="busy.", retry_after=7.0),
    ),
    "500": (
        error(500, "RuntimeError", "Expected all tensors to be on the same device"),
        failure("transient", "status", message="RuntimeError: Expected all tensors to be on the same device."),
    ),
    "NaN": (
        error(500, "NansException", "A tensor with all NaNs was produced in VAE."),
        failure("transient", "status", message="NansException: A tensor with all NaNs was produced in VAE."),
    ),
    "out of memory": (
        error(500, "OutOfMemoryError", "CUDA out of memory."),
        failure("transient", "status", message="OutOfMemoryError: CUDA out of memory."),
    ),
    "timeout": (Says({}, seconds=2), failure("transient", "transport")),
    "reset mid-body": (Says({"images": [B64]}, cut=True), failure("transient", "transport")),
    "malformed JSON": (
        Says('{"images": ['),
        failure("damaged", "code", code="malformed_answer", message='{"images": [.'),
    ),
    "truncated base64": (
        drawn(CUT_B64),
        failure(
            "damaged",
            "pixels",
            message="the picture's base64 is damaged or cut short (Incorrect padding).",
            extra={"seed": 7},
        ),
    ),
    "HTML page with 200": (Says(PAGE), failure("unknown", "", message="Bad day.")),
    "wrong login": (
        Says({"detail": "Incorrect username or password"}, status=401),
        failure("closed", "message", message="Incorrect username or password."),
    ),
    "started without its interface": (
        Says({"detail": "Not Found"}, status=404),
        failure("closed", "status", message="Not Found."),
    ),
    "bad parameter": (
        Says(
            {
                "detail": [
                    {"loc": ["body", "steps"], "msg": "value is not a valid integer", "type": "type_error.integer"}
                ]
            },
            status=422,
        ),
        failure("bad_request", "status", code="type_error.integer", message="value is not a valid integer."),
    ),
}


def run(answer, source="", repeats=1, **settings):
    with serve(answer) as server:
        return outcomes(made("a1111", source, base_url=server.url, **settings), repeats=repeats)


@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_becomes(name):
    answer, became = CASES[name]
    assert [told(outcome) for outcome in run(answer, timeout=patience(name))] == [became]


def test_fewer_pictures_than_asked_are_silent_for_the_rest():
    found = run(drawn(B64), repeats=2, per_request=2)
    assert [told(outcome)["kind"] for outcome in found] == ["picture", "refusal"]
    assert told(found[1])["reason"] == "silent"


def test_what_is_sent(monkeypatch):
    monkeypatch.setenv("WEBUI_LOGIN", "me:secret-word")
    with serve(drawn(B64)) as server:
        settings = {"key_env": "WEBUI_LOGIN", "extra": {"restore_faces": False}}
        outcomes(made("a1111", "model.safetensors", base_url=server.url, **settings))
    (asked,) = server.asked
    assert asked.path == "/sdapi/v1/txt2img"
    assert asked.headers["authorization"] == "Basic bWU6c2VjcmV0LXdvcmQ="
    body = asked.body
    assert 0 <= body["seed"] < 2**31
    assert (body["prompt"], body["batch_size"], body["restore_faces"]) == ("three pigs", 1, False)
    assert body["override_settings"] == {"sd_model_checkpoint": "model.safetensors"}


def test_an_address_that_is_none_is_refused():
    with pytest.raises(BadSettings, match="base_url is 'localhost:7860'"):
        _ = made("a1111", "", base_url="localhost:7860").client


def test_the_server_may_be_named_by_its_address():
    with serve(drawn(B64)) as server:
        (outcome,) = outcomes(made("a1111", server.url))
    assert told(outcome)["kind"] == "picture"
    assert "override_settings" not in server.asked[0].body
