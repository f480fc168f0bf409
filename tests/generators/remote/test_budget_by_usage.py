"""A budget holds by what replies say was used: from a stated bound before the first of them."""

from __future__ import annotations

import base64
import itertools
import threading
from dataclasses import replace

import pytest
import squares
from loopback import Answer, Loopback

from countcheck.cards import read_generator_card
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.engine.progress import NullProgress
from countcheck.errors import BadSettings
from countcheck.images.decode import encode_png
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.suite import Conversation, Suite, Target, Turn

TEXTS = [f"{n % 5 + 1} squares, picture {n}" for n in range(40)]
PICTURE = base64.b64encode(encode_png(squares.squares(3))).decode()


class Service:
    """Draws for money: what it used stands in every answer, unless ``silent``."""

    def __init__(self):
        self.tokens = itertools.cycle([1700, 1767, 1850])
        self.billed = 0.0
        self.drawn = 0
        self.silent = False
        self.lock = threading.Lock()

    def __call__(self, request):
        with self.lock:
            tokens = next(self.tokens)
            self.drawn += 1
            self.billed += (20 * 5 + tokens * 30) / 1e6
        usage = {"input_tokens": 20, "input_tokens_details": {"text_tokens": 20}, "output_tokens": tokens}
        body = {"data": [{"b64_json": PICTURE}], "usage": {} if self.silent else usage}
        return Answer(200, body, wait=0.01)


class Messages(NullProgress):
    def __init__(self):
        self.said = []

    def message(self, text):
        self.said.append(text)


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def config(service, tmp_path, monkeypatch):
    monkeypatch.setenv("SERVICE_KEY", "sk-loopback-service")
    with Loopback() as server:
        server.answers(service)

        def make(spec="gpt-image-2", **more):
            card = read_generator_card(spec)
            settings = {**card.settings, "base_url": f"{server.url}/v1", "key_env": "SERVICE_KEY", "concurrency": 4}
            card = replace(card, settings={**settings, **more.pop("settings", {})})
            suite = more.pop("suite", squares.suite(*TEXTS))
            return RunConfig(suite=suite, generators=[card], path=tmp_path / "run", **more)

        yield make


def test_a_budget_of_a_dollar_ends_between_ninety_cents_and_a_dollar(service, config):
    progress = Messages()
    with engine.run(config(budget=1.0), squares.counter(), progress=progress) as run:
        assert run.spent == pytest.approx(service.billed)
    assert 0.90 <= service.billed <= 1.00
    assert any("does not cover another picture" in said for said in progress.said)
    drawn = service.drawn
    engine.run(config(budget=1.0), squares.counter()).close()
    assert service.drawn == drawn
    with engine.run(config(budget=2.0), squares.counter()) as run:
        assert run.spent == pytest.approx(service.billed)
    assert 1.90 <= service.billed <= 2.00


def test_before_the_first_reply_no_more_are_begun_than_the_bound_allows(service, config):
    card = config(budget=0.15).generators[0]
    engine.run(config(budget=0.15), squares.counter()).close()
    assert 0.09 <= service.billed <= 0.15
    assert card.price is None


def test_a_budget_below_the_bound_asks_for_nothing_and_says_why(service, config):
    progress = Messages()
    engine.run(config(budget=0.05), squares.counter(), progress=progress).close()
    assert service.drawn == 0
    assert any("up to 0.065" in said for said in progress.said)


def test_replies_without_image_tokens_count_as_the_bound_now_and_later(service, config):
    service.silent = True
    progress = Messages()
    with engine.run(config(budget=0.5), squares.counter(), progress=progress) as run:
        assert {row.cost for row in run.rows() if row.outcome == "picture"} == {None}
    assert service.drawn == 7  # each may have cost 0.065 USD
    assert any("the replies of 7 pictures do not say what they cost" in said for said in progress.said)
    engine.run(config(budget=0.5), squares.counter()).close()
    assert service.drawn == 7


def test_a_budget_by_usage_holds_for_conversations(service, config):
    some = (Target(noun="square", count=3),)
    talks = tuple(
        Conversation(id=f"t{n}", turns=[Turn(say=f"3 squares, turn {k}", targets=some) for k in range(4)])
        for n in range(8)
    )
    suite = Suite(name="talks", conversations=talks)
    for _ in range(2):
        engine.run(config(budget=0.6, suite=suite), squares.counter()).close()
        assert 0.5 <= service.billed <= 0.6
    with engine.run(config(suite=suite), squares.counter()) as run:
        assert service.drawn == len(run.rows()) == 32
        assert run.spent == pytest.approx(service.billed)


def test_a_formula_without_a_bound_is_learnt_from_one_picture(service, config, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "family: openai\nsource: painter\nprice: {per_million: {input_text: 5, output_image: 30}}\npriced: 2026-11-01\n"
    )
    engine.run(config(str(tmp_path / "mine.yaml"), budget=0.3), squares.counter()).close()
    assert 0.24 <= service.billed <= 0.3


def test_a_card_without_any_price_is_refused_with_the_reason(config, tmp_path):
    (tmp_path / "mine.yaml").write_text("family: openai\nsource: m\nprice_note: my server is a secret.\n")
    with pytest.raises(BadSettings, match=r"no price is known for .*\(my server is a secret\)"):
        engine.run(config(str(tmp_path / "mine.yaml"), budget=1.0), squares.counter())


def test_the_record_names_the_formula_and_its_source(config, tmp_path):
    engine.run(config(limit=1), squares.counter()).close()
    with RunFolder.open(tmp_path / "run") as run:
        recorded = run.info.generators["gpt-image-2"]
    assert recorded.price is None and "30 output image" in recorded.price_formula
    assert (recorded.priced, recorded.price_source) != ("", "")
