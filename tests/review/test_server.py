from __future__ import annotations

import asyncio
import threading

import pytest
from made_up import a_run, a_suite
from starlette.testclient import TestClient

from countcheck.review.server import build_app
from countcheck.review.session import LabelSession
from countcheck.storage.run_folder import RunFolder

TOKEN = "t0ken"
BASE = "http://127.0.0.1:8123"


@pytest.fixture
def stranger(run):
    """A client that does not know the token."""
    with TestClient(build_app(LabelSession(run), port=8123, token=TOKEN), base_url=BASE) as client:
        yield client


@pytest.fixture
def client(stranger):
    """A client that opened the printed address, and has the cookie since."""
    stranger.get("/", params={"token": TOKEN})
    return stranger


def get(client, path, **more):
    return client.get(path, params={"labeller": "ann"}, **more)


def post(client, path, body, **more):
    return client.post(path, json=body, **more)


PATHS = ("/", "/asset/review.js", "/asset/review.css", "/next", "/agreement", "/choices", "/number/1")


@pytest.mark.parametrize("path", PATHS)
def test_nothing_comes_without_the_token(stranger, path):
    assert get(stranger, path).status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_everything_comes_with_the_cookie(client, path):
    assert get(client, path).status_code == 200


def test_the_first_load_takes_the_token_out_of_the_address(stranger):
    answer = stranger.get("/", params={"token": TOKEN, "labeller": "ann"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?labeller=ann")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in get(stranger, "/").text


def test_a_token_in_another_address_opens_nothing(stranger):
    assert stranger.get("/next", params={"token": TOKEN, "labeller": "ann"}).status_code == 403


def test_a_program_sends_the_token_in_a_header(stranger):
    assert get(stranger, "/next", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert get(stranger, "/next", headers={"authorization": "Bearer nope"}).status_code == 403


@pytest.mark.parametrize("token", ["nope", "", "t0ke", "t0kenn", "tökèn"])
def test_a_wrong_token_is_refused(stranger, token):
    assert stranger.get("/", params={"token": token}).status_code == 403
    assert not stranger.cookies


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_or_port_is_refused(client, site):
    assert get(client, "/next", headers={"sec-fetch-site": site}).status_code == 403


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


def test_skip_note_and_a_look_back_over_the_wire(client, run):
    task = get(client, "/next").json()["tasks"][0]
    place = {"key": task["key"], "turn": task["turn"], "labeller": "ann"}
    assert post(client, "/note", {**place, "text": "half <i>hidden</i>"}).json() == {"note": "half <i>hidden</i>"}
    assert post(client, "/skip", place).json()["tasks"][0]["key"] != task["key"]
    assert get(client, f"/task/{task['key']}/{task['turn']}").json()["note"] == "half <i>hidden</i>"
    assert get(client, f"/boxes/{task['key']}/{task['turn']}").status_code == 400
    post(client, "/label", {**task, "count": 2, "labeller": "ann", "view": {"noun": task["noun"]}})
    assert get(client, f"/boxes/{task['key']}/{task['turn']}").status_code == 200
    assert get(client, f"/number/{task['number']}?kind=pictures").json()["answered"]
    for path, body in (("/skip", {}), ("/note", {**place, "text": 7}), ("/label", {**task, "count": 1, "view": []})):
        assert post(client, path, body).status_code == 400


@pytest.mark.parametrize(
    "body",
    [{}, [], {"key": 1, "turn": 0, "noun": "pig", "count": 1}, {"key": "k", "turn": True, "noun": "pig", "count": 1}],
)
def test_a_body_that_is_no_label_is_refused(client, body):
    assert post(client, "/label", body).status_code == 400


def test_a_form_or_a_flood_is_refused(client):
    assert client.post("/label", data={"key": "k"}).status_code == 400
    assert post(client, "/label", {"labeller": "a" * 10_000}).status_code == 400


@pytest.mark.parametrize("path", [*PATHS, "/nowhere", "picture"])
def test_nothing_may_frame_or_cache_it(client, path):
    if path == "picture":
        task = get(client, "/next").json()["tasks"][0]
        path = f"/picture/{task['key']}/{task['turn']}"
    headers = get(client, path).headers
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_body_that_never_ends_is_cut_off(run, monkeypatch):
    monkeypatch.setattr("countcheck.review.server.BODY_SECONDS", 0.05)
    app = build_app(LabelSession(run), port=8123, token=TOKEN)
    headers = {"host": "127.0.0.1:8123", "authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    scope = {
        "type": "http", "method": "POST", "path": "/label", "raw_path": b"/label", "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 8123), "client": ("127.0.0.1", 5), "root_path": "",
    }  # fmt: skip
    sent = []

    async def receive():
        await asyncio.sleep(3600)

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 400


def test_four_clients_at_once_lose_and_double_nothing(tmp_path):
    labellers = ("ann", "bob", "eve", "dan")
    a_run(tmp_path / "run", suite=a_suite(100, 0), generators=(("alpha", 0.7, 0.0),), repeats=2, size=20).close()
    with RunFolder.open(tmp_path / "run") as run:
        app = build_app(LabelSession(run), port=8123, token=TOKEN)
        given = {name: [] for name in labellers}

        def work(name):
            with TestClient(app, base_url=BASE) as client:
                client.get("/", params={"token": TOKEN})
                task = client.get("/next", params={"labeller": name}).json()["tasks"][0]
                for n in range(100):
                    answer = post(client, "/label", {**task, "count": n % 10, "labeller": name})
                    assert answer.status_code == 200, answer.text
                    given[name].append((task["key"], task["turn"], task["noun"], n % 10))
                    task = answer.json()["tasks"][0]

        threads = [threading.Thread(target=work, args=(name,)) for name in labellers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stored = {name: [] for name in labellers}
        for label in run.labels():
            stored[label.labeller].append((label.key, label.turn, label.noun, label.count))
    assert {name: len(labels) for name, labels in given.items()} == dict.fromkeys(labellers, 100)
    assert all(len(set(labels)) == len(labels) for labels in given.values())
    assert {name: sorted(labels) for name, labels in given.items()} == {n: sorted(ls) for n, ls in stored.items()}
