"""What every answer of ComfyUI becomes: graphs are filed, their history asked for, their pictures fetched."""

from __future__ import annotations

import json

import pytest
from scripted import BLACK, GOOD, PAGE, Says, by_path, serve
from telling import failure, made, outcomes, patience, picture, refusal, told

from countcheck.errors import BadSettings
from countcheck.generators.providers.comfyui import filled

FILED = Says({"prompt_id": "c1", "number": 1, "node_errors": {}})


def history(*names, status="success", messages=(), completed=True, kind="output"):
    images = [{"filename": name, "subfolder": "", "type": kind} for name in names]
    outputs = {"7": {"images": images}} if images else {}
    return Says(
        {
            "c1": {
                "prompt": [],
                "outputs": outputs,
                "status": {"status_str": status, "completed": completed, "messages": list(messages)},
            }
        }
    )


def broke(kind, message):
    return history(
        status="error",
        completed=False,
        messages=[
            ["execution_start", {}],
            ["execution_error", {"exception_type": kind, "exception_message": message, "node_id": "5"}],
        ],
    )


CASES = {
    "success": ({"history": [Says({}), history("a.png")]}, picture()),
    "a hiccup while looking": ({"history": [Says("", status=502), history("a.png")]}, picture()),
    "explained block": (
        {"history": broke("Exception", "BFL API did not return an image due to: Request Moderated, violence.")},
        refusal(
            "stated",
            "message",
            category="violence",
            words="Exception: BFL API did not return an image due to: Request Moderated, violence.",
            stage="prompt",
            request_id="c1",
            cost=0.0,
        ),
    ),
    "unexplained block": (
        {"history": broke("Exception", "BFL API did not return an image due to: Request Moderated.")},
        refusal(
            "unexplained",
            "message",
            words="Exception: BFL API did not return an image due to: Request Moderated.",
            stage="prompt",
            request_id="c1",
            cost=0.0,
        ),
    ),
    "silent filter, black": (
        {"history": history("a.png"), "view": Says(BLACK)},
        refusal("silent", "pixels", code="blank", stage="picture", request_id="c1", pixels=(64, 64), cost=0.04),
    ),
    "nothing saved": (
        {"history": history()},
        failure(
            "unknown",
            "",
            code="no_outputs",
            message="the graph ran and saved no picture: it has no SaveImage node, or the server had it in its cache.",
            request_id="c1",
        ),
    ),
    "429": (
        {"prompt": Says({"error": {"type": "busy", "message": "queue is full"}}, status=429)},
        failure("transient", "status", code="busy", message="queue is full."),
    ),
    "429 with Retry-After": (
        {
            "prompt": Says(
                {"error": {"type": "busy", "message": "queue is full"}}, status=429, headers={"retry-after": "7"}
            )
        },
        failure("transient", "status", code="busy", message="queue is full.", retry_after=7.0),
    ),
    "500": (
        {"prompt": Says("500 Internal Server Error", status=500)},
        failure("transient", "status", message="500 Internal Server Error."),
    ),
    "out of memory": (
        {"history": broke("torch.OutOfMemoryError", "Allocation on device 0 would exceed allowed memory.")},
        failure(
            "transient",
            "code",
            code="OutOfMemoryError",
            message="OutOfMemoryError: Allocation on device 0 would exceed allowed memory.",
            request_id="c1",
        ),
    ),
    "node broke": (
        {"history": broke("RuntimeError", "mat1 and mat2 shapes cannot be multiplied")},
        failure("unknown", "", message="RuntimeError: mat1 and mat2 shapes cannot be multiplied.", request_id="c1"),
    ),
    "interrupted": (
        {"history": history(status="error", messages=[["execution_interrupted", {"node_id": "5"}]])},
        failure("transient", "code", code="interrupted", message="the run was interrupted.", request_id="c1"),
    ),
    "timeout": ({"prompt": Says({}, seconds=2)}, failure("transient", "transport")),
    "never ready": (
        {"history": Says({})},
        failure("transient", "code", code="generation_timeout", message="it was not ready after 1 seconds.", raw=False),
    ),
    "reset mid-body": ({"prompt": Says(FILED.body, cut=True)}, failure("transient", "transport")),
    "malformed JSON": (
        {"prompt": Says('{"prompt_id": ')},
        failure("damaged", "code", code="malformed_answer", message='{"prompt_id":.'),
    ),
    "picture cut short": (
        {"history": history("a.png"), "view": Says(GOOD[: len(GOOD) // 2])},
        failure(
            "damaged",
            "pixels",
            message="the picture is damaged or cut short (image file is truncated).",
            request_id="c1",
            raw=False,
        ),
    ),
    "picture gone": (
        {"history": history("a.png"), "view": Says("", status=404)},
        failure(
            "unknown",
            "",
            code="picture_gone",
            message="the server answered 404 instead of the picture 'a.png'.",
            request_id="c1",
            raw=False,
        ),
    ),
    "HTML page with 200": ({"prompt": Says(PAGE)}, failure("unknown", "", message="Bad day.")),
    "wrong key of a proxy": (
        {"prompt": Says("Unauthorized", status=401)},
        failure("closed", "message", message="Unauthorized."),
    ),
    "bad graph": (
        {
            "prompt": Says(
                {
                    "error": {
                        "type": "prompt_outputs_failed_validation",
                        "message": "Prompt outputs failed validation",
                        "details": "",
                        "extra_info": {},
                    },
                    "node_errors": {"5": {}},
                },
                status=400,
            )
        },
        failure(
            "bad_request",
            "status",
            code="prompt_outputs_failed_validation",
            message="Prompt outputs failed validation.",
        ),
    ),
}


def run(answer, source="sd_xl_base_1.0.safetensors", **settings):
    with serve(by_path(**{"prompt": FILED, "view": Says(GOOD), **answer})) as server:
        return outcomes(made("comfyui", source, base_url=server.url, poll=0.01, **settings))


@pytest.mark.parametrize("name", CASES)
def test_what_an_answer_becomes(name):
    answer, became = CASES[name]
    assert [told(outcome) for outcome in run(answer, timeout=patience(name))] == [became]


def graph_file(tmp_path, **inputs):
    path = tmp_path / "graph.json"
    path.write_text(json.dumps({"1": {"class_type": "Everything", "inputs": inputs}}))
    return str(path)


def test_a_graph_of_ones_own_is_filled_in(tmp_path):
    source = graph_file(tmp_path, text="a photo of %prompt%", seed="%seed%", size=["%width%", 1])
    with serve(by_path(prompt=FILED, history=history("a.png"), view=Says(GOOD))) as server:
        outcomes(made("comfyui", source, base_url=server.url, poll=0.01, width=640))
    inputs = server.asked[0].body["prompt"]["1"]["inputs"]
    assert isinstance(inputs.pop("seed"), int)
    assert inputs == {"text": "a photo of three pigs", "size": [640, 1]}
    assert server.asked[-1].path == "/view?filename=a.png&subfolder=&type=output"


def test_previews_are_no_pictures_where_there_are_others():
    body = history("a.png").body
    body["c1"]["outputs"]["8"] = {"images": [{"filename": "b.png", "subfolder": "", "type": "temp"}]}
    found = run({"history": Says(body)})
    assert [told(outcome) for outcome in found] == [picture()]


def test_another_graph_is_another_generator(tmp_path):
    first = made("comfyui", graph_file(tmp_path, text="%prompt%", seed="%seed%")).recipe
    second = made("comfyui", graph_file(tmp_path, text="%prompt%!", seed="%seed%")).recipe
    assert first != second


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{", "no graph that can be read"),
        ('{"nodes": []}', "not in ComfyUI's API format"),
        ('{"1": {"class_type": "A", "inputs": {"text": "%prompt%"}}}', "has no %seed%"),
    ],
)
def test_a_graph_that_cannot_be_used_is_refused(tmp_path, text, wrong):
    path = tmp_path / "graph.json"
    path.write_text(text)
    with pytest.raises(BadSettings, match=wrong):
        made("comfyui", str(path))


def test_a_prompt_that_looks_like_a_mark_is_drawn_as_it_is():
    values = {"prompt": "a sign: 50%steps%off", "seed": 7, "steps": 20}
    graph = {"a": "noir, %prompt%", "b": "%seed%", "c": "seed %seed%, %other%seed%, 100%"}
    assert filled(graph, values) == {"a": "noir, a sign: 50%steps%off", "b": 7, "c": "seed 7, %other7, 100%"}
