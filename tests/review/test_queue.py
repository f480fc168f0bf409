from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from made_up import a_run, a_suite

from countcheck.counting.verdict import Kind
from countcheck.review.queue import SKIPPED_FOR, Queue, refusal_tasks_of, sample_of, tasks_of
from countcheck.storage.rows import IS_REFUSAL, Label, ResultRow
from countcheck.suites.suite import Target


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


def solo(tasks):
    """The tasks of the largest stratum, and a queue of them alone: one order, easy to follow."""
    sizes = Counter(task.stratum for task in tasks)
    own = [task for task in tasks if task.stratum == sizes.most_common(1)[0][0]]
    return own, Queue(own)


def by_hand(task, who="ann"):
    return replace(label(task, who), stratum="")


def test_a_picture_passed_over_comes_again_after_some_others(tasks):
    own, queue = solo(tasks)
    queue.skip("ann", own[0].place)
    assert queue.progress("ann")["skipped"] == 1
    offered = []
    for _ in range(SKIPPED_FOR + 1):
        (task, _), *_ = queue.upcoming("ann", 1)
        offered.append(task)
        queue.add(label(task, "ann"))
    assert offered == [*own[1 : SKIPPED_FOR + 1], own[0]]
    assert queue.progress("ann")["skipped"] == 0
    assert queue.upcoming("bob", 1)[0][0] != own[0]


def test_what_was_passed_over_comes_when_nothing_else_is_left(tasks):
    own, queue = tasks[:3], Queue(tasks[:3])
    for task in own[:2]:
        queue.skip("ann", task.place)
    queue.add(label(own[2], "ann"))
    assert [task for task, _ in queue.upcoming("ann")] == own[:2]
    queue.skip("ann", own[0].place)
    assert [task for task, _ in queue.upcoming("ann")] == [own[1], own[0]]


def test_labels_beyond_a_picture_passed_over_are_sampled_once_it_is_labelled(tasks):
    own, queue = solo(tasks)
    queue.upcoming("ann")
    queue.skip("ann", own[0].place)
    queue.upcoming("ann")
    assert queue.is_sampled(own[0])
    assert not queue.is_sampled(own[1])
    for task in own[1:3]:
        queue.add(by_hand(task))
    assert queue.reached(own[0].stratum) == []
    queue.add(label(own[0], "ann"))
    assert queue.reached(own[0].stratum) == [task.place for task in own[1:3]]


def test_a_picture_chosen_by_hand_is_sampled_when_the_order_has_come_to_it(tasks):
    own, queue = solo(tasks)
    assert not queue.is_sampled(own[2])  # nobody was offered it
    queue.add(by_hand(own[2]))
    for task in own[:2]:
        assert queue.upcoming("ann", 1)[0][0] is task
        assert queue.is_sampled(task)
        queue.add(label(task, "ann"))
        assert queue.reached(own[0].stratum) == []
    assert queue.upcoming("ann", 1)[0][0] is own[3]
    queue.add(label(own[3], "ann"))
    assert queue.reached(own[0].stratum) == [own[2].place]


def test_a_stratum_that_is_labelled_whole_is_no_sample_but_all_of_it(tasks):
    own, queue = solo(tasks)
    for task in own:
        queue.add(by_hand(task))
    assert queue.reached(own[0].stratum) == [task.place for task in own]


def test_a_sample_counts_what_was_chosen_by_hand_within_it(tasks):
    first = sample_of(tasks, [], 12)
    assert sample_of(tasks, [by_hand(task) for task in first[3:9]], 12) == first


def test_what_was_chosen_leaves_the_corrected_rate_unbiased():
    """Half of the wrong pictures is looked at first, as with a filter; a tenth is passed over and labelled later."""
    rng = np.random.default_rng(3)
    errors = []
    for _ in range(60):
        truth = rng.random(80) < 0.5
        rows = [
            ResultRow(
                key=f"{i}-{rng.integers(1 << 30)}", generator="g", prompt_id=f"p{i}", repeat=0, seed=0, text="", outcome="picture",
                verdict=Kind.EXACT, picture="x.png", targets=(Target(noun="pig", count=3),), extra={"truth": bool(right)},
            )
            for i, right in enumerate(truth)
        ]  # fmt: skip
        queue = Queue(tasks_of(rows))
        for task in queue.tasks:
            if not task.row.extra["truth"] and rng.random() < 0.5:
                queue.add(by_hand(task))
        while len(sampled_in(queue)) < 24:
            task = queue.upcoming("ann", 1)[0][0]
            if rng.random() < 0.1:
                queue.skip("ann", task.place)
                continue
            queue.add(label(task, "ann") if queue.is_sampled(task) else by_hand(task))
            for place in queue.reached(task.stratum):
                queue.add(label(queue.find(*place), "ann"))
        errors.append(np.mean([queue.find(*place).row.extra["truth"] for place in sampled_in(queue)]) - truth.mean())
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(len(errors))


def sampled_in(queue):
    return [place for place, labels in queue._sampled["g / exact"].items() if labels]


def test_the_answers_to_review_are_refusals_and_replies_that_were_not_understood():
    fields = {"generator": "g", "prompt_id": "p", "repeat": 0, "seed": 0, "text": "three pigs"}
    rows = [
        ResultRow(key="a", outcome="refusal", refusal="stated", words="No.", **fields),
        ResultRow(key="b", outcome="failure", failure="unknown", message="What?", **fields),
        ResultRow(key="c", outcome="failure", failure="transient", message="timed out", **fields),
        ResultRow(key="d", outcome="picture", picture="d.png", **fields),
    ]
    assert [(task.key, task.nouns, task.stratum) for task in refusal_tasks_of(rows)] == [
        ("a", (IS_REFUSAL,), "g / refusal"),
        ("b", (IS_REFUSAL,), "g / unread"),
    ]
