"""JSON lines."""

import json

import pytest
from foreign_suites import GENEVAL, lines, sentences, written

from countcheck.suites.catalog import load_suite
from countcheck.suites.serialize import write_suite


def test_json_lines_may_give_full_targets(tmp_path):
    rows = [
        {"prompt": "x", "targets": [{"noun": "pig", "relation": "between", "count": 2, "upper": 4}]},
        {"text": "3 cats"},
    ]
    suite = load_suite(str(written(tmp_path, "p.jsonl", lines(rows))))
    assert sentences(suite) == [["between 2 and 4 pig"], ["exactly 3 cat"]]


def test_a_truncated_line_is_skipped_with_its_number(tmp_path):
    path = written(tmp_path, "m.jsonl", lines(GENEVAL) + '{"tag": "counting", "inclu')
    suite = load_suite(str(path))
    assert len(suite.prompts) == 5
    assert suite.skipped[0].line == 6
    assert "cut off" in suite.skipped[0].why


def test_ids_of_json_lines_are_kept_zero_too_and_survive_being_written(tmp_path):
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"id": 0, "prompt": "three pigs"}\n{"id": "a  b", "prompt": "two cows"}\n{"prompt": "six dogs"}\n')
    suite = load_suite(str(file))
    assert [p.id for p in suite.prompts] == ["0", "a-b", "six-dogs"]
    write_suite(suite, tmp_path / "written.yaml")
    assert load_suite(str(tmp_path / "written.yaml")).prompts == suite.prompts


@pytest.mark.parametrize(
    ("target", "why"), [({"count": 2.5}, "targets.count: is '2.5'"), ({"cnt": 2}, "targets.cnt: is '2': no such field")]
)
def test_a_target_that_makes_no_sense_is_left_out_with_its_field(tmp_path, target, why):
    file = tmp_path / "prompts.jsonl"
    rows = [{"prompt": "two pigs", "targets": [{"noun": "pig", **target}]}, {"prompt": "three pigs"}]
    file.write_text("\n".join(map(json.dumps, rows)))
    (skipped,) = load_suite(str(file)).skipped
    assert skipped.why.startswith(why)
