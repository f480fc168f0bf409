"""Rows of tables, JSON files and datasets as prompts."""

import pytest

from countcheck.suites.readers import PromptCollector
from countcheck.suites.rows import ReadOptions, collect_rows


def collected(*rows, **options) -> PromptCollector:
    collector = PromptCollector()
    collect_rows(collector, enumerate(rows, start=1), ReadOptions(**options))
    return collector


def test_targets_of_the_row_come_before_those_of_its_text():
    prompts = collected({"prompt": "three pigs", "targets": {"wolf": 1}}, {"prompt": "three pigs "[:-1] + "!"}).prompts
    assert [[t.sentence() for t in prompt.targets] for prompt in prompts] == [["exactly 1 wolf"], ["exactly 3 pig"]]


def test_options_reach_the_reading():
    (prompt,) = collected({"prompt": "a dog"}, article="one").prompts
    assert [t.sentence() for t in prompt.targets] == ["exactly 1 dog"]


def test_what_was_not_understood_stays_with_the_prompt_and_its_line():
    collector = collected({"prompt": "3 dog"})
    assert collector.prompts[0].not_understood == ("3 dog",)
    assert [(remark.line, remark.why) for remark in collector.remarks] == [(1, "not understood: '3 dog'")]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"a": 1}, "no prompt (fields: a)"),
        ({"prompt": "x", "targets": "pig"}, "targets: 'pig' is not NOUN: NUMBER"),
        ({"prompt": "x", "targets": 3}, "targets: 3 is neither a mapping nor a list"),
        ({"prompt": "x", "targets": {"pig": "lots"}}, "targets: pig is 'lots'"),
    ],
)
def test_rows_that_make_no_sense_are_skipped_with_the_reason(row, why):
    (skipped,) = collected(row).skipped
    assert skipped.why.startswith(why)
