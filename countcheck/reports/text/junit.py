"""A gate's decision as JUnit XML, the form that CI systems show as test results."""

from __future__ import annotations

import unicodedata
from xml.etree import ElementTree

from countcheck.gate.decision import Decision
from countcheck.reports.safe_text import visible


def junit(decision: Decision) -> str:
    """Return JUnit XML: one test suite, one test case a rule; failed rules are failures, undecided ones errors."""
    counts = {
        word: str(sum(result.decision == word for result in decision.rules)) for word in ("fail", "cannot_decide")
    }
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=_clean(f"countcheck gate {decision.run}"),
        tests=str(len(decision.rules)),
        failures=counts["fail"],
        errors=counts["cannot_decide"],
    )
    for result in decision.rules:
        case = ElementTree.SubElement(
            suite, "testcase", name=_clean(result.rule), classname=_clean(result.generator or "run")
        )
        if result.decision == "fail":
            ElementTree.SubElement(case, "failure", message=_clean(result.reason), type="rule").text = _clean(
                result.reason
            )
        elif result.decision == "cannot_decide":
            ElementTree.SubElement(case, "error", message=_clean(result.reason), type="undecided").text = _clean(
                result.reason
            )
        else:
            ElementTree.SubElement(case, "system-out").text = _clean(result.reason)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _clean(text: str) -> str:
    """Replace the characters that XML 1.0 does not allow by spaces."""
    shown = visible(text)
    return "".join(c if c in "\t\n" or unicodedata.category(c) not in ("Cc", "Cs", "Cn") else " " for c in shown)
