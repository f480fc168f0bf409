"""What services and the hub say of the models of cards, against a server on this machine."""

from __future__ import annotations

from datetime import date

import pytest
from loopback import Answer, Loopback

from countcheck.cards import Card
from countcheck.generators.availability import HUB, Finding, Standing, check_availability

DAY = date(2026, 11, 28)


@pytest.fixture
def server(monkeypatch):
    with Loopback() as running:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback-abcdefgh")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{running.url}/v1")
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        yield running


def openai_card(source, ends=None):
    return Card(name=source, family="openai", source=source, ends=ends)


def found(cards, day=DAY):
    return {finding.card: (str(finding.standing), finding.says) for finding in check_availability(cards, day)}


def test_ends_are_compared_with_the_services_own(server):
    listed = [
        {"id": "agreed", "object": "model", "shutdown_date": "2026-12-01"},
        {"id": "earlier", "object": "model", "shutdown_date": "2026-11-30"},
        {"id": "unknown-to-us", "object": "model", "shutdown_date": "2027-01-31"},
        {"id": "living", "object": "model", "shutdown_date": None},
        {"id": "past", "object": "model"},
    ]
    server.by_path["/v1/models"] = Answer(body={"object": "list", "data": listed})
    ends = date(2026, 12, 1)
    cards = [
        openai_card("agreed", ends),
        openai_card("earlier", ends),
        openai_card("unknown-to-us"),
        openai_card("living"),
        openai_card("past", date(2026, 8, 17)),
        openai_card("gone", date(2026, 8, 17)),
        openai_card("vanished"),
    ]
    assert found(cards) == {
        "agreed": ("agrees", ""),
        "earlier": ("differs", "the service says that it ends on 2026-11-30, the card 2026-12-01"),
        "unknown-to-us": ("differs", "the service says that it ends on 2027-01-31, the card names no end"),
        "living": ("agrees", ""),
        "past": ("differs", "the service still lists it, past the card's 2026-08-17"),
        "gone": ("agrees", ""),
        "vanished": ("differs", "the service does not list it"),
    }


def test_gemini_lists_models_without_ends(server, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "sk-loopback-abcdefgh")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
    server.answers(Answer(body={"models": [{"name": "models/gemini-here"}]}))
    cards = [Card(name=name, family="google", source=name) for name in ("gemini-here", "gemini-gone")]
    assert found(cards) == {
        "gemini-here": ("agrees", ""),
        "gemini-gone": ("differs", "the service does not list it"),
    }


def test_without_a_key_nothing_is_compared(server, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    ((standing, says),) = found([openai_card("agreed")]).values()
    assert standing == "unasked" and "OPENAI_API_KEY" in says


def test_a_key_that_a_service_repeats_is_not_shown(server):
    server.by_path["/v1/models"] = Answer(401, {"error": {"message": "wrong key sk-loopback-abcdefgh"}})
    ((standing, says),) = found([openai_card("agreed")]).values()
    assert standing == "unasked" and "sk-loopback" not in says


def test_cards_of_other_servers_and_of_local_families_are_left_out(server):
    cards = [
        Card(name="mine", family="openai", source="x", settings={"base_url": "http://127.0.0.1:8000/v1"}),
        Card(name="azure", family="azure", source="deployment"),
        Card(name="scenes", family="scenes"),
        Card(name="tiny", family="diffusers", source="tiny-painter"),
    ]
    assert check_availability(cards, DAY) == []


def hub_answer(request):
    name = request.path.partition("/api/models/")[2].partition("?")[0]
    if name == "org/gone":
        return Answer(404, {"error": "Repository not found"}, {"x-error-code": "RepoNotFound"})
    if name == "org/odd":
        return Answer(500, {})
    body = {"id": "org/new" if name == "org/moved" else name, "gated": "manual" if name == "org/gated" else False}
    return Answer(body={**body, "disabled": name == "org/disabled", "tags": [], "siblings": []})


def test_the_hub_is_asked_for_the_models_of_local_cards(server):
    server.answers(hub_answer)
    names = ("fine", "gated", "gone", "moved", "disabled", "odd")
    cards = [Card(name=name, family="diffusers", source=f"org/{name}") for name in names]
    findings = check_availability(cards, DAY)
    assert findings[:5] == [
        Finding(card="fine", asked=HUB, standing=Standing.AGREES),
        Finding(card="gated", asked=HUB, standing=Standing.AGREES, says="asks for consent to its licence on the hub"),
        Finding(
            card="gone",
            asked=HUB,
            standing=Standing.DIFFERS,
            says="the hub shows no model org/gone: it is gone, renamed or private",
        ),
        Finding(card="moved", asked=HUB, standing=Standing.DIFFERS, says="the hub calls it org/new now"),
        Finding(card="disabled", asked=HUB, standing=Standing.DIFFERS, says="the hub has disabled org/disabled"),
    ]
    assert findings[5].standing is Standing.UNASKED
