from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from countcheck.storage.group_commit import GroupCommit


def test_what_comes_while_another_is_written_is_written_together():
    begun, go_on = threading.Event(), threading.Event()
    written = []

    def write(values):
        written.append(sorted(values))
        begun.set()
        go_on.wait(10)

    group = GroupCommit(write)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(group.commit, 0)
        begun.wait(10)
        others = [pool.submit(group.commit, n) for n in range(1, 6)]
        while len(group._items) < 5:
            pass
        assert not first.done()
        go_on.set()
        for future in (first, *others):
            future.result(10)
    assert written == [[0], [1, 2, 3, 4, 5]]


def test_whoever_waited_learns_that_it_was_not_written():
    def write(values):
        raise OSError(f"no room for {len(values)}")

    group = GroupCommit(write)
    with pytest.raises(OSError, match="no room for 1"):
        group.commit(1)
    with pytest.raises(OSError, match="no room for 1"):
        group.commit(2)
