"""The policies of the documentation: a flawless generator passes them on the suites they are for, and a bad one fails."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from countcheck.counting.verdict import Kind
from countcheck.gate.check import check_policy
from countcheck.gate.decide import decide_gate
from countcheck.gate.evidence import evidence_of_run
from countcheck.gate.policy import policy_from
from countcheck.gate.rehearsal import flawless_rows
from countcheck.storage.run_info import RunInfo
from countcheck.suites.catalog import shipped_suites
from countcheck.suites.merge import load_suites

ROOT = Path(__file__).parents[2]
IN_PAGE = re.compile(r"```yaml\n(# suites: ([\w-]+), repeats: (\d)\n.*?)```", re.S)
IN_README = re.compile(r"^countcheck gate [^\n]*--at-[^\n]*", re.M)


def documented():
    """Policy text, suite and repeats of every documented policy."""
    found = [(text, suites, int(n)) for text, suites, n in IN_PAGE.findall((ROOT / "docs/ci.md").read_text())]
    for line in IN_README.findall((ROOT / "README.md").read_text()):
        flags = re.findall(r"--(at-least|at-most|no-worse-by) (\w+)=([\d.]+)", line)
        rules = "".join(f"  - {{rate: {rate}, {flag.replace('-', '_')}: {bound}}}\n" for flag, rate, bound in flags)
        found.append((f"rules:\n{rules}", "any", 1))
    return [
        pytest.param(text, suite, repeats, id=f"{i}-{suite}")
        for i, (text, suites, repeats) in enumerate(found)
        for suite in (shipped_suites() if suites == "any" else [suites])
    ]


CASES = documented()


def decide(policy, suite, rows, baseline):
    info = RunInfo(name="run", suite=suite.name, suite_digest=suite.digest)
    return decide_gate(policy, evidence_of_run(rows, info), evidence_of_run(baseline, info))


def wrong(row):
    """One too many of everything."""
    more = {noun: n + 1 for noun, n in row.counted.items()}
    return replace(row, verdict=Kind.OVER if row.targets else row.verdict, counted=more)


def refused(row):
    return replace(row, outcome="refusal", refusal="unexplained", verdict=Kind.REFUSED, counted={})


def test_every_documented_policy_is_found():
    assert len({str(case.values[0]) for case in CASES}) == 3
    assert len((ROOT / "docs/ci.md").read_text().split("\nrules:")) - 1 == 2


@pytest.mark.parametrize(("text", "name", "repeats"), CASES)
def test_a_flawless_generator_passes_and_a_bad_one_fails(text, name, repeats):
    policy, suite = policy_from(yaml.safe_load(text)), load_suites([name])
    rows = flawless_rows(suite, repeats)
    assert check_policy(policy, suite, repeats).decidable
    assert decide(policy, suite, rows, rows).decision == "pass"
    assert decide(policy, suite, [wrong(row) for row in rows], rows).decision == "fail"
    assert decide(policy, suite, [refused(row) for row in rows], rows).decision == "fail"
    third = [refused(row) if i % 3 == 0 else row for i, row in enumerate(rows)]
    assert decide(policy, suite, third, rows).decision == "fail"
