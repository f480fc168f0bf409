"""docs/statistics.md lists every rate as the registry defines it."""

from pathlib import Path

import pytest

from countcheck.metrics.rates import RATES

PAGE = (Path(__file__).parents[2] / "docs/statistics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_the_page_says_of_every_rate_what_the_registry_says(rate):
    numerator = rate.numerator.replace("|counted - asked|", r"\|counted − asked\|")
    line = f"| `{rate.name}` | {rate.title} | {numerator} | {rate.denominator} | {rate.unit.value} | {rate.better} |"
    assert line in PAGE


def test_the_page_lists_no_other_rate():
    rows = [line for line in PAGE.splitlines() if line.startswith("| `") and line.count(" | ") == 5]
    assert len(rows) == len(RATES)
