"""What is sent to Alibaba's Model Studio, and what comes back."""

from __future__ import annotations

import pytest
from scripted import GOOD, Says, by_path, serve
from telling import made, outcomes, picture, told

from countcheck.errors import BadSettings


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("DASHSCOPE_API_KEY", "dashscope-test-key-1234567890")


def drawn(*parts):
    message = {"role": "assistant", "content": list(parts)}
    return {"output": {"choices": [{"finish_reason": "stop", "message": message}]}, "request_id": "r-1"}


def run(body, *, repeats=1, **settings):
    pictures = by_path(out=Says(GOOD), rest=Says(body))
    with serve(lambda asked, count: pictures(asked, count)) as server:
        address = server.url
        return outcomes(
            made("dashscope", "qwen-image-2.0", base_url=address, loopback=True, **settings), repeats=repeats
        ), server.asked


def test_what_is_sent():
    with serve(Says({"code": "InvalidParameter", "message": "stop here"}, status=400)) as server:
        outcomes(
            made("dashscope", "wan2.7-image", base_url=server.url, size="1280x1280", extra='{"thinking_mode": false}')
        )
    (asked,) = server.asked
    assert asked.path == "/api/v1/services/aigc/multimodal-generation/generation"
    assert asked.headers["authorization"] == "Bearer dashscope-test-key-1234567890"
    assert asked.body["model"] == "wan2.7-image"
    assert asked.body["input"] == {"messages": [{"role": "user", "content": [{"text": "three pigs"}]}]}
    sent = asked.body["parameters"]
    assert isinstance(sent.pop("seed"), int)
    assert sent == {"size": "1280*1280", "n": 1, "prompt_extend": False, "watermark": False, "thinking_mode": False}


def test_a_parameter_that_a_model_does_not_take_is_left_out():
    with serve(Says({"code": "InvalidParameter", "message": "stop here"}, status=400)) as server:
        outcomes(made("dashscope", "qwen-image-max", base_url=server.url, extra='{"n": null, "watermark": null}'))
    assert {"n", "watermark"}.isdisjoint(server.asked[0].body["parameters"])


def test_a_picture_is_fetched_from_its_address_and_a_told_prompt_is_kept():
    part = {"image": "/out.png", "actual_prompt": "Several pigs in a meadow"}
    (outcome,), _ = run(drawn(part))
    assert told(outcome) == picture(rewritten="Several pigs in a meadow")


def test_several_pictures_come_in_one_message():
    found, asked = run(drawn({"image": "/out.png"}, {"image": "/out.png"}), repeats=2, per_request=2)
    assert [told(outcome)["kind"] for outcome in found] == ["picture", "picture"]
    assert sum(each.method == "POST" for each in asked) == 1


@pytest.mark.parametrize("size", ["big", "1024*", "*"])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(BadSettings, match=r"size is .*Give WIDTH\*HEIGHT"):
        made("dashscope", "qwen-image-2.0", size=size)
