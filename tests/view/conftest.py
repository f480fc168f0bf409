from __future__ import annotations

import pytest
from made_up import a_run, a_suite

HOSTILE = "<img src=x onerror=window.hit=1>\u202e"


@pytest.fixture
def folder(tmp_path):
    """Two finished runs, one that holds hostile words, and a damaged one."""
    runs = tmp_path / "runs"
    suite = a_suite(12, 0)
    a_run(runs / "before", suite=suite, generators=(("alpha", 0.4, 0.1),), size=64).close()
    a_run(runs / "after", suite=suite, generators=(("alpha", 0.9, 0.0),), size=64).close()
    a_run(runs / "inner" / "hostile", suite=a_suite(4, 0, hostile=HOSTILE), generators=((HOSTILE, 0.5, 0.3),)).close()
    (runs / "damaged").mkdir()
    (runs / "damaged" / "run.sqlite").write_bytes(b"junk")
    return runs
