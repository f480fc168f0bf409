"""Tables."""

import csv
import io

import pytest
from foreign_suites import sentences, written

from countcheck.errors import BadSuite
from countcheck.suites.catalog import load_suite


def test_a_table_may_give_targets_and_tags(tmp_path):
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["id", "prompt", "targets", "style", "benign"])
    table.writerow(["a", "a sty", "pig: 3; dog: none", "noir", "false"])
    table.writerow(["b", "two cats", "", "plain", ""])
    table.writerow(["c", "x", "pig: -1", "plain", ""])
    table.writerow(["d", "y", '{"pig": "at least 2"}', "", ""])
    suite = load_suite(str(written(tmp_path, "p.csv", out.getvalue())))
    assert sentences(suite) == [["exactly 3 pig", "no dog"], ["exactly 2 cat"], ["at least 2 pig"]]
    assert suite.prompts[0].tags == {"style": "noir"}
    assert [p.benign for p in suite.prompts] == [False, True, True]
    assert [s.line for s in suite.skipped] == [4]


def test_a_cell_too_large_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(BadSuite, match="not a table"):
        load_suite(str(written(tmp_path, "p.csv", "prompt,a\n" + "x" * 200_000 + ",b\n")))


def test_a_quotation_mark_that_is_never_closed_swallows_no_rows(tmp_path):
    file = tmp_path / "prompts.csv"
    file.write_text('prompt,style\nthree pigs,plain\n"two cows,rain\nfour dogs,plain\n')
    with pytest.raises(BadSuite, match=r"prompts.csv:3: a quotation mark opens here"):
        load_suite(str(file))
    file.write_text('prompt,style\n"three pigs,\nin rain",plain\n"two ""fat"" cows","rain"')
    assert [p.text for p in load_suite(str(file)).prompts] == ["three pigs,\nin rain", 'two "fat" cows']
