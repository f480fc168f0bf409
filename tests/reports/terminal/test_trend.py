"""The rates of a training run's checkpoints by step, in a terminal."""

import pytest
from rich.console import Console

from countcheck.metrics.trend import TrendPoint
from countcheck.reports.terminal.trend import MAX_LINES, render_trend
from countcheck.stats.intervals import wilson


def point(step):
    counts = {"planned": 10, "asked": 10}
    return TrendPoint(step=step, generator=f"step-{step}", counts=counts, rates={"exact_rate": wilson(5, 10)})


def shown(points, width):
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(render_trend(points))
    return capture.get()


@pytest.mark.parametrize("width", [80, 120])
def test_of_many_checkpoints_some_are_shown_and_the_last_is_one_of_them(width):
    lines = shown([point(100 * n) for n in range(1, 501)], width).splitlines()
    assert lines[0] == "Exactly as asked by step, one in 13 of 500 checkpoints; --json has all"
    steps = [int(line.split()[0]) for line in lines[2:]]
    assert steps[-1] == 50000 and steps[1] - steps[0] == 1300 and len(steps) <= MAX_LINES
    assert max(map(len, lines)) <= width


def test_of_few_every_one_is_shown():
    assert shown([point(n) for n in range(MAX_LINES)], 80).count("50 %") == MAX_LINES
