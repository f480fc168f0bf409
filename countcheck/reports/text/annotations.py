"""A gate's failed and undecided rules as the log commands that CI systems turn into annotations."""

from __future__ import annotations

from collections.abc import Mapping

from countcheck.gate.decision import Decision, RuleResult
from countcheck.reports.safe_text import one_line


def log_lines(decision: Decision, environment: Mapping[str, str]) -> list[str]:
    """Return the lines for the CI system that its environment variables name; none for an unknown one.

    GitHub Actions (and Gitea and Forgejo, which copy it), Azure Pipelines and TeamCity read log lines. GitLab, Jenkins
    and CircleCI read the JUnit file instead.
    """
    shown = [result for result in decision.rules if result.decision != "pass"]
    if environment.get("GITHUB_ACTIONS") == "true":
        return [_github(result) for result in shown]
    if environment.get("TF_BUILD", "").lower() == "true":
        return [_azure(result) for result in shown]
    if environment.get("TEAMCITY_VERSION"):
        return [_teamcity(result) for result in shown]
    return []


def _github(result: RuleResult) -> str:
    kind = "error" if result.decision == "fail" else "warning"
    title = _percented(f"countcheck: {one_line(result.rule, 120)}").replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={title}::{_percented(one_line(result.reason, 500))}"


def _percented(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _azure(result: RuleResult) -> str:
    kind = "error" if result.decision == "fail" else "warning"
    return f"##vso[task.logissue type={kind}]countcheck: {one_line(result.reason, 500)}"


def _teamcity(result: RuleResult) -> str:
    text = one_line(result.reason, 500)
    for special in "|'[]":
        text = text.replace(special, f"|{special}")
    if result.decision == "fail":
        return f"##teamcity[buildProblem description='{text}' identity='countcheck']"
    return f"##teamcity[message text='{text}' status='WARNING']"
