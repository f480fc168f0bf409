from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from countcheck.review.desk import Desk
from countcheck.review.server import build_app

TOKEN = "t0ken"
BASE = "http://127.0.0.1:8123"


@pytest.fixture
def client(run):
    with TestClient(build_app(Desk(run), port=8123, token=TOKEN), base_url=BASE) as made:
        yield made


def get(client, path, **more):
    return client.get(path, params={"token": TOKEN, "labeller": "ann"}, **more)


def post(client, path, body, **more):
    return client.post(path, params={"token": TOKEN}, json=body, **more)


def test_the_page_and_its_files_come_with_the_token(client):
    for path in ("/", "/asset/review.js", "/asset/review.css", "/next", "/agreement"):
        assert get(client, path).status_code == 200
        assert client.get(path).status_code == 403


def test_a_wrong_token_is_refused(client):
    assert client.get("/", params={"token": "nope"}).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:8123", ""])
def test_a_foreign_host_is_refused(client, host):
    assert get(client, "/next", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:8123", "http://127.0.0.1:1"])
def test_a_foreign_origin_is_refused(client, origin, run):
    task = get(client, "/next").json()["tasks"][0]
    body = {**task, "count": 1, "labeller": "ann"}
    assert post(client, "/label", body, headers={"origin": origin}).status_code == 403
    assert run.labels() == []


def test_its_own_origin_may_label(client, run):
    task = get(client, "/next").json()["tasks"][0]
    answer = post(client, "/label", {**task, "count": 2, "labeller": "ann"}, headers={"origin": BASE})
    assert answer.status_code == 200
    assert answer.json()["tasks"][0]["key"] != task["key"]
    assert [label.count for label in run.labels()] == [2]


def test_undo_over_the_wire(client, run):
    task = get(client, "/next").json()["tasks"][0]
    post(client, "/label", {**task, "count": 2, "labeller": "ann"})
    answer = post(client, "/undo", {"labeller": "ann"}).json()
    assert answer["undone"]["key"] == answer["tasks"][0]["key"] == task["key"]
    assert run.labels() == []


def test_a_picture_is_served_by_key_alone(client, run):
    task = get(client, "/next").json()["tasks"][0]
    assert get(client, f"/picture/{task['key']}/{task['turn']}").headers["content-type"] == "image/png"
    for path in (
        "/picture/..%2f..%2frun.sqlite/0",
        "/picture/run.sqlite/0",
        "/asset/..%2fserver.py",
        "/asset/server.py",
    ):
        assert get(client, path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, [], {"key": 1, "turn": 0, "noun": "pig", "count": 1}, {"key": "k", "turn": True, "noun": "pig", "count": 1}],
)
def test_a_body_that_is_no_label_is_refused(client, body):
    assert post(client, "/label", body).status_code == 400


def test_a_form_or_a_flood_is_refused(client):
    assert client.post("/label", params={"token": TOKEN}, data={"key": "k"}).status_code == 400
    assert post(client, "/label", {"labeller": "a" * 10_000}).status_code == 400


def test_nothing_may_frame_or_cache_it(client):
    headers = get(client, "/next").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
