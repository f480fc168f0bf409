from __future__ import annotations

import sqlite3

import pytest

from countcheck.errors import CountcheckError
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.verification import check_run, repair_run


@pytest.fixture
def pictures(finished):
    return sorted(path for path in (finished / "images").rglob("*.png"))


def test_a_whole_run_is_healthy(finished):
    steps = []
    check = check_run(finished, progress=lambda *step: steps.append(step))
    assert check.healthy and check.pictures == 2
    assert (check.missing, check.changed, check.stray, check.unfinished, check.thumbnails) == ((),) * 5
    assert {part for part, _, _ in steps} == {"ledger", "pictures"}


def test_pictures_that_are_gone_replaced_or_unknown_are_named(finished, pictures):
    first, second = (path.relative_to(finished).as_posix() for path in pictures)
    pictures[0].unlink()
    flipped = bytearray(pictures[1].read_bytes())
    flipped[-20] ^= 1
    pictures[1].write_bytes(flipped)
    (finished / "images/ab").mkdir(exist_ok=True)
    (finished / "images/ab/other.png").write_bytes(b"x")
    check = check_run(finished)
    assert (check.missing, check.changed, check.stray) == ((first,), (second,), ("images/ab/other.png",))
    assert not check.healthy
    assert check_run(finished, pictures=False).changed == ()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE verdicts SET verdict = 'exact' WHERE verdict = 'over'", "verdicts: the row"),
        ("DELETE FROM outcomes WHERE outcome = 'refusal'", "outcomes: 2 of 3 rows"),
        ("UPDATE detections SET body = x'00'", "detections: the row"),
    ],
)
def test_damaged_rows_are_named_by_table(finished, change, named):
    with sqlite3.connect(finished / "run.sqlite") as ledger:
        for (trigger,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f"DROP TRIGGER {trigger}")
        ledger.execute(change)
    ledger.close()
    check = check_run(finished)
    assert not check.healthy
    assert check.ledger[0].startswith(named)


def test_a_ledger_that_cannot_be_opened_is_one_sentence(finished):
    (finished / "run.sqlite").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(CountcheckError, match="cannot be read"):
        check_run(finished)


def test_repair_mends_what_is_derived_and_nothing_else(finished, pictures):
    (finished / "thumbnails/ab").mkdir(parents=True)
    (finished / "thumbnails/ab/abcd.webp").write_bytes(b"RIFF")
    (finished / "images/.0123.part").write_bytes(b"half")
    (finished / "images/mine.png").write_bytes(b"x")
    pictures[0].unlink()
    check = check_run(finished)
    assert (len(check.thumbnails), check.unfinished) == (1, ("images/.0123.part",))
    assert len(repair_run(finished, check)) == 2
    after = check_run(finished)
    assert (after.thumbnails, after.unfinished) == ((), ())
    assert (after.stray, after.missing) == (("images/mine.png",), check.missing)


def test_repair_builds_a_damaged_index_again(finished):
    with sqlite3.connect(finished / "run.sqlite") as ledger:
        ledger.execute("PRAGMA writable_schema = ON")
        # The index of verdicts now finds them by the pages of that of detections.
        (page,) = ledger.execute("SELECT rootpage FROM sqlite_master WHERE name LIKE '%autoindex_labels%'").fetchone()
        ledger.execute("UPDATE sqlite_master SET rootpage = ? WHERE name LIKE '%autoindex_verdicts%'", (page,))
    ledger.close()
    with pytest.raises(CountcheckError), RunFolder.open(finished) as run:
        run.rows()
    assert not check_run(finished).healthy
