"""Conversations cut off: who can go on with them, who cannot and says so, and what old ledgers make of it."""

from __future__ import annotations

import sqlite3
import threading

import pytest
import squares
from stored_runs import write_run

from countcheck.cards import Card
from countcheck.dialogue import state as dialogue_state
from countcheck.engine import run as engine
from countcheck.engine.progress import NullProgress
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Failure, Fault, Picture, Reason, Refusal
from countcheck.storage.records import OutcomeRecord
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.schema import SCHEMA_VERSION
from countcheck.suites.samples import Recipe
from countcheck.suites.suite import Conversation, Suite, Target, Turn

SAID = ["Two squares.", "In noir.", "In rain.", "At night."]


class Talker:
    """Draws two squares whatever is said; ``after`` says what happens at the so-manieth thing said."""

    recipe = Recipe(name="talker")
    name = "talker"

    def __init__(self, dialogue, *, remote=True):
        self.traits = Traits(converses=True, remote=remote)
        self.dialogue = dialogue
        self.said = []
        self.after = {}

    def generate(self, samples):
        yield from ()

    def open(self, sample):
        return self.dialogue(self, sample)


class Forgetful:
    """A dialogue that keeps nothing."""

    def __init__(self, generator, sample):
        self.generator, self.sample = generator, sample
        self.before = []

    def say(self, text, turn, expected):
        self.generator.said.append(text)
        self.before = [*self.before, text]
        what = self.generator.after.pop(len(self.generator.said), None)
        if isinstance(what, Fault):
            return Failure(key=self.sample.key, turn=turn, fault=what, message="no.", cost=0.5)
        if what is not None:
            what()
        return Picture(key=self.sample.key, turn=turn, pixels=squares.squares(2), cost=0.01)

    def rewind(self):
        pass


class Mindful(Forgetful):
    def state(self):
        return {"before": self.before, "blob": " ".join(self.before).encode()}

    def restore(self, state, picture):
        self.before = state["before"]
        assert state["blob"].decode() == " ".join(self.before)


class Unclear(Forgetful):
    """Its state is no plain JSON."""

    def state(self):
        return {"thing": object()}

    def restore(self, state, picture):
        raise AssertionError("there is nothing to go on from")


class Says(NullProgress):
    def __init__(self):
        self.heard = []

    def message(self, sentence):
        if "control picture" not in sentence and "self-test" not in sentence:
            self.heard.append(sentence)


def suite():
    two = (Target(noun="square", count=2),)
    talk = Conversation(id="t", turns=tuple(Turn(say=text, targets=two) for text in SAID))
    return Suite(name="talk", conversations=(talk,))


def hold(generator, path, **more):
    order = engine.RunConfig(suite=suite(), generators=[Card(name="talker", family="x", price=0.01)], path=path, **more)
    watch = Says()
    stopping = threading.Event()
    if more:
        generator.after = {}
    for place, what in list(generator.after.items()):
        if what == "stop":
            generator.after[place] = stopping.set
    run = engine.run(order, squares.counter(), progress=watch, stop=stopping, load=lambda card: generator)
    with run:
        return [(row.outcome, row.failure, row.code) for row in run.rows()], watch.heard


PICTURE = ("picture", None, "")


def test_one_that_keeps_its_state_goes_on(tmp_path):
    generator = Talker(Mindful)
    generator.after = {2: "stop"}
    rows, heard = hold(generator, tmp_path / "run")
    assert rows == [PICTURE] * 2
    assert len(list((tmp_path / "run/talks").rglob("*"))) == 3  # a folder, and what was said after each turn
    rows, heard = hold(generator, tmp_path / "run")
    assert (rows, heard, generator.said) == ([PICTURE] * 4, [], SAID)
    assert not (tmp_path / "run/talks").exists()


@pytest.mark.parametrize("dialogue", [Forgetful, Unclear])
def test_one_that_costs_and_cannot_go_on_is_closed_aloud_and_not_paid_for_twice(tmp_path, dialogue):
    generator = Talker(dialogue)
    generator.after = {2: "stop"}
    rows, (warning,) = hold(generator, tmp_path / "run")
    assert "cannot go on with a conversation once it is cut off" in warning
    rows, (told,) = hold(generator, tmp_path / "run")
    assert rows == [PICTURE, PICTURE, ("failure", "crash", "cut_off")]
    assert "closed as failed" in told and "--retry-failed" in told
    assert generator.said == SAID[:2]
    assert hold(generator, tmp_path / "run")[0] == rows
    rows, _ = hold(generator, tmp_path / "run", retry_failed=True)
    assert (rows, generator.said) == ([PICTURE] * 4, [*SAID[:2], *SAID])


def test_one_that_costs_nothing_and_cannot_go_on_begins_anew(tmp_path):
    generator = Talker(Forgetful, remote=False)
    generator.after = {2: "stop"}
    hold(generator, tmp_path / "run")
    rows, heard = hold(generator, tmp_path / "run")
    assert (rows, heard) == ([PICTURE] * 4, [])
    assert generator.said == [*SAID[:2], *SAID]


def test_a_failed_turn_is_said_again_when_told_and_the_turns_before_it_are_not(tmp_path):
    generator = Talker(Mindful)
    generator.after = {3: Fault.TRANSIENT}
    rows, _ = hold(generator, tmp_path / "run")
    assert rows == [PICTURE, PICTURE, ("failure", "transient", "")]
    rows, _ = hold(generator, tmp_path / "run", retry_failed=True)
    assert (rows, generator.said) == ([PICTURE] * 4, [*SAID[:3], *SAID[2:]])
    with RunFolder.open(tmp_path / "run") as run:
        assert run.spent == pytest.approx(0.54)  # the answer that failed was paid for as well


def test_after_a_bad_request_a_conversation_begins_anew_when_told(tmp_path):
    generator = Talker(Mindful)
    generator.after = {3: Fault.BAD_REQUEST}
    hold(generator, tmp_path / "run")
    rows, _ = hold(generator, tmp_path / "run", retry_failed=True)
    assert (rows, generator.said) == ([PICTURE] * 4, [*SAID[:3], *SAID])


def test_a_state_whose_file_is_damaged_is_no_state(tmp_path):
    generator = Talker(Mindful)
    generator.after = {2: "stop"}
    hold(generator, tmp_path / "run")
    for file in (tmp_path / "run/talks").rglob("*"):
        if file.is_file():
            file.write_bytes(b"other")
    rows, _ = hold(generator, tmp_path / "run")
    assert rows[-1] == ("failure", "crash", "cut_off")


def test_a_ledger_of_the_first_version_goes_on_opening(tmp_path):
    generator = Talker(Mindful)
    generator.after = {2: "stop"}
    before, _ = hold(generator, tmp_path / "run")
    with sqlite3.connect(tmp_path / "run/run.sqlite") as ledger:
        for (trigger,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f"DROP TRIGGER {trigger}")
        for table in ("uncounted", "dialogues", "batches", "label_notes", "totals"):
            ledger.execute(f"DROP TABLE {table}")
        for table in ("facts", "countings", "samples", "outcomes", "detections", "verdicts", "labels"):
            ledger.execute(f"ALTER TABLE {table} DROP COLUMN checksum")
        ledger.execute("ALTER TABLE countings DROP COLUMN complete")
        ledger.execute("ALTER TABLE outcomes DROP COLUMN bytes")
        ledger.execute("PRAGMA user_version = 1")
    with RunFolder.open(tmp_path / "run") as run:
        assert [(row.outcome, row.failure, row.code) for row in run.rows()] == before
        assert run.spent == pytest.approx(0.02)
    with sqlite3.connect(tmp_path / "run/run.sqlite") as ledger:
        assert ledger.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    rows, _ = hold(generator, tmp_path / "run")  # what it needs to go on was never kept
    assert rows == [*before, ("failure", "crash", "cut_off")]
    assert generator.said == SAID[:2]


def test_states_travel_as_text_and_their_bytes_apart():
    held = {}
    state = {"a": [1, None, {"b": b"\x00\xff"}], "c": "text"}
    told = dialogue_state.pack(state, held.__setitem__)
    assert list(held.values()) == [b"\x00\xff"]
    assert dialogue_state.unpack(told, held.__getitem__) == state


@pytest.mark.parametrize("name", ["../../../etc/passwd", "a" * 63, 7])
def test_a_mark_that_somebody_else_wrote_reads_no_file(name):
    told = dialogue_state.pack({"said": {"$bytes": name}}, lambda digest, data: None)
    with pytest.raises(ValueError, match="is no digest"):
        dialogue_state.unpack(told, lambda digest: b"secret")


def test_a_refusal_that_was_paid_for_is_not_asked_for_again(tmp_path):
    kept = squares.suite("1 square")

    class Refuses(squares.SquaresGenerator):
        traits = Traits(remote=True)

        def generate(self, samples):
            for sample in samples:
                yield Refusal(key=sample.key, reason=Reason.SILENT, cost=0.04, pixels=squares.squares(0))

    generator = Refuses(Card(name="squares", family="squares", price=0.04))
    order = engine.RunConfig(suite=kept, generators=[Card(name="squares", family="squares", price=0.04)], path=tmp_path)

    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "write", die)
        with pytest.raises(Killed):
            engine.run(order, squares.counter(), load=lambda card: generator)
    generator.generate = lambda samples: pytest.fail("asked again")
    with engine.run(order, squares.counter(), load=lambda card: generator) as run:
        (row,) = run.rows()
        assert (row.outcome, row.refusal, str(row.verdict), run.spent) == ("refusal", "silent", "refused", 0.04)


def test_pictures_without_a_row_and_half_written_files_are_removed(tmp_path):
    with write_run(tmp_path / "run") as run:
        missing = run.rows()[3]
        kept = [run.pictures.find(row) for row in run.rows()[:2]]
        run.pictures.writer.write(run.pictures.path_of(missing.key, 0), b"cut off before its row")
        (kept[0].parent / ".0123.part").write_bytes(b"half")
        (kept[0].parent / "mine.png").write_bytes(b"somebody's")
        waiting = OutcomeRecord(
            key=missing.key, turn=1, outcome="picture", text="", picture=run.pictures.path_of(missing.key, 1)
        )
        run.pictures.writer.write(waiting.picture, b"not counted yet")
        run.resume.save_uncounted(waiting)
        assert run.resume.remove_strays() == 1
        left = {path.relative_to(run.path).as_posix() for path in (run.path / "images").rglob("*") if path.is_file()}
        named = {path.relative_to(run.path).as_posix() for path in kept}
        assert left == {*named, waiting.picture, (kept[0].parent / "mine.png").relative_to(run.path).as_posix()}
