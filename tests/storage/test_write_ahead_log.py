from __future__ import annotations

import random
import sqlite3

import pytest

from countcheck.storage.write_ahead_log import ledger_image


@pytest.fixture
def log(tmp_path):
    """A database whose write-ahead log holds several transactions over the same pages; open while the test runs."""
    connection = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for start in range(0, 300, 50):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(start + i, "x" * 200) for i in range(50)])
        connection.execute("UPDATE t SET b = 'y' WHERE a % 7 = 0")
        connection.execute("COMMIT")
    yield tmp_path / "a.sqlite"
    connection.close()


def rows(image):
    connection = sqlite3.connect(":memory:")
    connection.deserialize(image)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return connection.execute("SELECT * FROM t ORDER BY a").fetchall()
    finally:
        connection.close()


def test_the_image_holds_what_the_log_committed(log):
    with sqlite3.connect(log) as reader:
        expected = reader.execute("SELECT * FROM t ORDER BY a").fetchall()
    reader.close()
    assert len(expected) == 300
    assert rows(ledger_image(log)) == expected


def test_what_follows_a_damaged_page_of_the_log_is_left_out(log):
    path = log.with_name("a.sqlite-wal")
    whole = path.read_bytes()
    dice = random.Random(3)
    lengths = set()
    for _ in range(25):
        damaged = bytearray(whole)
        damaged[dice.randrange(32, len(damaged))] ^= 4
        path.write_bytes(damaged)
        found = rows(ledger_image(log))
        assert len(found) % 50 == 0  # whole transactions alone
        lengths.add(len(found))
    path.write_bytes(whole)
    assert len(lengths) > 2
