"""What rewriting did to the prompts, and how exact the pictures are with and without it."""

from __future__ import annotations

import jsonschema
import pytest
from verdict_rows import row, run_info

from countcheck.metrics.rewriting import RewritingSummary, summarize_rewriting
from countcheck.metrics.summary import Summary, summarize
from countcheck.reports.headline import rewritings
from countcheck.reports.report import Model, Report
from countcheck.reports.terminal.summary import render_summary
from countcheck.reports.wording import rewriting_in_words
from countcheck.schemas import schema
from countcheck.suites.suite import Target

PIGS = (Target(noun="pig", count=3),)


def told(letter, prompt, rewritten, **fields):
    return row(letter, prompt, text="three pigs", targets=PIGS, rewritten=rewritten, **fields)


def rows():
    kept = [told("e", f"k{i}", "Three pigs by a pond.") for i in range(8)]
    kept += [told("u", f"l{i}", "Three pigs by a pond.") for i in range(2)]
    changed = [told("u", f"c{i}", "Several pigs by a pond.") for i in range(9)] + [told("e", "c9", "Several pigs.")]
    same = [told("e", "s0", "three pigs ")]
    return [*kept, *changed, *same, told("e", "f0", "三只小猪"), told("r", "r0", "Several pigs."), told("f", "x", "")]


def test_tries_are_told_apart_by_what_became_of_their_numbers():
    found = summarize_rewriting(rows(), "always")
    assert (found.state, found.rewritten) == ("always", 22)
    assert found.numbers == {"changed": 11, "kept": 10, "unclear": 1}
    assert found.exact_rate["kept"].n == 11  # with the one that was not rewritten
    assert found.exact_rate["kept"].value == pytest.approx(9 / 11)
    assert found.exact_rate["changed"].value == pytest.approx(1 / 11)


def test_what_was_recorded_is_not_read_again():
    recorded = told("e", "p", "Several pigs.", extra={"numbers": "kept"})
    assert summarize_rewriting([recorded]).numbers == {"kept": 1}
    assert summarize_rewriting([told("e", "p", "Several pigs.")]).numbers == {"changed": 1}
    assert summarize_rewriting([told("e", "p", "")]).numbers == {}


def test_a_group_without_tries_has_no_rate():
    found = summarize_rewriting([told("e", "p", "Three pigs.")])
    assert set(found.exact_rate) == {"kept"}
    assert summarize_rewriting([told("e", "p", "")]).to_json()["exact_rate"] == {}


def summary_of(result_rows, state=""):
    info = run_info(generators={"g": {"recipe": {"settings": {}}, "rewrites": state}})
    return summarize(result_rows, info)


def test_the_summary_says_it_in_its_first_line_and_publishes_it(capsys):
    from rich.console import Console

    summary = summary_of(rows(), "always")
    body = summary.to_json()
    jsonschema.validate(body, schema("summary"))
    assert Summary.from_json(body).generators["g"].rewriting == summary.generators["g"].rewriting
    Console(width=400).print(render_summary(summary))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("g rewrites prompts")
    (sentence,) = (line for line in lines if "rewritten prompt" in line)
    assert sentence.startswith(
        "g: 22 tries were drawn from a rewritten prompt, 11 of them from one with another number"
    )
    assert "where the number was kept" in sentence and "where the number was changed" in sentence


def test_a_run_whose_prompts_are_drawn_as_written_says_nothing():
    plain = [row("e", f"p{i}") for i in range(3)]
    for state in ("", "never", "off", "unknown"):
        assert summary_of(plain, state).generators["g"].rewriting is None
        assert "rewriting" not in summary_of(plain, state).to_json()["generators"]["g"]
    silent = summary_of(plain, "always").generators["g"].rewriting
    assert silent == RewritingSummary(state="always")


def test_the_report_says_it_beneath_its_headline():
    body = summary_of(rows(), "always").to_json()["generators"]["g"]
    fields = {name: body[name] for name in ("counts", "rates", "corrected", "by", "matrix", "rewriting")}
    model = Model(label="g", generator="g", run=0, rows=tuple(rows()), **fields)
    (sentence,) = rewritings(Report(suite="s", runs=(), models=(model,)))
    assert sentence == f"g: {rewriting_in_words(body['rewriting'])}."
    assert "82" in sentence and "9" in sentence


def test_a_provider_that_does_not_tell_is_said_to_rewrite_all_the_same():
    words = rewriting_in_words(RewritingSummary(state="on").to_json())
    assert words.startswith("its provider rewrites prompts and does not say to what")
