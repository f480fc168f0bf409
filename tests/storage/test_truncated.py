"""Samples of which the model did not read the whole prompt are left out of rates, unless the run judges them."""

from __future__ import annotations

import pytest
import squares

from countcheck.cards import Card
from countcheck.counting.verdict import Kind
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Picture, Reason, Refusal
from countcheck.metrics.summary import summarize
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.samples import Recipe

CUT = {"truncated": {"tokens": 97, "limit": 77, "unseen": "squares"}}


class Reads77Tokens:
    name = "reads77"
    traits = Traits(seeded=True)
    recipe = Recipe(name="reads77")
    asked = 0

    def generate(self, samples):
        for sample in samples:
            type(self).asked += 1
            count = sample.asked.targets[0].count
            if count == 4:
                yield Refusal(key=sample.key, reason=Reason.SILENT, extra=CUT)
            else:
                pixels = squares.squares(count + (count > 2), sample.seed)
                yield Picture(key=sample.key, pixels=pixels, extra=CUT if count > 2 else {})


def run(tmp_path, truncated):
    config = RunConfig(
        suite=squares.suite("1 square", "2 squares", "3 squares", "4 squares"),
        generators=[Card(name="reads77", family="mine")],
        path=tmp_path / "run",
        truncated=truncated,
    )
    with engine.run(config, squares.counter(), load=lambda card: Reads77Tokens()) as folder:
        return folder.rows()


@pytest.mark.parametrize(
    ("truncated", "outcomes", "verdicts"),
    [
        ("leave out", ["picture", "picture", "failure", "failure"], [Kind.EXACT, Kind.EXACT, Kind.FAILED, Kind.FAILED]),
        ("judge", ["picture", "picture", "picture", "refusal"], [Kind.EXACT, Kind.EXACT, Kind.OVER, Kind.REFUSED]),
    ],
)
def test_cut_prompts_are_judged_only_when_the_run_says_so(tmp_path, truncated, outcomes, verdicts):
    rows = run(tmp_path, truncated)
    assert [row.outcome for row in rows] == outcomes
    assert [row.verdict for row in rows] == verdicts
    assert all(row.extra["truncated"]["limit"] == 77 for row in rows[2:])
    assert rows[2].picture


def test_the_choice_can_be_changed_without_generating_anything_again(tmp_path):
    before = [run(tmp_path, "leave out")[2].outcome, Reads77Tokens.asked]
    after = [run(tmp_path, "judge")[2].outcome, Reads77Tokens.asked]
    again = [run(tmp_path, "leave out")[2].outcome, Reads77Tokens.asked]
    assert (before[0], after[0], again[0]) == ("failure", "picture", "failure")
    assert before[1] == after[1] == again[1]


def test_rates_are_of_what_the_model_read(tmp_path):
    run(tmp_path, "leave out")
    with RunFolder.open(tmp_path / "run") as folder:
        summary = summarize(folder.rows(), folder.info).generators["reads77"]
    assert summary.rates["exact_rate"].value == 1.0
    assert (summary.counts["asked"], summary.counts["failures"]) == (2, 2)
    assert [(reason.failure, reason.n) for reason in summary.failures] == [("truncated", 2)]
