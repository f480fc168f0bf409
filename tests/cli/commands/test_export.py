"""``export`` to standard output and to a file."""

import csv
import json

from made_up import a_run, a_suite

from countcheck.cli.main import execute

COLUMNS = [
    "key", "generator", "prompt_id", "repeat", "turn", "text", "seed", "outcome", "refusal", "failure", "verdict",
    "asked", "counted", "picture", "seconds", "cost",
]  # fmt: skip


def test_one_line_a_sample_with_the_published_fields_first(runs, capsys):
    assert execute(["export", str(runs / "good")]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 40 * 2 + 2 * 2 * 3
    assert all(list(row)[: len(COLUMNS)] == COLUMNS for row in rows)


def test_csv_is_written_whole_and_says_how_many_rows(runs, capsys, tmp_path):
    assert execute(["export", str(runs / "good"), "-f", "csv", "-o", str(tmp_path / "r.csv")]) == 0
    out, err = capsys.readouterr()
    rows = list(csv.DictReader((tmp_path / "r.csv").read_text(encoding="utf-8").splitlines()))
    assert out == "" and err == f"{len(rows)} rows written to {tmp_path / 'r.csv'}\n"


def test_model_words_start_no_formula_and_break_no_row(tmp_path, capsys):
    words = "\r=1+1\x9b"
    a_run(tmp_path / "run", suite=a_suite(6, 0), generators=(("=evil", 0.0, 1.0),), pictures=False, words=words).close()
    assert execute(["export", str(tmp_path / "run"), "-f", "csv", "-o", str(tmp_path / "r.csv")]) == 0
    text = (tmp_path / "r.csv").read_bytes().decode()
    assert "\r" not in text and "\x9b" not in text
    rows = list(csv.reader(text.splitlines()))
    assert len({len(row) for row in rows}) == 1
    assert not any(cell[:1] in "=+-@" for row in rows[1:] for cell in row if cell and not cell.lstrip("-").isdigit())


def test_parquet_needs_a_file(runs, capsys):
    assert execute(["export", str(runs / "good"), "-f", "parquet"]) == 2
    assert "Name a file with -o" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_named(runs, capsys):
    assert execute(["export", str(runs / "good"), "-o", str(runs / "policy.yaml" / "x.jsonl")]) == 2
    assert "cannot be written" in capsys.readouterr().err
