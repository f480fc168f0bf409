"""Addresses that providers give: only the open internet, over https, and not too much of it."""

from __future__ import annotations

import pytest
from loopback import PNG, Answer, Loopback

from countcheck.errors import BadInput
from countcheck.generators.remote.download import check_address, fetch_picture


@pytest.fixture(scope="module")
def server():
    with Loopback() as running:
        yield running


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/p.png",
        "ftp://example.org/p.png",
        "file:///etc/passwd",
        "https://127.0.0.1/p.png",
        "https://localhost/p.png",
        "https://[::1]/p.png",
        "https://10.0.0.1/p.png",
        "https://192.168.1.1/p.png",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/",
        "https:///nothing",
        "https://[bad",
        "",
    ],
)
def test_what_is_not_fetched(url):
    with pytest.raises(BadInput):
        check_address(url, loopback=False)


@pytest.mark.parametrize("url", ["http://10.0.0.1/p.png", "file:///etc/passwd", "https://192.168.1.1/"])
def test_loopback_opens_this_machine_and_nothing_else(url):
    with pytest.raises(BadInput):
        check_address(url, loopback=True)


def test_a_picture_comes_as_its_bytes(server):
    server.by_path["/p.png"] = lambda request: Answer(200, PNG)
    assert fetch_picture(server.url + "/p.png", loopback=True) == PNG


def test_too_much_is_cut_off(server):
    server.by_path["/big"] = lambda request: Answer(200, b"x" * 5000)
    with pytest.raises(BadInput, match="more than 1000"):
        fetch_picture(server.url + "/big", loopback=True, max_bytes=1000)


def test_redirects_are_followed_a_little_and_checked_each_time(server):
    server.by_path["/round"] = lambda request: Answer(302, b"", {"location": "/round"})
    server.by_path["/out"] = lambda request: Answer(302, b"", {"location": "http://10.0.0.1/p.png"})
    server.by_path["/once"] = lambda request: Answer(302, b"", {"location": "/p.png"})
    with pytest.raises(BadInput, match="redirects more than 3"):
        fetch_picture(server.url + "/round", loopback=True)
    with pytest.raises(BadInput, match=r"10\.0\.0\.1"):
        fetch_picture(server.url + "/out", loopback=True)
    assert fetch_picture(server.url + "/once", loopback=True) == PNG


def test_an_error_page_is_not_a_picture_and_signatures_are_not_told(server):
    server.by_path["/gone"] = lambda request: Answer(404, b"no")
    with pytest.raises(BadInput, match="answered 404") as caught:
        fetch_picture(server.url + "/gone?sig=secret", loopback=True)
    assert "secret" not in str(caught.value)
