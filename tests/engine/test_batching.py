"""Batches of outcomes for the counter: beside the generator and in turns with it."""

import threading
from concurrent.futures import Future
from itertools import chain

import pytest

from countcheck.engine.batching import BATCH, BackgroundBatcher, InlineBatcher, OutcomeJob, PendingOutcome


def job(key, seconds=0.0, error=None, crowds=None, paid=False):
    """An outcome whose file is written at once, or cannot be; ``crowds`` collects what `OutcomeJob.start` is given."""

    def start(crowded):
        if crowds is not None:
            crowds.append(crowded)
        entry = Future()
        if error is None:
            entry.set_result(str(key))
        else:
            entry.set_exception(error)
        return PendingOutcome(generator="it", key=str(key), asked=((), {}), entry=entry)

    return OutcomeJob(seconds=seconds, start=start, paid=paid)


class Kept:
    """Remembers what was counted, together and in which thread."""

    def __init__(self, breaks_at=None):
        self.batches, self.threads, self.breaks_at = [], set(), breaks_at

    def __call__(self, batch):
        self.batches.append([one.key for one in batch])
        self.threads.add(threading.current_thread())
        if self.breaks_at in self.batches[-1]:
            raise RuntimeError("no room on the disk")

    @property
    def keys(self):
        return list(chain(*self.batches))


WAYS = [
    InlineBatcher,
    BackgroundBatcher,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("paid", [False, True])
@pytest.mark.parametrize("number", [0, 1, BATCH - 1, BATCH, 3 * BATCH + 2, 200])
def test_all_is_counted_once_and_in_order(way, number, paid):
    kept = Kept()
    with way(kept) as counting:
        for key in range(number):
            counting.take(job(key, paid=paid))
    assert kept.keys == [str(key) for key in range(number)]
    assert all(len(batch) <= BATCH for batch in kept.batches)


@pytest.mark.parametrize("way", WAYS)
def test_what_was_made_before_the_generator_broke_is_counted(way):
    kept = Kept()
    with pytest.raises(ValueError, match="closed"), way(kept) as counting:
        counting.take(job("made"))
        raise ValueError("closed")
    assert kept.keys == ["made"]


@pytest.mark.parametrize("way", WAYS)
def test_what_counting_raises_reaches_the_generators_thread(way):
    kept = Kept(breaks_at="20")
    with pytest.raises(RuntimeError, match="no room"), way(kept) as counting:
        for key in range(500):
            counting.take(job(key))


def test_beside_the_generator_counting_has_a_thread_of_its_own():
    kept = Kept()
    with BackgroundBatcher(kept) as counting:
        counting.take(job("a"))
    assert threading.current_thread() not in kept.threads


def test_in_turns_it_has_the_generators():
    kept = Kept()
    with InlineBatcher(kept) as counting:
        counting.take(job("a"))
        assert not kept.batches
    assert kept.threads == {threading.current_thread()}


def test_little_slow_work_waits_uncounted():
    kept = Kept()
    with InlineBatcher(kept) as counting:
        counting.take(job("quick", seconds=0.2))
        counting.take(job("slow", seconds=30))
        assert kept.batches == [["quick", "slow"]]
        counting.take(job("slow again", seconds=30))
        assert kept.batches[1:] == [["slow again"]]


def test_a_file_that_could_not_be_written_is_told_before_anything_is_counted():
    kept = Kept()
    with pytest.raises(OSError, match="disk full"), InlineBatcher(kept) as counting:
        counting.take(job("a", error=OSError("disk full")))
    assert not kept.batches


def test_paid_outcomes_are_accepted_however_many_wait_and_leave_their_pixels_to_their_files():
    crowds, go_on = [], threading.Event()
    with BackgroundBatcher(lambda batch: go_on.wait(10)) as counting:
        for key in range(200):
            counting.take(job(key, crowds=crowds, paid=True))
        go_on.set()
    assert not any(crowds[:BATCH]) and all(crowds[-BATCH:])


def test_outcomes_that_cost_nothing_wait_for_the_counter():
    taken, go_on = [], threading.Event()
    with BackgroundBatcher(lambda batch: go_on.wait(10)) as counting:
        take_all = threading.Thread(target=lambda: [(counting.take(job(k)), taken.append(k)) for k in range(300)])
        take_all.start()
        take_all.join(0.5)
        assert take_all.is_alive()
        assert len(taken) < 150
        counting.take(job("paid", paid=True))  # is not held up by them
        go_on.set()
        take_all.join(10)
    assert len(taken) == 300


def test_several_threads_share_one_batcher():
    kept = Kept()
    with BackgroundBatcher(kept) as counting:
        threads = [
            threading.Thread(target=lambda n=n: [counting.take(job(f"{n}-{k}")) for k in range(100)]) for n in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(kept.keys) == sorted(f"{n}-{k}" for n in range(3) for k in range(100))
    assert len(kept.threads) == 1
