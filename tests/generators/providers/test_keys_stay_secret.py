"""A provider that echoes the key finds no echo in what is kept."""

from __future__ import annotations

import base64
import contextlib
import re
import urllib.parse

import grpc
import grpc_loopback
import pytest
import squares
from loopback import B64, Answer, Loopback, sample_of_talk
from scripted import Says, serve
from telling import made, outcomes

from countcheck.cards import Card
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.suites.suite import Turn

KEY = "hushhush-4f1d9a27c3b8"
ASKED = {
    "stability": ("core", "STABILITY_API_KEY"),
    "bfl": ("flux-2-pro", "BFL_API_KEY"),
    "replicate": ("owner/model", "REPLICATE_API_TOKEN"),
    "fal": ("fal-ai/flux/dev", "FAL_KEY"),
    "together": ("maker/model", "TOGETHER_API_KEY"),
    "ideogram": ("v3", "IDEOGRAM_API_KEY"),
    "dashscope": ("qwen-image-2.0", "DASHSCOPE_API_KEY"),
    "reve": ("latest", "REVE_API_TOKEN"),
    "openrouter": ("maker/model", "OPENROUTER_API_KEY"),
    "huggingface": ("URL", "HF_TOKEN"),
}
ECHOES = [
    Says({"detail": f"no such user: {KEY}", "error": {"message": f"no such user: {KEY}"}}, status=400),
    Says({"error": f"no such user: {KEY}"}, status=500),
    Says({"strange": KEY}),
    Says(f"<html><title>{KEY}</title></html>", status=502),
]


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("family", ASKED)
def test_an_echoed_key_is_not_kept(family, echo, monkeypatch):
    source, name = ASKED[family]
    monkeypatch.setenv(name, KEY)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with serve(echo) as server:
        settings = {} if family == "huggingface" else {"base_url": server.url}
        found = outcomes(made(family, server.url if source == "URL" else source, **settings))
    assert len(found) == 1
    assert KEY not in repr(found)


def test_an_echoed_key_is_not_kept_over_grpc(monkeypatch):
    monkeypatch.setenv("XAI_API_KEY", KEY)
    echo = grpc_loopback.Says(code=grpc.StatusCode.INTERNAL, details=f"no such user: {KEY}")
    with grpc_loopback.serve(echo) as (host, _):
        found = outcomes(made("xai", "grok-imagine-image", host=host))
    assert len(found) == 1
    assert KEY not in repr(found)


def test_an_echoed_key_is_not_kept_with_a_conversation(monkeypatch):
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    words = Says({"choices": [{"message": {"content": f"Your key is {KEY}, and I can't create that image."}}]})
    with serve(words) as server:
        generator = made("openrouter", "maker/model", base_url=server.url)
        dialogue = generator.open(sample_of_talk(generator))
        dialogue.say("pigs", 0, Turn(say="pigs"))
        state = dialogue.state()
        generator.close()
    assert "pigs" in repr(state)
    assert KEY not in repr(state)


SPELLINGS = {
    "plain": KEY,
    "URL-quoted": urllib.parse.quote("/+" + KEY, safe=""),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 of a login": base64.b64encode(f"user:{KEY}:x".encode()).decode(),
    "hex": KEY.encode().hex(),
}


def unspelled(text):
    """Whatever of the key can be read in a text, in any spelling."""
    return [
        name
        for name, spelling in SPELLINGS.items()
        if spelling.strip("=") in text or KEY in urllib.parse.unquote(text) or _in_base64(text)
    ]


def _in_base64(text):
    for piece in re.findall(r"[A-Za-z0-9+/]{12,}", text):
        for cut in range(4):
            with contextlib.suppress(ValueError):
                if KEY.encode() in base64.b64decode(piece[cut : cut + (len(piece) - cut) // 4 * 4]):
                    return True
    return False


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("refused", [False, True])
def test_a_key_echoed_in_ids_usage_or_spelled_otherwise_reaches_no_run(spelling, refused, monkeypatch, tmp_path):
    monkeypatch.setenv("SERVICE_KEY", KEY)
    echo = SPELLINGS[spelling]
    body = {"data": [{"b64_json": B64, "revised_prompt": f"for {echo}"}], "usage": {"account": echo, echo: 1}}
    if refused:
        error = {
            "code": f"moderation_blocked_{echo}",
            "message": f"Rejected for {echo}",
            "moderation_details": {"categories": [echo]},
        }
        body = {"error": error}
    with Loopback() as server:
        server.answers(Answer(400 if refused else 200, body, {"x-request-id": f"req {echo}"}))
        settings = {"base_url": f"{server.url}/v1", "key_env": "SERVICE_KEY", "attempts": 1}
        card = Card(name="openai:squares", family="openai", source="squares", price=0.01, settings=settings)
        config = RunConfig(suite=squares.suite("3 squares"), generators=[card], path=tmp_path / "run")
        with engine.run(config, squares.counter()) as run:
            told = repr(run.rows())
    assert len(told) > 20
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file() and path.suffix != ".png"]
    assert any(path.name == "run.sqlite" for path in files)
    for text in (told, *(path.read_bytes().decode("latin-1") for path in files)):
        assert unspelled(text) == []
