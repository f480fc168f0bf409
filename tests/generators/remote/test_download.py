"""Addresses that providers give: only the open internet, over https, and not too much of it."""

from __future__ import annotations

import socket

import pytest
from loopback import PNG, Answer, Loopback

from countcheck.errors import BadInput
from countcheck.generators.remote.download import BadAddress, check_address, fetch_picture


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


def test_the_address_that_was_checked_is_the_one_that_is_connected(monkeypatch):
    """A name server that answers with a public address first and a private one afterwards gains nothing."""
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    looked_up, connected = [], []
    plain = socket.getaddrinfo

    def getaddrinfo(host, *args, **more):
        if host != "rebind.example":
            return plain(host, *args, **more)
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), 443))]

    def connect(address, *args, **more):
        connected.append(address[0])
        raise OSError("no network in tests")

    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(BadInput, match="could not be fetched"):
        fetch_picture("https://rebind.example/p.png")
    assert (looked_up, connected) == (["rebind.example"], ["93.184.216.34"])


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch):
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.216.34", "10.0.0.7")]
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: both)
    with pytest.raises(BadAddress, match="private network"):
        check_address("https://mixed.example/p.png", loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://[::ffff:10.0.0.1]/p.png",
        "https://[2002:7f00:1::]/p.png",
        "https://[fd00::1]/p.png",
        "https://100.64.0.1/p.png",
        "https://224.0.0.1/p.png",
        "http://192.168.1.9/p.png",
    ],
)
def test_disguised_private_addresses_are_refused(url):
    with pytest.raises(BadAddress):
        check_address(url, loopback=False)


def test_a_picture_on_a_private_host_is_fetched_when_the_server_asked_is_that_host():
    url = "http://localai.local:8080/generated-images/b64431.png"
    assert check_address(url, loopback=False, own="http://localai.local:8080/v1") == ()
    with pytest.raises(BadAddress, match="Set base_url to it, or let the server send pictures inside its answer"):
        check_address(url, loopback=False, own="http://other.local:8080/v1")


@pytest.mark.parametrize(
    ("own", "relative", "asked"),
    [("/v1", "/files/p.png", "/files/p.png"), ("/v1", "p.png", "/v1/p.png"), ("/v1/", "sub/p.png", "/v1/sub/p.png")],
)
def test_a_relative_address_is_resolved_against_the_servers(server, own, relative, asked):
    server.by_path[asked] = lambda request: Answer(200, PNG)
    assert fetch_picture(relative, own=server.url + own, loopback=True) == PNG
