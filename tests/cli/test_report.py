from __future__ import annotations

from made_up import a_run, a_suite

from countcheck.cli import execute


def test_the_report_is_written_into_the_run_and_its_path_printed(tmp_path, capsys):
    a_run(tmp_path / "run", suite=a_suite(4, 0)).close()
    assert execute(["report", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "run" / "report.html")
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_folder_that_is_no_run_is_refused(tmp_path, capsys):
    assert execute(["report", str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err
