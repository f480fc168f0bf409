"""Where a body of any shape speaks, whether it says an error, and where its pictures are."""

from __future__ import annotations

import json

import pytest
from loopback import B64

from countcheck.generators.remote.bodies import names_task, nodes_of, pictures_in, says_error, unread_fields


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"data": [], "error": {"message": "no"}}, True),
        ({"base_resp": {"status_code": 1026, "status_msg": "input text sensitive"}}, True),
        ({"base_resp": {"status_code": 0, "status_msg": "success"}, "data": {}}, False),
        ({"code": 0, "message": "ok", "data": []}, False),
        ({"code": 200, "msg": "success"}, False),
        ({"code": "InvalidApiKey", "message": "no"}, True),
        ({"success": False}, True),
        ({"output": {"task_status": "FAILED"}}, True),
        ({"moderation": {"flagged": True}}, True),
        ({"moderation": {"flagged": False}}, False),
        ({"created": 1, "data": [{"b64_json": None}]}, False),
        ({}, False),
        ([{"error": "no"}], True),
    ],
)
def test_an_error_said_anywhere_is_found(body, said):
    assert says_error(body) is said


def test_bodies_packed_in_strings_are_unpacked_up_to_a_depth():
    packed = {"code": "moderation_blocked"}
    for _ in range(2):
        packed = {"message": json.dumps({"error": packed})}
    assert any(node.get("code") == "moderation_blocked" for node in nodes_of(packed))
    for _ in range(20):
        packed = {"message": json.dumps(packed)}
    assert sum(1 for _ in nodes_of(packed)) < 20


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"task_id": "1"}, True),
        ({"output": {"task_id": "1", "task_status": "PENDING"}}, True),
        ({"status": "queued", "id": "x"}, True),
        ({"status": "succeeded", "data": []}, False),
        ({"data": []}, False),
    ],
)
def test_a_task_in_place_of_a_picture_is_found(body, named):
    assert names_task(body) is named


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"data": [{"image": B64}]}, ["data"]),
        ({"data": [{"image_url": {"url": f"data:image/png;base64,{B64}"}}]}, ["data"]),
        ({"output": ["https://x.example/a.png", "https://x.example/b.png"]}, ["url", "url"]),
        ({"images": [{"b64_json": B64, "url": "https://x.example/a.png"}]}, ["data"]),
        ({"result": {"sample": "/files/a.png"}}, ["url"]),
        ({"result": {"sample": "/files/next"}}, []),
        ({"message": "see https://x.example/docs"}, []),
        ({"output": "https://x.example/report.json"}, []),
        ({"urls": {"get": "https://x.example/predictions/1"}}, []),
        ({"prompt": B64}, []),
        ({"data": [{"token": "abc"}]}, []),
    ],
)
def test_pictures_are_found_in_any_shape(body, found):
    assert ["data" if slot.data else "url" for slot in pictures_in(body)] == found


def test_fields_that_may_hold_a_picture_in_a_way_that_is_not_known_are_named():
    assert unread_fields({"data": [{"asset_ref": "abc", "index": 0, "seed": 7}]}) == ["asset_ref"]
    assert unread_fields({"data": [{"b64_json": None, "revised_prompt": "three pigs"}]}) == []


@pytest.mark.parametrize("body", [{"error": "{" * 50_000}, {"error": "[" * 50_000}, {"message": '{"a":' * 20_000}])
def test_hostile_bodies_are_walked_quickly(body):
    assert says_error(body) is bool(body.get("error"))
    assert list(nodes_of(body))
