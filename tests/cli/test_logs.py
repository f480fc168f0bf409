"""What is told on stderr and in a log file, by the general options."""

import logging

import pytest

from countcheck.cli.logs import is_quiet, set_up_logging
from countcheck.cli.main import execute
from countcheck.cli.output import note
from countcheck.errors import BadSettings


@pytest.fixture(autouse=True)
def usual_logging():
    yield
    set_up_logging()


def speak():
    note("a note")
    logging.getLogger("countcheck.somewhere").warning("be careful")
    logging.getLogger("countcheck.somewhere").debug("a detail")
    logging.getLogger("countcheck.somewhere").error("broken")


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ({}, ["a note", "warning: be careful", "warning: broken"]),
        ({"quiet": True}, ["warning: broken"]),
        ({"verbose": True}, ["a note", "warning: be careful", "a detail", "warning: broken"]),
    ],
)
def test_notes_and_warnings_are_shown_and_details_on_demand(capsys, options, lines):
    set_up_logging(**options)
    speak()
    assert capsys.readouterr().err.splitlines() == lines
    assert is_quiet() == options.get("quiet", False)


def test_the_file_gets_everything_whatever_is_shown(tmp_path, capsys):
    set_up_logging(quiet=True, log_file=tmp_path / "log.txt")
    speak()
    text = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert all(word in text for word in ("NOTE countcheck: a note", "WARNING", "DEBUG", "ERROR"))


def test_neither_keys_nor_commands_to_terminals_and_ci_get_into_it(tmp_path, capsys):
    set_up_logging(log_file=tmp_path / "log.txt")
    note("##vso[task.complete]\x1b[2J Authorization: Bearer sk-abcdefghijklmnop1234")
    for text in (capsys.readouterr().err, (tmp_path / "log.txt").read_text(encoding="utf-8")):
        assert "##vso[" not in text and "\x1b" not in text and "sk-abcdef" not in text


def test_a_log_file_that_cannot_be_written_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert execute(["list", "suites", "--log-file", str(tmp_path / "file" / "log")]) == 2
    assert "--log-file" in capsys.readouterr().err


def test_quiet_and_verbose_exclude_each_other():
    with pytest.raises(BadSettings, match="exclude each other"):
        set_up_logging(quiet=True, verbose=True)


def test_a_quiet_command_prints_its_result_alone(capsys, tmp_path):
    assert execute(["run", "demo", "-g", "scenes", "--limit", "2", "-o", str(tmp_path / "r"), "-q", "--json"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("{") and err == ""
