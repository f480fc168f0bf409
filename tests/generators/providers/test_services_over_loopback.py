"""Every way in which a picture can end, of the services with a protocol of their own, against a server on this machine."""

from __future__ import annotations

from typing import Any

import pytest
from loopback import B64, BLACK_B64, CUT_B64, Answer, Case, Loopback, Request, check, common_faults

from countcheck.cards import Card
from countcheck.registry import load_generator_class

KEY = "sk-loopback-abcdefgh"
REFUSAL = {"ended": "refusal"}


@pytest.fixture(scope="module")
def server():
    with Loopback() as running:
        yield running


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("REVE_API_TOKEN", KEY)


def checked(family: str, source: str, server: Loopback, case: Case, **settings: Any) -> None:
    generator = made(family, source, server, {**settings, **case.settings})
    try:
        check(generator, server, case)
    finally:
        generator.close()


def made(family: str, source: str, server: Loopback, settings: dict[str, Any]):
    plain = {"base_url": server.url, "first_wait": 0.001, "loopback": True, "timeout": 30, **settings}
    card = Card(name=f"{family}:{source}", family=family, source=source, price=0.04, settings=plain)
    return load_generator_class(family)(card)


def message(*parts: dict[str, str], finish: str = "stop") -> dict[str, Any]:
    choice = {"finish_reason": finish, "message": {"role": "assistant", "content": list(parts)}}
    return {"output": {"choices": [choice]}, "usage": {"image_count": len(parts)}, "request_id": "r-1"}


def picture(data: str) -> dict[str, str]:
    return {"image": f"data:image/png;base64,{data}"}


def told(code: str, words: str, status: int = 400) -> tuple[Answer]:
    return (Answer(status, {"code": code, "message": words, "request_id": "r-1"}),)


ONCE = {"attempts": 1}
DASHSCOPE = [
    Case("a picture", (Answer(body=message(picture(B64))),), {"ended": "picture", "size": (64, 64), "rewritten": ""}),
    Case(
        "a rewritten prompt",
        (Answer(body=message({**picture(B64), "actual_prompt": "Several pigs"})),),
        {"ended": "picture", "rewritten": "Several pigs"},
    ),
    Case(
        "a refused prompt",
        told("DataInspectionFailed", "Input text data may contain inappropriate content."),
        {**REFUSAL, "reason": "unexplained", "stage": "prompt", "cost": 0.0, "request_id": "r-1"},
    ),
    Case(
        "a suspected infringement",
        told("IPInfringementSuspect", "Input data is suspected of being involved in IP infringement."),
        {**REFUSAL, "reason": "stated", "category": "copyright"},
    ),
    Case("nothing in a good answer", (Answer(body=message()),), {**REFUSAL, "reason": "silent"}, ONCE),
    Case(
        "a black picture", (Answer(body=message(picture(BLACK_B64))),), {**REFUSAL, "reason": "silent", "code": "blank"}
    ),
    Case("half a picture", (Answer(body=message(picture(CUT_B64))),), {"ended": "failure", "fault": "damaged"}),
    Case("a limit", told("Throttling.RateQuota", "Requests rate limit exceeded", 429), {"fault": "transient"}, ONCE),
    Case("an empty account", told("Arrearage", "Access denied, your account is in arrears."), {"fault": "closed"}),
    Case("a wrong key", told("InvalidApiKey", f"Invalid API-key {KEY} provided.", 401), {"fault": "closed"}),
    Case("a wrong size", told("InvalidParameter", "size must be one of"), {"fault": "bad_request"}),
    *common_faults(message(picture(B64))),
]
DRAWN = {"image": B64, "version": "reve@1", "content_violation": False, "request_id": "r-1", "credits_used": 18}
REVE = [
    Case("a picture", (Answer(body=DRAWN),), {"ended": "picture", "size": (64, 64)}),
    Case(
        "a withheld picture",
        (Answer(body={**DRAWN, "content_violation": True}),),
        {**REFUSAL, "reason": "unexplained", "stage": "picture", "withheld": True},
    ),
    Case(
        "no picture for a violation",
        (Answer(body={**DRAWN, "image": None, "content_violation": True}),),
        {**REFUSAL, "reason": "unexplained", "withheld": False},
    ),
    Case("a black picture", (Answer(body={**DRAWN, "image": BLACK_B64}),), {**REFUSAL, "reason": "silent"}),
    Case("half a picture", (Answer(body={**DRAWN, "image": CUT_B64}),), {"ended": "failure", "fault": "damaged"}),
    Case("no credits", (Answer(402, {"error_code": "INSUFFICIENT_CREDITS", "message": "m"}),), {"fault": "closed"}),
    Case("a wrong key", (Answer(401, {"error_code": "INVALID_API_KEY", "message": KEY}),), {"fault": "closed"}),
    Case("too long", (Answer(400, {"error_code": "PROMPT_TOO_LONG", "message": "m"}),), {"fault": "bad_request"}),
    *common_faults(DRAWN),
]


@pytest.mark.parametrize("case", DASHSCOPE, ids=lambda case: case.name)
def test_what_becomes_of_an_answer_of_model_studio(server, case):
    checked("dashscope", "qwen-image-2.0", server, case)


@pytest.mark.parametrize("case", REVE, ids=lambda case: case.name)
def test_what_becomes_of_an_answer_of_reve(server, case):
    checked("reve", "latest", server, case)


def filing(*looks: Answer):
    """A server that files every job, and answers looks at it in turn."""
    left = list(looks)

    def answer(request: Request) -> Answer:
        if request.method == "POST":
            return Answer(202, {"id": "j1", "kind": "img_gen", "status": "queued", "poll_url": "/sdcpp/v1/jobs/j1"})
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def job(status: str, data: str = "", **error: str) -> Answer:
    result = {"output_format": "png", "images": [{"index": 0, "b64_json": data}]} if data else None
    return Answer(body={"id": "j1", "status": status, "result": result, "error": error or None})


JOBS = {
    "a picture": ((job("generating"), job("completed", B64)), {"ended": "picture", "size": (64, 64)}),
    "a hiccup while looking": ((Answer(502, ""), job("completed", B64)), {"ended": "picture"}),
    "nothing drawn": ((job("completed"),), {**REFUSAL, "reason": "silent"}),
    "a black picture": ((job("completed", BLACK_B64),), {**REFUSAL, "reason": "silent", "code": "blank"}),
    "half a picture": ((job("completed", CUT_B64),), {"ended": "failure", "fault": "damaged"}),
    "a failed job": ((job("failed", code="generation_failed", message="empty results"),), {"fault": "transient"}),
    "a cancelled job": ((job("cancelled", code="cancelled", message="by client"),), {"fault": "transient"}),
    "a job that is not known": ((Answer(404, {"error": "job not found"}),), {"ended": "failure"}),
}


@pytest.mark.parametrize("name", JOBS)
def test_what_becomes_of_a_job_of_stable_diffusion_cpp(server, name):
    looks, becomes = JOBS[name]
    case = Case(name, (filing(*looks),), becomes)
    checked("sdcpp", "", server, case, poll=0.005, attempts=1)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(400, {"error": {"code": "invalid_request", "message": "invalid width"}}), "bad_request"),
        (Answer(429, {"error": {"code": "queue_full", "message": "job queue is full"}}), "transient"),
        (Answer(500, {"error": "unexpected exception"}), "transient"),
    ],
)
def test_a_job_that_is_not_taken_is_a_failure(server, answer, fault):
    checked("sdcpp", "", server, Case("not taken", (answer,), {"fault": fault}), attempts=1)
