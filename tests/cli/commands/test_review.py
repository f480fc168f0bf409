from __future__ import annotations

import csv
import socket
import sys

import pytest
from made_up import a_run, a_suite

from countcheck.cli.main import execute
from countcheck.storage.run_folder import RunFolder


@pytest.fixture
def made(tmp_path):
    a_run(tmp_path / "run", suite=a_suite(6, 0), size=32).close()
    return tmp_path / "run"


def test_labels_go_out_and_come_in(made, tmp_path, capsys):
    file = tmp_path / "labels.csv"
    assert execute(["review", str(made), "--export", str(file)]) == 0
    first, *rows = csv.reader(file.read_text().splitlines())
    filled = [dict(zip(first, row, strict=True)) | {"labeller": "ann", "note": "=hm"} for row in rows]
    counts = {True: "1", False: "3"}
    with file.open("w", newline="") as target:
        writer = csv.DictWriter(target, first)
        writer.writeheader()
        writer.writerows(row | {"count": counts[row["noun"] == "(refusal)"]} for row in filled)
    assert execute(["review", str(made), "--import", str(file)]) == 0
    refusals = sum(row["noun"] == "(refusal)" for row in filled)
    assert 0 < refusals < len(rows)
    assert f"{len(rows)} labels and {len(rows)} notes stored" in capsys.readouterr().err
    with RunFolder.open(made) as run:
        assert sorted(label.count for label in run.labels()) == [1] * refusals + [3] * (len(rows) - refusals)
        assert {note.text for note in run.label_store.read_notes()} == {"=hm"}


def test_a_run_without_pictures_is_not_served(tmp_path, capsys):
    a_run(tmp_path / "run", suite=a_suite(2, 0), generators=(("solo", 1.0, 0.0),), pictures=False).close()
    assert execute(["review", str(tmp_path / "run")]) == 2
    assert "no picture" in capsys.readouterr().err


def test_a_missing_extra_is_named(made, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert execute(["review", str(made)]) == 2
    assert "countcheck[review]" in capsys.readouterr().err


def test_ctrl_c_is_how_the_page_ends(tmp_path, capsys, monkeypatch):
    def stopped(app: object, listening: socket.socket) -> None:
        listening.close()
        raise KeyboardInterrupt

    a_run(tmp_path / "run", suite=a_suite(3, 0), size=32).close()
    monkeypatch.setattr("countcheck.web.local_server.serve_app", stopped)
    assert execute(["review", str(tmp_path / "run")]) == 0
    assert "interrupted" not in capsys.readouterr().err
