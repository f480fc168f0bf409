from __future__ import annotations

import jsonschema
import pytest
from made_up import a_run, a_suite
from rich.console import Console

from countcheck.metrics.refusal_review import review_refusals
from countcheck.metrics.summary import Summary, summarize
from countcheck.reports.terminal.summary import render_summary
from countcheck.schemas import schema
from countcheck.storage.rows import IS_REFUSAL, Label, ResultRow


def answer(key, outcome, **fields):
    return ResultRow(key=key, generator="g", prompt_id=f"p{key}", repeat=0, seed=0, text="", outcome=outcome, **fields)


ROWS = [
    *(answer(f"r{i}", "refusal", refusal="stated") for i in range(6)),
    answer("f", "failure", failure="unknown", message="What?"),
    answer("a", "picture"),
    answer("b", "picture"),
]


def said(key, count, who="ann", *, noun=IS_REFUSAL, stratum="g / refusal"):
    return Label(key=key, noun=noun, count=count, labeller=who, stratum=stratum)


def test_what_people_say_is_set_against_what_was_read():
    labels = [
        *(said(f"r{i}", int(i > 0)) for i in range(4)),
        said("r5", None),
        said("f", 1, stratum="g / unread"),
        said("a", 1, stratum=""),
        said("b", 3, noun="pig", stratum="g / exact"),
    ]
    review = review_refusals(ROWS, labels)
    assert (review.agreement.value, review.agreement.n, review.agreed) == (0.75, 4, 3)
    assert (review.replies, review.replies_refused) == (1, 1)
    assert (review.pictures, review.pictures_refused) == (2, 1)


def test_two_people_who_differ_agree_on_nothing():
    assert review_refusals(ROWS, [said("r0", 1), said("r0", 0, "bob")]) is None


def test_drawn_answers_stand_alone_where_there_are_any():
    by_hand = [said("r0", 0, stratum=""), said("r1", 0, stratum="")]
    review = review_refusals(ROWS, [*by_hand, said("r2", 1)])
    assert (review.agreement.value, review.agreement.n) == (1.0, 1)
    assert review_refusals(ROWS, by_hand).agreement.method.endswith("chosen by hand")


def test_counts_alone_say_nothing_of_refusals():
    assert review_refusals(ROWS, [said("b", 3, noun="pig")]) is None


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("review") / "run"
    with a_run(path, suite=a_suite(24, 0), generators=(("g", 0.7, 0.4),), pictures=False) as run:
        yield run


def test_a_summary_says_it_and_its_json_comes_back(run):
    rows = run.rows()
    refused = [row.key for row in rows if row.outcome == "refusal"][:8]
    summary = summarize(rows, run.info, [said(key, 1) for key in refused])
    assert summary.generators["g"].refusal_review.agreed == 8
    assert Summary.from_json(summary.to_json()) == summary
    jsonschema.validate(summary.to_json(), schema("summary"))
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(render_summary(summary))
    assert "g: people agree with 8 of 8 refusals, 100" in capture.get()
