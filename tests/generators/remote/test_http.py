"""Calls over plain HTTP, and filed requests polled until they are ready."""

from __future__ import annotations

import pytest
from loopback import Answer, Loopback

from countcheck.errors import BadSettings
from countcheck.generators.remote import http
from countcheck.generators.remote.download import BodyTooLong
from countcheck.generators.remote.http import HttpClient, body_of, given_fields, poll_until_ready
from countcheck.generators.remote.reply import Reply


@pytest.fixture
def server():
    with Loopback() as running:
        yield running


@pytest.fixture
def client(server):
    made = HttpClient(server.url, headers={"x-key": "k"}, timeout=5)
    yield made
    made.close()


def test_an_answer_has_status_headers_and_fields(server, client):
    server.answers(Answer(200, {"a": 1}, {"X-Request-Id": "r1"}))
    answer = client.call("POST", "/draw", json={"n": 1})
    assert (answer.status, answer.fields, answer.request_id) == (200, {"a": 1}, "r1")
    assert server.requests[0].headers["x-key"] == "k"


def test_the_fields_of_an_error_are_none(server, client):
    server.answers(Answer(400, {"error": "no"}))
    answer = client.call("GET", "/")
    assert (answer.fields, answer.fault().message) == ({}, "no")


def test_an_overlong_answer_is_cut_off(server, client, monkeypatch):
    monkeypatch.setattr(http, "MAX_ANSWER", 1000)
    server.answers(Answer(200, "x" * 5000))
    with pytest.raises(BodyTooLong):
        client.call("GET", "/")


@pytest.mark.parametrize("base", ["", "ftp://x.example", "x.example"])
def test_an_address_that_is_none_is_refused(base):
    with pytest.raises(BadSettings, match="begins with https"):
        HttpClient(base, headers={}, timeout=5)


def test_a_filed_request_is_polled_until_it_is_ready():
    looks = iter([None, None, Reply(request_id="r1")])
    assert poll_until_ready(lambda: next(looks), seconds=5, pause=0).request_id == "r1"


def test_errors_in_passing_are_forgiven_some_times_in_a_row():
    passing = Reply(error=True, status=503)
    looks = iter([passing] * http.MAX_HICCUPS + [Reply(request_id="r1")])
    assert poll_until_ready(lambda: next(looks), seconds=5, pause=0).request_id == "r1"
    looks = iter([passing] * (http.MAX_HICCUPS + 1))
    assert poll_until_ready(lambda: next(looks), seconds=5, pause=0).status == 503


def test_an_error_that_does_not_pass_ends_the_polling():
    looks = iter([Reply(error=True, status=400)])
    assert poll_until_ready(lambda: next(looks), seconds=5, pause=0).status == 400


def test_a_request_that_is_never_ready_is_an_error_of_its_own():
    assert poll_until_ready(lambda: None, seconds=0, pause=1).codes == ("generation_timeout",)


def test_given_fields_are_an_object():
    assert given_fields({"steps": 4}, name="n") == given_fields('{"steps": 4}', name="n") == {"steps": 4}
    for wrong in ("[1]", "{", 3):
        with pytest.raises(BadSettings, match="extra is"):
            given_fields(wrong, name="n")


def test_a_body_is_what_its_header_says():
    assert body_of(b"\x89PNG", {"content-type": "image/png"}) == b"\x89PNG"
    assert body_of(b"\xff not json", {}).endswith("not json")
