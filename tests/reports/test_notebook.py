"""Pictures and tables for notebooks."""

from __future__ import annotations

import re

import numpy as np

from countcheck.reports.notebook import figure_html, table_html


def test_a_figure_shows_picture_boxes_and_caption():
    page = figure_html(np.zeros((40, 60, 3), np.uint8), (60, 40), [("pig", 0.5, (1, 2, 11, 22))], "one pig")
    assert 'viewBox="0 0 60 40"' in page
    assert 'x="1.0" y="2.0" width="10.0" height="20.0"' in page
    assert "<figcaption>one pig</figcaption>" in page
    assert "pig 0.50" in page


def test_nothing_foreign_becomes_markup():
    hostile = '<img src=x onerror="alert(1)">\x1b'
    page = figure_html(np.zeros((4, 4, 3), np.uint8), (4, 4), [(hostile, 1.0, (0, 0, 1, 1))], hostile)
    page += table_html(hostile, [hostile], [{hostile: hostile}])
    assert "<img" not in page
    assert "\x1b" not in page


def test_a_table_leaves_cells_empty_that_a_row_lacks():
    page = table_html("rates", ["a", "b"], [{"a": "1"}, {"b": "2"}])
    cells = [re.findall(r"<td [^>]*>([^<]*)</td>", row) for row in page.split("<tr>")[2:]]
    assert cells == [["1", ""], ["", "2"]]
