"""What every answer of Hugging Face's providers becomes, through the hub's own client."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from PIL import Image
from scripted import B64, BLACK, BLACK_B64, CUT_B64, GOOD, PAGE, Says, by_path, serve
from telling import failure, made, outcomes, patience, picture, refusal, samples, told

from countcheck.generators.outcome import Fault
from countcheck.generators.providers.huggingface import reply_of_hub_error
from countcheck.generators.refusals.classify import read


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_testkey1234567890")
    # The tests as a whole keep the hub away; its client may speak to this machine.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


def error(status, text, **headers):
    return Says({"error": text}, status=status, headers={"x-request-id": "h1", **headers})


# An endpoint of one's own, by its URL: the picture's bytes come as they are.
CASES = {
    "success": (Says(GOOD), picture()),
    "explained block": (
        error(400, "The prompt was rejected by the safety checker: violence."),
        refusal(
            "stated",
            "message",
            code="BadRequestError",
            category="violence",
            words="The prompt was rejected by the safety checker: violence.",
            stage="prompt",
            request_id="h1",
            cost=0.0,
        ),
    ),
    "unexplained block": (
        error(400, "The prompt was rejected by the safety checker."),
        refusal(
            "unexplained",
            "message",
            code="BadRequestError",
            words="The prompt was rejected by the safety checker.",
            stage="prompt",
            request_id="h1",
            cost=0.0,
        ),
    ),
    "silent filter, black": (
        Says(BLACK),
        refusal("silent", "pixels", code="blank", stage="picture", pixels=(64, 64), cost=0.04),
    ),
    "429": (
        error(429, "Rate limit reached"),
        failure("transient", "status", code="HfHubHTTPError", message="Rate limit reached.", request_id="h1"),
    ),
    "429 with Retry-After": (
        error(429, "Rate limit reached", **{"retry-after": "7"}),
        failure(
            "transient",
            "status",
            code="HfHubHTTPError",
            message="Rate limit reached.",
            request_id="h1",
            retry_after=7.0,
        ),
    ),
    "500": (
        error(500, "Internal server error"),
        failure("transient", "status", code="HfHubHTTPError", message="Internal server error.", request_id="h1"),
    ),
    "model is loading": (
        error(503, "Model is currently loading"),
        failure("transient", "status", code="HfHubHTTPError", message="Model is currently loading.", request_id="h1"),
    ),
    "timeout": (Says(GOOD, seconds=2), failure("transient", "transport")),
    "reset mid-body": (Says(GOOD, cut=True), failure("transient", "transport")),
    "malformed JSON": (
        Says('{"error": '),
        failure("unknown", "", code="UnidentifiedImageError", message="the answer is no picture."),
    ),
    "picture cut short": (
        Says(GOOD[: len(GOOD) // 2]),
        failure(
            "damaged", "pixels", message="the picture is damaged or cut short (image file is truncated).", raw=False
        ),
    ),
    "HTML page with 200": (
        Says(PAGE),
        failure("unknown", "", code="UnidentifiedImageError", message="the answer is no picture."),
    ),
    "wrong key": (
        error(401, "Invalid credentials in Authorization header"),
        failure(
            "closed",
            "message",
            code="HfHubHTTPError",
            message="Invalid credentials in Authorization header.",
            request_id="h1",
        ),
    ),
    "exhausted quota": (
        error(402, "You have exceeded your monthly included credits for Inference Providers."),
        failure(
            "closed",
            "message",
            code="HfHubHTTPError",
            message="You have exceeded your monthly included credits for Inference Providers.",
            request_id="h1",
        ),
    ),
    "no such model": (
        error(404, "Model not found"),
        failure("closed", "message", code="HfHubHTTPError", message="Model not found.", request_id="h1"),
    ),
    "bad parameter": (
        error(422, "width must be a multiple of 8"),
        failure(
            "bad_request", "status", code="HfHubHTTPError", message="width must be a multiple of 8.", request_id="h1"
        ),
    ),
}


def run(answer, **settings):
    with serve(answer) as server:
        return outcomes(made("huggingface", server.url + "/endpoint", **settings))


# What the client makes of its providers' answers, provider by provider.
BEHIND = {
    "fal, success": ("fal-ai", {"rest": Says({"images": [{"url": "/out.png"}]})}, picture()),
    "fal, flagged": (
        "fal-ai",
        {"rest": Says({"images": [{"url": "/out.png"}], "has_nsfw_concepts": [True]}), "out": Says(BLACK)},
        refusal("silent", "pixels", code="blank", stage="picture", pixels=(64, 64), cost=0.04),
    ),
    "fal, nothing": ("fal-ai", {"rest": Says({"images": []})}, refusal("silent", "silence")),
    "replicate, success": ("replicate", {"rest": Says({"status": "succeeded", "output": ["/out.png"]})}, picture()),
    "replicate, moderated": (
        "replicate",
        {"rest": Says({"status": "failed", "error": "flagged as sensitive (E005)", "output": None})},
        failure(
            "unknown",
            "",
            code="no_output",
            message="the prediction has no output: moderated, still starting or broken, the client does not tell which.",
        ),
    ),
    "together, success": ("together", {"rest": Says({"data": [{"b64_json": B64}]})}, picture()),
    "together, cut short": (
        "together",
        {"rest": Says({"data": [{"b64_json": CUT_B64}]})},
        failure("damaged", "pixels", message="the picture's base64 is damaged or cut short (Incorrect padding)."),
    ),
    "together, nothing": ("together", {"rest": Says({"data": []})}, refusal("silent", "silence")),
    "together, empty item": ("together", {"rest": Says({"data": [{}]})}, refusal("silent", "silence")),
    "nscale, black": (
        "nscale",
        {"rest": Says({"data": [{"b64_json": BLACK_B64}]})},
        refusal("silent", "pixels", code="blank", stage="picture", pixels=(64, 64), cost=0.04),
    ),
    "zai, failed": (
        "zai-org",
        {"rest": Says({"id": "z1", "task_status": "FAIL"})},
        failure("unknown", "", message="ZAI image generation failed for request z1."),
    ),
}


def run_behind(provider, routes, model="owner/model"):
    from huggingface_hub.inference._providers import PROVIDERS, _common

    task = PROVIDERS[provider]["text-to-image"]
    known = _common.InferenceProviderMapping(
        provider=provider, providerId="m", hf_model_id="owner/model", task="text-to-image", status="live"
    )

    def with_addresses(asked, count):
        says = answering(asked, count)
        return (
            replace(says, body=json.loads(json.dumps(says.body).replace("/out.png", server.url + "/out.png")))
            if isinstance(says.body, dict)
            else says
        )

    answering = by_path(**{"out": Says(GOOD), **routes})
    with serve(with_addresses) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", "a-providers-own-key")
        patch.setattr(task, "base_url", server.url)
        patch.setitem(_common.HARDCODED_MODEL_INFERENCE_MAPPING, provider, {"owner/model": known})
        return outcomes(made("huggingface", model, provider=provider))


@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_becomes(name):
    answer, became = CASES[name]
    assert [told(outcome) for outcome in run(answer, timeout=patience(name))] == [became]


@pytest.mark.parametrize("name", BEHIND)
def test_what_an_answer_behind_the_client_becomes(name):
    provider, routes, became = BEHIND[name]
    assert [told(outcome) for outcome in run_behind(provider, routes)] == [became]


def test_what_is_sent_and_sent_once():
    with serve(error(503, "Model is currently loading")) as server:
        outcomes(made("huggingface", server.url + "/endpoint", steps=4, guidance=0.0, width=512, height=512))
    (asked,) = server.asked
    assert asked.headers["authorization"] == "Bearer hf_testkey1234567890"
    seed = asked.body["parameters"].pop("seed")
    assert 0 <= seed < 2**31
    assert asked.body == {
        "inputs": "three pigs",
        "parameters": {"num_inference_steps": 4, "guidance_scale": 0.0, "width": 512, "height": 512},
    }


def test_a_model_that_the_provider_does_not_serve_closes_the_generator():
    reply = reply_of_hub_error(ValueError("Model a/b is not supported by provider together."))
    assert read(reply).fault is Fault.CLOSED


def test_an_edit_goes_to_the_model_that_edits():
    with serve(Says(GOOD)) as server:
        generator = made("huggingface", server.url + "/draw", edit_source=server.url + "/edit")
        (sample,) = samples(generator)
        outcome = generator.edit(sample, Image.new("RGB", (8, 8)), "three pigs, not four", 1, ())
        generator.close()
    assert told(outcome) == picture()
    (asked,) = server.asked
    assert (asked.path, asked.body["parameters"]["prompt"]) == ("/edit", "three pigs, not four")
