"""The formats of trainers, without a server."""

from __future__ import annotations

import base64
import json
import pickle

import numpy as np
import pytest

from countcheck.errors import BadInput
from countcheck.serve.wires import WIRES

IMAGE = base64.b64encode(b"image").decode()


def test_every_wire_is_known_by_its_name():
    assert all(name == wire.name for name, wire in WIRES.items())
    assert {name for name, wire in WIRES.items() if wire.pickled} == {"flow-grpo", "verl-omni"}


def test_an_address_in_front_of_the_image_is_fine():
    body = json.dumps({"prompt": ["a"], "image": [f"data:image/png;base64,{IMAGE}"]}).encode()
    (request,), _ = WIRES["flow-factory"].parse(body)
    assert (request.image, request.prompt) == (b"image", "a")


def test_the_last_image_of_a_history_is_scored():
    history = [{"text": "first", "image_b64": IMAGE}, {"text": "no image"}, {"text": "last", "image_b64": IMAGE}]
    (request,), names = WIRES["unirl"].parse(json.dumps({"requests": [{"history": history}]}).encode())
    assert request.prompt == "last"
    assert names == [["countcheck"]]


def test_arrays_may_stand_for_images():
    array = np.zeros((4, 4, 3), np.uint8)
    body = pickle.dumps({"images": [array], "prompts": ["a"], "metadata": {}})
    (request,), _ = WIRES["verl-omni"].parse(body)
    assert np.array_equal(request.image, array)


@pytest.mark.parametrize(
    ("wire", "body", "words"),
    [
        ("unirl", {"requests": ["x"]}, "request 0 is no object"),
        ("unirl", {"requests": [{"history": [{"text": "a"}]}]}, "no image_b64"),
        ("unirl", {}, "requests is missing"),
        ("flow-factory", {"prompt": ["a"], "image": "x"}, "image is missing or no list"),
    ],
)
def test_a_bad_body_is_said(wire, body, words):
    with pytest.raises(BadInput, match=words):
        WIRES[wire].parse(json.dumps(body).encode())


@pytest.mark.parametrize("wire", ["flow-grpo", "verl-omni"])
@pytest.mark.parametrize("body", [[1], {"images": []}, {"images": [b"x"], "meta_datas": [], "prompts": []}])
def test_a_bad_pickle_is_said(wire, body):
    with pytest.raises(BadInput):
        WIRES[wire].parse(pickle.dumps(body))
