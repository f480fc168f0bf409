"""Datasets on disk."""

import pytest
from foreign_suites import sentences

from countcheck.errors import MissingExtra
from countcheck.suites.catalog import import_suite, load_suite


def test_a_dataset_on_disk_is_a_suite(tmp_path):
    try:
        import datasets
    except ImportError:
        with pytest.raises(MissingExtra):
            import_suite("datasets", tmp_path)
        return
    rows = {"prompt": ["three pigs", "no cats"], "category": ["a", "b"]}
    datasets.Dataset.from_dict(rows).to_parquet(str(tmp_path / "p.parquet"))
    suite = load_suite(str(tmp_path))
    assert sentences(suite) == [["exactly 3 pig"], ["no cat"]]
    assert suite.prompts[0].tags == {"category": "a"}
