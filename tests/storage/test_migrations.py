"""Runs that older programs wrote: each opens, reads as the program that wrote it said, and goes on where it was cut off.

`ledgers/v1` and `ledgers/v2` were written by the programs whose ledger had that version. `finished` is a run of two
generators, one of which refused and failed; `interrupted` was killed within a conversation. The one of version 2 holds
a picture that was on disk and not yet counted. `small.yaml` is their suite. The values below are what those programs
printed.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from countcheck.cli.main import execute
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.schema import SCHEMA_VERSION, metadata

LEDGERS = Path(__file__).parent / "ledgers"
VERSIONS = ("v1", "v2")
SCENES, CHAT = "scenes?error_rate=0.5&size=48", "transcript:chat/small.jsonl"

# prompt id, turn, outcome, verdict, counted
BY_SCENES = [
    ("three-pigs", 0, "picture", "over", {"pig": 5}),
    ("pigs-noir", 0, "picture", "exact", {"pig": 3}),
    ("two-cats", 0, "picture", "over", {"cat": 3}),
    ("the-tale", 0, "picture", "under", {"pig": 2}),
    ("the-tale", 1, "picture", "over", {"pig": 5}),
    ("the-tale", 2, "picture", "exact", {"pig": 3}),
    ("the-tale", 3, "picture", "under", {"pig": 1}),
    ("the-tale", 4, "picture", "under", {"pig": 1}),
    ("the-tale", 5, "picture", "exact", {"pig": 3}),
    ("the-tale", 6, "picture", "over", {"pig": 3, "wolf": 2}),
    ("the-tale", 7, "picture", "exact", {"pig": 3, "wolf": 1}),
]
BY_CHAT = [
    ("three-pigs", 0, "picture", "exact", {"pig": 3}),
    ("pigs-noir", 0, "refusal", "refused", {}),
    ("two-cats", 0, "failure", "failed", {}),
    ("the-tale", 0, "picture", "exact", {"pig": 3}),
    ("the-tale", 1, "picture", "over", {"pig": 4}),
    ("the-tale", 2, "refusal", "refused", {}),
    ("the-tale", 3, "picture", "exact", {"pig": 3}),
    ("the-tale", 4, "picture", "exact", {"pig": 3, "wolf": 1}),
]
# Rate: value and denominator. Those programs left the turns of conversations out of the refusal rates.
RATES_OF_SCENES = {
    "exact_rate": (1 / 3, 3),
    "over_rate": (2 / 3, 3),
    "refusal_rate": (0.0, 11),
    "mean_abs_error": (1.0, 3),
    "kept_rate": (0.5, 2),
    "repaired_rate_1": (1 / 3, 3),
    "repaired_rate": (1.0, 3),
    "false_claim_rate": (1.0, 5),
    "conversation_exact_rate": (1.0, 1),
}
RATES_OF_CHAT = {
    "exact_rate": (0.5, 2),
    "exact_rate_given_picture": (1.0, 1),
    "refusal_rate": (2 / 7, 7),
    "unclear_refusal_rate": (2 / 7, 7),
    "failure_rate": (1 / 3, 3),
    "kept_rate": (0.5, 2),
    "repaired_rate_1": (0.0, 1),
    "repaired_rate": (1.0, 1),
    "sticky_refusal_rate": (0.0, 1),
    "turn_exact_rate": (2 / 3, 3),
}


def copy_of(tmp_path: Path, version: str, state: str) -> Path:
    return Path(shutil.copytree(LEDGERS / version / state, tmp_path / "run"))


def ledger_version(run: Path) -> int:
    with sqlite3.connect(run / "run.sqlite") as ledger:
        (version,) = ledger.execute("PRAGMA user_version").fetchone()
    ledger.close()
    return version


def results(run: RunFolder, generator: str) -> list[tuple]:
    rows = [row for row in run.rows() if row.generator == generator]
    return [(row.prompt_id, row.turn, row.outcome, row.verdict, dict(row.counted)) for row in rows]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_rows_are_those_that_were_written(tmp_path, version):
    with RunFolder.open(copy_of(tmp_path, version, "finished")) as run:
        assert run.generators == [SCENES, CHAT]
        assert results(run, SCENES) == BY_SCENES
        assert results(run, CHAT) == BY_CHAT
        refusals = [row.refusal for row in run.rows() if row.refusal]
        assert refusals == ["unexplained", "unexplained"]
        assert run.spent == pytest.approx(0.14)
        assert run.labels() == []


def test_pictures_and_detections_are_found(tmp_path):
    with RunFolder.open(copy_of(tmp_path, "v1", "finished")) as run:
        drawn = [row for row in run.rows() if row.outcome == "picture"]
        assert all(run.pictures.find(row) for row in drawn)
        boxes = {(key, turn): len(detections.boxes) for key, turn, detections in run.detections()}
    # Detections hold doubtful boxes too.
    assert set(boxes) == {(row.key, row.turn) for row in drawn}
    assert all(boxes[row.key, row.turn] >= sum(row.counted.values()) for row in drawn)


@pytest.mark.parametrize("state", ["finished", "interrupted"])
@pytest.mark.parametrize("version", VERSIONS)
def test_opening_brings_the_ledger_up_to_date(tmp_path, version, state):
    path = copy_of(tmp_path, version, state)
    assert ledger_version(path) == int(version[1:])
    RunFolder.open(path).close()
    assert ledger_version(path) == SCHEMA_VERSION
    with sqlite3.connect(path / "run.sqlite") as ledger:
        tables = {
            name: {column for _, column, *_ in ledger.execute(f"PRAGMA table_info({name})")}
            for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        }
    ledger.close()
    assert tables == {table.name: set(table.columns.keys()) for table in metadata.tables.values()}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_summary_is_the_one_that_was_printed(tmp_path, capsys, version):
    assert execute(["summary", str(copy_of(tmp_path, version, "finished")), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["suite_digest"] == "f14f7716afc1dd3f32a379f94b70418b"
    for name, rates in ((SCENES, RATES_OF_SCENES), (CHAT, RATES_OF_CHAT)):
        estimates = summary["generators"][name]["rates"]
        assert {rate: estimates[rate]["value"] for rate in rates} == pytest.approx(
            {r: v for r, (v, _) in rates.items()}
        )
        assert {rate: estimates[rate]["n"] for rate in rates} == {rate: n for rate, (_, n) in rates.items()}
    assert summary["generators"][SCENES]["samples"] == {"three-pigs": "o", "pigs-noir": "e", "two-cats": "o"}
    assert summary["generators"][CHAT]["samples"] == {"three-pigs": "e", "pigs-noir": "R", "two-cats": "f"}
    assert summary["generators"][CHAT]["counts"]["failures"] == 1


# A ledger of version 1 holds no state of a conversation, so its four pictures are drawn again.
@pytest.mark.parametrize(("version", "on_disk", "drawn_again"), [("v1", 7, 4), ("v2", 8, 0)])
def test_an_interrupted_run_goes_on(tmp_path, capsys, version, on_disk, drawn_again):
    path = copy_of(tmp_path, version, "interrupted")
    with RunFolder.open(path) as run:
        assert results(run, SCENES) == BY_SCENES[:7]
    written = {picture: picture.stat().st_mtime_ns for picture in path.glob("images/*/*.png")}
    assert len(written) == on_disk
    assert execute(["run", str(LEDGERS / "small.yaml"), "-g", SCENES, "-o", str(path)]) == 0, capsys.readouterr().err
    with RunFolder.open(path) as run:
        assert results(run, SCENES) == BY_SCENES
    assert sum(picture.stat().st_mtime_ns != at for picture, at in written.items()) == drawn_again
