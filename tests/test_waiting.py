import threading
from concurrent.futures import Future
from itertools import chain

import pytest

from countcheck.waiting import BATCH, Beside, InTurns, Waiting


def waiting(key, seconds=0.0):
    entry = Future()
    entry.set_result(key)
    return Waiting(str(key), ((), {}), entry, seconds=seconds)


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


WAYS = [InTurns, lambda count: Beside(count, endless=False), lambda count: Beside(count, endless=True)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", [0, 1, BATCH - 1, BATCH, 3 * BATCH + 2, 200])
def test_all_is_counted_once_and_in_order(way, number):
    kept = Kept()
    with way(kept) as counting:
        for key in range(number):
            counting.take(waiting(key))
    assert kept.keys == [str(key) for key in range(number)]
    assert all(len(batch) <= BATCH for batch in kept.batches)


@pytest.mark.parametrize("way", WAYS)
def test_what_was_made_before_the_generator_broke_is_counted(way):
    kept = Kept()
    with pytest.raises(ValueError, match="closed"), way(kept) as counting:
        counting.take(waiting("made"))
        raise ValueError("closed")
    assert kept.keys == ["made"]


@pytest.mark.parametrize("way", WAYS)
def test_what_counting_raises_reaches_the_generators_thread(way):
    kept = Kept(breaks_at="20")
    with pytest.raises(RuntimeError, match="no room"), way(kept) as counting:
        for key in range(500):
            counting.take(waiting(key))


def test_beside_the_generator_counting_has_a_thread_of_its_own():
    kept = Kept()
    with Beside(kept, endless=False) as counting:
        counting.take(waiting("a"))
    assert threading.current_thread() not in kept.threads


def test_in_turns_it_has_the_generators():
    kept = Kept()
    with InTurns(kept) as counting:
        counting.take(waiting("a"))
        assert not kept.batches
    assert kept.threads == {threading.current_thread()}


def test_little_slow_work_waits_uncounted():
    kept = Kept()
    with InTurns(kept) as counting:
        counting.take(waiting("quick", seconds=0.2))
        counting.take(waiting("slow", seconds=30))
        assert kept.batches == [["quick", "slow"]]
        counting.take(waiting("slow again", seconds=30))
        assert kept.batches[1:] == [["slow again"]]


def test_a_file_that_could_not_be_written_is_told_before_anything_is_counted():
    broken, kept = Future(), Kept()
    broken.set_exception(OSError("disk full"))
    with pytest.raises(OSError, match="disk full"), InTurns(kept) as counting:
        counting.take(Waiting("a", ((), {}), broken))
    assert not kept.batches
