"""What a flawless generator would leave of a suite."""

import pytest

from countcheck.gate.rehearsal import flawless_rows, satisfying_counts
from countcheck.metrics.summary import summarize
from countcheck.storage.run_info import RunInfo
from countcheck.suites.catalog import shipped_suites
from countcheck.suites.merge import load_suites


@pytest.mark.parametrize("name", shipped_suites())
def test_every_target_of_every_shipped_suite_holds(name):
    suite = load_suites([name])
    rows = flawless_rows(suite, 2)
    assert all(target.holds(row.counted) for row in rows for target in row.targets)
    assert len({(row.key, row.turn) for row in rows}) == len(rows)
    summary = summarize(rows, RunInfo())
    (own,) = summary.generators.values()
    assert own.rates["exact_rate"].value == 1 and own.counts["planned"] == 2 * len(suite.prompts)
    assert own.rates["mean_abs_error"].value == 0 if "mean_abs_error" in own.rates else True


def test_nothing_asked_needs_nothing():
    assert satisfying_counts(()) == {}
