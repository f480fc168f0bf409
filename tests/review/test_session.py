from __future__ import annotations

from dataclasses import replace

import pytest
from made_up import a_run

from countcheck.errors import BadInput
from countcheck.metrics.label_correction import ground_truths
from countcheck.review.session import LabelSession
from countcheck.review.view import View
from countcheck.storage.rows import IS_REFUSAL, Label
from countcheck.suites.suite import Prompt, Suite, Target


def first(session, who="ann"):
    return session.upcoming(who)["tasks"][0]


def give(session, task, count, who="ann"):
    return session.add_label(who, task["key"], task["turn"], task["noun"], count)


def test_a_label_is_in_the_ledger_when_it_is_answered(run):
    session = LabelSession(run)
    task = first(session)
    give(session, task, 3)
    (label,) = run.labels()
    assert (label.key, label.noun, label.count, label.labeller) == (task["key"], task["noun"], 3, "ann")
    assert label.stratum
    assert label.at


def test_what_is_offered_gives_nothing_away(run):
    assert set(first(LabelSession(run))) == {
        *("key", "turn", "noun", "plural", "which", "of", "number", "note", "answered")
    }


def test_the_answer_comes_after_the_label(run):
    session = LabelSession(run)
    task = first(session)
    said = give(session, task, 2)
    row = next(row for row in run.rows() if row.key == task["key"])
    answer = {"noun": task["plural"], "own": 2, "counted": row.counted[task["noun"]], "asked": row.asked[task["noun"]]}
    assert said == {"left": [], "answers": [answer], "text": row.text}


def test_nothing_is_given_away_while_a_noun_of_the_picture_is_uncounted(tmp_path):
    targets = (Target(noun="pig", count=3), Target(noun="wolf", count=1))
    asked = Prompt(id="p", text="three pigs and a wolf", targets=targets)
    suite = Suite(name="two nouns", prompts=(asked,))
    with a_run(tmp_path / "run", suite=suite, generators=(("solo", 1.0, 0.0),), repeats=1) as run:
        session = LabelSession(run)
        assert give(session, first(session), 3) == {"left": ["wolf"]}
        assert first(session)["noun"] == "wolf"
        said = give(session, first(session), None)
        assert [answer["own"] for answer in said["answers"]] == [3, None]


def test_undo_takes_back_the_newest_of_ones_own(run):
    session = LabelSession(run)
    one = first(session)
    give(session, one, 1)
    give(session, first(session), 2)
    give(session, first(session, "bob"), 5, "bob")
    assert session.undo("ann")["count"] == 2
    assert sorted((label.labeller, label.count) for label in run.labels()) == [("ann", 1), ("bob", 5)]
    assert session.undo("ann")["key"] == one["key"]
    assert session.undo("ann") is None


def test_weights_follow_as_more_is_labelled(run):
    session = LabelSession(run)
    for _ in range(6):
        task = first(session)
        give(session, task, 1)
        session.update_weights(task["key"], task["turn"])
    sizes = {}
    for task in session.queue.tasks:
        sizes[task.stratum] = sizes.get(task.stratum, 0) + 1
    for stratum in {label.stratum for label in run.labels()}:
        mine = [label for label in run.labels() if label.stratum == stratum]
        assert {label.weight for label in mine} == {sizes[stratum] / len(mine)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": "../../etc/passwd"}, "no picture"),
        ({"turn": 7}, "no picture"),
        ({"noun": "<script>"}, "not to be counted"),
        ({"count": -1}, "not a possible count"),
        ({"who": "  "}, "needs the name"),
        ({"who": "a\x1bb"}, "needs the name"),
    ],
)
def test_a_label_that_makes_no_sense_is_refused(run, change, said):
    session = LabelSession(run)
    task = first(session) | {"count": 1, "who": "ann"} | change
    with pytest.raises(BadInput, match=said):
        session.add_label(task["who"], task["key"], task["turn"], task["noun"], task["count"])
    assert run.labels() == []


def test_a_picture_deleted_meanwhile_is_passed_over(run):
    session = LabelSession(run)
    task = first(session)
    run.pictures.find(session.queue.find(task["key"], task["turn"]).row).unlink()
    assert first(session)["key"] != task["key"]
    give(session, task, 4)  # given on a page that still showed it: kept
    assert run.labels()[0].count == 4


def test_labels_of_another_run_are_counted_apart(run):
    session = LabelSession(run)
    task = first(session)
    mine = Label(key=task["key"], turn=task["turn"], noun=task["noun"], count=1, labeller="ann")
    assert session.import_labels([mine, Label(key="f" * 32, noun="pig", count=1, labeller="ann")]) == (1, 1)


def test_weighing_overwrites_nobodys_count(run):
    one, two = LabelSession(run), LabelSession(run)
    task = first(one)
    give(one, task, 1)
    give(two, task, 7)
    one.update_weights(task["key"], task["turn"])
    assert [label.count for label in run.labels()] == [7]


def test_a_second_session_sees_what_the_first_wrote(run, monkeypatch):
    one, two = LabelSession(run), LabelSession(run)
    task = first(one)
    give(one, task, 1)
    monkeypatch.setattr("countcheck.review.session._REFRESH_SECONDS", 0.0)
    assert first(two)["key"] != task["key"]


def test_what_was_chosen_by_hand_stands_for_no_other_picture(run):
    session = LabelSession(run)
    tasks = [task for task in session.queue.tasks if task.stratum == session.queue.tasks[-1].stratum]
    labels = [
        Label(key=task.key, turn=task.turn, noun=task.nouns[0], count=1, labeller="ann", at="2026-11-22T10:00:00")
        for task in tasks[:4]
    ]
    session.import_labels([*labels[:3], replace(labels[3], stratum="by chance")])
    weights = {label.key: label.weight for label in run.labels() if label.stratum}
    assert weights == {tasks[3].key: len(tasks)}


class Disk(Exception):
    """Stands for whatever the ledger raises when it cannot write."""


def test_a_label_that_could_not_be_written_was_never_given(run, monkeypatch):
    session = LabelSession(run)
    task = first(session)
    give(session, task, 2)
    before, progress = session.upcoming("ann")["tasks"], session.upcoming("ann")["progress"]

    def full(labels):
        raise Disk

    monkeypatch.setattr(run.label_store, "add", full)
    with pytest.raises(Disk):
        give(session, first(session), 3)
    assert session.upcoming("ann") == {"tasks": before, "progress": progress}
    monkeypatch.undo()
    assert session.undo("ann")["key"] == task["key"]
    assert run.labels() == []


def test_a_corrected_label_that_could_not_be_written_keeps_the_first_one(run, monkeypatch):
    session = LabelSession(run)
    task = first(session)
    give(session, task, 2)
    monkeypatch.setattr(run.label_store, "add", lambda labels: (_ for _ in ()).throw(Disk))
    with pytest.raises(Disk):
        give(session, task, 9)
    monkeypatch.undo()
    assert session.undo("ann")["count"] == 2


def test_an_undo_that_could_not_be_written_keeps_the_label(run, monkeypatch):
    session = LabelSession(run)
    task = first(session)
    give(session, task, 2)
    monkeypatch.setattr(run.label_store, "remove", lambda *label: (_ for _ in ()).throw(Disk))
    with pytest.raises(Disk):
        session.undo("ann")
    assert first(session)["key"] != task["key"]
    assert session.upcoming("ann")["progress"]["mine"] == 1


def test_an_import_that_could_not_be_written_gives_no_label(run, monkeypatch):
    session = LabelSession(run)
    task = first(session)
    monkeypatch.setattr(run.label_store, "add", lambda labels: (_ for _ in ()).throw(Disk))
    with pytest.raises(Disk):
        session.import_labels([Label(key=task["key"], turn=0, noun=task["noun"], count=1, labeller="ann")])
    assert first(session)["key"] == task["key"]
    assert session.agreement()["shared"] == 0


@pytest.fixture
def refusing(tmp_path):
    with a_run(tmp_path / "refusing", generators=(("alpha", 0.7, 0.3), ("beta", 0.7, 0.3)), repeats=1, size=32) as run:
        yield LabelSession(run)


def test_boxes_are_shown_to_whoever_has_counted(run):
    session = LabelSession(run)
    task = first(session)
    with pytest.raises(BadInput, match="when everything in the picture is counted"):
        session.boxes("ann", task["key"], task["turn"])
    give(session, task, 3)
    row = next(row for row in run.rows() if row.key == task["key"])
    boxes = session.boxes("ann", task["key"], task["turn"])
    assert sum(box["counted"] for box in boxes) == row.counted[task["noun"]]
    assert all(0 <= box["left"] <= 1 and box["width"] > 0 for box in boxes)
    with pytest.raises(BadInput):
        session.boxes("bob", task["key"], task["turn"])


def test_a_picture_gone_back_to_gives_away_no_more_than_was_answered(run):
    session = LabelSession(run)
    task = first(session)
    assert session.look_at_number("ann", "pictures", task["number"]) == task
    give(session, task, 3)
    shown = session.look("ann", task["key"], task["turn"])
    assert (shown["answered"], shown["answers"][0]["own"]) == (True, 3)
    assert "answers" not in session.look("bob", task["key"], task["turn"])
    with pytest.raises(BadInput, match=r"no number 999: the run has \d+ of these"):
        session.look_at_number("ann", "pictures", 999)


def test_a_label_of_a_picture_gone_to_is_chosen_by_hand_until_the_order_comes_to_it(run):
    session = LabelSession(run)
    stratum = session.queue.tasks[-1].stratum
    own = [task for task in session.queue.tasks if task.stratum == stratum][:6]
    shown = session.look("ann", own[1].key, 0)
    assert give(session, shown, 2)["sampled"] is False
    session.update_weights(own[1].key, 0)
    assert [(label.stratum, label.weight) for label in run.labels()] == [("", 1.0)]
    labelled = set()
    while own[2].key not in labelled:
        task = first(session)
        labelled.add(task["key"])
        assert "sampled" not in give(session, task, 1)
        session.update_weights(task["key"], task["turn"])
    (promoted,) = (label for label in run.labels() if label.key == own[1].key)
    size = sum(task.stratum == stratum for task in session.queue.tasks)
    mine = [label for label in run.labels() if label.stratum == stratum]
    assert promoted in mine
    assert {label.weight for label in mine} == {size / len(mine)}


def test_a_filter_lists_what_fits_it_and_leaves_out_what_is_labelled(refusing):
    view = View(model="beta", verdict="exact", noun="pig")
    offered = refusing.upcoming("ann", view)["tasks"]
    rows = {(row.key, row.turn): row for row in refusing.run.rows()}
    shown = [(rows[task["key"], task["turn"]], task["noun"]) for task in offered]
    assert {(row.generator, str(row.verdict), noun) for row, noun in shown} == {("beta", "exact", "pig")}
    give(refusing, offered[0], 1)
    again = refusing.upcoming("ann", view)["tasks"]
    assert offered[0]["number"] not in {task["number"] for task in again}
    seen = refusing.upcoming("ann", replace(view, unlabelled=False))["tasks"]
    assert (seen[0]["number"], seen[0]["answered"]) == (offered[0]["number"], True)
    after = refusing.upcoming("ann", replace(view, after=offered[1]["number"]))["tasks"]
    assert [task["number"] for task in after[:1]] == [task["number"] for task in offered[2:3]]
    chosen = refusing.choices("pictures")
    assert chosen["model"] == ["alpha", "beta"]
    assert "style: noir" in chosen["tag"]


@pytest.mark.parametrize("values", [{"kind": "dogs"}, {"after": "-1"}, {"after": "9" * 30}])
def test_a_view_that_makes_no_sense_is_refused(values):
    with pytest.raises(BadInput):
        View.of(values)


def test_a_note_is_kept_and_an_empty_one_removed(run):
    session = LabelSession(run)
    task = first(session)
    assert session.add_note("ann", task["key"], 0, " <b>half\x1b hidden ") == "<b>half␛ hidden"
    session.add_note("bob", task["key"], 0, "mine")
    assert first(session)["note"] == "<b>half␛ hidden"
    assert first(LabelSession(run), "bob")["note"] == "mine"
    session.add_note("ann", task["key"], 0, "")
    assert [note.labeller for note in run.label_store.read_notes()] == ["bob"]
    with pytest.raises(BadInput, match="501 characters"):
        session.add_note("ann", task["key"], 0, "x" * 501)


def test_a_refusal_is_reviewed_by_its_words_before_it_is_said_how_it_was_read(refusing):
    view = View(kind="refusals")
    task = refusing.upcoming("ann", view)["tasks"][0]
    assert task["words"]
    assert {"read", "category", "own"}.isdisjoint(task)
    row = next(row for row in refusing.run.rows() if row.key == task["key"])
    said = give(refusing, task, 1)
    assert (said["own"], said["read"]) == (1, row.refusal)
    (label,) = refusing.run.labels()
    assert (label.noun, label.stratum) == (IS_REFUSAL, f"{row.generator} / refusal")
    with pytest.raises(BadInput, match="Give 0 to 1"):
        give(refusing, task, 3)
    assert refusing.agreement()["shared"] == 0
    assert refusing.undo("ann")["key"] == task["key"]
    assert refusing.run.labels() == []


def test_a_picture_that_is_a_refusal_has_nothing_to_count(run):
    session = LabelSession(run)
    task = first(session)
    said = session.add_label("ann", task["key"], 0, IS_REFUSAL, 1)
    assert said["refusal"] is True
    assert {label.noun: label.count for label in run.labels()} == {IS_REFUSAL: 1, task["noun"]: None}
    rows = run.rows()
    (truth,) = ground_truths(rows, run.labels()).values()
    assert str(truth.verdict) == "refused"
    give(session, task, 2)  # counted after all
    assert {label.noun: label.count for label in run.labels()} == {IS_REFUSAL: 0, task["noun"]: 2}
    (truth,) = ground_truths(rows, run.labels()).values()
    assert truth.counts == {task["noun"]: 2}
    session.undo("ann")
    assert [label.count for label in run.labels()] == []


def test_what_is_passed_over_stays_to_be_labelled(run):
    session = LabelSession(run)
    task = first(session)
    session.skip("ann", task["key"], task["turn"])
    assert first(session)["key"] != task["key"]
    assert session.upcoming("ann")["progress"]["skipped"] == 1
    assert first(LabelSession(run))["key"] == task["key"]
