"""The report's charts: every point is drawn, at its place, inside the picture."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from countcheck.reports.html import charts

SPACE = "{http://www.w3.org/2000/svg}"


def estimate(value, low, high):
    return {"value": value, "low": low, "high": high, "level": 0.95, "n": 10, "clusters": 10, "method": "wilson"}


def places(svg):
    """Every pair of coordinates in a chart, and its width and height."""
    root = ElementTree.fromstring(svg)
    numbers = []
    for mark in root:
        if mark.tag == f"{SPACE}circle":
            numbers.append((float(mark.get("cx")), float(mark.get("cy"))))
        else:
            text = mark.get("points") or mark.get("d") or f"{mark.get('x')},{mark.get('y')}"
            numbers += [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", text)]
    return numbers, float(root.get("width")), float(root.get("height"))


def points(models, values=("noir", "plain", "a very long value of a tag that somebody made up for a suite")):
    return [
        {"tag": value, "asked": k + 1, "model": model, "value": 0.5, "low": 0.0, "high": 1.0}
        for k, value in enumerate(values)
        for model in range(models)
    ]


CHARTS = {
    "interval": charts.interval_mark(estimate(0.5, 0.2, None), top=1.0, model=1),
    "difference": charts.difference_mark(estimate(-0.9, -1.0, -0.6), model=2),
    "numbers": charts.by_number(points(9), models=9),
    "values": charts.by_value(points(4), models=4, order=[point["tag"] for point in points(1)]),
    "steps": charts.by_step(
        [
            {"step": step, "run": run, "value": 0.5, "low": 0.0, "high": 1.0}
            for run, steps in enumerate(((0, 500, 1500), (123456789,)))
            for step in steps
        ],
        runs=2,
    ),
    "many steps": charts.by_step(
        [{"step": 50 + 100 * n, "run": 0, "value": 0.5, "low": 0.0, "high": 1.0} for n in range(60)], runs=1
    ),
    "price": charts.price_plot(
        [
            {"model": k, "x": 0.01 * k, "x_low": 0.0, "x_high": 9.0, "y": 0.5, "y_low": 0.1, "y_high": 0.9}
            for k in range(3)
        ],
        models=3,
        unit="US dollars",
    ),
}


@pytest.mark.parametrize("name", CHARTS)
def test_nothing_is_drawn_outside_the_picture(name):
    found, width, height = places(CHARTS[name])
    assert found
    assert all(-0.1 <= x <= width + 0.1 and -0.1 <= y <= height + 0.1 for x, y in found)


def test_many_steps_have_round_numbers_at_the_axis():
    labels = re.findall(r">([0-9,]+)</text>", CHARTS["many steps"])
    assert labels == ["2,000", "4,000"]


def test_every_point_has_its_mark_and_its_interval():
    svg = charts.by_value(points(3), models=3, order=[point["tag"] for point in points(1)])
    assert [svg.count(f'fill="{charts.colour(model)}"') for model in range(3)] == [3, 3, 3]
    assert [svg.count(f'stroke="{charts.colour(model)}"') for model in range(3)] == [3, 3, 3]


def test_a_value_lies_where_its_share_says():
    svg = charts.interval_mark(estimate(0.25, 0.0, 1.0), top=1.0, model=0)
    assert 'cx="36" cy="10"' in svg  # a quarter of the way from 5 to 129


def test_words_of_a_suite_are_no_markup_and_long_ones_are_shortened():
    order = ["<b>bold</b>", "w" * 90]
    svg = charts.by_value(points(1, order), models=1, order=order)
    assert "&lt;b&gt;bold&lt;/b&gt;" in svg and "<b>" not in svg
    assert "w" * 90 not in svg and "w…" in svg


@pytest.mark.parametrize("name", charts.SHAPES[1:])
def test_a_mark_lies_around_its_middle(name):
    corners = list(charts._corners(name))
    assert len(set(corners)) == len(corners) >= 3
    assert all(abs(x) <= 1.15 and abs(y) <= 1.15 for x, y in corners)
    assert abs(sum(x for x, _ in corners)) < 1 + 1e-9


@pytest.mark.parametrize("end", [0.0004, 0.9, 1.0, 7.3, 512])
def test_an_axis_has_a_few_round_numbers(end):
    ticks = charts._ticks(end)
    assert ticks[0] == 0 and ticks[-1] <= end
    assert 3 <= len(ticks) <= 7
