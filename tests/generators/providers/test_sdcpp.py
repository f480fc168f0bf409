"""stable-diffusion.cpp's server: jobs filed, polled and read."""

from __future__ import annotations

import base64

from scripted import GOOD, Says, serve
from telling import made, outcomes, told

IMAGES = {"images": [{"index": 0, "b64_json": base64.b64encode(GOOD).decode()}]}


def job(status, **fields):
    return Says({"id": "job_1", "kind": "img_gen", "status": status, "result": None, "error": None, **fields})


def answering(*looks, filed=None):
    """Files every job, and answers looks at it in turn."""
    left = list(looks)

    def answer(asked, _):
        if asked.method == "POST":
            return filed or Says({"id": "job_1", "status": "queued", "poll_url": "/sdcpp/v1/jobs/job_1"}, status=202)
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def drawn(answer, source="", **settings):
    with serve(answer) as server:
        address = {} if source else {"base_url": server.url}
        found = outcomes(made("sdcpp", server.url if source else "", poll=0.005, attempts=1, **address, **settings))
    return [told(outcome) for outcome in found], server.asked


def test_a_job_is_awaited_and_its_picture_taken():
    (outcome,), asked = drawn(answering(job("queued"), job("generating"), job("completed", result=IMAGES)))
    assert outcome["kind"] == "picture"
    assert [each.path for each in asked] == ["/sdcpp/v1/img_gen", *["/sdcpp/v1/jobs/job_1"] * 3]


def test_what_is_sent_has_the_seed_and_the_steps_outside_the_prompt():
    settings = {"steps": 20, "guidance": 7.0, "sampler": "euler", "negative_prompt": "blurry", "width": 640}
    _, asked = drawn(answering(job("completed", result=IMAGES)), "URL", extra='{"clip_skip": 2}', **settings)
    sent = asked[0].body
    assert isinstance(sent.pop("seed"), int)
    assert sent == {
        "prompt": "three pigs",
        "negative_prompt": "blurry",
        "width": 640,
        "height": 512,
        "batch_count": 1,
        "output_format": "png",
        "sample_params": {"sample_steps": 20, "sample_method": "euler", "guidance": {"txt_cfg": 7.0}},
        "clip_skip": 2,
    }


def test_a_job_that_failed_and_one_that_was_not_taken_are_failures():
    failed = job("failed", error={"code": "generation_failed", "message": "generate_image returned empty results"})
    (outcome,), _ = drawn(answering(failed))
    assert (outcome["kind"], outcome["fault"]) == ("failure", "transient")
    refused = Says({"error": {"code": "invalid_request", "message": "invalid width"}}, status=400)
    (outcome,), _ = drawn(answering(job("queued"), filed=refused))
    assert (outcome["kind"], outcome["fault"]) == ("failure", "bad_request")
