from __future__ import annotations

import pytest
from made_up import a_run, a_suite

from countcheck.storage.run_folder import RunFolder


@pytest.fixture(scope="session")
def two_runs(tmp_path_factory):
    """Two finished runs of one suite that share the generator ``beta``."""
    folder = tmp_path_factory.mktemp("runs")
    suite = a_suite(24, 2)
    a_run(folder / "one", suite=suite).close()
    a_run(folder / "two", suite=suite, generators=(("beta", 0.6, 0.1), ("gamma", 0.4, 0.05))).close()
    with RunFolder.open(folder / "one") as one, RunFolder.open(folder / "two") as two:
        yield one, two
