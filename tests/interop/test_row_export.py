"""Rows written in parts are those written in one piece, to the last byte."""

import csv
import io
import re
import shutil
import sqlite3
from pathlib import Path

import orjson
import pyarrow
import pytest
from made_up import a_run, a_suite
from pyarrow import parquet

from countcheck.errors import BadInput
from countcheck.images.decode import encode_png
from countcheck.interop.row_export import write_rows
from countcheck.reports.safe_text import csv_cell, json_text, log_text
from countcheck.storage.result_table import PLACEHOLDER
from countcheck.storage.rows import row_to_json
from countcheck.storage.run_folder import RunFolder

LEDGERS = Path(__file__).parents[1] / "storage" / "ledgers"
RUNS = (
    *("v1/finished", "v1/interrupted", "v2/finished", "v2/interrupted"),
    *("made", "hostile", "free", "missing", "repeated", "empty"),
)


def one(path: Path, kind: str) -> RunFolder:
    """A run of this kind, open."""
    if "/" in kind:
        return RunFolder.open(Path(shutil.copytree(LEDGERS / kind, path)))
    if kind == "repeated":
        painted = [encode_png(_grey(level)) for level in range(0, 120, 10)]
        return a_run(path, suite=a_suite(24, 1), painted=painted)
    words = "\r\n=1+1\x9b ##[error] \n::error::\u202e" if kind == "hostile" else ""
    price = None if kind == "free" else 0.004
    a_run(path, suite=a_suite(8, 1), pictures=False, words=words, price=price).close()
    if kind in ("missing", "empty"):
        emptied = ("verdicts", "detections", "outcomes", "samples")[: 3 if kind == "missing" else 4]
        with sqlite3.connect(path / "run.sqlite") as ledger:
            for table in emptied:
                ledger.execute(f"DELETE FROM {table}")
        ledger.close()
    return RunFolder.open(path)


def _grey(level: int):
    import numpy as np

    return np.full((16, 16, 3), level, np.uint8)


def in_one_piece(run: RunFolder, format: str) -> bytes | pyarrow.Table:
    """All rows, arranged at once."""
    bodies = [row_to_json(row) for row in run.rows()]
    if format == "jsonl":
        return b"".join(json_text(orjson.dumps(body).decode()).encode() + b"\n" for body in bodies)
    if format == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(bodies[0]) if bodies else [], lineterminator="\n")
        writer.writeheader()
        for body in bodies:
            writer.writerow({name: _cell(value) for name, value in body.items()})
        return text.getvalue().encode()
    return pyarrow.Table.from_pylist([{name: _flat(value) for name, value in body.items()} for body in bodies])


def _cell(value):
    if isinstance(value, dict | list):
        return json_text(orjson.dumps(value).decode())
    return csv_cell(value) if isinstance(value, str) else value


def _flat(value):
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value


@pytest.mark.parametrize("kind", RUNS)
def test_a_file_holds_what_all_rows_at_once_would_give(tmp_path, monkeypatch, capsys, kind):
    monkeypatch.setattr("countcheck.interop.row_export._ROWS", 20)
    monkeypatch.setattr("countcheck.interop.row_export._TEXT", 1000)
    out = tmp_path / "rows"
    with one(tmp_path / "run", kind) as run:
        assert list(run.iter_rows()) == run.rows()
        for format in ("jsonl", "csv"):
            expected = in_one_piece(run, format)
            assert write_rows(run, format, out) == len(run.rows())
            assert out.read_bytes() == expected
            write_rows(run, format, None)
            printed = capsys.readouterr().out
            assert printed == (log_text(expected.decode()) if format == "csv" else expected.decode())
        assert write_rows(run, "parquet", out) == len(run.rows())
        written, expected = parquet.read_table(out), in_one_piece(run, "parquet")
        assert written.schema.equals(expected.schema) and written.equals(expected)
        assert [row.code for row in run.iter_rows()].count(PLACEHOLDER) > 0 or kind != "repeated"


@pytest.mark.parametrize("kind", ["v2/finished", "made", "repeated"])
def test_several_processes_write_the_same_rows(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("countcheck.interop.row_export._MANY", 1)
    monkeypatch.setattr("countcheck.interop.row_export._ROWS", 20)
    monkeypatch.setattr("countcheck.interop.row_export.spare_processes", lambda _: 2)
    with one(tmp_path / "run", kind) as run:
        assert write_rows(run, "parquet", tmp_path / "rows") == len(run.rows())
        assert parquet.read_table(tmp_path / "rows").equals(in_one_piece(run, "parquet"))


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_a_damaged_run_leaves_the_older_file_and_prints_nothing(tmp_path, capsys, format):
    a_run(tmp_path / "run", suite=a_suite(30, 0), pictures=False).close()
    with sqlite3.connect(tmp_path / "run" / "run.sqlite") as ledger:
        ledger.execute("UPDATE verdicts SET reason = 'changed' WHERE rowid = 50")
    ledger.close()
    out = tmp_path / "rows"
    out.write_bytes(b"older")
    with RunFolder.open(tmp_path / "run") as run:
        with pytest.raises(BadInput, match="damaged"):
            write_rows(run, format, out)
        if format != "parquet":
            with pytest.raises(BadInput, match="damaged"):
                write_rows(run, format, None)
    assert out.read_bytes() == b"older" and capsys.readouterr().out == ""
    assert not [path.name for path in tmp_path.iterdir() if re.search(r"\.part$", path.name)]
