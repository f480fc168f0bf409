from __future__ import annotations

import pytest

from countcheck.review.agreement import alpha
from countcheck.storage.rows import Label


def labels(table):
    """Labeller to a string of digits, one a count; ``*`` is missing, ``?`` cannot tell."""
    return [
        Label(key=str(i), noun="pig", count=None if c == "?" else int(c), labeller=name)
        for name, said in table.items()
        for i, c in enumerate(said)
        if c != "*"
    ]


def test_alpha_against_its_definition():
    table = {"A": "123321412***", "B": "12332241255*", "C": "*33322412511", "D": "123324412511"}
    found = alpha(labels(table))
    assert found["shared"] == 12
    assert found["alpha"] == pytest.approx(reference(table), abs=1e-9)


def test_alpha_of_the_published_example():
    """Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), example C: four observers, interval data, 0.849."""
    table = {"A": "123321412***", "B": "1233224125*3", "C": "*3332342251*", "D": "12332441251*"}
    assert alpha(labels(table))["alpha"] == pytest.approx(0.849, abs=5e-4)


def reference(table):
    """Interval alpha straight from its definition: 1 - observed over expected squared differences."""
    units = [[int(said[i]) for said in table.values() if said[i] not in "*?"] for i in range(12)]
    units = [unit for unit in units if len(unit) > 1]
    values = [value for unit in units for value in unit]
    n = len(values)
    observed = sum(sum((a - b) ** 2 for a in unit for b in unit) / (len(unit) - 1) for unit in units) / n
    expected = sum((a - b) ** 2 for a in values for b in values) / (n * (n - 1))
    return 1 - observed / expected


def test_one_labeller_is_no_agreement():
    assert alpha(labels({"A": "123"})) == {"alpha": None, "exact": None, "shared": 0, "labellers": 0}


def test_everything_alike_cannot_be_told():
    assert alpha(labels({"A": "333", "B": "333"})) == {"alpha": None, "exact": 1.0, "shared": 3, "labellers": 2}


def test_cannot_tell_is_missing():
    assert alpha(labels({"A": "12?", "B": "123"}))["shared"] == 2
