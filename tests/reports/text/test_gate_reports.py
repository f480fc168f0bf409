"""A gate's decision as terminal lines, JUnit, Markdown and CI annotations."""

from xml.etree import ElementTree

import pytest
from rich.console import Console

from countcheck.errors import BadInput
from countcheck.files import write_text
from countcheck.gate.decision import Decision, RuleResult
from countcheck.reports.terminal.gate import render_decision
from countcheck.reports.text.annotations import log_lines
from countcheck.reports.text.gate_markdown import gate_markdown
from countcheck.reports.text.junit import junit

DECISION = Decision(
    decision="fail",
    run="nightly",
    baseline="v1",
    warnings=("samples do not pair",),
    rules=(
        RuleResult(rule="exact_rate no worse by 0.05", decision="fail", reason="exact: 61 % [52, 69], was 74 %"),
        RuleResult(rule="refusals", decision="cannot_decide", reason="refusals: too few"),
        RuleResult(rule="over", decision="pass", reason="over-counts: 5 % [3, 8]", generator="flux"),
    ),
)
HOSTILE = Decision(
    decision="fail",
    run="<img src=x>|[a](b)",
    rules=(RuleResult(rule="r\x1b[31m\x00\ufffe", decision="fail", reason="a\n::error::b <script> `x` | 'q' \u202e"),),
)


def test_junit_counts_failures_and_undecided_rules():
    suite = ElementTree.fromstring(junit(DECISION)).find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    assert suite.find("testcase/failure").get("message") == "exact: 61 % [52, 69], was 74 %"


def test_junit_stays_xml_whatever_the_names_are():
    assert ElementTree.fromstring(junit(HOSTILE)) is not None


def test_markdown_has_a_row_a_rule():
    text = gate_markdown(DECISION)
    assert text.startswith("### ❌ countcheck gate failed")
    assert "exact: 61 % &#91;52, 69&#93;, was 74 %" in text and text.count("\n| ") == 4


def test_markdown_cannot_be_broken_out_of():
    row = gate_markdown(HOSTILE).splitlines()[-1]
    assert "&#60;script&#62;" in row and "<script" not in row and row.count("|") == 4


@pytest.mark.parametrize(
    ("environment", "lines"),
    [
        (
            {"GITHUB_ACTIONS": "true"},
            [
                "::error title=countcheck%3A exact_rate no worse by 0.05::exact: 61 %25 [52, 69], was 74 %25",
                "::warning title=countcheck%3A refusals::refusals: too few",
            ],
        ),
        (
            {"TF_BUILD": "True"},
            [
                "##vso[task.logissue type=error]countcheck: exact: 61 % [52, 69], was 74 %",
                "##vso[task.logissue type=warning]countcheck: refusals: too few",
            ],
        ),
        (
            {"TEAMCITY_VERSION": "2026"},
            [
                "##teamcity[buildProblem description='exact: 61 % |[52, 69|], was 74 %' identity='countcheck']",
                "##teamcity[message text='refusals: too few' status='WARNING']",
            ],
        ),
        ({"GITLAB_CI": "true"}, []),
        ({}, []),
    ],
)
def test_annotations_in_the_tongue_of_each_ci_system(environment, lines):
    assert log_lines(DECISION, environment) == lines


def test_annotations_stay_one_line():
    assert all("\n" not in line for line in log_lines(HOSTILE, {"GITHUB_ACTIONS": "true"}))


@pytest.mark.parametrize("width", [80, 120])
def test_terminal_says_decision_and_reasons(width):
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(render_decision(DECISION))
        console.print(render_decision(HOSTILE))
    text = capture.get()
    assert text.startswith("gate failed · nightly against v1")
    assert "✗ exact: 61 % [52, 69], was 74 %" in text and "? refusals: too few" in text
    assert "\x1b" not in text and max(map(len, text.splitlines())) <= width


def test_a_report_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        write_text("x", tmp_path / "file" / "junit.xml")
