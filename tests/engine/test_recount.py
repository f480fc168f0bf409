"""A run is judged again: from stored detections, or from its pictures."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import squares

from countcheck.cards import Card
from countcheck.counting.self_test import SelfTest
from countcheck.counting.verdict import Kind
from countcheck.engine import recount as engine_recount
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.engine.progress import NullProgress
from countcheck.engine.recount import recount
from countcheck.errors import BadInput, UnknownName
from countcheck.files import exclusive_lock
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Picture
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.suite import Conversation, Suite, Target, Turn


def made(path, *texts):
    card = Card(name="squares", family="squares")
    config = RunConfig(suite=squares.suite(*texts), generators=[card], path=path / "run")
    return engine.run(config, squares.counter(), load=squares.SquaresGenerator)


def elsewhere():
    counter = squares.counter()
    counter.card = replace(counter.card, source="elsewhere")
    return counter


def verdicts(run, counting):
    run.show_counting(counting)
    return [row.verdict for row in run.rows()]


def test_a_recount_is_a_counting_beside_the_first(tmp_path):
    with made(tmp_path, "3 squares") as run:
        before = run.rows(), run.info
        name = recount(run, squares.counter(threshold=0.95))
        assert name == "squares-2"
        assert run.rows() == before[0]
        assert run.info.counter == before[1].counter
        assert run.info.countings == ("squares", "squares-2")
        assert verdicts(run, name) == [Kind.MISSING]
        assert run.info.counter.rule["threshold"] == 0.95
        assert verdicts(run, "squares") == verdicts(run, None) == [Kind.EXACT]


def test_several_processes_judge_as_one_does(tmp_path, monkeypatch):
    texts = [f"{n % 5} squares, number {n}" for n in range(12)]
    with made(tmp_path, *texts) as run:
        wanted = [(row.verdict, row.reason) for row in run.rows()]
        monkeypatch.setattr(engine_recount, "_OF_PART", 3)
        monkeypatch.setattr(engine_recount, "_MANY_PARTS", 2)
        asked = []
        monkeypatch.setattr(engine_recount, "spare_processes", lambda runs: asked.append(runs) or 2)
        run.show_counting(recount(run, squares.counter(threshold=0.5)))
        assert [(row.verdict, row.reason) for row in run.rows()] == wanted
        assert asked == [[run]]


def test_the_first_stays_the_default_until_another_is_made_the_default(tmp_path):
    with made(tmp_path, "3 squares") as run:
        recount(run, squares.counter(threshold=0.95), make_default=True)
    with RunFolder.open(tmp_path / "run") as run:
        assert run.info.counting_name == "squares-2"
        assert [row.verdict for row in run.rows()] == [Kind.MISSING]
        recount(run, squares.counter(), make_default=True)
        assert run.info.counting_name == "squares"
        assert [row.verdict for row in run.rows()] == [Kind.EXACT]


def test_the_original_command_goes_on_after_a_recount(tmp_path):
    card = Card(name="squares", family="squares", settings={"pause": 0.05})
    texts = [f"3 squares, number {n}" for n in range(12)]
    config = RunConfig(suite=squares.suite(*texts), generators=[card], path=tmp_path / "run")
    stop = threading.Event()

    class StopAtOnce(NullProgress):
        def advance(self, generator, entry):
            stop.set()

    with engine.run(config, squares.counter(), load=squares.SquaresGenerator, stop=stop, progress=StopAtOnce()) as run:
        missing = [row.key for row in run.rows() if row.outcome == "missing"]
        name = recount(run, squares.counter(threshold=0.95), make_default=True)
    assert missing
    with engine.run(config, squares.counter(), load=squares.SquaresGenerator) as run:
        assert [row.verdict for row in run.rows()] == [Kind.EXACT] * 12
    with RunFolder.open(tmp_path / "run") as run:  # the default counting has not seen the new pictures: it says so
        assert run.info.counting_name == name
        uncertain = [row for row in run.rows() if row.key in missing]
        assert {row.verdict for row in uncertain} == {Kind.UNCERTAIN}
        assert uncertain[0].reason == f"not counted by {name}; recount the run with it again"
        assert recount(run, squares.counter(threshold=0.95)) == name
        assert [row.verdict for row in run.rows()] == [Kind.MISSING] * 12


def test_another_rule_reads_no_picture(tmp_path):
    with made(tmp_path, "3 squares") as run:
        for file in (run.path / "images").rglob("*.png"):
            file.unlink()
        name = recount(run, squares.counter(threshold=0.95))
        assert verdicts(run, name) == [Kind.MISSING]


def test_another_detector_reads_the_pictures_and_sees_them_once(tmp_path, monkeypatch):
    with made(tmp_path, "3 squares") as run:
        name = recount(run, elsewhere())
        assert verdicts(run, name) == [Kind.EXACT]
        assert run.info.counter.detector.source == "elsewhere"
        for file in (run.path / "images").rglob("*.png"):
            file.unlink()
        other = elsewhere().with_rule(squares.counter(threshold=0.95).rule)
        other.card = elsewhere().card
        assert verdicts(run, recount(run, other)) == [Kind.MISSING]


def test_refusals_and_failures_stay_as_they_are(tmp_path):
    with made(tmp_path, "3 squares", "4 please refuse", "5 break") as run:
        name = recount(run, squares.counter(threshold=0.95))
        assert verdicts(run, name) == [Kind.MISSING, Kind.REFUSED, Kind.FAILED]


def test_a_conversation_goes_on_by_the_counting_that_the_run_makes(tmp_path):
    """A recount that calls its last picture wrong must not have the model told so."""
    said = []

    class Editor(squares.SquaresGenerator):
        traits = Traits(edits=True, remote=True)

        def edit(self, sample, pixels, instruction, turn, targets):
            said.append(instruction)
            return Picture(key=sample.key, turn=turn, pixels=squares.squares(3))

    turns = tuple(Turn(say=say, targets=(Target(noun="square", count=3),)) for say in ("3 squares.", "Noir.", "Rain."))
    suite = Suite(name="talk", conversations=(Conversation(id="t", turns=turns, repairs=1),))
    card = Card(name="squares", family="squares")
    config = RunConfig(suite=suite, generators=[card], path=tmp_path / "run")
    stop = threading.Event()

    class StopAtOnce(NullProgress):
        def advance(self, generator, entry):
            stop.set()

    with engine.run(config, squares.counter(), load=Editor, stop=stop, progress=StopAtOnce()) as run:
        recount(run, squares.counter(threshold=0.95), make_default=True)
    engine.run(config, squares.counter(), load=Editor).close()
    assert said == ["Noir.", "Rain."]


def test_a_counting_that_the_run_does_not_have_is_named_with_those_it_has(tmp_path):
    with made(tmp_path, "3 squares"):
        pass
    with pytest.raises(UnknownName, match=r"no counting named 'owlv2'\. Known: squares"):
        RunFolder.open(tmp_path / "run", counting="owlv2")


def test_with_a_picture_gone_nothing_is_recounted(tmp_path):
    with made(tmp_path, "3 squares", "2 squares") as run:
        before = run.rows(), run.info
        run.pictures.find(run.rows()[0]).unlink()
        with pytest.raises(BadInput, match="1 of 2 picture files is gone"):
            recount(run, elsewhere())
        assert (run.rows(), run.info) == before


def test_with_a_picture_replaced_nothing_is_recounted(tmp_path):
    with made(tmp_path, "3 squares", "2 squares") as run:
        before = run.rows(), run.info
        first, second = (run.pictures.find(row) for row in run.rows())
        second.write_bytes(first.read_bytes())
        with pytest.raises(BadInput, match="is not the picture that was made"):
            recount(run, elsewhere())
        assert (run.rows(), run.info) == before


def test_an_interrupted_recount_is_not_seen_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_recount, "BATCH", 1)
    counter, seen, said = elsewhere(), [], []
    detect = counter.detect

    def killed_at_the_second(pictures, nouns, styles):
        seen.append(len(pictures))
        if len(seen) == 2:
            raise KeyboardInterrupt
        return detect(pictures, nouns, styles)

    with made(tmp_path, "3 squares", "2 squares", "1 square") as run:
        before = run.rows(), run.info
        # The self-test is not what is interrupted here.
        monkeypatch.setattr(engine_recount, "check_counter", lambda *_: SelfTest(plain=None))
        monkeypatch.setattr(counter, "detect", killed_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            recount(run, counter)
        assert (run.rows(), run.info) == before
    with RunFolder.open(tmp_path / "run") as run:
        assert (run.rows(), run.info) == before
        recount(run, counter, message=said.append)
        assert said == ["1 of 3 pictures were counted by this detector before"]
        assert len(seen) == 4  # the first picture was not counted again
        assert verdicts(run, "squares-2") == [Kind.EXACT] * 3
        assert run.info.counter.detector.source == "elsewhere"


def test_a_recount_waits_for_no_other_writer(tmp_path):
    with made(tmp_path, "3 squares") as run:
        with exclusive_lock(run.path), pytest.raises(BadInput, match="another run is writing there"):
            recount(run, squares.counter(threshold=0.95))
        assert run.rows()[0].verdict is Kind.EXACT


@pytest.mark.parametrize("rule", ["geneval", "countcheck"])
def test_the_rule_can_be_named(tmp_path, rule):
    with made(tmp_path, "3 squares") as run:
        name = recount(run, squares.counter(), rule=rule)
        assert name == ("squares" if rule == "countcheck" else "squares-geneval")
        run.show_counting(name)
        assert run.info.counter.rule["name"] == rule
