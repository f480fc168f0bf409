"""The command line as a whole: exit codes, odd terminals, full disks, unexpected exceptions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_up import a_run, a_suite

from countcheck import __version__
from countcheck.cli.main import execute
from countcheck.cli.output import print_json


def test_tells_the_version_that_is_installed(capsys):
    assert execute(["--version"]) == 0
    assert capsys.readouterr().out == f"countcheck {__version__}\n"


def test_ctrl_c_says_how_to_go_on(capsys, monkeypatch):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("countcheck.suites.catalog.shipped_suites", interrupted)
    assert execute(["suite", "show", "demo"]) == 130
    assert "interrupted. The same command continues" in capsys.readouterr().err


def test_completion_in_a_shell_that_has_none_is_bad_input_and_no_failed_gate(capsys, monkeypatch):
    monkeypatch.setattr("shellingham.detect_shell", lambda *_: ("tcsh", "/bin/tcsh"))
    assert execute(["--show-completion"]) == 2
    assert "completion is there for bash, zsh, fish and PowerShell" in capsys.readouterr().err


POLICY = "rules:\n  - {rate: exact_rate, at_least: 0.1}\n"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with a run that passes its gate, and the policy."""
    folder = tmp_path_factory.mktemp("cli")
    a_run(folder / "run", suite=a_suite(24, 0), generators=(("alpha", 0.9, 0.0),), size=48).close()
    (folder / "policy.yaml").write_text(POLICY)
    return folder


def command(folder, *arguments, shell="exec {}", **environment):
    """Run a command line in bash, in an environment with a little less than usual."""
    line = " ".join([sys.executable, "-m", "countcheck", *arguments])
    return subprocess.run(
        ["bash", "-c", shell.format(line)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


GATE = ("gate", "run", "--policy", "policy.yaml")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_gate_that_passes_passes_in_every_encoding(finished, encoding):
    done = command(finished, *GATE, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert b"passed" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [GATE, ("summary", "run"), ("list", "suites"), ("compare", "run", "run")])
def test_no_locale_at_all_is_enough(finished, arguments):
    done = command(finished, *arguments, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("arguments", [GATE, ("summary", "run", "--json"), ("export", "run")])
def test_a_full_disk_under_the_output_is_said_and_is_no_verdict(finished, arguments):
    done = command(finished, *arguments, shell="{} >/dev/full")
    assert done.returncode == 2
    assert b"the output cannot be written (No space left on device)" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [GATE, (*GATE, "--json"), ("summary", "run", "--json")])
def test_a_closed_output_leaves_the_exit_code_alone(finished, arguments):
    done = command(finished, *arguments, shell="{} >&-")
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


def test_a_gate_keeps_its_verdict_when_its_reader_leaves(finished):
    (finished / "strict.yaml").write_text("rules:\n  - {rate: exact_rate, at_least: 0.9999, side: value}\n")
    done = command(finished, "gate", "run", "--policy", "strict.yaml", shell="{} | true; echo ${{PIPESTATUS[0]}}")
    assert done.stdout.split() == [b"1"]


def test_an_unexpected_exception_is_one_sentence_and_no_verdict(capsys, monkeypatch):
    def broken() -> None:
        raise KeyError("a key")

    monkeypatch.setattr("countcheck.suites.catalog.shipped_suites", broken)
    assert execute(["suite", "show", "demo"]) == 4
    captured = capsys.readouterr()
    assert captured.err.startswith("error: unexpected KeyError: 'a key' at test_main.py:")
    assert "Traceback" not in captured.err


def test_the_traceback_of_an_unexpected_exception_is_there_for_the_asking(capsys, monkeypatch):
    def broken() -> None:
        raise KeyError("a key")

    monkeypatch.setattr("countcheck.suites.catalog.shipped_suites", broken)
    monkeypatch.setenv("COUNTCHECK_TRACEBACK", "1")
    assert execute(["suite", "show", "demo"]) == 4
    assert "Traceback" in capsys.readouterr().err


def test_an_error_cannot_speak_to_the_terminal_or_to_ci(capsys):
    assert execute(["suite", "show", "\x1b[31m##vso[task.complete result=Succeeded]"]) == 2
    error = capsys.readouterr().err
    assert "\x1b" not in error
    assert "##vso[" not in error


def test_json_spells_control_and_direction_marks_as_escapes(capsys):
    print_json({"text": "a\x9b\u202e##vso[x]"})
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert "##" not in printed
    assert json.loads(printed) == {"text": "a\x9b\u202e##vso[x]"}
