"""What a command line names as a run."""

import json

import pytest
from made_up import a_run, a_suite

from countcheck.cli.evidence import read_evidence, read_summary
from countcheck.cli.main import execute
from countcheck.errors import BadInput


def test_a_folder_and_its_summary_say_the_same(tmp_path, capsys):
    a_run(tmp_path / "run", suite=a_suite(8, 0), pictures=False).close()
    assert execute(["summary", str(tmp_path / "run"), "-o", str(tmp_path / "s.json")]) == 0
    folder, file = (read_evidence(path, 0.95) for path in (tmp_path / "run", tmp_path / "s.json"))
    assert set(folder.sides) == set(file.sides) == {"alpha", "beta"}


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", json.dumps({"schema": "other"})])
def test_a_file_that_is_no_summary_is_refused(tmp_path, text):
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(BadInput):
        read_summary(tmp_path / "s.json")
