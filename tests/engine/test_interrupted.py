"""A sample that waits for its next try when the run ends is not done: the run that goes on makes it."""

from __future__ import annotations

import base64
import collections
import threading

import pytest
import squares
from loopback import Answer, Loopback

from countcheck.cards import Card
from countcheck.counting.verdict import Kind
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.errors import GeneratorClosed
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Failure, Fault
from countcheck.images.decode import encode_png
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.suite import Conversation, Suite, Target, Turn

TEXTS = [f"{n % 5 + 1} squares, picture {n}" for n in range(12)]
BUSY = {"error": {"code": "server_error", "message": "The server had an error. Try again."}}
NO_KEY = {"error": {"code": "invalid_api_key", "message": "Incorrect API key provided."}}


class Service:
    """Draws squares; what is in ``busy`` fails until it is fixed."""

    def __init__(self):
        self.busy = set()
        self.asked = collections.Counter()
        self.after = {}

    def __call__(self, request):
        text = request.json["prompt"]
        self.asked[text] += 1
        action = self.after.get(self.asked.total())
        if action is not None and (answer := action()) is not None:
            return answer
        if text in self.busy:
            return Answer(500, BUSY)
        picture = base64.b64encode(encode_png(squares.squares(int(text.split()[0])))).decode()
        return Answer(200, {"data": [{"b64_json": picture}]}, wait=0.01)


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def config(service, tmp_path, monkeypatch):
    monkeypatch.setenv("SERVICE_KEY", "sk-loopback-service")
    with Loopback() as server:
        server.answers(service)

        def make(**more):
            settings = {"base_url": f"{server.url}/v1", "key_env": "SERVICE_KEY", "concurrency": 4, "first_wait": 20.0}
            card = Card(name="openai:squares", family="openai", source="squares", price=0.01, settings=settings)
            return RunConfig(suite=squares.suite(*TEXTS), generators=[card], path=tmp_path / "run", **more)

        yield make


def test_stopped_while_some_wait_for_their_next_try(service, config):
    service.busy = {TEXTS[0], TEXTS[2]}
    stop = threading.Event()
    service.after[6] = stop.set
    with engine.run(config(), squares.counter(), stop=stop) as run:
        rows = {row.text: row.outcome for row in run.rows()}
        assert rows[TEXTS[0]] == rows[TEXTS[2]] == "missing"
        assert "failure" not in rows.values()
        assert run.completed_keys().isdisjoint({row.key for row in run.rows() if row.outcome == "missing"})
    service.busy.clear()
    service.after.clear()
    with engine.run(config(), squares.counter()) as run:
        assert [row.verdict for row in run.rows()] == [Kind.EXACT] * len(TEXTS)
    assert service.asked[TEXTS[0]] == 2
    assert all(service.asked[text] == 1 for text in TEXTS if text not in (TEXTS[0], TEXTS[2]))


def test_the_account_closes_while_one_waits_for_its_next_try(service, config, monkeypatch):
    monkeypatch.setattr("countcheck.generators.remote.attempts.random.uniform", lambda low, high: 0.3)
    service.busy = {TEXTS[0]}
    service.after[5] = lambda: Answer(401, NO_KEY)
    with pytest.raises(GeneratorClosed):
        engine.run(config(), squares.counter())
    with RunFolder.open(config().path) as run:
        failed = [row for row in run.rows() if row.outcome == "failure"]
        assert [row.failure for row in failed] == ["closed"]
        assert next(row.outcome for row in run.rows() if row.text == TEXTS[0]) == "missing"


class Interrupting(squares.SquaresGenerator):
    """Says of its second sample, prompt or turn that it was stopped, the first time."""

    traits = Traits(seeded=True, edits=True)
    calls = 0

    def _one(self, sample):
        return self._interrupted(sample, 0) or super()._one(sample)

    def edit(self, sample, pixels, instruction, turn, targets):
        return self._interrupted(sample, turn) or self._picture(sample, turn)

    def _picture(self, sample, turn):
        from countcheck.generators.outcome import Picture

        return Picture(key=sample.key, turn=turn, pixels=squares.squares(3))

    def _interrupted(self, sample, turn):
        type(self).calls += 1
        if type(self).calls == 2:
            return Failure(key=sample.key, turn=turn, fault=Fault.INTERRUPTED, message="stopped", cost=0.5)
        return None


def made(tmp_path, suite):
    config = RunConfig(suite=suite, generators=[Card(name="squares", family="squares")], path=tmp_path / "run")
    with engine.run(config, squares.counter(), load=Interrupting) as run:
        # The tries of the sample that was interrupted were paid for.
        assert run.spent == pytest.approx(0.5 + sum(row.cost or 0.0 for row in run.rows()))
        return [(row.outcome, row.turn) for row in run.rows()]


def test_any_generator_can_say_that_a_sample_was_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(Interrupting, "calls", 0)
    suite = squares.suite("3 squares", "2 squares", "1 square")
    assert [outcome for outcome, _ in made(tmp_path, suite)] == ["picture", "missing", "picture"]
    assert [outcome for outcome, _ in made(tmp_path, suite)] == ["picture"] * 3


def test_a_turn_that_was_interrupted_is_said_when_the_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(Interrupting, "calls", 0)
    turns = tuple(Turn(say=say, targets=(Target(noun="square", count=3),)) for say in ("3 squares.", "Noir.", "Rain."))
    suite = Suite(name="talk", conversations=(Conversation(id="t", turns=turns),))
    monkeypatch.setattr(Interrupting, "traits", Traits(seeded=True, edits=True, remote=True))
    assert made(tmp_path, suite) == [("picture", 0)]
    assert made(tmp_path, suite) == [("picture", 0), ("picture", 1), ("picture", 2)]
