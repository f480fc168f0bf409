"""What every answer of Ideogram becomes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scripted import BLACK, GOOD, PAGE, Says, by_path, serve
from telling import failure, made, outcomes, patience, picture, refusal, told

from countcheck.errors import BadSettings


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("IDEOGRAM_API_KEY", "ideogram-test-key-1234567890")


def item(safe=True, **other):
    return {
        "url": "/out.png" if safe else None,
        "is_image_safe": safe,
        "seed": 5,
        "resolution": "1024x1024",
        "prompt": "three pigs",
        "style_type": "GENERAL",
        **other,
    }


def drawn(*items):
    return {"rest": Says({"created": "2026-11-01T00:00:00Z", "data": list(items)})}


def error(status, text, **headers):
    return {"rest": Says({"error": text}, status=status, headers=headers)}


CASES = {
    "success": (drawn(item()), picture(extra={"seed": 5})),
    "prompt rewritten": (
        drawn(item(prompt="three pink pigs in a meadow")),
        picture(rewritten="three pink pigs in a meadow", extra={"seed": 5}),
    ),
    "explained block": (
        error(422, "Prompt failed the safety checks: violence"),
        refusal(
            "stated",
            "message",
            category="violence",
            words="Prompt failed the safety checks: violence",
            stage="prompt",
            cost=0.0,
        ),
    ),
    "unexplained block": (
        error(422, "Prompt or provided image failed the safety checks"),
        refusal(
            "unexplained",
            "message",
            words="Prompt or provided image failed the safety checks",
            stage="prompt",
            cost=0.0,
        ),
    ),
    "unsafe picture": (
        drawn(item(safe=False)),
        refusal(
            "unexplained", "field", words="the picture failed the safety checks", stage="picture", extra={"seed": 5}
        ),
    ),
    "silent filter, black": (
        {**drawn(item()), "out": Says(BLACK)},
        refusal(
            "silent",
            "pixels",
            code="blank",
            stage="picture",
            pixels=(64, 64),
            cost=0.04,
            extra={"seed": 5, "look": "blank"},
        ),
    ),
    "silent filter, missing": (drawn(), refusal("silent", "silence")),
    "429": (error(429, "Too many requests"), failure("transient", "status", message="Too many requests.")),
    "429 with Retry-After": (
        error(429, "Too many requests", **{"retry-after": "7"}),
        failure("transient", "status", message="Too many requests.", retry_after=7.0),
    ),
    "500": (error(500, "Internal error"), failure("transient", "status", message="Internal error.")),
    "timeout": ({"rest": Says({}, seconds=2)}, failure("transient", "transport")),
    "reset mid-body": ({"rest": Says(drawn(item())["rest"].body, cut=True)}, failure("transient", "transport")),
    "malformed JSON": (
        {"rest": Says('{"data": [')},
        failure("damaged", "code", code="malformed_answer", message='{"data": [.'),
    ),
    "picture cut short": (
        {**drawn(item()), "out": Says(GOOD[: len(GOOD) // 2])},
        failure(
            "damaged",
            "pixels",
            message="the picture is damaged or cut short (image file is truncated).",
            extra={"seed": 5},
        ),
    ),
    "HTML page with 200": ({"rest": Says(PAGE)}, failure("unknown", "", message="Bad day.")),
    "wrong key": (error(401, "Invalid API key"), failure("closed", "message", message="Invalid API key.")),
    "exhausted quota": (
        error(402, "Insufficient credits"),
        failure("closed", "message", message="Insufficient credits."),
    ),
    "bad parameter": (
        error(400, "Invalid aspect_ratio"),
        failure("bad_request", "status", message="Invalid aspect_ratio."),
    ),
}


def run(answer, source="v3", repeats=1, **settings):
    def with_addresses(asked, count):
        says = answering(asked, count)
        data = says.body.get("data") if isinstance(says.body, dict) else None
        if data:
            data = [{**one, "url": server.url + one["url"]} if one["url"] else one for one in data]
            says = replace(says, body={**says.body, "data": data})
        return says

    answering = by_path(**{"out": Says(GOOD), **answer})
    with serve(with_addresses) as server:
        return outcomes(made("ideogram", source, base_url=server.url, **settings), repeats=repeats)


@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_becomes(name):
    answer, became = CASES[name]
    assert [told(outcome) for outcome in run(answer, timeout=patience(name))] == [became]


def test_each_picture_has_its_own_flag():
    found = run(drawn(item(), item(safe=False)), repeats=2, per_request=2)
    assert [told(outcome)["kind"] for outcome in found] == ["picture", "refusal"]


def test_fewer_pictures_than_asked_are_silent_for_the_rest():
    found = run(drawn(item()), repeats=2, per_request=2)
    assert [told(outcome)["kind"] for outcome in found] == ["picture", "refusal"]
    assert told(found[1])["reason"] == "silent"


@pytest.mark.parametrize(("source", "field"), [("v3", "prompt"), ("v4", "text_prompt")])
def test_what_is_sent(source, field):
    with serve(Says({"error": "stop here"}, status=400)) as server:
        outcomes(made("ideogram", source, base_url=server.url))
    (asked,) = server.asked
    assert asked.path == f"/v1/ideogram-{source}/generate"
    assert asked.headers["api-key"] == "ideogram-test-key-1234567890"
    for name, value in {field: "three pigs", "magic_prompt": "OFF", "num_images": "1", "aspect_ratio": "1x1"}.items():
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in asked.body


def test_a_model_they_do_not_serve_is_refused_before_anything_is_sent():
    with pytest.raises(BadSettings, match="Choose from v3, v4"):
        made("ideogram", "v1")
