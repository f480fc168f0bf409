"""``runs``: list run folders, and delete one."""

import json
import shutil

import pytest

from countcheck.cli.main import execute


@pytest.fixture
def folder(runs, tmp_path):
    for name in ("good", "bad"):
        shutil.copytree(runs / name, tmp_path / "all" / name)
    (tmp_path / "all" / "notes.txt").write_text("not a run")
    (tmp_path / "all" / "damaged").mkdir()
    (tmp_path / "all" / "damaged" / "run.sqlite").write_bytes(b"junk")
    return tmp_path / "all"


def test_runs_are_listed_with_suite_generators_samples_and_size(folder, capsys):
    assert execute(["runs", "list", str(folder), "--json"]) == 0
    rows = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    good = rows[str(folder / "good")]
    assert (good["suite"], good["generators"], good["samples"]) == ("made-up", ["alpha"], 92)
    assert good["bytes"] > 10_000
    assert execute(["runs", "list", str(folder)]) == 0
    assert "made-up" in capsys.readouterr().out


def test_a_damaged_run_is_listed_with_its_problem(folder, capsys):
    assert execute(["runs", "list", str(folder), "--json"]) == 0
    rows = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[str(folder / "damaged")]["problem"]


def test_a_run_is_deleted_after_a_yes(folder, capsys):
    assert execute(["runs", "delete", str(folder / "bad"), "--yes"]) == 0
    assert not (folder / "bad").exists() and (folder / "good").exists()


def test_a_no_deletes_nothing(folder, capsys, monkeypatch):
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    assert execute(["runs", "delete", str(folder / "bad")]) == 2
    assert (folder / "bad").exists()


@pytest.mark.parametrize("name", ["nowhere", ".", "link"])
def test_what_is_no_run_is_not_deleted(folder, capsys, name):
    (folder / "link").symlink_to(folder / "good")
    assert execute(["runs", "delete", str(folder / "good"), str(folder / name), "--yes"]) == 2
    assert "Nothing was deleted" in capsys.readouterr().err
    assert (folder / "good" / "run.sqlite").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    assert execute(["runs", "list", str(tmp_path / "none")]) == 2
    assert "is not a folder" in capsys.readouterr().err
