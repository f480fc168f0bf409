from __future__ import annotations

import pytest
from stored_runs import write_run


@pytest.fixture
def finished(tmp_path):
    """The folder of a closed run; see `stored_runs.write_run`."""
    write_run(tmp_path / "run").close()
    return tmp_path / "run"
