from __future__ import annotations

import json

import pytest
import squares
from made_up import a_run, a_suite

from countcheck.cards import Card
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.engine.progress import NullProgress
from countcheck.generators.base import Traits
from countcheck.storage.answer_notes import AnswerNote, AnswerNotes
from countcheck.storage.columns import uncounted_columns
from countcheck.storage.records import OutcomeRecord
from countcheck.storage.resume import ResumeState

KEY = "0123456789abcdef0123456789abcdef"


class Cut(BaseException):
    """The power is gone."""


class PaidSquares(squares.SquaresGenerator):
    """Squares from a service: every answer is stored before the next request."""

    traits = Traits(remote=True)

    def __init__(self, card):
        super().__init__(card)
        self.save = lambda outcome: None

    def generate(self, samples):
        for outcome in super().generate(samples):
            self.save(outcome)
            yield outcome


class Messages(NullProgress):
    def __init__(self):
        self.sentences = []

    def message(self, sentence):
        self.sentences.append(sentence)


def config(path):
    card = Card(name="squares", family="squares", price=0.04)
    return RunConfig(suite=squares.suite("3 squares", "4 squares", "5 squares"), generators=[card], path=path)


def cut_after_the_picture(path, monkeypatch):
    """Run until the second answer's picture is stored and its row is not; return the generator."""
    generator = PaidSquares(config(path).generators[0])
    write, rows = ResumeState._write_uncounted, []

    def cut(resume, entries):
        rows.extend(entries)
        if len(rows) == 2:
            raise Cut
        write(resume, entries)

    with monkeypatch.context() as patch:
        patch.setattr(ResumeState, "_write_uncounted", cut)
        with pytest.raises(Cut):
            engine.run(config(path), squares.counter(), load=lambda card: generator)
    assert len(list((path / "answers").iterdir())) == 1
    return generator


def go_on(path):
    messages, generator = Messages(), PaidSquares(config(path).generators[0])
    with engine.run(config(path), squares.counter(), load=lambda card: generator, progress=messages) as run:
        rows = run.rows()
        assert [row.outcome for row in rows] == ["picture"] * 3
        assert run.spent == pytest.approx(0.06)
        assert not (path / "answers").exists()
    return generator.asked, messages.sentences


def test_a_picture_without_a_row_is_adopted_and_not_paid_for_again(tmp_path, monkeypatch):
    asked = cut_after_the_picture(tmp_path / "run", monkeypatch).asked
    again, sentences = go_on(tmp_path / "run")
    assert len(asked) == 2 and not set(asked) & set(again)
    assert any("1 paid answer was found again" in sentence for sentence in sentences)


@pytest.mark.parametrize("damage", ["note", "picture", "no picture", "checksum"])
def test_what_does_not_fit_its_note_is_made_again(tmp_path, monkeypatch, damage):
    path = tmp_path / "run"
    asked = cut_after_the_picture(path, monkeypatch).asked
    (note,) = (path / "answers").iterdir()
    picture = path / json.loads(json.loads(note.read_text())["row"]["body"])["picture"]
    match damage:
        case "note":
            note.write_bytes(note.read_bytes()[:40])
        case "picture":
            picture.write_bytes(picture.read_bytes()[:-1])
        case "no picture":
            picture.unlink()
        case "checksum":
            note.write_text(note.read_text().replace("0.02", "0.01"))
    again, sentences = go_on(path)
    assert asked[1] in again
    assert not any("found again" in sentence for sentence in sentences)


def test_notes_of_what_is_written_already_change_nothing(tmp_path):
    with a_run(tmp_path / "run", suite=a_suite(3, 0), generators=(("alpha", 1.0, 0.0),), size=32) as run:
        row = next(row for row in run.rows() if row.picture)
        before = len(run.rows())
        entry = OutcomeRecord(key=row.key, outcome="picture", text="", picture=row.picture, digest=row.digest)
        run.resume.note_answer(entry)
        assert run.resume.adopt_answers() == 0
        assert len(run.rows()) == before and run.resume.uncounted() == []


def test_a_note_is_read_back_and_removed(tmp_path):
    notes = AnswerNotes(tmp_path)
    note = AnswerNote(row=uncounted_columns(OutcomeRecord(key=KEY, outcome="picture", text="pigs")), state=None)
    notes.write(note)
    (tmp_path / "answers" / "half.json").write_text('{"row": {')
    assert list(notes.read()) == [note]
    notes.remove(KEY, 0)
    assert list(notes.read()) == []
    notes.clear()
    assert not (tmp_path / "answers").exists()
