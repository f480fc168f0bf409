"""A provider that echoes the key finds no echo in what is kept."""

from __future__ import annotations

import grpc
import grpc_loopback
import pytest
from loopback import sample_of_talk
from scripted import Says, serve
from telling import made, outcomes

from countcheck.suites.suite import Turn

KEY = "hushhush-4f1d9a27c3b8"
ASKED = {
    "stability": ("core", "STABILITY_API_KEY"),
    "bfl": ("flux-2-pro", "BFL_API_KEY"),
    "replicate": ("owner/model", "REPLICATE_API_TOKEN"),
    "fal": ("fal-ai/flux/dev", "FAL_KEY"),
    "together": ("maker/model", "TOGETHER_API_KEY"),
    "ideogram": ("v3", "IDEOGRAM_API_KEY"),
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
