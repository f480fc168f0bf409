"""What the stages of a run share: files before entries, batches of several generators, and the end of a run."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest
import squares

from countcheck.cards import Card
from countcheck.counting.verdict import Kind
from countcheck.engine.batching import PendingOutcome
from countcheck.engine.budget import Budget
from countcheck.engine.config import RunConfig
from countcheck.engine.context import RunContext
from countcheck.engine.progress import NullProgress
from countcheck.engine.provenance import describe_counter, open_or_create
from countcheck.engine.run import plan_generator
from countcheck.engine.scoring import outcome_record
from countcheck.generators.outcome import Failure, Fault, Picture, Reason, Refusal


class Watching(NullProgress):
    def __init__(self):
        self.entries, self.messages = [], []

    def advance(self, generator, entry):
        self.entries.append((generator, entry.verdict))

    def message(self, sentence):
        self.messages.append(sentence)


@pytest.fixture
def context(tmp_path):
    cards = [Card(name=name, family="squares") for name in ("a", "b")]
    config = RunConfig(suite=squares.suite("3 squares", "2 squares"), generators=cards, path=tmp_path / "run")
    plans = [plan_generator(config, card, squares.SquaresGenerator(card)) for card in cards]
    with open_or_create(config, plans, squares.counter()) as folder:
        for plan in plans:
            folder.add_planned(plan.samples)
        yield RunContext(
            folder=folder,
            counting=folder.begin_counting(describe_counter(squares.counter())),
            counter=squares.counter(),
            suite=config.suite,
            progress=Watching(),
            budget=Budget(1.0, 0.0),
            stop=threading.Event(),
        )


def keys(context):
    return [row.key for row in context.folder.rows()]


def pending(context, place, n, *, generator="a", outcome=None):
    row = context.folder.rows()[place]
    outcome = outcome or Picture(key=row.key, pixels=squares.squares(n))
    entry = Future()
    entry.set_result(outcome_record(outcome, None, text=row.text))
    pixels = (lambda: outcome.pixels) if isinstance(outcome, Picture) else None
    return PendingOutcome(generator=generator, key=row.key, asked=(row.targets, row.tags), entry=entry, pixels=pixels)


def test_one_batch_holds_outcomes_of_several_generators(context):
    refusal = Refusal(key=keys(context)[1], reason=Reason.UNEXPLAINED)
    context.count_batch(
        [pending(context, 0, 3), pending(context, 1, 0, outcome=refusal), pending(context, 2, 5, generator="b")]
    )
    verdicts = [row.verdict for row in context.folder.rows()]
    assert verdicts == [Kind.EXACT, Kind.REFUSED, Kind.OVER, None]
    assert context.progress.entries == [("a", Kind.EXACT), ("a", Kind.REFUSED), ("b", Kind.OVER)]


def test_an_entry_is_kept_after_its_file_and_before_its_thumbnail(context, monkeypatch):
    order = []
    writer = type(context.folder.pictures.writer)
    write = writer.write_file
    monkeypatch.setattr(writer, "write_file", lambda self, *given: (order.append("file"), write(self, *given))[1])
    monkeypatch.setattr("countcheck.images.thumbnails.save_thumbnail", lambda *_: order.append("thumbnail"))
    picture = Picture(key=keys(context)[0], pixels=squares.squares(3))
    entry = context.save_picture(picture, 0.04, "3 squares", lambda entry: (order.append("entry"), entry)[1])
    assert order == ["file", "entry", "thumbnail"]
    assert (context.folder.path / entry.picture).is_file()
    assert entry.cost == 0.04


def test_what_has_no_pixels_has_no_file(context):
    failure = Failure(key=keys(context)[0], fault=Fault.CRASH, message="no.")
    entry = context.save_picture(failure, None, "3 squares", lambda entry: entry)
    assert (entry.picture, entry.digest) == ("", "")
    assert not list((context.folder.path / "images").rglob("*.png"))


def test_a_decision_is_recorded_once_and_stops_the_run(context):
    asked = []

    def decide(folder):
        asked.append(len([row for row in folder.rows() if row.outcome != "missing"]))
        return "enough" if asked[-1] == 2 else None

    object.__setattr__(context, "decide", decide)
    for place in range(3):
        context.count_batch([pending(context, place, 3)])
    assert asked == [1, 2]
    assert context.stopped()
    assert context.progress.messages == ["enough"]
    assert context.folder.info.until_decided == "enough"


def test_a_run_is_stopped_by_its_event_and_by_its_budget(context):
    assert not context.stopped()
    context.budget.add(1.0)
    assert context.stopped()


def test_what_is_forgotten_stays_paid(context):
    context.forget(Failure(key=keys(context)[0], fault=Fault.INTERRUPTED, message="stopped", cost=0.25))
    context.forget(Failure(key=keys(context)[0], fault=Fault.INTERRUPTED, message="stopped"))
    assert context.budget.spent == context.folder.spent == 0.25
