"""A ledger is read as it is, and never as something else than what was written."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from made_up import a_run, a_suite
from stored_runs import write_run

from countcheck.errors import BadInput, CountcheckError, DiskFull
from countcheck.storage.ledger import Ledger
from countcheck.storage.run_folder import RunFolder

OLD = Path(__file__).parent / "ledgers"


def contents(path):
    with RunFolder.open(path) as run:
        boxes = [(key, turn, len(found.boxes)) for key, turn, found in run.detections()]
        return run.rows(), run.labels(), boxes, run.info, run.spent, run.completed_keys()


def unwritable(run):
    """Let SQLite find no place for the files that it needs beside a ledger in write-ahead mode."""
    (run / "run.sqlite-shm").mkdir()


def killed(tmp_path):
    """The folder of a run whose process was killed: all is in the write-ahead log, nothing in the ledger."""
    run = write_run(tmp_path / "made")
    shutil.copytree(tmp_path / "made", tmp_path / "killed", ignore=shutil.ignore_patterns("*-shm"))
    run.close()
    return tmp_path / "killed"


def test_a_finished_run_is_one_file_that_needs_no_log(finished):
    assert sorted(path.name for path in finished.iterdir()) == ["images", "run.sqlite"]
    assert (finished / "run.sqlite").read_bytes()[18:20] == b"\x01\x01"  # no write-ahead log


def test_reading_writes_nothing(finished):
    before = (finished / "run.sqlite").read_bytes(), (finished / "run.sqlite").stat().st_mtime_ns
    contents(finished)
    assert ((finished / "run.sqlite").read_bytes(), (finished / "run.sqlite").stat().st_mtime_ns) == before


def test_a_run_that_was_killed_is_read_where_nothing_can_be_written(tmp_path, finished):
    path = killed(tmp_path)
    assert (path / "run.sqlite-wal").stat().st_size > 0
    unwritable(path)
    assert contents(path)[:3] == contents(finished)[:3]
    with RunFolder.open(path) as run, pytest.raises(BadInput, match="cannot write there"):
        run.record_decision("pass")


def test_a_ledger_that_an_older_program_left_with_a_log_is_read_where_nothing_can_be_written(finished):
    expected = contents(finished)
    with sqlite3.connect(finished / "run.sqlite") as ledger:
        ledger.execute("PRAGMA journal_mode = WAL")
    ledger.close()
    unwritable(finished)
    (finished / "run.sqlite-wal").mkdir()
    assert contents(finished) == expected
    with Ledger(finished) as ledger:
        ledger.prepare()
        assert ledger.in_memory


def test_a_log_whose_end_was_lost_is_read_to_its_last_whole_transaction(tmp_path):
    path = killed(tmp_path)
    log = (path / "run.sqlite-wal").read_bytes()
    (path / "run.sqlite-wal").write_bytes(log[:-5000])
    plain = shutil.copytree(path, tmp_path / "plain")
    unwritable(path)
    assert contents(path)[0] == contents(plain)[0]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_an_old_ledger_is_read_where_nothing_can_be_written(tmp_path, monkeypatch, version):
    path = Path(shutil.copytree(OLD / version / "finished", tmp_path / "run"))
    expected = contents(shutil.copytree(path, tmp_path / "other"))
    before = (path / "run.sqlite").read_bytes()

    def full(self):
        raise DiskFull("no room")

    monkeypatch.setattr(Ledger, "writing", full)
    assert contents(path)[:3] == expected[:3]
    assert (path / "run.sqlite").read_bytes() == before


def test_a_transaction_that_fails_leaves_nothing(tmp_path):
    with write_run(tmp_path / "run") as run:
        before = run.rows()
        with pytest.raises(RuntimeError), run._ledger.writing() as connection:
            connection.exec_driver_sql("DELETE FROM verdicts")
            raise RuntimeError
        assert run.rows() == before


def test_what_was_written_survives_a_kill_at_once(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from stored_runs import write_run;"
        "write_run(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    tests = str(Path(__file__).parent.parent)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], cwd=tests, check=False)
    assert done.returncode == -9
    write_run(tmp_path / "whole").close()
    assert contents(tmp_path / "run")[:3] == contents(tmp_path / "whole")[:3]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE outcomes SET outcome = 'refusal' WHERE outcome = 'picture'",
        "UPDATE outcomes SET cost = 0.4 WHERE cost > 0",
        "UPDATE verdicts SET verdict = 'exact' WHERE verdict = 'over'",
        "UPDATE verdicts SET counted = '{\"square\":[2,2,2]}' WHERE verdict = 'over'",
        "UPDATE samples SET generator = 'h' WHERE id = 1",
        "UPDATE samples SET done = 0 WHERE id = 1",
        "UPDATE labels SET count = 4",
        "UPDATE facts SET value = '\"pigs\"' WHERE name = 'suite'",
        "UPDATE countings SET counter = '{}'",
        "UPDATE detections SET body = substr(body, 1, 100) || '9' || substr(body, 102)",
        "DELETE FROM verdicts WHERE verdict = 'over'",
        "DELETE FROM outcomes WHERE outcome = 'refusal'",
        "DELETE FROM samples WHERE id = 4",
        "DELETE FROM labels",
        "DELETE FROM facts WHERE name = 'suite'",
        "UPDATE totals SET rows = rows + 1",
    ],
)
def test_a_value_that_changed_or_a_row_that_is_lost_is_said_and_not_used(finished, change):
    with sqlite3.connect(finished / "run.sqlite") as ledger:
        for (trigger,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f"DROP TRIGGER {trigger}")  # a change on the disk fires none
        assert ledger.execute(change).rowcount
    ledger.close()
    with pytest.raises(BadInput, match=r"run\.sqlite cannot be read: .*whole|run\.sqlite cannot be read: .*damaged"):
        contents(finished)


def test_whichever_bit_flips_the_run_reads_as_written_or_says_that_it_is_damaged(finished):
    whole = (finished / "run.sqlite").read_bytes()
    expected = contents(finished)
    dice = random.Random(7)
    refused = 0
    for _ in range(120):
        damaged = bytearray(whole)
        for _ in range(dice.choice((1, 1, 8))):
            damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
        (finished / "run.sqlite").write_bytes(damaged)
        try:
            assert contents(finished) == expected
        except CountcheckError:
            refused += 1
    assert refused > 20  # most bytes of a small ledger are padding


@pytest.mark.parametrize("length", [0, 1, 100, 4096, -4096, -1])
def test_a_ledger_cut_short_is_said(finished, length):
    whole = (finished / "run.sqlite").read_bytes()
    (finished / "run.sqlite").write_bytes(whole[:length])
    with pytest.raises(CountcheckError):
        contents(finished)


def test_what_is_read_past_sqlalchemy_is_of_the_same_moment(tmp_path):
    with a_run(tmp_path / "run", suite=a_suite(4, 1), pictures=False) as run:
        with run._ledger.writing() as connection:  # from now on readers bar no writer
            connection.exec_driver_sql("UPDATE facts SET value = value")
        with run._ledger.reading() as connection:
            plain = connection.connection.driver_connection
            before = plain.execute("SELECT count(*) FROM verdicts").fetchone()
            with run._ledger.writing() as other:
                other.exec_driver_sql("DELETE FROM verdicts WHERE rowid = 1")
            assert plain.execute("SELECT count(*) FROM verdicts").fetchone() == before
        with run._ledger.snapshot() as snapshot:
            assert snapshot.one("SELECT count(*) FROM verdicts") == (before[0] - 1,)
