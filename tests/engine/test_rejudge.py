"""Verdicts are derived again, and are those that were there."""

from __future__ import annotations

import sqlite3

import pytest
import squares

from countcheck.cards import Card
from countcheck.cli.main import execute
from countcheck.counting.verdict import Kind
from countcheck.engine.config import RunConfig
from countcheck.engine.recount import recount
from countcheck.engine.rejudge import rejudge
from countcheck.engine.run import run
from countcheck.errors import BadInput
from countcheck.storage.run_folder import RunFolder


@pytest.fixture
def made(tmp_path):
    """The folder of a run with a recount beside it, and its rows under both."""
    suite = squares.suite("3 squares", "2 squares +1", "4 please refuse", "5 break")
    config = RunConfig(suite=suite, generators=[Card(name="squares", family="squares")], path=tmp_path / "run")
    with run(config, squares.counter(), load=squares.SquaresGenerator) as folder:
        recount(folder, squares.counter(threshold=0.95))
    return tmp_path / "run", rows(tmp_path / "run")


def rows(path):
    with RunFolder.open(path) as folder:
        names = [counting.name for counting in folder.countings()]
    result = []
    for name in names:
        with RunFolder.open(path, counting=name) as folder:
            result.append(folder.rows())
    return result


def damage(path, *statements):
    with sqlite3.connect(path / "run.sqlite") as ledger:
        for (trigger,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            assert ledger.execute(statement).rowcount
    ledger.close()


def test_damaged_and_lost_verdicts_are_derived_again(made, capsys):
    path, before = made
    assert len(before) == 2 and {row.verdict for row in before[0]} >= {Kind.EXACT, Kind.OVER, Kind.REFUSED, Kind.FAILED}
    with sqlite3.connect(path / "run.sqlite") as ledger:  # the triggers stay
        (sql,) = zip(*ledger.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall(), strict=True)
    ledger.close()
    damage(
        path,
        "UPDATE verdicts SET verdict = 'exact' WHERE verdict = 'over'",
        "DELETE FROM verdicts WHERE verdict = 'failed'",
    )
    with sqlite3.connect(path / "run.sqlite") as ledger:
        for statement in sql:
            ledger.execute(statement)
    ledger.close()
    assert execute(["summary", str(path)]) == 2
    assert execute(["doctor", str(path), "--repair"]) == 0, capsys.readouterr().err
    assert "verdicts were derived again" in capsys.readouterr().err
    assert rows(path) == before


def test_verdicts_are_not_derived_from_damaged_outcomes(made):
    path, _ = made
    damage(path, "UPDATE outcomes SET outcome = 'failure' WHERE outcome = 'refusal'")
    with pytest.raises(BadInput, match="damaged"):
        rejudge(path)
