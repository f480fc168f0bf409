from __future__ import annotations

import orjson
import pytest

from countcheck.errors import BadInput
from countcheck.review.label_files import read_labels, read_notes, write_labels
from countcheck.review.queue import Task, tasks_of
from countcheck.storage.rows import IS_REFUSAL, Label, LabelNote, ResultRow


@pytest.fixture
def tasks(run):
    return tasks_of(run.rows())


def some(tasks):
    def made(i, count, who):
        task = tasks[i]
        return Label(
            key=task.key, turn=task.turn, noun=task.nouns[0], count=count, labeller=who,
            at="2026-11-22T14:00:00+00:00", stratum=task.stratum, weight=2.5,
        )  # fmt: skip

    return [made(0, 3, "ann"), made(0, 4, "=bob"), made(1, None, "ann")]


def test_csv_comes_back_as_it_went(tasks, tmp_path):
    labels = some(tasks)
    assert write_labels(tasks, labels, tmp_path / "l.csv") == len(tasks) + 1
    assert read_labels(tmp_path / "l.csv") == labels
    assert ",=bob" not in (tmp_path / "l.csv").read_text()


def test_label_studio_comes_back_as_it_went(tasks, tmp_path):
    labels = some(tasks)
    assert write_labels(tasks, labels, tmp_path / "l.json") == len(tasks)
    back = read_labels(tmp_path / "l.json")
    assert [(b.key, b.noun, b.count, b.labeller, b.at) for b in back] == [
        (a.key, a.noun, a.count, a.labeller, a.at) for a in labels
    ]


def test_neither_prompt_nor_number_is_handed_out(tasks, tmp_path):
    write_labels(tasks, [], tmp_path / "l.json")
    assert all(
        set(t["data"]) == {"image", "key", "turn", "noun", "stratum"}
        for t in orjson.loads((tmp_path / "l.json").read_bytes())
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("l.csv", "a,b\n1,2\n", "column 'key' is not there"),
        ("l.csv", "key,turn,noun,count,labeller\nk,0,pig,three,ann\n", r"l.csv:2: count is 'three'"),
        ("l.csv", "key,turn,noun,count,labeller\nk,0,pig,3,\n", "labeller is empty"),
        ("l.csv", "key,turn,noun,count,labeller\nk,0,(refusal),3,ann\n", "1 for yes, 0 for no"),
        ("l.csv", "key,turn,noun,count,labeller,note\nk,0,pig,,,dim\n", "labeller is empty"),
        ("l.json", "{", "not JSON"),
        ("l.json", "{}", "list of tasks"),
        ("l.json", '[{"data": {}}]', "task 1"),
        ("l.txt", "", "read from .csv"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=said):
        read_labels(tmp_path / name)
        read_notes(tmp_path / name)


@pytest.mark.parametrize("name", ["l.csv", "l.json"])
def test_a_filled_in_file_is_not_overwritten(tasks, tmp_path, name):
    file = tmp_path / name
    write_labels(tasks, some(tasks), file)
    filled = file.read_bytes()
    with pytest.raises(BadInput, match=r"3 labels that the run does not have\. Read them in with --import first"):
        write_labels(tasks, [], file)
    assert file.read_bytes() == filled


def test_a_file_whose_labels_the_run_holds_is_written_anew(tasks, tmp_path):
    labels = some(tasks)
    write_labels(tasks, labels[:2], tmp_path / "l.csv")
    write_labels(tasks, labels, tmp_path / "l.csv")
    assert read_labels(tmp_path / "l.csv") == labels


def test_a_file_that_holds_no_labels_is_not_overwritten(tasks, tmp_path):
    (tmp_path / "l.csv").write_text("name,price\npear,3\n")
    with pytest.raises(BadInput, match="is not a file of labels"):
        write_labels(tasks, [], tmp_path / "l.csv")
    assert (tmp_path / "l.csv").read_text() == "name,price\npear,3\n"


def test_a_write_that_fails_leaves_the_old_file(tasks, tmp_path, monkeypatch):
    write_labels(tasks, [], tmp_path / "l.csv")
    old = (tmp_path / "l.csv").read_bytes()

    def full(path, data, **_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("countcheck.review.label_files.atomic_write", full)
    with pytest.raises(BadInput, match="cannot be written"):
        write_labels(tasks, some(tasks), tmp_path / "l.csv")
    assert (tmp_path / "l.csv").read_bytes() == old


@pytest.mark.parametrize("name", ["l.csv", "l.json"])
def test_notes_come_back_as_they_went(tasks, tmp_path, name):
    labels = some(tasks)
    notes = [
        LabelNote(key=label.key, labeller=label.labeller, text=text, at=label.at)
        for label, text in zip(labels, ("=1+1", "half, hidden", '"<b>"'), strict=True)
    ]
    alone = [LabelNote(key=tasks[5].key, labeller="eve", text="dim")] if name == "l.csv" else []
    file = tmp_path / name
    write_labels(tasks, labels, file, [*notes, *alone])
    assert sorted(read_notes(file), key=lambda note: note.text) == sorted([*notes, *alone], key=lambda note: note.text)
    assert [label.count for label in read_labels(file)] == [label.count for label in labels]
    with pytest.raises(BadInput, match="that the run does not have"):
        write_labels(tasks, labels, file, notes[:2])


def test_refusals_go_out_with_their_words(run, tasks, tmp_path):
    row = ResultRow(
        key="r", generator="g", prompt_id="p", repeat=0, seed=0, text="three pigs", outcome="refusal", words="=No."
    )
    task = Task(key="r", turn=0, nouns=(IS_REFUSAL,), stratum="g / refusal", row=row)
    label = Label(key="r", noun=IS_REFUSAL, count=0, labeller="ann", at="2026", stratum="g / refusal")
    write_labels([task, tasks[0]], [label], tmp_path / "l.csv")
    assert read_labels(tmp_path / "l.csv") == [label]
    assert "'=No." in (tmp_path / "l.csv").read_text()
    assert write_labels([task, tasks[0]], [], tmp_path / "l.json") == 1  # Label Studio's interface asks for numbers


def test_a_file_of_labels_without_notes_is_still_read(tasks, tmp_path):
    old = "key,turn,noun,count,labeller,at,stratum,weight,picture\nk,0,pig,3,ann,2026,,1.0,images/k.png\n"
    (tmp_path / "old.csv").write_text(old)
    assert [label.count for label in read_labels(tmp_path / "old.csv")] == [3]
    assert read_notes(tmp_path / "old.csv") == []
