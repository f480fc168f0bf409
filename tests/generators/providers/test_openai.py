"""OpenAI's real client against a server on this machine: every way an image or a chat answer can end."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from loopback import B64, BLACK_B64, CUT_B64, Answer, Case, Loopback, check, common_faults, draw, sample_of_talk, told

from countcheck.cards import Card, generator_cards, read_card
from countcheck.generators.providers.azure import AzureGenerator
from countcheck.generators.providers.openai import OpenAIGenerator
from countcheck.suites.suite import Turn

KEY = "sk-loopback-abcdefgh"
SUCCESS = {
    "created": 1,
    "data": [{"b64_json": B64}],
    "usage": {"input_tokens": 20, "output_tokens": 272, "total_tokens": 292},
}


CLIENTS = {}


@pytest.fixture(scope="module")
def server():
    with Loopback() as running:
        yield running
    for client in CLIENTS.values():
        client.close()


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)


def images(server, model="gpt-image-2", **settings):
    plain = {"base_url": server.url + "/v1", "key_env": "OPENAI_API_KEY", "api": "images", "first_wait": 0.001}
    return OpenAIGenerator(
        Card(name=f"openai:{model}", family="openai", source=model, price=0.01, settings={**plain, **settings})
    )


def chat(server, **settings):
    return images(server, "gpt-5.6", api="responses", **settings)


def error(status, code=None, message="", kind="invalid_request_error", **more):
    body = {"error": {"message": message, "type": kind, "param": None, "code": code, **more}}
    return Answer(status, body, {"x-request-id": "req_1"})


def response(*output, status="completed", **more):
    return {"id": "resp_1", "object": "response", "status": status, "model": "gpt-5.6", "output": list(output), **more}


def call(result=B64, status="completed", **more):
    return {"type": "image_generation_call", "id": "ig_1", "status": status, "result": result, **more}


def said(text, kind="output_text"):
    field = "refusal" if kind == "refusal" else "text"
    return {
        "type": "message",
        "id": "m",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": kind, field: text}],
    }


def refusal(reason, category="", **more):
    return {"ended": "refusal", "reason": reason, "category": category, **more}


BLOCKED = "Your request was rejected by the safety system."
STAGE_OUT = {"moderation_details": {"moderation_stage": "output", "categories": ["violence"]}}
REFUSED = "I'm sorry, but I can’t create that image."

EITHER = [
    Case("wrong key", (error(401, "invalid_api_key", "Incorrect API key provided: sk-loopback-abcdefgh."),),
         {"ended": "failure", "fault": "closed", "code": "invalid_api_key", "message": "Incorrect API key provided: [key].", "attempts": 1, "request_id": "req_1"}),
    Case("exhausted quota", (error(429, "credit_balance_exhausted", "You exceeded your current quota.", "insufficient_quota"),),
         {"ended": "failure", "fault": "closed", "code": "credit_balance_exhausted", "attempts": 1}),
    Case("a spent limit with the type of a moderation block", (error(400, "billing_hard_limit_reached", "Billing hard limit has been reached", "image_generation_user_error"),),
         {"ended": "failure", "fault": "closed"}),
    Case("an unverified organisation", (error(403, None, "Your organization must be verified to use the model `gpt-image-2`."),),
         {"ended": "failure", "fault": "closed"}),
    Case("a model that is gone", (error(404, "model_not_found", "The model does not exist"),), {"ended": "failure", "fault": "closed"}),
    Case("a parameter with the type of a moderation block", (error(400, "unknown_parameter", "Unknown parameter: 'sise'.", "image_generation_user_error"),),
         {"ended": "failure", "fault": "bad_request", "code": "unknown_parameter", "attempts": 1}),
    Case("overloaded", (error(503, "server_is_overloaded", "slow down"),), {"ended": "failure", "fault": "transient", "attempts": 5}),
    Case("JSON of no known shape", (Answer(200, ["what"]),), {"ended": "failure", "fault": "unknown", "raw": '["what"]'}),
]  # fmt: skip

IMAGES = [
    Case("success", (Answer(200, SUCCESS, {"x-request-id": "req_9"}),), {"ended": "picture", "size": (64, 64), "cost": 0.01, "words": "", "attempts": 1, "statuses": (200,)}),
    Case("explained block", (error(400, "moderation_blocked", BLOCKED, "image_generation_user_error", **STAGE_OUT),),
         refusal("stated", "violence", code="moderation_blocked", stage="picture", words=BLOCKED, request_id="req_1", attempts=1)),
    Case("explained in the sentence alone", (error(400, "moderation_blocked", BLOCKED + " safety_violations=[sexual,violence]."),), refusal("stated", "sexual, violence")),
    Case("unexplained block", (error(400, "moderation_blocked", BLOCKED),), refusal("unexplained", code="moderation_blocked", stage="prompt")),
    Case("a block with the code of 2024", (error(400, "content_policy_violation", "This request violates our content policy."),), refusal("unexplained")),
    Case("a block of 2023, without a code", (error(400, None, "Your request was rejected as a result of our safety system."),), refusal("unexplained")),
    Case("a guardrail that names its concern", (error(400, "moderation_blocked", "We're so sorry, but the prompt may violate our guardrails concerning similarity to third-party content."),),
         refusal("stated", "copyright", stage="prompt")),
    Case("a guardrail on the picture", (error(400, "moderation_blocked", "We're so sorry, but the image we created may violate our guardrails around nudity."),),
         refusal("stated", "sexual", stage="picture")),
    Case("a block wrapped in 500 by a gateway", (error(500, "content_policy_violation", "blocked"),), refusal("unexplained", attempts=1)),
    Case("nothing at all, twice", (Answer(200, {"created": 1, "data": []}),), refusal("silent", attempts=2)),
    Case("null data", (Answer(200, {"created": 1, "data": None}),), refusal("silent", attempts=2)),
    Case("silent filter: a black picture", (Answer(200, {"data": [{"b64_json": BLACK_B64}]}),), refusal("silent", code="blank", stage="picture", withheld=True, cost=0.01, attempts=1)),
    Case("an empty slot", (Answer(200, {"data": [{}]}),), refusal("silent")),
    Case("a slot that was moderated", (Answer(200, {"data": [{"b64_json": "", "respect_moderation": False}]}),), refusal("unexplained", code="content_filtered")),
    Case("truncated base64", (Answer(200, {"data": [{"b64_json": CUT_B64}]}),), {"ended": "failure", "fault": "damaged", "attempts": 1}),
    Case("base64 of odd length", (Answer(200, {"data": [{"b64_json": B64[:-3]}]}),), {"ended": "failure", "fault": "damaged", "attempts": 1}),
    Case("a rewritten prompt", (Answer(200, {"data": [{"b64_json": B64, "revised_prompt": "Three pigs, film noir"}]}),), {"ended": "picture", "rewritten": "Three pigs, film noir"}),
    Case("an error with 200", (Answer(200, {"error": {"code": 500, "message": "engine crashed", "type": ""}}),), {"ended": "failure", "fault": "unknown"}),
]  # fmt: skip

CHAT = [
    Case("success with words", (Answer(200, response(call(revised_prompt="3 pigs"), said("Sure, here are three pigs."))),),
         {"ended": "picture", "words": "Sure, here are three pigs.", "rewritten": "3 pigs", "attempts": 1}),
    Case("two pictures: the last is the answer", (Answer(200, response(call(BLACK_B64), call())),), {"ended": "picture"}),
    Case("explained block", (Answer(200, response(call(None, "failed", error={"code": "moderation_blocked", "message": BLOCKED, **STAGE_OUT}))),),
         refusal("stated", "violence", code="moderation_blocked", stage="picture", attempts=1)),
    Case("unexplained block", (Answer(200, response(call(None, "failed", error={"code": "moderation_blocked", "message": BLOCKED}))),), refusal("unexplained")),
    Case("a failed call without an error, twice", (Answer(200, response(call(None, "failed"))),), refusal("silent", attempts=2)),
    Case("a failed call without an error, then a picture", (Answer(200, response(call(None, "failed"))), Answer(200, response(call()))), {"ended": "picture", "attempts": 2}),
    Case("a tool call that broke", (Answer(200, response(call(None, "failed", error={"code": "server_error", "message": "try again"}))),), {"ended": "failure", "fault": "transient"}),
    Case("a refusal part", (Answer(200, response(said(REFUSED, "refusal"))),), refusal("unexplained", words=REFUSED, attempts=1)),
    Case("declined in words", (Answer(200, response(said(REFUSED))),), refusal("unexplained", words=REFUSED, attempts=1)),
    Case("declined in words, naming the area", (Answer(200, response(said("I can't create images that depict graphic violence."))),), refusal("stated", "violence")),
    Case("no means", (Answer(200, response(said("I'm a text-based model, so I can't create images."))),), refusal("capability", "capability")),
    Case("success claim over nothing", (Answer(200, response(said("Here are your three pigs!"))),), refusal("deflected", words="Here are your three pigs!")),
    Case("a question", (Answer(200, response(said("Should the pigs be pink or black?"))),), refusal("deflected")),
    Case("nothing at all, twice", (Answer(200, response()),), refusal("silent", attempts=2)),
    Case("silent filter: a black picture", (Answer(200, response(call(BLACK_B64))),), refusal("silent", code="blank", withheld=True)),
    Case("cut off by the filter", (Answer(200, response(status="incomplete", incomplete_details={"reason": "content_filter"})),), refusal("unexplained", code="content_filter")),
    Case("cut off by a limit", (Answer(200, response(status="incomplete", incomplete_details={"reason": "max_output_tokens"})),), {"ended": "failure", "fault": "bad_request"}),
    Case("failed: a policy", (Answer(200, response(status="failed", error={"code": "bio_policy", "message": "no"})),), refusal("stated", "bio_policy")),
    Case("failed: the prompt", (Answer(200, response(status="failed", error={"code": "invalid_prompt", "message": "no"})),), refusal("unexplained", code="invalid_prompt")),
    Case("failed: the server", (Answer(200, response(status="failed", error={"code": "server_error", "message": "no"})),), {"ended": "failure", "fault": "transient", "attempts": 5}),
    Case("failed: too fast", (Answer(200, response(status="failed", error={"code": "rate_limit_exceeded", "message": "no"})), Answer(200, response(call()))), {"ended": "picture", "attempts": 2}),
    Case("truncated base64", (Answer(200, response(call(CUT_B64))),), {"ended": "failure", "fault": "damaged", "attempts": 1}),
]  # fmt: skip


@pytest.mark.parametrize("case", IMAGES + EITHER + common_faults(SUCCESS), ids=lambda case: case.name)
def test_images(server, case):
    check(images(server, **case.settings), server, case)


@pytest.mark.parametrize("case", CHAT + EITHER + common_faults(response(call())), ids=lambda case: case.name)
def test_responses(server, case):
    check(chat(server, **case.settings), server, case)


def test_fewer_pictures_than_asked(server):
    server.answers(Answer(200, {"data": [{"b64_json": B64}, {"b64_json": B64}]}))
    outcomes = [told(outcome) for outcome in draw(images(server, per_request=3), 1, repeats=3)]
    assert [outcome["ended"] for outcome in outcomes] == ["picture", "picture", "refusal"]
    assert (outcomes[2]["reason"], outcomes[2]["attempts"], server.requests[0].json["n"]) == ("silent", 1, 3)


def test_what_is_sent(server):
    server.answers(Answer(200, SUCCESS))
    draw(images(server, quality="low", moderation="low", seed_field="seed", extra={"steps": 4}))
    sent = server.requests[0]
    assert sent.path == "/v1/images/generations"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert {name: sent.json[name] for name in ("model", "n", "size", "quality", "moderation", "steps")} == {
        "model": "gpt-image-2", "n": 1, "size": "1024x1024", "quality": "low", "moderation": "low", "steps": 4,
    }  # fmt: skip
    assert isinstance(sent.json["seed"], int)


def test_a_server_of_ones_own_is_never_sent_the_key(server):
    server.answers(Answer(200, SUCCESS))
    draw(images(server, key_env=""))
    assert server.requests[0].headers["authorization"] == "Bearer none"


def test_a_picture_behind_an_address_is_fetched_from_loopback_only_when_asked(server):
    server.by_path["/p.png"] = lambda request: Answer(200, __import__("base64").b64decode(B64))
    server.answers(Answer(200, {"data": [{"url": server.url + "/p.png"}]}))
    assert told(draw(images(server, loopback=True))[0])["ended"] == "picture"
    refused = told(draw(images(server))[0])
    assert (refused["fault"], refused["attempts"]) == ("transient", 1)
    assert "not https" in refused["message"]


def test_an_edit_sends_the_picture(server):
    from PIL import Image

    server.answers(Answer(200, SUCCESS))
    generator = images(server)
    outcome = generator.edit(sample_of_talk(generator), Image.new("RGB", (32, 32)), "three, not four", 1, ())
    sent = server.requests[0]
    assert (told(outcome)["ended"], sent.path) == ("picture", "/v1/images/edits")
    assert b"three, not four" in sent.body and b"\x89PNG" in sent.body


def test_a_conversation_goes_on_from_the_answer_before_and_sends_its_tools_every_turn(server):
    server.answers(
        Answer(200, {**response(call()), "id": "resp_1"}),
        Answer(200, {**response(said(REFUSED)), "id": "resp_2"}),
        Answer(200, {**response(call()), "id": "resp_3"}),
    )
    generator = chat(server)
    dialogue = generator.open(sample_of_talk(generator))
    ended = [told(dialogue.say(text, k, Turn(say=text)))["ended"] for k, text in enumerate(("pigs", "noir"))]
    dialogue.rewind()
    ended.append(told(dialogue.say("rain", 2, Turn(say="rain")))["ended"])
    sent = [request.json for request in server.requests]
    assert ended == ["picture", "refusal", "picture"]
    assert [one.get("previous_response_id") for one in sent] == [None, "resp_1", "resp_1"]
    assert all(one["tools"][0]["type"] == "image_generation" for one in sent)


FILTERED = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": True, "severity": "medium"}}
SAFE = {"hate": {"filtered": False, "severity": "safe"}}


@pytest.mark.parametrize("inner", ["inner_error", "innererror"])
@pytest.mark.parametrize("results", ["content_filter_results", "content_filter_result"])
@pytest.mark.parametrize("code", ["contentFilter", "content_filter", "content_policy_violation"])
def test_azure_names_what_it_filtered_in_many_spellings(server, inner, results, code):
    for found, reason, category in ((FILTERED, "stated", "violence"), (SAFE, "unexplained", "")):
        detail = {"code": "ResponsibleAIPolicyViolation", "revised_prompt": "3 pigs", results: found}
        server.answers(error(400, code, "Your task failed as a result of our safety system.", **{inner: detail}))
        settings = {"base_url": server.url, "first_wait": 0.001}
        outcome = told(
            draw(AzureGenerator(Card(name="azure:mine", family="azure", source="mine", settings=settings)))[0]
        )
        assert (outcome["ended"], outcome["reason"], outcome["category"], outcome["rewritten"]) == (
            "refusal",
            reason,
            category,
            "3 pigs",
        )
    assert server.requests[0].path == "/openai/v1/images/generations"


def test_azure_with_an_api_version_speaks_to_the_deployment(server):
    server.answers(Answer(200, SUCCESS))
    settings = {"base_url": server.url, "api_version": "2025-04-01-preview"}
    outcome = told(draw(AzureGenerator(Card(name="azure:mine", family="azure", source="mine", settings=settings)))[0])
    assert outcome["ended"] == "picture"
    assert server.requests[0].path == "/openai/deployments/mine/images/generations?api-version=2025-04-01-preview"


def test_an_account_that_azure_blocked_is_closed_and_not_refused(server):
    message = (
        "Your resource has been temporarily blocked because we detected behavior that may violate our content policy."
    )
    server.answers(error(403, "content_policy_violation", message))
    settings = {"base_url": server.url}
    outcome = told(draw(AzureGenerator(Card(name="azure:mine", family="azure", source="mine", settings=settings)))[0])
    assert (outcome["ended"], outcome["fault"]) == ("failure", "closed")


def test_a_null_in_extra_leaves_out_a_field_that_a_compatible_server_does_not_take(monkeypatch):
    monkeypatch.setenv("ARK_API_KEY", "sk-loopback-abcdefgh")
    with Loopback() as server:
        server.answers(Answer(400, {"error": {"code": "InvalidParameter", "message": "stop here"}}))
        card = read_card(generator_cards()["seedream-4.5"])
        settings = {**card.settings, "base_url": f"{server.url}/api/v3", "attempts": 1}
        generator = OpenAIGenerator(replace(card, settings=settings))
        draw(generator)
        generator.close()
        (sent,) = server.requests
    assert sent.path == "/api/v3/images/generations"
    assert sent.headers["authorization"] == "Bearer sk-loopback-abcdefgh"
    assert sent.json == {
        "model": "seedream-4-5-251128",
        "prompt": "three pigs, take 0",
        "size": "2048x2048",
        "response_format": "b64_json",
        "watermark": False,
        "sequential_image_generation": "disabled",
    }


def test_microsofts_own_models_are_asked_in_width_and_height_with_their_header(monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "sk-loopback-abcdefgh")
    with Loopback() as server:
        server.answers(Answer(body={"created": 1, "data": [{"b64_json": B64}]}))
        card = read_card(generator_cards()["mai-image-2.7"])
        settings = {**card.settings, "base_url": f"{server.url}/mai/v1", "loopback": True}
        generator = AzureGenerator(replace(card, settings=settings))
        (outcome,) = draw(generator)
        generator.close()
        (sent,) = server.requests
    assert told(outcome)["ended"] == "picture"
    assert sent.path == "/mai/v1/images/generations"
    assert sent.headers["api-key"] == "sk-loopback-abcdefgh"
    assert sent.json == {"model": "MAI-Image-2.7", "prompt": "three pigs, take 0", "width": 1024, "height": 1024}


def test_models_are_listed_with_the_day_of_their_end(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback-abcdefgh")
    listed = [{"id": "a", "shutdown_date": "2026-12-01"}, {"id": "b", "shutdown_date": None}, {"id": "c"}, "odd"]
    with Loopback() as server:
        server.by_path["/v1/models"] = Answer(
            body={"object": "list", "data": [*listed, {"id": "d", "shutdown_date": "?"}]}
        )
        settings = {"base_url": f"{server.url}/v1", "key_env": "OPENAI_API_KEY"}
        generator = OpenAIGenerator(Card(name="x", family="openai", source="a", settings=settings))
        assert generator.list_models() == {"a": date(2026, 12, 1), "b": None, "c": None, "d": None}
        generator.close()
