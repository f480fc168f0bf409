"""Columns read straight from the ledger say what the rows say, to the last digit."""

from __future__ import annotations

import random
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import a_run, a_suite

from countcheck.errors import BadInput
from countcheck.gate.evidence import evidence_of_run
from countcheck.metrics.comparison import compare
from countcheck.metrics.label_plan import stratum_of
from countcheck.metrics.summary import summarize
from countcheck.storage import forked, run_folder, table_parts, table_reader
from countcheck.storage.result_table import ResultTable
from countcheck.storage.rows import Label
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import CounterInfo, DetectorInfo

OLD = Path(__file__).parent / "ledgers"


def labels_of(run, dice, *, by_chance):
    """Labels of some pictures by one person, some of them not what was counted."""
    pictures = [row for row in run.rows() if row.outcome == "picture" and not row.conversation]
    return [
        Label(
            key=row.key,
            noun=noun,
            count=max(0, int(row.counted[noun]) + dice.choice((0, 0, 0, 1, -1))),
            labeller="ann",
            stratum=stratum_of(row) if by_chance else "",
            weight=2.0 if by_chance else 1.0,
        )
        for row in dice.sample(pictures, min(50, len(pictures)))
        for noun in row.asked
    ]


def recounted(path):
    """A run with a second counting, that leaves out every third picture, as the one that is shown."""
    with a_run(path, suite=a_suite(12, 1), pictures=False) as run:
        from countcheck.storage.records import VerdictRecord

        rows = [row for row in run.rows() if row.outcome == "picture"][::3]
        other = CounterInfo(name="other", detector=DetectorInfo(family="x"), rule={"threshold": 0.5})
        judged = [
            VerdictRecord(key=r.key, turn=r.turn, verdict=r.verdict, leaning=r.verdict, reason="", counted={})
            for r in rows
        ]
        run.recount(other).finish(judged, make_default=True)
    return path


def made(path, kind):
    if kind in ("v1", "v2"):
        return Path(shutil.copytree(OLD / kind / "interrupted", path))
    if kind == "recounted":
        return recounted(path)
    with a_run(path, suite=a_suite(40, 4), repeats=3, pictures=False) as run:
        if kind.startswith("labelled"):
            run.label_store.add(labels_of(run, random.Random(1), by_chance=kind == "labelled"))
    return path


@pytest.mark.parametrize("kind", ["plain", "labelled", "labelled by hand", "recounted", "v1", "v2"])
def test_every_number_is_that_of_the_rows(tmp_path, kind):
    with RunFolder.open(made(tmp_path / "run", kind)) as run:
        rows, table, labels = run.rows(), run.table(), run.labels()
        by_rows, by_table = (evidence_of_run(results, run.info, labels) for results in (rows, table))
    assert by_table.summary.to_json() == by_rows.summary.to_json()
    assert list(by_table.sides) == list(by_rows.sides)
    assert {name: side.texts for name, side in by_table.sides.items()} == {
        name: side.texts for name, side in by_rows.sides.items()
    }
    one, *others = by_table.sides
    expected = compare(by_rows.sides[one], by_rows.sides[(others or [one])[0]]).to_json()
    assert compare(by_table.sides[one], by_table.sides[(others or [one])[0]]).to_json() == expected


def test_the_rows_of_a_table_are_those_that_were_read(tmp_path):
    made(tmp_path / "run", "plain")
    empty = {"seed": 0, "leaning": None, "reason": "", "picture": "", "digest": "", "picture_bytes": None}
    empty |= dict.fromkeys(("words", "category", "code", "stage", "rewritten"), "") | {"extra": {}}
    with RunFolder.open(tmp_path / "run") as run:
        assert list(run.table().rows()) == [replace(row, **empty) for row in run.rows()]


@pytest.fixture
def several_processes(monkeypatch):
    """Read tables in two processes, seven rows at a time; gives the tables that were read so."""
    read = []
    whole = table_reader._read_table

    def noting(parts, *given):
        table = whole(parts, *given)
        read.append((parts._number_of, table))
        return table

    monkeypatch.setattr(run_folder, "_LARGE", 1)
    monkeypatch.setattr(forked, "spare_processes", lambda runs: 2)
    monkeypatch.setattr(table_parts, "_OF_PART", 7)
    monkeypatch.setattr(table_reader, "_read_table", noting)
    return read


@pytest.mark.parametrize("kind", ["plain", "recounted"])
def test_several_processes_read_what_one_does(tmp_path, several_processes, monkeypatch, kind):
    with RunFolder.open(made(tmp_path / "run", kind)) as run:
        rows = list(run.table().rows())
        monkeypatch.setattr(run_folder, "_LARGE", 10**9)
        assert rows == list(run.table().rows())
    (first, _), (second, _) = several_processes
    assert min(first.values()) > 1 and second == {}


def test_a_change_while_several_processes_read_is_not_seen(tmp_path, several_processes, monkeypatch):
    with RunFolder.open(made(tmp_path / "run", "plain")) as run:
        run.label_store.add(labels_of(run, random.Random(1), by_chance=True))  # from now on readers bar no writer
        several_processes.clear()
        with run._ledger.snapshot() as snapshot:
            before = list(run._table_as_written(snapshot, run.suite, run._counting()).rows())
            with run._ledger.writing() as connection:
                connection.exec_driver_sql("DELETE FROM verdicts WHERE rowid = 5")
            after = list(run._table_as_written(snapshot, run.suite, run._counting()).rows())
    assert after == before
    assert [bool(parts) for parts, _ in several_processes] == [True, False]  # the second time by this one alone


def test_a_run_without_an_outcome_is_a_table_of_missing_samples(tmp_path):
    made(tmp_path / "run", "plain")
    with sqlite3.connect(tmp_path / "run" / "run.sqlite") as ledger:
        for table in ("verdicts", "detections", "outcomes"):
            ledger.execute(f"DELETE FROM {table}")
    ledger.close()
    with RunFolder.open(tmp_path / "run") as run:
        table = run.table()
        assert summarize(table, run.info).to_json() == summarize(run.rows(), run.info).to_json()
    assert (table.outcome == 3).all() and np.isnan(table.cost).all()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE outcomes SET seconds = seconds + 1 WHERE rowid = 5",
        "UPDATE outcomes SET detail = '{}' || ' ' WHERE outcome = 'picture'",
        "UPDATE verdicts SET counted = '{\"pig\":[1,1,1]}' WHERE rowid = 7",
        "UPDATE samples SET repeat = 9 WHERE id = 3",
        "UPDATE samples SET talk = 7 WHERE id = 3",
        "DELETE FROM outcomes WHERE rowid = 5",
        "DELETE FROM verdicts WHERE rowid = 5",
        "DELETE FROM samples WHERE id = 5",
        "UPDATE outcomes SET key = 'none', checksum = checksum WHERE rowid = 5",
    ],
)
def test_a_row_that_changed_or_is_lost_is_found_by_reading_columns(tmp_path, change):
    made(tmp_path / "run", "plain")
    with sqlite3.connect(tmp_path / "run" / "run.sqlite") as ledger:
        for (trigger,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f"DROP TRIGGER {trigger}")
        assert ledger.execute(change).rowcount
    ledger.close()
    with RunFolder.open(tmp_path / "run") as run, pytest.raises(BadInput, match=r"whole|damaged|belong to no"):
        run.table()


def test_rows_as_columns_have_each_thing_once():
    assert len(ResultTable.of([])) == 0
