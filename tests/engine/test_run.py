"""The engine on squares: what is made, kept, resumed and refused."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date

import pytest
import squares

from countcheck.cards import Card
from countcheck.counting.verdict import Kind
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.engine.progress import NullProgress
from countcheck.errors import BadInput, BadSettings, CannotDecide, GeneratorClosed, RunMismatch
from countcheck.files import exclusive_lock
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Failure, Fault, Reason, Refusal
from countcheck.images.thumbnails import saved_thumbnail
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_folder import RunFolder


@pytest.fixture(autouse=True)
def squares_family(monkeypatch):
    monkeypatch.setitem(engine.__dict__, "load_generator", lambda card: squares.SquaresGenerator(card))


def order(path, *texts, **more):
    return RunConfig(
        suite=squares.suite(*(texts or ("3 squares", "2 squares +1", "4 please refuse", "5 break"))),
        generators=[Card(name="squares", family="squares", settings=more.pop("settings", {}))],
        path=path / "run",
        **more,
    )


def test_every_outcome_ends_in_its_row(tmp_path):
    with engine.run(order(tmp_path), squares.counter()) as run:
        rows = run.rows()
    assert [row.verdict for row in rows] == [Kind.EXACT, Kind.OVER, Kind.REFUSED, Kind.FAILED]
    assert [row.counted for row in rows] == [{"square": 3}, {"square": 3}, {}, {}]
    assert rows[1].reason == "asked for exactly 2 square, counted 3 square"
    assert rows[2].refusal == "unexplained" and rows[2].words == "I can't draw that."
    assert rows[3].failure == "transient"


def test_a_generator_on_the_cores_comes_to_the_same_rows(tmp_path, monkeypatch):
    def rows(path):
        with engine.run(order(path), squares.counter()) as run:
            return [replace(row, seconds=0.0) for row in run.rows()]

    beside = rows(tmp_path / "beside")
    monkeypatch.setattr(squares.SquaresGenerator, "traits", Traits(seeded=True, batched=True, on_cores=True))
    assert rows(tmp_path / "in turns") == beside


def test_half_a_character_in_an_answer_costs_nothing(tmp_path, monkeypatch):
    class Cut(squares.SquaresGenerator):
        def _one(self, sample):
            if "refuse" in sample.text:
                return Refusal(key=sample.key, reason=Reason.UNEXPLAINED, words="no \ud83d", extra={"raw": ["\ud83d"]})
            return Failure(key=sample.key, fault=Fault.TRANSIENT, message="cut \ud83d\ude00 \udc80")

    monkeypatch.setattr(engine, "load_generator", Cut)
    with engine.run(order(tmp_path, "4 please refuse", "5 break"), squares.counter()) as run:
        refused, failed = run.rows()
    assert refused.words == "no \ufffd"
    assert failed.message == "cut \U0001f600 \ufffd"


def test_a_picture_file_holds_what_was_counted(tmp_path):
    from PIL import Image

    with engine.run(order(tmp_path, "3 squares"), squares.counter()) as run:
        (row,) = run.rows()
        path = run.pictures.find(row)
        assert path is not None
        assert (squares.squares(3, row.seed) == Image.open(path)).all()


def test_a_small_copy_of_each_picture_is_kept_for_the_report(tmp_path, monkeypatch):
    monkeypatch.setattr("countcheck.images.thumbnails.EDGE", 32)
    with engine.run(order(tmp_path, "3 squares"), squares.counter()) as run:
        (row,) = run.rows()
        assert saved_thumbnail(run.path, row.picture, run.pictures.find(row)) is not None


def test_the_same_command_again_makes_nothing_again(tmp_path):
    engine.run(order(tmp_path), squares.counter()).close()
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "run/images").rglob("*.png")}
    with engine.run(order(tmp_path), squares.counter()) as run:
        assert len(run.rows()) == 4
    assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / "run/images").rglob("*.png")}


def test_an_interrupted_run_goes_on_to_the_same_rows(tmp_path):
    texts = [f"{n % 5} squares of kind {n}" for n in range(40)]
    with engine.run(order(tmp_path / "a", *texts), squares.counter()) as whole:
        expected = [(r.key, r.verdict, r.counted, r.picture) for r in whole.rows()]
    stopping = threading.Event()

    class StopAfterTen(NullProgress):
        seen = 0

        def advance(self, generator, entry):
            self.seen += 1
            if self.seen == 10:
                stopping.set()

    part = order(tmp_path / "b", *texts, settings={"pause": 0.01})
    with engine.run(part, squares.counter(), progress=StopAfterTen(), stop=stopping) as run:
        missing = [row for row in run.rows() if row.outcome == "missing"]
        assert 0 < len(missing) < 31
    with engine.run(part, squares.counter()) as run:
        assert [(r.key, r.verdict, r.counted, r.picture) for r in run.rows()] == expected


def test_failed_samples_are_made_again_only_when_told(tmp_path, monkeypatch):
    made = []

    class Mending(squares.SquaresGenerator):
        """Fails the first time, and draws what it is asked for a second time."""

        def _one(self, sample):
            made.append(sample.key)
            if len(made) == 1:
                return Failure(key=sample.key, fault=Fault.TRANSIENT, message="the line went dead")
            return super()._one(sample)

    monkeypatch.setattr(engine, "load_generator", Mending)
    engine.run(order(tmp_path, "3 squares"), squares.counter()).close()
    with engine.run(order(tmp_path, "3 squares"), squares.counter()) as run:
        (row,) = run.rows()
        assert run.completed_keys() == {row.key}
        assert row.failure == "transient"
    assert len(made) == 1
    again = replace(order(tmp_path, "3 squares"), retry_failed=True)
    with engine.run(again, squares.counter()) as run:
        assert run.rows()[0].verdict is Kind.EXACT
    assert made == [row.key, row.key]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"settings": {"extra": 1}}, "extra of squares"),
        ({"limit": 1}, "limit"),
    ],
)
def test_a_changed_setting_in_the_same_folder_is_refused(tmp_path, change, said):
    engine.run(order(tmp_path), squares.counter()).close()
    with pytest.raises(RunMismatch, match=said):
        engine.run(order(tmp_path, **change), squares.counter())


def test_a_changed_suite_in_the_same_folder_is_refused(tmp_path):
    engine.run(order(tmp_path, "3 squares"), squares.counter()).close()
    with pytest.raises(RunMismatch, match="version of the suite"):
        engine.run(order(tmp_path, "4 squares"), squares.counter())


def test_a_changed_rule_in_the_same_folder_is_refused(tmp_path):
    engine.run(order(tmp_path), squares.counter()).close()
    with pytest.raises(RunMismatch, match="threshold of the counter"):
        engine.run(order(tmp_path), squares.counter(threshold=0.5))


def test_a_noun_that_the_counter_cannot_know_stops_the_run_before_it_starts(tmp_path):
    asked = order(tmp_path)
    wolves = replace(
        asked.suite.prompts[0], targets=(replace(asked.suite.prompts[0].targets[0], noun="wolf", phrase="wolf"),)
    )
    with pytest.raises(BadInput, match="wolf"):
        engine.run(replace(asked, suite=replace(asked.suite, prompts=(wolves,))), squares.counter())
    assert not (tmp_path / "run").exists()


def test_a_budget_stops_the_run(tmp_path):
    """A picture costs 0.02 USD and one is in progress at a time: ten are made, and not one more is begun."""
    texts = [f"1 square of kind {n}" for n in range(200)]
    said = []
    with engine.run(order(tmp_path, *texts, budget=0.2), squares.counter(), progress=Said(said)) as run:
        rows = run.rows()
    assert sum(row.outcome == "picture" for row in rows) == 10
    assert sum(row.cost or 0 for row in rows) == pytest.approx(0.2)
    assert "the budget of 0.2 USD is spent: no more pictures are made" in said


class Said(NullProgress):
    """Keeps the sentences of a run."""

    def __init__(self, said):
        self.message = said.append


def test_only_and_limit_choose_samples(tmp_path):
    with engine.run(order(tmp_path, limit=2), squares.counter()) as run:
        assert len(run.rows()) == 2
    with pytest.raises(BadInput, match="no prompt"):
        engine.run(order(tmp_path / "x", only={"style": "noir"}), squares.counter())


def test_a_closed_account_keeps_what_was_made(tmp_path, monkeypatch):
    class Closing(squares.SquaresGenerator):
        def generate(self, samples):
            yield from super().generate(samples[:2])
            raise GeneratorClosed("squares: the key was refused. Check it.")

    monkeypatch.setattr(engine, "load_generator", Closing)
    with pytest.raises(GeneratorClosed):
        engine.run(order(tmp_path), squares.counter())
    with RunFolder.open(tmp_path / "run") as run:
        assert [row.outcome for row in run.rows()] == ["picture", "picture", "missing", "missing"]


def test_a_gate_that_is_decided_ends_the_run_early(tmp_path):
    from countcheck.gate.early_stop import SequentialGate
    from countcheck.gate.policy import read_policy

    policy = tmp_path / "policy.yaml"
    policy.write_text("rules:\n  - {rate: exact_rate, at_least: 0.5}\n")
    gate = SequentialGate(read_policy(policy))
    texts = [f"{n % 5} squares of kind {n}" for n in range(400)]
    asked = order(tmp_path, *texts, settings={"pause": 0.002})
    with engine.run(asked, squares.counter(), decide=lambda run: gate.update(run.rows())) as run:
        rows = run.rows()
        assert gate.decision == "pass"
        assert 5 < sum(row.outcome == "picture" for row in rows) < 300
        assert run.info.until_decided == "pass"


def test_a_budget_without_a_price_is_refused(tmp_path):
    class Far(squares.SquaresGenerator):
        traits = Traits(remote=True)

    engine_order = order(tmp_path, "1 square", budget=1.0)
    original, engine.load_generator = engine.load_generator, Far
    try:
        with pytest.raises(BadSettings, match="no price is known for squares"):
            engine.run(engine_order, squares.counter())
    finally:
        engine.load_generator = original


def test_a_counter_that_breaks_at_the_last_picture_ends_the_run(tmp_path):
    broken = squares.counter()
    before = broken.detector.detect

    def detect(pictures, nouns):
        if pictures:
            raise RuntimeError("the lens fell out")
        return before(pictures, nouns)

    broken.detector.detect = detect
    with pytest.raises(RuntimeError, match="the lens fell out"):
        engine.run(order(tmp_path, "1 square"), broken)


def test_two_runs_at_once_in_one_folder_would_pay_twice(tmp_path):
    asked = order(tmp_path, "3 squares")
    with exclusive_lock(asked.path), pytest.raises(BadInput, match="another run is writing there"):
        engine.run(asked, squares.counter())
    assert not RunFolder.exists(asked.path)
    with engine.run(asked, squares.counter()) as run:
        assert [row.verdict for row in run.rows()] == [Kind.EXACT]


def test_a_file_where_the_run_should_be_is_one_sentence(tmp_path):
    (tmp_path / "run").touch()
    with pytest.raises(BadInput, match="Choose another folder"):
        engine.run(order(tmp_path), squares.counter())


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        (
            ["Connection refused."],
            "the only sample that was made failed, so no rate can be given: Connection refused. ",
        ),
        (["a.", "a.", "b."], "all 3 samples that were made failed.* 2 times: a. "),
        (["a.", "a."], "all 2 samples that were made failed.* every time: a. "),
    ],
)
def test_a_run_without_an_answer_names_the_commonest_reason(tmp_path, messages, says):
    rows = [failed(message) for message in messages]
    with pytest.raises(CannotDecide, match=says):
        engine.require_success([*rows, missing()])


def test_one_answer_or_nothing_made_yet_is_no_failed_run():
    engine.require_success([])
    engine.require_success([missing()])
    engine.require_success([failed("a."), replace(missing(), outcome="refusal")])


def failed(message):
    return replace(missing(), outcome="failure", message=message)


def missing():
    return ResultRow(key="k", generator="g", prompt_id="p", repeat=0, seed=0, text="", outcome="missing")


def test_a_run_begun_under_an_older_version_of_the_rule_goes_on_under_it(tmp_path):
    counter = squares.counter()
    older = counter.with_rule(replace(counter.rule, version=2))
    with engine.run(order(tmp_path), older) as run:
        rows = run.rows()
    with engine.run(order(tmp_path), counter) as run:
        assert run.rows() == rows
        assert run.info.counter.rule["version"] == 2
    with engine.run(replace(order(tmp_path), path=tmp_path / "new"), counter) as run:
        assert run.info.counter.rule["version"] == counter.rule.version > 2


ENDS = date(2026, 12, 1)


def ending(path, **more):
    (card,) = (each := order(path, **more)).generators
    return replace(each, generators=[replace(card, ends=ENDS, replaced_by="cubes")])


class Heard(NullProgress):
    def __init__(self):
        self.sentences = []

    def message(self, sentence):
        self.sentences.append(sentence)


def test_a_model_that_has_ended_is_not_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("COUNTCHECK_TODAY", "2026-12-01")
    with pytest.raises(BadSettings, match=r"squares: its end was announced for 2026-12-01\. Use cubes"):
        engine.run(ending(tmp_path), squares.counter())
    assert not (tmp_path / "run").exists()


def test_the_end_of_a_model_is_announced_and_a_complete_run_needs_it_no_more(tmp_path, monkeypatch):
    monkeypatch.setenv("COUNTCHECK_TODAY", "2026-11-28")
    heard = Heard()
    with engine.run(ending(tmp_path), squares.counter(), progress=heard) as run:
        made = len(run.rows())
    assert heard.sentences[0] == "squares ends 2026-12-01, in 3 days; use cubes"
    monkeypatch.setenv("COUNTCHECK_TODAY", "2026-12-02")
    with engine.run(ending(tmp_path), squares.counter()) as run:
        assert len(run.rows()) == made
    with pytest.raises(BadSettings, match="Use cubes"):
        engine.run(ending(tmp_path, repeats=2), squares.counter())


def test_a_rewritten_prompt_is_kept_with_what_became_of_its_number(tmp_path, monkeypatch):
    texts = {"3 squares": "Three squares on a table.", "2 squares": "Several squares."}

    class Rewriting(squares.SquaresGenerator):
        def generate(self, samples):
            for sample, outcome in zip(samples, super().generate(samples), strict=True):
                yield replace(outcome, rewritten=texts[sample.text])

    monkeypatch.setitem(engine.__dict__, "load_generator", Rewriting)
    with engine.run(order(tmp_path, *texts), squares.counter()) as run:
        told = {row.text: (row.rewritten, row.extra["numbers"]) for row in run.rows()}
    assert told == {
        "3 squares": ("Three squares on a table.", "kept"),
        "2 squares": ("Several squares.", "changed"),
    }
