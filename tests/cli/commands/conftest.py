"""Two finished runs, one good and one bad, and a policy that tells them apart."""

import pytest
from made_up import a_run, a_suite


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, exact in (("good", 0.95), ("bad", 0.3)):
        path = folder / name
        a_run(path, suite=a_suite(40, 2), generators=(("alpha", exact, 0.02),), pictures=False, noisy=0.0).close()
    (folder / "policy.yaml").write_text(
        "limits: {lost: 0.2}\nrules:\n- {rate: exact_rate, no_worse_by: 0.2}\n- {rate: exact_rate, at_least: 0.5}\n"
    )
    return folder
