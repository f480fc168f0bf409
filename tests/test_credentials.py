"""Keys are taken out of whatever is kept."""

from __future__ import annotations

import base64

import pytest

from countcheck.credentials import hidden, raw_of, redact


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcDEF123456789.",
        "Authorization: Bearer abcdefghijklmnop",
        '{"authorization": "Key 0123456789abcdef"}',
        "hf_abcdefghijklmnopqrstu",
        "r8_abcdefghijklmnopqrstuvwxyz0123",
        "https://x.example/v1?key=AIzaSyA0123456789abcdefghijklmnop",
        "https://x.example/p.png?X-Amz-Signature=0123456789abcdef0123456789abcdef&a=b",
        "AKIAIOSFODNN7EXAMPLE",
        "x-api-key: 0123456789abcdef",
        "api_key='0123456789abcdef'",
        "ya29.a0AfH6SMBexampleexample",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "xai-abcdefghijklmnopqrstuvwx",
    ],
)
def test_what_looks_like_a_key_is_hidden(text):
    shown = redact(text)
    assert "[key]" in shown
    for part in ("abcDEF", "abcdefghijkl", "0123456789abcdef", "IOSFODNN", "AfH6SMB", "dozjgNry"):
        assert part not in shown


def test_a_known_secret_is_hidden_whatever_it_looks_like():
    assert redact("the word is hunter22, you know", ["hunter22"]) == "the word is [key], you know"


@pytest.mark.parametrize("text", ["three pigs, not four", "key frames: 12", "the token of his love", "a monkey: ape"])
def test_ordinary_words_stay(text):
    assert redact(text) == text


def test_pictures_are_replaced_by_their_digest():
    data = base64.b64encode(bytes(range(256)) * 8).decode()
    raw = raw_of({"data": [{"b64_json": data}], "url": f"data:image/png;base64,{data}"})
    assert data[:40] not in raw
    assert raw.count("2048 bytes, sha256") == 2


def test_a_long_answer_is_cut():
    assert len(raw_of("no " * 100_000)) <= 20_000


def test_a_known_secret_is_hidden_in_plain_json_and_what_only_looks_like_one_stays():
    told = {"id": "sk-abcdefghijkl", "said": ["my key is hunter22", b"\x00hunter22", 3, None]}
    assert hidden(told, ["hunter22"]) == {"id": "sk-abcdefghijkl", "said": ["my key is [key]", b"\x00[key]", 3, None]}
