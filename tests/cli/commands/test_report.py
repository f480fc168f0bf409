from __future__ import annotations

import json
import subprocess
import sys

import pytest
from made_up import a_run, a_suite

from countcheck.cli.main import execute


def test_the_report_is_written_into_the_run_and_its_path_printed(tmp_path, capsys):
    a_run(tmp_path / "run", suite=a_suite(4, 0)).close()
    assert execute(["report", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "run" / "report.html")
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_folder_that_is_no_run_is_refused(tmp_path, capsys):
    assert execute(["report", str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    a_run(folder, suite=a_suite(6, 1)).close()
    return folder


@pytest.mark.parametrize(
    ("arguments", "name", "start"),
    [
        ((), "report.html", "<!doctype html>"),
        (("-f", "markdown"), "report.md", "## "),
        (("-f", "json"), "report.json", "{"),
        (("-f", "model-card"), "model-card.md", "---\nmodel-index:"),
    ],
)
def test_every_form_has_its_file(made, capsys, arguments, name, start):
    assert execute(["report", str(made), *arguments]) == 0
    assert capsys.readouterr().out.strip() == str(made / name)
    assert (made / name).read_text(encoding="utf-8").lstrip().startswith(start)


def test_the_form_follows_the_files_ending(made, tmp_path):
    assert execute(["report", str(made), "-o", str(tmp_path / "a" / "r.md")]) == 0
    assert (tmp_path / "a" / "r.md").read_text().startswith("## ")


def test_json_goes_to_stdout_and_writes_nothing(made, capsys):
    before = sorted(made.iterdir())
    assert execute(["report", str(made), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "countcheck/report/1"
    assert sorted(made.iterdir()) == before


def test_annotated_pictures_are_written_on_request(made, tmp_path):
    assert execute(["report", str(made), "--json", "--annotated", str(tmp_path / "a")]) == 0
    assert list((tmp_path / "a").glob("*/*.png"))


def test_a_file_that_cannot_be_written_is_named(made, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert execute(["report", str(made), "-o", str(tmp_path / "file" / "r.html")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_reporting_never_loads_torch(made):
    code = (
        "import sys; from countcheck.cli.main import execute; "
        f"assert execute(['report', {str(made)!r}]) == 0; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_an_ending_of_no_form_is_refused_before_anything_is_written(made, tmp_path, capsys):
    assert execute(["report", str(made), "-o", str(tmp_path / "page.pdf")]) == 2
    assert "no format of the report ends in '.pdf'" in capsys.readouterr().err
    assert not (tmp_path / "page.pdf").exists()


def test_a_folder_for_annotated_pictures_that_cannot_be_written_is_said(made, tmp_path, capsys):
    (tmp_path / "file").write_text("no folder")
    assert execute(["report", str(made), "-o", str(tmp_path / "r.md"), "--annotated", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
