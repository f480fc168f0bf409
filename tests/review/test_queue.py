from __future__ import annotations

import pytest
from made_up import a_run, a_suite

from countcheck.counting.verdict import Kind
from countcheck.review.queue import Queue, sample_of, tasks_of
from countcheck.storage.rows import Label


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("queue")
    with a_run(folder / "run", suite=a_suite(40, 1), noisy=0.2, size=32) as run:
        return tasks_of(run.rows())


def label(task, who, count=1):
    return Label(key=task.key, turn=task.turn, noun=task.nouns[0], count=count, labeller=who, stratum=task.stratum)


def test_uncertain_pictures_come_first(tasks):
    uncertain = [task.row.verdict is Kind.UNCERTAIN for task in tasks]
    assert any(uncertain)
    assert uncertain == sorted(uncertain, reverse=True)


def test_after_them_every_stratum_gets_its_turn(tasks):
    rest = [task for task in tasks if task.row.verdict is not Kind.UNCERTAIN]
    strata = {task.stratum for task in rest}
    assert {task.stratum for task in rest[: len(strata)]} == strata


def test_what_one_person_labelled_is_not_offered_again(tasks):
    queue = Queue(tasks)
    for _ in range(len(tasks)):
        (task, noun), *_ = queue.upcoming("ann", 1)
        queue.add(Label(key=task.key, turn=task.turn, noun=noun, count=1, labeller="ann"))
    assert queue.upcoming("ann") == []
    assert queue.progress("ann")["mine"] == len(tasks)


def test_a_second_person_gets_new_pictures_and_some_to_agree_on(tasks):
    queue = Queue(tasks, [label(task, "ann") for task in tasks[:20]])
    given = []
    for _ in range(20):
        (task, _), *_ = queue.upcoming("bob", 1)
        given.append(task.place)
        queue.add(label(task, "bob"))
    shared = set(given) & {task.place for task in tasks[:20]}
    assert len(shared) == 4
    assert len(set(given)) == 20


def test_a_label_stands_for_its_share_of_the_stratum(tasks):
    stratum = tasks[-1].stratum
    members = [task for task in tasks if task.stratum == stratum]
    queue = Queue(tasks, [label(task, who) for task in members[:2] for who in ("ann", "bob")])
    assert queue.weight(stratum) == len(members) / 2


def test_a_label_taken_back_brings_its_picture_back(tasks):
    queue = Queue(tasks)
    first = queue.upcoming("ann", 1)[0][0]
    queue.add(label(first, "ann"))
    queue.remove(label(first, "ann"))
    assert queue.upcoming("ann", 1)[0][0] == first


def test_a_lost_picture_is_not_offered(tasks):
    queue = Queue(tasks)
    queue.skip_lost(tasks[0].place)
    assert all(task.place != tasks[0].place for task, _ in queue.upcoming("ann", 50))


def test_a_queue_offers_only_the_sample_and_weighs_by_the_whole_stratum(tasks):
    offered = sample_of(tasks, [], 6)
    queue = Queue(tasks, offered=offered)
    assert {task.place for task, _ in queue.upcoming("ann", 100)} == {task.place for task in offered}
    first = offered[0]
    assert queue.weight_with(first) == sum(task.stratum == first.stratum for task in tasks)
