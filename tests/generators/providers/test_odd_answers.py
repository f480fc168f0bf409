"""Answers that an empty place, a status or an echo would misread, through the real clients: an error said anywhere in an
answer counts, a picture in any shape is a picture, a limit that says when it ends is waited for.

The answers are files of ``tests/generators/answers``; ``@B64@`` stands for a picture, ``@PORT@`` for the server's port.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from loopback import B64, PNG, Answer, Loopback, draw

from countcheck.cards import Card
from countcheck.generators.outcome import Failure, Picture, Refusal
from countcheck.registry import load_generator_class

ANSWERS = Path(__file__).parents[1] / "answers"
QUICK = {"timeout": 30, "attempts": 1, "first_wait": 0.001, "loopback": True}


@pytest.fixture
def server(monkeypatch):
    for name in ("SERVICE_KEY", "REPLICATE_API_TOKEN", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, "sk-loopback-service")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    with Loopback() as running:
        yield running


def filled(value, server):
    """The answer with its picture and the server's port in it."""
    text = json.dumps(value).replace("@B64@", B64).replace("@PORT@", str(urlsplit(server.url).port))
    return json.loads(text.replace("18765", str(urlsplit(server.url).port)))


def answer_of(plan, server):
    return Answer(plan.get("status", 200), filled(plan.get("body"), server), plan.get("headers", {}))


def serve(server, name):
    """Let the server answer as the file says."""
    plan = json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))
    if isinstance(plan, dict) and "routes" in plan:

        def by_route(request):
            if "/picture" in request.path:
                return Answer(200, PNG, {"content-type": "image/png"})
            route = next((path for path in plan["routes"] if path in request.path), None)
            found = plan["routes"].get(route, {"status": 404, "body": {}})
            return answer_of(found[0] if isinstance(found, list) else found, server)

        server.answers(by_route)
    elif isinstance(plan, dict) and "until" in plan:
        shorter = json.loads(json.dumps(plan["before"]).replace("22", "1"))
        server.answers(answer_of(shorter, server), answer_of(plan["after"], server))
    else:
        server.answers(*(answer_of(one, server) for one in (plan if isinstance(plan, list) else [plan])))


def generator_for(family, server, **more):
    settings = dict(QUICK)
    source = "example/model"
    if family == "openai":
        settings |= {"base_url": f"{server.url}/v1", "key_env": "SERVICE_KEY"}
    elif family == "responses":
        family, source = "openai", "gpt-5.6"
        settings |= {"base_url": f"{server.url}/v1", "key_env": "SERVICE_KEY", "api": "responses"}
    elif family == "google":
        source = "gemini-3.1-flash-image"
        settings |= {"base_url": server.url}
    elif family == "comfyui":
        source = "sd15.safetensors"
        settings |= {"base_url": server.url, "poll": 0.01}
    elif family == "replicate":
        settings |= {"base_url": server.url, "poll": 0.01}
    card = Card(name=f"{family}:{source}", family=family, source=source, settings={**settings, **more})
    return load_generator_class(family)(card)


def outcome_of(family, name, server, **more):
    serve(server, name)
    generator = generator_for(family, server, **more)
    try:
        (outcome,) = draw(generator)
    finally:
        generator.close()
    return outcome


FAILURES = [
    ("openai", "err200_rate_emptydata", "transient", "Rate limit reached"),
    ("openai", "err200_rate_nulldata", "transient", "too many requests"),
    ("openai", "err200_quota_emptydata", "closed", "exceeded your current quota"),
    ("openai", "gw_nested_rate", "transient", "Rate limit is exceeded"),
    ("openai", "oa_echo400", "bad_request", "Invalid size"),
    ("google", "g_limit_words", "transient", "daily limit"),
    ("responses", "resp_limit", "transient", "rate limited"),
    ("comfyui", "cf_node_errors", "closed", "ckpt_name: 'sd15.safetensors' not in ['other.safetensors']"),
    ("comfyui", "cf_api_unauth", "closed", "Please login first"),
]


@pytest.mark.parametrize(("family", "name", "fault", "message"), FAILURES, ids=[name for _, name, _, _ in FAILURES])
def test_what_broke_is_a_failure(server, family, name, fault, message):
    outcome = outcome_of(family, name, server)
    assert isinstance(outcome, Failure), outcome
    assert (str(outcome.fault), message in outcome.message) == (fault, True), outcome


REFUSALS = [
    ("openai", "mod200_error", "unexplained", "", "unknown"),
    ("openai", "mod200_datanull", "stated", "violence", "unknown"),
    ("openai", "err200_minimax_sensitive", "unexplained", "", "prompt"),
    ("openai", "gw_nested_refusal", "stated", "violence", "prompt"),
    ("google", "g_unsafe_reason", "unexplained", "", "unknown"),
    ("openai", "zhipu_sensitive", "unexplained", "", "unknown"),
]


@pytest.mark.parametrize(
    ("family", "name", "reason", "category", "stage"), REFUSALS, ids=[name for _, name, *_ in REFUSALS]
)
def test_what_was_refused_is_a_refusal_with_its_reason(server, family, name, reason, category, stage):
    outcome = outcome_of(family, name, server)
    assert isinstance(outcome, Refusal), outcome
    assert (str(outcome.reason), outcome.category, str(outcome.stage)) == (reason, category, stage)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("family", "name"),
    [("openai", "data_other_field"), ("openai", "data_image_url_obj"), ("replicate", "rep_dict")],
)
def test_a_picture_in_an_unknown_field_is_a_picture(server, family, name):
    assert isinstance(outcome_of(family, name, server), Picture)


@pytest.mark.parametrize("name", ["oa_wait22", "oa_reset22", "oa_retryafter22"])
def test_a_limit_that_says_when_it_ends_is_waited_for(server, name):
    outcome = outcome_of("openai", name, server, attempts=2)
    assert isinstance(outcome, Picture)
    assert [attempt.status for attempt in outcome.attempts] == [429, 200]


OWN_SHAPES = [
    ({"data": [], "error": "Insufficient balance"}, "failure closed"),
    ({"images": [{"file": {"url": f"data:image/png;base64,{B64}"}}]}, "picture"),
    ({"artifacts": [{"base64": B64, "finishReason": "SUCCESS"}]}, "picture"),
    ({"result": {"sample": "/files/a.png"}}, "picture"),
    ({"id": "t1", "status": "queued"}, "failure unknown"),
    ({"data": [{"asset_ref": "abc"}]}, "failure unknown"),
    ({"created": 1, "data": []}, "refusal silent"),
    ({"error": {"message": '{"error": {"message": "{\\"code\\": \\"prompt_blocked\\"}"}}'}}, "refusal unexplained"),
    ({"code": 1301, "msg": "提示词含有违禁内容", "data": None}, "refusal unexplained"),
    ({"success": False, "message": "Bild kann nicht erstellt werden"}, "refusal unexplained"),
]


@pytest.mark.parametrize(("body", "ended"), OWN_SHAPES, ids=[str(body)[:40] for body, _ in OWN_SHAPES])
def test_more_shapes_of_the_same_kinds(server, body, ended):
    server.by_path["/files/a.png"] = Answer(200, PNG, {"content-type": "image/png"})
    server.answers(Answer(200, body))
    generator = generator_for("openai", server, attempts=1)
    (outcome,) = draw(generator)
    generator.close()
    kind = type(outcome).__name__.lower()
    named = {"picture": "", "refusal": getattr(outcome, "reason", ""), "failure": getattr(outcome, "fault", "")}[kind]
    assert f"{kind} {named}".strip() == ended, outcome
    if "unknown" in ended:
        assert outcome.raw
