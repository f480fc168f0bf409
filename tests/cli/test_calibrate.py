from __future__ import annotations

import json

import jsonschema
import pytest
from made_up import a_run, a_suite

from countcheck.cards import read_card
from countcheck.cli.main import execute
from countcheck.schemas import schema
from countcheck.storage.rows import Label


@pytest.fixture
def labelled(tmp_path):
    suite = a_suite(40, 0)
    with a_run(tmp_path / "run", suite=suite, repeats=1, size=32, counter_name="tiny", pictures=False) as run:
        rows = [row for row in run.rows() if row.counted]
        run.add_labels(
            Label(key=row.key, noun=noun, count=n, labeller="ann") for row in rows for noun, n in row.counted.items()
        )
    return tmp_path / "run"


def test_what_was_learnt_is_printed_and_kept_as_a_card(labelled, capsys):
    assert execute(["calibrate", str(labelled), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    jsonschema.validate(said, schema("calibration"))
    card = read_card(labelled / "counter.yaml")
    assert card.family == "tiny"
    assert card.rule.threshold == said["rule"]["threshold"]


def test_the_table_says_how_to_apply_it(labelled, tmp_path, capsys):
    assert execute(["calibrate", str(labelled), "-o", str(tmp_path / "mine.yaml"), "--overall"]) == 0
    out, err = capsys.readouterr()
    assert "agreement" in out
    assert f"countcheck recount {labelled} -d {tmp_path / 'mine.yaml'}" in err


def test_too_few_labels_exit_with_three(tmp_path, capsys):
    a_run(tmp_path / "run", suite=a_suite(4, 0), counter_name="tiny", pictures=False).close()
    assert execute(["calibrate", str(tmp_path / "run")]) == 3
    assert "too few" in capsys.readouterr().err
