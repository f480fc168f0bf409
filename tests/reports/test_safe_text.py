"""Foreign text made safe for pages, terminals, CI logs and spreadsheets."""

from __future__ import annotations

import csv
import io

import pytest

from countcheck.reports.safe_text import csv_cell, markdown_text, one_line, terminal_text, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pigs\x1b]0;title\x07", "pigs␛]0;title␇"),
        ("\u202egip", "⟨U+202E⟩gip"),
        ("a\x9bb", "a⟨U+009B⟩b"),
        ("half \ud83d", "half \ufffd"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
    ],
)
def test_control_and_direction_marks_become_visible(text, shown):
    assert visible(text) == shown


def test_visible_cuts_to_the_given_length():
    assert visible("abcdef", 4) == "abc…"


@pytest.mark.parametrize(
    "command",
    [
        "##vso[task.setvariable variable=x]1",
        "::error::no",
        "three pigs\n  ::set-output name=x::1",
        "##teamcity[buildStop]",
        "##[error]",
    ],
)
def test_no_log_command_reaches_a_ci_log(command):
    lines = [line.strip() for line in terminal_text(command).splitlines()]
    assert not any(
        line.startswith("::") or "##vso[" in line or line.startswith(("##teamcity[", "##[")) for line in lines
    )


def test_a_heading_and_a_scope_are_left_alone():
    assert terminal_text("## Pigs, std::vector") == "## Pigs, std::vector"


def test_one_line_holds_no_line_break_of_any_kind():
    assert one_line("a\r\nb\u2028c\x0bd") == "a b c d"
    assert one_line("x" * 80) == "x" * 59 + "…"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "pigs\r=1+1", "pigs\r\n=1", "a\x1b[2J"]
)
def test_no_cell_of_a_csv_begins_a_formula(text):
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow([csv_cell(text), "next"])
    raw = buffer.getvalue()
    assert "\r" not in raw
    ((cell, after),) = csv.reader(io.StringIO(raw))
    assert after == "next"
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_long_text_is_cut():
    assert visible("x" * 10_000, 20) == "x" * 19 + "…"


def test_text_means_nothing_to_markdown():
    assert markdown_text("*a*\n|b| <c> [d](e)") == "&#42;a&#42; &#124;b&#124; &#60;c&#62; &#91;d&#93;&#40;e&#41;"
