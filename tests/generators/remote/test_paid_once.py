"""Interrupted, resumed, out of money: no picture that was paid for is asked for twice, and no more are asked for than
may be."""

from __future__ import annotations

import base64
import collections
import sqlite3
import threading
import time
from dataclasses import replace

import pytest
import squares
from loopback import Answer, Loopback

from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.errors import GeneratorClosed
from countcheck.images.decode import encode_png
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.suite import Conversation, Suite, Target, Turn

TEXTS = [f"{n % 5 + 1} squares, picture {n}" for n in range(40)]
AT_ONCE = 4
SOME = (Target(noun="square", count=3),)


class Service:
    """Draws squares for money; every drawing is kept in the books."""

    def __init__(self):
        self.drawn = collections.Counter()
        self.edits = 0
        self.after = {}  # number of drawings: what to do then

    def __call__(self, request):
        text = str(self.edits) if request.path.endswith("edits") else request.json["prompt"]
        self.edits += request.path.endswith("edits")
        self.drawn[text] += 1
        action = self.after.get(self.drawn.total())
        if action is not None and (answer := action()) is not None:
            return answer
        picture = base64.b64encode(encode_png(squares.squares(int(text.split()[0]) % 9))).decode()
        return Answer(200, {"data": [{"b64_json": picture}]}, wait=0.02)


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def order(service, tmp_path, monkeypatch):
    monkeypatch.setenv("SERVICE_KEY", "sk-loopback-service")
    with Loopback() as server:
        server.answers(service)
        settings = {
            "base_url": f"{server.url}/v1",
            "key_env": "SERVICE_KEY",
            "concurrency": AT_ONCE,
            "first_wait": 0.001,
        }
        card = Card(name="openai:squares", family="openai", source="squares", price=0.01, settings=settings)

        def make(**more):
            return RunConfig(suite=squares.suite(*TEXTS), generators=[card], path=tmp_path / "run", **more)

        yield make


def test_interrupted_and_resumed_nothing_is_paid_for_twice(service, order):
    stopping = threading.Event()
    service.after[9] = stopping.set
    engine.run(order(), squares.counter(), stop=stopping).close()
    assert 9 <= service.drawn.total() <= 9 + AT_ONCE
    with engine.run(order(), squares.counter()) as run:
        assert [row.outcome for row in run.rows()] == ["picture"] * len(TEXTS)
    assert set(service.drawn.values()) == {1}
    assert service.drawn.total() == len(TEXTS)


def test_a_budget_is_exceeded_by_no_more_than_the_requests_under_way(service, order):
    engine.run(order(budget=0.10), squares.counter()).close()
    assert 10 <= service.drawn.total() <= 10 + AT_ONCE
    engine.run(order(budget=0.10), squares.counter()).close()
    assert service.drawn.total() <= 10 + AT_ONCE


@pytest.mark.parametrize("budget", [0.03, 0.10, 0.17])
def test_a_budget_holds_for_conversations_too(service, order, budget):
    talks = [
        Conversation(id=f"t{n}", turns=[Turn(say=f"{n % 5} squares, turn {k}", targets=SOME) for k in range(4)])
        for n in range(8)
    ]
    suite = Suite(name="talks", conversations=tuple(talks))
    for _ in range(2):
        engine.run(replace(order(budget=budget), suite=suite), squares.counter()).close()
        assert round(budget / 0.01) <= service.drawn.total() <= round(budget / 0.01) + AT_ONCE - 1
    with engine.run(replace(order(), suite=suite), squares.counter()) as run:
        assert len(run.rows()) == service.drawn.total() >= 32
        assert run.spent == pytest.approx(0.01 * service.drawn.total())


def test_killed_while_counting_nothing_is_paid_for_twice(service, order, monkeypatch):
    """Counting takes longer than drawing, so much waits to be counted when the process ends."""

    class Killed(BaseException):
        pass

    slow = squares.counter()
    seen = []

    def detect(pictures, nouns):
        if service.drawn and (seen or service.drawn.total() == len(TEXTS)):
            raise Killed
        if service.drawn:
            seen.append(len(pictures))
            while service.drawn.total() < len(TEXTS):
                time.sleep(0.01)
        return squares.SquaresDetector().detect(pictures, nouns)

    monkeypatch.setattr(slow.detector, "detect", detect)
    with pytest.raises(Killed):
        engine.run(order(), slow)
    with engine.run(order(), squares.counter()) as run:
        assert [row.outcome for row in run.rows()] == ["picture"] * len(TEXTS)
        assert not run.resume.uncounted()
    assert service.drawn.total() == len(TEXTS)


@pytest.mark.parametrize("talks", [False, True])
@pytest.mark.parametrize("at_once", [1, AT_ONCE])
def test_an_answer_is_stored_before_another_request_takes_its_place(service, order, tmp_path, at_once, talks):
    stored, files = [], []
    one_by_one = threading.Lock()  # or a request that came later might be looked at first

    def look():
        with one_by_one:
            with sqlite3.connect(tmp_path / "run" / "run.sqlite") as ledger:
                keys = ledger.execute("SELECT key, turn FROM outcomes UNION SELECT key, turn FROM uncounted").fetchall()
            ledger.close()
            stored.append(len(keys))
            files.append(sum(1 for _ in (tmp_path / "run" / "images").rglob("*.png")))

    service.after = dict.fromkeys(range(1, 41), look)
    asked = order()
    (card,) = asked.generators
    card = replace(card, settings={**card.settings, "concurrency": at_once})
    suite = asked.suite
    if talks:
        turns = [Turn(say=f"3 squares, turn {k}", targets=SOME) for k in range(5)]
        suite = Suite(name="talks", conversations=tuple(Conversation(id=f"t{n}", turns=turns) for n in range(8)))
    engine.run(replace(asked, suite=suite, generators=[card]), squares.counter()).close()
    assert service.drawn.total() == len(stored) == 40
    for number, (rows, pictures) in enumerate(zip(stored, files, strict=True)):
        assert number - rows < at_once and number - pictures < at_once


@pytest.mark.parametrize("talks", [False, True])
def test_a_picture_that_is_lost_before_it_was_counted_was_paid_for_all_the_same(service, order, tmp_path, talks):
    class Killed(BaseException):
        pass

    class Dying(squares.SquaresDetector):
        def detect(self, pictures, nouns):
            if service.drawn.total() >= 2:
                raise Killed
            return super().detect(pictures, nouns)

    turns = [Turn(say=f"3 squares, turn {k}", targets=SOME) for k in range(3)]
    suite = Suite(name="talk", conversations=(Conversation(id="t", turns=turns),)) if talks else squares.suite(*TEXTS)
    counter = squares.counter()
    with pytest.raises(Killed):
        engine.run(replace(order(), suite=suite), Counter(counter.card, Dying()))
    with RunFolder.open(tmp_path / "run") as run:
        newest = max((tmp_path / "run" / "images").rglob("*.png"), key=lambda path: path.stat().st_mtime_ns)
        waiting = run.resume.cost()
        newest.unlink()
    assert waiting > 0
    for _ in range(2):
        with engine.run(replace(order(), suite=suite), squares.counter()) as run:
            assert all(row.outcome == "picture" for row in run.rows())
            assert run.spent == pytest.approx(0.01 * service.drawn.total())


def test_a_key_that_dies_on_the_way_keeps_what_was_made_and_asks_no_more(service, order):
    dead = Answer(401, {"error": {"code": "invalid_api_key", "message": "Incorrect API key provided."}})
    service.after = dict.fromkeys(range(12, 40), lambda: dead)
    with pytest.raises(GeneratorClosed, match="Incorrect API key"):
        engine.run(order(), squares.counter())
    assert service.drawn.total() <= 12 + AT_ONCE
    service.after = {}
    with engine.run(order(retry_failed=True), squares.counter()) as run:
        assert [row.outcome for row in run.rows()] == ["picture"] * len(TEXTS)
