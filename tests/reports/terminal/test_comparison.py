"""What a person reads of a comparison."""

import random

import pytest
from rich.console import Console
from verdict_rows import row, rows, run_info

from countcheck.metrics.comparison import compare
from countcheck.metrics.sides import sides_of_run
from countcheck.reports.terminal.comparison import render_comparisons


def shown(a, b, width=100, **changes):
    sides = [sides_of_run(given, run_info(**more))["g"] for given, more in ((a, {}), (b, changes))]
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(render_comparisons([compare(*sides)]))
    return capture.get()


@pytest.mark.parametrize("width", [80, 120])
def test_pairs_differences_splits_and_changed_prompts(width):
    toss = random.Random(1)
    a, b = (
        [
            row("e" if toss.random() < rate else toss.choice("oumn"), f"p{i}", k, asked=i % 5 + 1)
            for i in range(40)
            for k in range(3)
        ]
        for rate in (0.9, 0.4)
    )
    text = shown(a, b, width)
    assert text.startswith("120 pairs · every scored sample pairs")
    assert all(word in text for word in ("exactly as asked by number", "prompts regressed", "b − a", "<0.001"))
    assert max(map(len, text.splitlines())) <= width and "…" not in text


def test_what_does_not_pair_is_said_first():
    assert shown(rows("ee ef"), rows("ee ee")).startswith("3 pairs · 1 of b unpaired")
    assert shown(rows("ee eo"), rows("ee eo"), suite_digest="1").startswith("unpaired · 4 samples against 4")


def test_a_narrow_terminal_loses_no_name_and_no_figure():
    text = shown(rows("ee ef"), rows("eo ee"), width=40)
    assert all(word in text for word in ("exact_ra", "Too many", "1.00")) and "…" not in text
