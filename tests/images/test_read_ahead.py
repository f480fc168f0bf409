"""Things read in threads ahead of their use."""

import threading

import pytest

from countcheck.images.read_ahead import read_ahead, usable_cores


def test_what_is_read_comes_in_order_whoever_is_done_first():
    last = threading.Event()

    def read(number):
        if number == 0:
            assert last.wait(10)
        if number == 3:
            last.set()
        return number

    assert list(read_ahead(range(4), read, threads=4)) == [0, 1, 2, 3]


def test_an_error_is_raised_at_its_turn_and_not_before():
    read = read_ahead([4, 2, 0, 1], lambda number: 8 // number, threads=2)
    assert [next(read), next(read)] == [2, 4]
    with pytest.raises(ZeroDivisionError):
        next(read)


def test_no_more_is_taken_than_there_is_room_for():
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    read = read_ahead(items(), lambda number: number, threads=2)
    assert next(read) == 0
    assert len(taken) == 9  # four for each thread, and the next
    read.close()
    assert len(taken) == 9


def test_the_weight_of_what_is_ahead_is_bounded_but_one_is_always_read():
    running, most_running, lock = [], [], threading.Lock()

    def read(weight):
        with lock:
            running.append(weight)
            most_running.append(sum(running))
        with lock:
            running.remove(weight)
        return weight

    weights = [3, 3, 3, 50, 3, 3]
    assert list(read_ahead(weights, read, threads=4, weight=lambda item: item, most=7)) == weights
    assert max(most_running) == 50


def test_what_is_at_hand_is_neither_queued_nor_given_to_a_thread():
    here, threads = threading.get_ident(), []
    items = iter([1, 2])
    read = read_ahead(items, lambda _: threads.append(threading.get_ident()), at_hand=lambda _: True)
    next(read)
    assert threads == [here]
    assert list(items) == [2]


def test_a_process_has_a_core():
    assert usable_cores() >= 1
