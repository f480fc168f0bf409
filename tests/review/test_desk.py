from __future__ import annotations

from dataclasses import replace

import pytest
from made_up import a_run

from countcheck.errors import BadInput
from countcheck.review.desk import Desk
from countcheck.storage.rows import Label
from countcheck.suites.suite import Prompt, Suite, Target


def first(desk, who="ann"):
    return desk.upcoming(who)["tasks"][0]


def give(desk, task, count, who="ann"):
    return desk.label(who, task["key"], task["turn"], task["noun"], count)


def test_a_label_is_in_the_ledger_when_it_is_answered(run):
    desk = Desk(run)
    task = first(desk)
    give(desk, task, 3)
    (label,) = run.labels()
    assert (label.key, label.noun, label.count, label.labeller) == (task["key"], task["noun"], 3, "ann")
    assert label.stratum
    assert label.at


def test_what_is_offered_gives_nothing_away(run):
    assert set(first(Desk(run))) == {"key", "turn", "noun", "plural", "which", "of"}


def test_the_answer_comes_after_the_label(run):
    desk = Desk(run)
    task = first(desk)
    said = give(desk, task, 2)
    row = next(row for row in run.rows() if row.key == task["key"])
    answer = {"noun": task["plural"], "own": 2, "counted": row.counted[task["noun"]], "asked": row.asked[task["noun"]]}
    assert said == {"left": [], "answers": [answer], "text": row.text}


def test_nothing_is_given_away_while_a_noun_of_the_picture_is_uncounted(tmp_path):
    targets = (Target(noun="pig", count=3), Target(noun="wolf", count=1))
    asked = Prompt(id="p", text="three pigs and a wolf", targets=targets)
    suite = Suite(name="two nouns", prompts=(asked,))
    with a_run(tmp_path / "run", suite=suite, generators=(("solo", 1.0, 0.0),), repeats=1) as run:
        desk = Desk(run)
        assert give(desk, first(desk), 3) == {"left": ["wolf"]}
        assert first(desk)["noun"] == "wolf"
        said = give(desk, first(desk), None)
        assert [answer["own"] for answer in said["answers"]] == [3, None]


def test_undo_takes_back_the_newest_of_ones_own(run):
    desk = Desk(run)
    one = first(desk)
    give(desk, one, 1)
    give(desk, first(desk), 2)
    give(desk, first(desk, "bob"), 5, "bob")
    assert desk.undo("ann")["count"] == 2
    assert sorted((label.labeller, label.count) for label in run.labels()) == [("ann", 1), ("bob", 5)]
    assert desk.undo("ann")["key"] == one["key"]
    assert desk.undo("ann") is None


def test_weights_follow_as_more_is_labelled(run):
    desk = Desk(run)
    for _ in range(6):
        task = first(desk)
        give(desk, task, 1)
        desk.reweigh(desk.stratum(task["key"], task["turn"]))
    sizes = {}
    for task in desk.queue.tasks:
        sizes[task.stratum] = sizes.get(task.stratum, 0) + 1
    for stratum in {label.stratum for label in run.labels()}:
        mine = [label for label in run.labels() if label.stratum == stratum]
        assert {label.weight for label in mine} == {sizes[stratum] / len(mine)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": "../../etc/passwd"}, "no picture"),
        ({"turn": 7}, "no picture"),
        ({"noun": "<script>"}, "nothing is asked of"),
        ({"count": -1}, "not a number of things"),
        ({"who": "  "}, "needs the name"),
        ({"who": "a\x1bb"}, "needs the name"),
    ],
)
def test_a_label_that_makes_no_sense_is_refused(run, change, said):
    desk = Desk(run)
    task = first(desk) | {"count": 1, "who": "ann"} | change
    with pytest.raises(BadInput, match=said):
        desk.label(task["who"], task["key"], task["turn"], task["noun"], task["count"])
    assert run.labels() == []


def test_a_picture_deleted_meanwhile_is_passed_over(run):
    desk = Desk(run)
    task = first(desk)
    run.picture(desk.queue.find(task["key"], task["turn"]).row).unlink()
    assert first(desk)["key"] != task["key"]
    give(desk, task, 4)  # given on a page that still showed it: kept
    assert run.labels()[0].count == 4


def test_labels_of_another_run_are_counted_apart(run):
    desk = Desk(run)
    task = first(desk)
    mine = Label(key=task["key"], turn=task["turn"], noun=task["noun"], count=1, labeller="ann")
    assert desk.take_in([mine, Label(key="f" * 32, noun="pig", count=1, labeller="ann")]) == (1, 1)


def test_weighing_overwrites_nobodys_count(run):
    one, two = Desk(run), Desk(run)
    task = first(one)
    give(one, task, 1)
    give(two, task, 7)
    one.reweigh(one.stratum(task["key"], task["turn"]))
    assert [label.count for label in run.labels()] == [7]


def test_a_second_desk_sees_what_the_first_wrote(run, monkeypatch):
    one, two = Desk(run), Desk(run)
    task = first(one)
    give(one, task, 1)
    monkeypatch.setattr("countcheck.review.desk._STALE", 0.0)
    assert first(two)["key"] != task["key"]


def test_what_was_chosen_by_hand_stands_for_no_other_picture(run):
    desk = Desk(run)
    tasks = [task for task in desk.queue.tasks if task.stratum == desk.queue.tasks[-1].stratum]
    labels = [
        Label(key=task.key, turn=task.turn, noun=task.nouns[0], count=1, labeller="ann", at="2026-11-22T10:00:00")
        for task in tasks[:4]
    ]
    desk.take_in([*labels[:3], replace(labels[3], stratum="by chance")])
    weights = {label.key: label.weight for label in run.labels() if label.stratum}
    assert weights == {tasks[3].key: len(tasks)}
