from __future__ import annotations

import pytest
from made_up import a_run, a_suite


@pytest.fixture
def run(tmp_path):
    with a_run(tmp_path / "run", suite=a_suite(15, 0), generators=(("alpha", 0.7, 0.0),), size=48) as made:
        yield made
