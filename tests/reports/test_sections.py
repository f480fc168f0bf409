from __future__ import annotations

import itertools
from collections import Counter

import pytest

from countcheck.counting.verdict import Kind
from countcheck.reports.report import read_report
from countcheck.reports.sections import (
    breakdowns,
    conversations,
    example_tries,
    inconsistencies,
    matrices,
    outcome_bars,
    refusals,
    worst_prompts,
)


def test_matrices_share_their_columns_and_hold_every_counted_picture(two_runs):
    report = read_report(two_runs)
    found = matrices(report)
    assert len({matrix.numbers for matrix in found}) == 1
    for matrix in found:
        held = sum(cell.n for _, _, cells in matrix.rows for cell in cells)
        assert held == sum(n for row in report.models[matrix.model].matrix.values() for n in row.values())


def test_a_cell_left_of_the_diagonal_is_under(two_runs):
    cells = [cell for matrix in matrices(read_report(two_runs)) for _, _, row in matrix.rows for cell in row]
    assert {cell.kind for cell in cells if cell.counted < cell.asked} == {"under"}
    assert all((cell.shade > 0) == (cell.n > 0) for cell in cells)


def test_worst_prompts_come_worst_first_and_show_a_wrong_try(two_runs):
    worst = worst_prompts(read_report(two_runs), most=8)
    shares = [one.wrong / one.asked for one in worst]
    assert shares == sorted(shares, reverse=True)
    assert all(any(row is not None and row.verdict is not Kind.EXACT for row in one.tries) for one in worst)


def test_every_refusal_is_in_its_group(two_runs):
    report = read_report(two_runs)
    reasons = Counter(row.refusal for model in report.models for row in model.rows if row.outcome == "refusal")
    groups = refusals(report, most=1)
    assert len(reasons) > 1
    assert {group.reason: group.n for group in groups} == reasons
    for group in groups:
        assert group.n == sum(wording.n for wording in group.wordings) + group.unshown


def test_wordings_of_a_refusal_are_counted_by_model(two_runs):
    report = read_report(two_runs)
    wordings = [wording for group in refusals(report) for wording in group.wordings]
    assert wordings
    assert all(sum(n for _, n in wording.models) == wording.n for wording in wordings)


def test_inconsistent_groups_hold_a_picture_and_a_refusal(two_runs):
    report = read_report(two_runs)
    mixed = inconsistencies(report, most=1000)
    expected = {
        (index, row.group or row.prompt_id)
        for index, model in enumerate(report.models)
        for row in model.rows
        if row.outcome == "refusal" and not row.conversation
    }
    assert mixed
    assert {(group.model, group.group) for group in mixed} <= expected
    for group in mixed:
        assert {row.group for row in (*group.drawn, *group.refused)} == {group.group}
        assert {row.outcome for row in group.refused} == {"refusal"}
        assert {row.outcome for row in group.drawn} == {"picture"}


def test_conversations_with_the_most_losses_come_first(two_runs):
    shown, held = conversations(read_report(two_runs), most=1000)
    assert len(shown) == held > 0
    assert [conversation.lost for conversation in shown] == sorted((c.lost for c in shown), reverse=True)


def test_breakdowns_have_two_values_or_more_and_one_estimate_a_model(two_runs):
    report = read_report(two_runs)
    splits = breakdowns(report)
    assert [split.tag for split in splits][:2] == ["number", "noun"]
    for split in splits:
        assert len(split.values) >= 2
        assert {len(estimates) for estimates in split.rates} == {len(report.models)}


def test_bars_hold_every_row_and_fill_their_width(two_runs):
    report = read_report(two_runs)
    for model, bar in zip(report.models, outcome_bars(report), strict=True):
        assert sum(part.n for part in bar) == len(model.rows) > 0
        assert abs(sum(part.share for part in bar) - 1) < 1e-9
        assert all(a.start + a.share == pytest.approx(b.start) for a, b in itertools.pairwise(bar))


def test_first_pictures_are_wrong_and_right_ones_of_several_models_and_prompts(two_runs):
    examples = example_tries(read_report(two_runs))
    assert len(examples) == 4
    assert len({row.text for _, row in examples}) == 4
    assert len({index for index, _ in examples}) > 1
    assert any(row.verdict is not Kind.EXACT for _, row in examples)
