"""Progress without a terminal: lines, not bars."""

import re
from types import SimpleNamespace

import pytest

from countcheck.cli.logs import set_up_logging
from countcheck.cli.progress import BarProgress, LineProgress, run_progress
from countcheck.counting.verdict import Kind


def entry(verdict, closes=True):
    return SimpleNamespace(verdict=verdict, closes=closes)


@pytest.fixture(autouse=True)
def shown():
    set_up_logging()


def _without_times(text):
    return re.sub(r"after \d+ s\b", "after N s", text).splitlines()


def test_what_is_done_is_printed_at_the_start_and_at_the_end(capsys):
    with LineProgress(seconds=3600) as progress:
        progress.start("alpha", planned=5, done=2)
        progress.advance("alpha", entry(Kind.EXACT))
        progress.advance("alpha", entry(Kind.OVER))
        progress.advance("alpha", entry(Kind.REFUSED, closes=False))
        progress.message("look out")
    lines = _without_times(capsys.readouterr().err)
    assert lines == ["alpha: 2 of 5 done", "look out", "alpha: 4 of 5 after N s exact 1 wrong 1 refused 1"]


def test_a_line_comes_again_and_again_while_nothing_arrives(capsys, monkeypatch):
    progress = LineProgress(seconds=3600)
    waits = iter([False, False, True])
    monkeypatch.setattr(progress._ended, "wait", lambda seconds: next(waits))
    progress.start("alpha", planned=5, done=0)
    progress._report()
    lines = _without_times(capsys.readouterr().err)
    assert lines == ["alpha: 0 of 5 done", *["alpha: 0 of 5 after N s"] * 2]


def test_a_name_cannot_speak_to_the_terminal(capsys):
    with LineProgress(seconds=3600) as progress:
        progress.start("##vso[x]\x1b[2J", planned=1, done=0)
    assert "##vso[" not in capsys.readouterr().err


def test_without_a_terminal_there_are_lines_and_in_one_there_are_bars(monkeypatch):
    assert isinstance(run_progress(), LineProgress)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(run_progress(), BarProgress)
    set_up_logging(quiet=True)
    assert isinstance(run_progress(), LineProgress)
