"""Numbers of workers as they are written."""

from __future__ import annotations

import pytest

from countcheck.engine.workers.size import WorkerCount
from countcheck.errors import BadSettings


def test_a_number_or_a_range_is_read():
    assert WorkerCount.parse("4") == WorkerCount(lowest=4, highest=4)
    assert WorkerCount.parse("2-8", 2.0) == WorkerCount(lowest=2, highest=8, gpus=2.0)
    assert WorkerCount.parse("", 0.5) == WorkerCount(gpus=0.5)


@pytest.mark.parametrize("text", ["0", "5-2", "many", "1-"])
def test_anything_else_is_refused(text):
    with pytest.raises(BadSettings, match=r"is no number of workers\. Write N, or MIN-MAX"):
        WorkerCount.parse(text)


def test_a_share_of_several_cards_is_refused():
    with pytest.raises(BadSettings, match=r"--gpus-per-worker 1\.5 is no number"):
        WorkerCount.parse("", 1.5)
