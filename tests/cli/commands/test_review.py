from __future__ import annotations

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
    lines = file.read_text().splitlines()
    filled = [lines[0]] + [line.replace(",,,,", ",3,ann,,") for line in lines[1:]]
    file.write_text("\n".join(filled).replace(",,,", ",3,ann,"))
    assert execute(["review", str(made), "--import", str(file)]) == 0
    assert f"{len(lines) - 1} labels stored" in capsys.readouterr().err
    with RunFolder.open(made) as run:
        assert {(label.count, label.labeller) for label in run.labels()} == {(3, "ann")}


def test_a_run_without_pictures_is_not_served(tmp_path, capsys):
    a_run(tmp_path / "run", suite=a_suite(2, 0), pictures=False).close()
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
