"""The assertion for promptfoo."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from countcheck.images.decode import encode_png
from countcheck.interop.promptfoo import get_assert
from countcheck.scenes import compose, render

PNG = encode_png(render(compose({"pig": 3}, seed=1)))
TEXT = base64.b64encode(PNG).decode()


@pytest.mark.parametrize(
    "output",
    [
        f"data:image/png;base64,{TEXT}",
        f"Here you are: ![three pigs](data:image/png;base64,{TEXT})",
        TEXT,
        {"data": [{"b64_json": TEXT}]},
        json.dumps({"b64_json": TEXT}),
    ],
    ids=["data", "markdown", "base64", "object", "json"],
)
def test_every_form_of_an_output_is_graded(output):
    assert get_assert(output, {"prompt": "three pigs"}) == {"pass": True, "score": 1.0, "reason": "counted 3 pig"}


def test_a_file_is_graded(tmp_path):
    (tmp_path / "pigs.png").write_bytes(PNG)
    graded = get_assert(f"file://{tmp_path}/pigs.png", {"config": {"targets": {"pig": 4}, "kind": "dense"}})
    assert graded == {"pass": False, "score": 0.75, "reason": "asked for exactly 4 pig, counted 3 pig"}


def test_an_image_that_promptfoo_keeps_as_a_blob_is_graded(tmp_path, monkeypatch):
    digest = hashlib.sha256(PNG).hexdigest()
    folder = tmp_path / "blobs" / digest[:2] / digest[2:4]
    folder.mkdir(parents=True)
    (folder / digest).write_bytes(PNG)
    monkeypatch.setenv("PROMPTFOO_CONFIG_DIR", str(tmp_path))
    assert get_assert(f"promptfoo://blob/{digest}", {"prompt": "three pigs"})["pass"]
    assert not get_assert("promptfoo://blob/" + "0" * 64, {"prompt": "three pigs"})["pass"]


@pytest.mark.parametrize(
    ("output", "context", "reason"),
    [
        ("I cannot draw that.", {"prompt": "three pigs"}, "the output holds no image: I cannot draw that."),
        (None, {"prompt": "three pigs"}, "the output holds no image: None"),
        (TEXT, {"prompt": "a hill"}, "not judged: the prompt asks for nothing that can be counted"),
        (TEXT, {"config": {"counter": "tinny"}, "prompt": "one pig"}, "not judged: no counter named 'tinny'"),
    ],
)
def test_what_cannot_be_graded_says_so(output, context, reason):
    graded = get_assert(output, context)
    assert graded["pass"] is False
    assert graded["reason"].startswith(reason)
