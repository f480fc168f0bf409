"""What every answer of OpenRouter becomes, in one turn and in several."""

from __future__ import annotations

import pytest
from scripted import B64, BLACK_B64, CUT_B64, PAGE, Says, serve
from telling import failure, made, outcomes, patience, picture, refusal, told

from countcheck.generators.outcome import Picture, Refusal
from countcheck.suites.samples import plan
from countcheck.suites.suite import Conversation, Suite, Turn


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-test-key-1234567890")


def answered(*pictures, text="", native="STOP", **message):
    images = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{one}"}} for one in pictures]
    choice = {
        "finish_reason": "stop",
        "native_finish_reason": native,
        "message": {"role": "assistant", "content": text, "images": images, **message},
    }
    return Says({"id": "gen-1", "model": "maker/model", "choices": [choice], "usage": {"cost": 0.02}})


def error(status, message, headers=None, **metadata):
    return Says(
        {"error": {"code": status, "message": message, **({"metadata": metadata} if metadata else {})}},
        status=status,
        headers=headers or {},
    )


CASES = {
    "success": (
        answered(B64, text="Here are three pigs."),
        picture(words="Here are three pigs.", cost=0.02, extra={"model": "maker/model"}),
    ),
    "explained block": (
        error(
            403,
            "Your chosen model requires moderation and your input was flagged",
            reasons=["violence"],
            flagged_input="three pigs",
            provider_name="x",
        ),
        refusal(
            "stated",
            "code",
            category="violence",
            words="Your chosen model requires moderation and your input was flagged",
            stage="prompt",
            cost=0.0,
        ),
    ),
    "unexplained block": (
        error(403, "Your chosen model requires moderation and your input was flagged", reasons=[], provider_name="x"),
        refusal(
            "unexplained",
            "message",
            code="403",
            words="Your chosen model requires moderation and your input was flagged",
            stage="prompt",
            cost=0.0,
        ),
    ),
    "refusal field": (
        answered(refusal="I can't help with that."),
        refusal(
            "unexplained",
            "words",
            words="I can't help with that.",
            stage="prompt",
            request_id="gen-1",
            cost=0.02,
            extra={"model": "maker/model"},
        ),
    ),
    "words only, a decline": (
        answered(text="I can't create images of that."),
        refusal(
            "unexplained",
            "words",
            words="I can't create images of that.",
            stage="prompt",
            request_id="gen-1",
            cost=0.02,
            extra={"model": "maker/model"},
        ),
    ),
    "words only, no decline": (
        answered(text="Which breed of pig would you like?"),
        refusal(
            "deflected",
            "words",
            words="Which breed of pig would you like?",
            request_id="gen-1",
            cost=0.02,
            extra={"model": "maker/model"},
        ),
    ),
    "success claim over nothing": (
        answered(text="Sure! Here are three pigs in a meadow."),
        refusal(
            "deflected",
            "words",
            words="Sure! Here are three pigs in a meadow.",
            request_id="gen-1",
            cost=0.02,
            extra={"model": "maker/model"},
        ),
    ),
    "native reason": (
        answered(native="IMAGE_SAFETY"),
        refusal(
            "unexplained", "field", code="IMAGE_SAFETY", request_id="gen-1", cost=0.02, extra={"model": "maker/model"}
        ),
    ),
    "native reason, no picture": (
        answered(native="NO_IMAGE"),
        refusal("deflected", "field", code="NO_IMAGE", request_id="gen-1", cost=0.02, extra={"model": "maker/model"}),
    ),
    "silent filter, black": (
        answered(BLACK_B64),
        refusal(
            "silent",
            "pixels",
            code="blank",
            stage="picture",
            request_id="gen-1",
            pixels=(64, 64),
            cost=0.02,
            extra={"model": "maker/model", "look": "blank"},
        ),
    ),
    "silent filter, missing": (
        answered(),
        refusal("silent", "silence", request_id="gen-1", cost=0.02, extra={"model": "maker/model"}),
    ),
    "error inside a choice": (
        Says(
            {
                "id": "gen-1",
                "choices": [{"error": {"code": 502, "message": "Provider returned error"}, "message": {"content": ""}}],
            }
        ),
        failure("transient", "status", code="502", message="Provider returned error."),
    ),
    "429": (
        error(429, "Rate limit exceeded"),
        failure("transient", "status", code="429", message="Rate limit exceeded."),
    ),
    "429 with Retry-After": (
        error(429, "Rate limit exceeded", {"retry-after": "7"}),
        failure("transient", "status", code="429", message="Rate limit exceeded.", retry_after=7.0),
    ),
    "500": (
        error(500, "Internal Server Error"),
        failure("transient", "status", code="500", message="Internal Server Error."),
    ),
    "timeout": (Says({}, seconds=2), failure("transient", "transport")),
    "reset mid-body": (Says(answered(B64).body, cut=True), failure("transient", "transport")),
    "malformed JSON": (
        Says('{"choices": ['),
        failure("damaged", "code", code="malformed_answer", message='{"choices": [.'),
    ),
    "truncated base64": (
        answered(CUT_B64),
        failure(
            "damaged",
            "pixels",
            message="the picture's base64 is damaged or cut short (Incorrect padding).",
            request_id="gen-1",
            cost=0.02,
            extra={"model": "maker/model"},
        ),
    ),
    "HTML page with 200": (Says(PAGE), failure("unknown", "", message="Bad day.")),
    "wrong key": (
        error(401, "No auth credentials found"),
        failure("closed", "message", code="401", message="No auth credentials found."),
    ),
    "exhausted quota": (
        error(402, "Insufficient credits"),
        failure("closed", "message", code="402", message="Insufficient credits."),
    ),
    "bad parameter": (
        error(400, "Input validation error: seed"),
        failure("bad_request", "status", code="400", message="Input validation error: seed."),
    ),
}


def run(answer, **settings):
    with serve(answer) as server:
        return outcomes(made("openrouter", "maker/model", base_url=server.url, **settings))


@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_becomes(name):
    answer, became = CASES[name]
    assert [told(outcome) for outcome in run(answer, timeout=patience(name))] == [became]


def test_a_conversation_shows_the_last_picture_and_all_that_was_said():
    talk = Conversation(id="talk", turns=(Turn(say="three pigs"), Turn(say="in noir"), Turn(say="three, not four")))
    script = [answered(B64, text="Here."), answered(text="I can't create that."), answered(B64)]
    with serve(script) as server:
        generator = made("openrouter", "maker/model", base_url=server.url)
        (sample,) = plan(Suite(name="s", conversations=(talk,)), generator.recipe)
        dialogue = generator.open(sample)
        kinds = [type(dialogue.say(turn.say, at, turn)) for at, turn in enumerate(talk.turns)]
        generator.close()
    assert kinds == [Picture, Refusal, Picture]
    first, second, third = (asked.body["messages"] for asked in server.asked)
    shown = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{B64}"}}]
    assert first == [{"role": "user", "content": "three pigs"}]
    assert second == [
        *first,
        {"role": "assistant", "content": "Here."},
        {"role": "user", "content": [*shown, {"type": "text", "text": "in noir"}]},
    ]
    assert third == [
        *second[:2],
        {"role": "user", "content": "in noir"},
        {"role": "assistant", "content": "I can't create that."},
        {"role": "user", "content": [*shown, {"type": "text", "text": "three, not four"}]},
    ]


def test_what_is_sent_beside_the_messages():
    with serve(CASES["wrong key"][0]) as server:
        outcomes(
            made("openrouter", "maker/model", base_url=server.url, extra={"image_config": {"aspect_ratio": "1:1"}})
        )
    body = server.asked[0].body
    assert server.asked[0].path == "/chat/completions"
    assert server.asked[0].headers["authorization"] == "Bearer sk-or-v1-test-key-1234567890"
    assert (body["model"], body["modalities"]) == ("maker/model", ["image", "text"])
    assert body["image_config"] == {"aspect_ratio": "1:1"}
