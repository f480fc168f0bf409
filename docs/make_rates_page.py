"""Write docs/rates.md from the registry of rates: python docs/make_rates_page.py"""

from __future__ import annotations

from pathlib import Path

from countcheck.metrics.rates import RATES, Rate

PAGE = Path(__file__).with_name("rates.md")
HEAD = """# Rates

Every rate is defined once, in `countcheck/metrics/rates.py`; this page is written from it by `python
docs/make_rates_page.py`. *Asked* are the samples that ended in a picture or a refusal. Failures are reported beside the rates
and are in no denominator but their own. Repeats of one prompt are not independent, so intervals are over prompts.

| name | title | unit | better | how often, of what | needs | not given when |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the page's text."""
    return HEAD + "".join(_row(rate) for rate in RATES.values())


def _row(rate: Rate) -> str:
    names = f"`{rate.name}`" + "".join(f"<br>also *{alias}*" for alias in rate.aliases)
    cells = (names, rate.title, str(rate.unit), rate.better, f"{rate.numerator} / {rate.denominator}", rate.needs)
    escaped = (cell.replace("|", r"\|") for cell in (*cells, rate.absent_when))
    return f"| {' | '.join(escaped)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
