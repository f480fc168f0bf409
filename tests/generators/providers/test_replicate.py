"""What every answer of Replicate becomes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scripted import BLACK, GOOD, PAGE, Says, by_path, serve
from telling import failure, made, outcomes, patience, picture, refusal, told

from countcheck.errors import BadSettings
from countcheck.generators.remote.http import MAX_HICCUPS


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_test_key_1234567890")


def prediction(status, **other):
    plain = {
        "id": "p1",
        "model": "owner/model",
        "version": "v1",
        "input": {"prompt": "three pigs"},
        "logs": "",
        "error": None,
        "output": None,
        "urls": {"get": "https://api.replicate.com/v1/predictions/p1"},
        "created_at": "2026-11-01T00:00:00Z",
    }
    return Says({**plain, "status": status, **other}, status=201)


def problem(status, title, detail, **headers):
    return Says({"title": title, "detail": detail, "status": status}, status=status, headers=headers)


CASES = {
    "success": (
        {"made": prediction("succeeded", output=["/out.png"], logs="Using seed: 41\n", metrics={"predict_time": 1.5})},
        picture(extra={"predict_seconds": 1.5, "seed": 41}),
    ),
    "success after a look": (
        {
            "made": prediction("processing"),
            "looks": [prediction("processing"), prediction("succeeded", output="/out.png")],
        },
        picture(),
    ),
    "a hiccup while looking": (
        {
            "made": prediction("starting"),
            "looks": [Says("", status=503), prediction("succeeded", output=["/out.png"])],
        },
        picture(),
    ),
    "explained block": (
        {"made": prediction("failed", error="NSFW content detected. Try running it again, or try a different prompt.")},
        refusal(
            "stated",
            "message",
            code="failed",
            category="sexual",
            words="NSFW content detected. Try running it again, or try a different prompt.",
            request_id="p1",
        ),
    ),
    "unexplained block": (
        {
            "made": prediction(
                "failed",
                error="The input or output was flagged as sensitive. Please try again with different inputs. (E005) (uIJ6l3ruRD)",
            )
        },
        refusal(
            "unexplained",
            "code",
            code="E005",
            words="The input or output was flagged as sensitive. Please try again with different inputs. (E005) (uIJ6l3ruRD)",
            stage="picture",
            request_id="p1",
        ),
    ),
    "silent filter, black": (
        {"made": prediction("succeeded", output=["/out.png"]), "out": Says(BLACK)},
        refusal("silent", "pixels", code="blank", stage="picture", request_id="p1", pixels=(64, 64), cost=0.04),
    ),
    "silent filter, empty list": (
        {"made": prediction("succeeded", output=[])},
        refusal("silent", "silence", request_id="p1"),
    ),
    "silent filter, no output": (
        {"made": prediction("succeeded", output=None)},
        refusal("silent", "silence", request_id="p1"),
    ),
    "429": (
        {"made": problem(429, "Too Many Requests", "Request was throttled.")},
        failure("transient", "status", code="429", message="Request was throttled."),
    ),
    "429 with Retry-After": (
        {
            "made": problem(
                429,
                "Too Many Requests",
                "Request was throttled. Expected available in 7 seconds.",
                **{"retry-after": "7"},
            )
        },
        failure(
            "transient",
            "status",
            code="429",
            message="Request was throttled. Expected available in 7 seconds.",
            retry_after=7.0,
        ),
    ),
    "500": (
        {"made": problem(500, "Internal Server Error", "Something went wrong")},
        failure("transient", "status", code="500", message="Something went wrong."),
    ),
    "out of memory": (
        {"made": prediction("failed", error="CUDA out of memory. Tried to allocate 2.00 GiB (E1001)")},
        failure(
            "transient",
            "code",
            code="E1001",
            message="CUDA out of memory. Tried to allocate 2.00 GiB (E1001).",
            request_id="p1",
        ),
    ),
    "model broke": (
        {"made": prediction("failed", error="unsupported operand type(s) for +: 'int' and 'str'")},
        failure(
            "unknown", "", code="failed", message="unsupported operand type(s) for +: 'int' and 'str'.", request_id="p1"
        ),
    ),
    "canceled": (
        {"made": prediction("canceled")},
        failure("transient", "code", code="canceled", message="the prediction ended as 'canceled'.", request_id="p1"),
    ),
    "timeout": ({"made": Says({}, seconds=4)}, failure("transient", "transport")),
    "never ready": (
        {"made": prediction("processing"), "looks": [prediction("processing")]},
        failure("transient", "code", code="generation_timeout", message="it was not ready after 1 seconds.", raw=False),
    ),
    "reset mid-body": (
        {"made": Says(prediction("succeeded").body, status=201, cut=True)},
        failure("transient", "transport"),
    ),
    "malformed JSON": (
        {"made": Says('{"id": "p1"', status=201)},
        failure("damaged", "code", code="malformed_answer", message='{"id": "p1".'),
    ),
    "picture cut short": (
        {"made": prediction("succeeded", output=["/out.png"]), "out": Says(GOOD[: len(GOOD) // 2])},
        failure(
            "damaged",
            "pixels",
            message="the picture is damaged or cut short (image file is truncated).",
            request_id="p1",
        ),
    ),
    "HTML page with 200": (
        {"made": Says(PAGE)},
        failure("unknown", "", message="Bad day."),
    ),
    "wrong key": (
        {"made": problem(401, "Unauthenticated", "You did not pass a valid authentication token")},
        failure("closed", "message", code="401", message="You did not pass a valid authentication token."),
    ),
    "exhausted quota": (
        {"made": problem(402, "Insufficient credit", "You have insufficient credit to run this model.")},
        failure("closed", "message", code="402", message="You have insufficient credit to run this model."),
    ),
    "no such model": (
        {"made": problem(404, "Not found", "The requested resource could not be found.")},
        failure("closed", "status", code="404", message="The requested resource could not be found."),
    ),
    "bad parameter": (
        {"made": problem(422, "Input validation failed", "- input.aspect_ratio: must be one of the following")},
        failure(
            "bad_request",
            "status",
            code="422",
            message="- input.aspect_ratio: must be one of the following.",
        ),
    ),
}


def run(answer, source="owner/model", repeats=1, **settings):
    def with_addresses(asked, count):
        says = answering(asked, count)
        output = says.body.get("output") if isinstance(says.body, dict) else None
        if output:
            places = [server.url + place for place in ([output] if isinstance(output, str) else output)]
            says = replace(says, body={**says.body, "output": places if isinstance(output, list) else places[0]})
        return says

    routes = {
        "out": Says(GOOD),
        **{{"made": "predictions", "looks": "predictions/p1"}.get(name, name): says for name, says in answer.items()},
    }
    answering = by_path(**routes)
    with serve(with_addresses) as server:
        return outcomes(made("replicate", source, base_url=server.url, poll=0.01, **settings), repeats=repeats)


@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_becomes(name):
    answer, became = CASES[name]
    assert [told(outcome) for outcome in run(answer, timeout=patience(name))] == [became]


def test_fewer_pictures_than_asked_are_silent_for_the_rest():
    found = run(
        {"made": prediction("succeeded", output=["/out.png"])}, repeats=2, per_request=2, count_field="num_outputs"
    )
    assert [told(outcome) for outcome in found] == [
        picture(cost=0.04, attempts=["picture+silent"]),
        refusal("silent", "silence", request_id="p1", attempts=["picture+silent"]),
    ]


def test_what_is_sent_and_sent_once():
    with serve(problem(429, "Too Many Requests", "Request was throttled.")) as server:
        outcomes(made("replicate", "owner/model", base_url=server.url, extra={"aspect_ratio": "1:1"}, count_field="n"))
    (asked,) = server.asked
    assert asked.path == "/v1/models/owner/model/predictions"
    assert asked.headers["authorization"] == "Bearer r8_test_key_1234567890"
    seed = asked.body["input"].pop("seed")
    assert 0 <= seed < 2**31
    assert asked.body["input"] == {"prompt": "three pigs", "aspect_ratio": "1:1", "n": 1}


def test_a_version_is_asked_for_by_its_id():
    with serve(problem(401, "Unauthenticated", "no")) as server:
        outcomes(made("replicate", "owner/model:abc123", base_url=server.url))
    (asked,) = server.asked
    assert (asked.path, asked.body["version"]) == ("/v1/predictions", "abc123")


def test_a_failed_look_is_tried_by_us_alone():
    with serve(by_path(predictions=prediction("starting"), **{"predictions/p1": Says("", status=503)})) as server:
        outcomes(made("replicate", "owner/model", base_url=server.url, poll=0.001, timeout=5))
    assert len(server.asked) == 1 + MAX_HICCUPS + 1


def test_further_fields_that_are_no_json_are_refused():
    with pytest.raises(BadSettings, match="which is not JSON"):
        made("replicate", "owner/model", extra="{")
