from __future__ import annotations

import pytest

from countcheck.storage.checksums import DamagedRow, checked_columns, checksum, row_checksum, sealed
from countcheck.storage.schema import CHECKED, facts, samples


@pytest.mark.parametrize("other", [("a", 1, 0.51), ("a", 1, None), ("a", "1", 0.5), ("b", 1, 0.5), ("a", 1, 0.5, None)])
def test_any_other_value_has_another_checksum(other):
    assert checksum(("a", 1, 0.5)) == checksum(("a", 1, 0.5)) != checksum(other)


def test_bytes_are_covered():
    assert checksum(("a", b"xy")) != checksum(("a", b"xz")) != checksum(("b", b"xz"))


def test_a_value_of_a_foreign_type_is_damage():
    with pytest.raises(DamagedRow):
        checksum((b"bytes where text was", 1))


def test_a_sealed_row_holds_the_checksum_of_its_values():
    row = sealed(facts, {"name": "suite", "value": "1"})
    assert row["checksum"] == row_checksum(facts, row) == checksum(("suite", "1"))


def test_a_sample_that_is_done_differs_by_one():
    sample = {"key": "k", "generator": "g", "prompt_id": "p", "repeat": 0, "seed": 1, "talk": False}
    assert row_checksum(samples, {**sample, "done": True}) == row_checksum(samples, {**sample, "done": False}) + 1


@pytest.mark.parametrize("table", CHECKED, ids=lambda table: table.name)
def test_every_column_is_covered(table):
    left_out = {column.name for column in table.columns} - {column.name for column in checked_columns(table)}
    assert left_out <= {"id", "checksum", "done"}
    assert list(table.columns)[-1].name == "checksum"
