"""An estimate survives JSON."""

from countcheck.stats.estimate import Estimate, no_estimate
from countcheck.stats.intervals import cluster_rate


def test_an_estimate_survives_json():
    found = cluster_rate([3, 1], [4, 4])
    assert Estimate.from_json(found.to_json()) == found
    assert list(found.to_json())[:7] == ["value", "low", "high", "level", "n", "clusters", "method"]


def test_no_estimate_says_why():
    assert no_estimate("no outcomes").to_json() == {
        "value": None,
        "low": None,
        "high": None,
        "level": 0.95,
        "n": 0,
        "clusters": 0,
        "method": "no outcomes",
    }
