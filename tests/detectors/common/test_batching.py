import pytest
import torch

from countcheck.detectors.common.batching import Batches, synchronous
from countcheck.detectors.common.devices import OutOfDeviceMemory


class Room:
    """A device that holds only so many items at a time."""

    def __init__(self, room, at="launch"):
        self.room, self.at, self.sizes = room, at, []

    def launch(self, part):
        self.sizes.append(len(part))
        if self.at == "launch" and len(part) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return list(part)

    def collect(self, part):
        if self.at == "collect" and len(part) > self.room:
            raise RuntimeError("CUDA error: out of memory")
        return [-x for x in part]


@pytest.mark.parametrize("at", ["launch", "collect"])
@pytest.mark.parametrize("room", [1, 3, 8, 100])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 40])
def test_every_item_is_done_once_and_in_order_however_little_room(at, room, count):
    room = Room(room, at)
    items = list(range(count))
    batches = Batches(16, name="counter")
    assert list(batches.run(items, room.launch, room.collect)) == [-x for x in items]


def test_what_fitted_is_remembered():
    room, batches = Room(4), Batches(16, name="counter")
    list(batches.run(range(32), room.launch, room.collect))
    room.sizes.clear()
    list(batches.run(range(8), room.launch, room.collect))
    assert room.sizes == [4, 4]


def test_a_batch_halved_by_another_thread_loses_and_doubles_nothing():
    batches = Batches(8, name="counter")

    def launch(part):
        batches.size = max(1, batches.size // 2)  # another thread found that less fits
        return list(part)

    assert list(batches.run(range(20), launch, lambda part: part)) == list(range(20))


def test_no_room_for_one_is_said_in_a_sentence():
    room = Room(0)
    with pytest.raises(OutOfDeviceMemory, match="smaller imgsz"):
        list(Batches(8, name="counter", device="cpu").run(range(3), room.launch, room.collect))


def test_the_next_batch_is_launched_before_the_last_is_collected():
    events = []
    launch = lambda part: events.append(f"launch {part[0]}") or part  # noqa: E731
    collect = lambda part: events.append(f"collect {part[0]}") or part  # noqa: E731
    list(Batches(1, name="counter").run([0, 1, 2], launch, collect))
    assert events == ["launch 0", "launch 1", "collect 0", "launch 2", "collect 1", "collect 2"]


def test_other_errors_pass():
    def launch(part):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(Batches(2, name="counter").run([1], *synchronous(launch)))
