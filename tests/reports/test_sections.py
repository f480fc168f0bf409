from __future__ import annotations

from countcheck.counting.verdict import Kind
from countcheck.reports.report import read_report
from countcheck.reports.sections import inconsistencies, matrices, refusals, worst_prompts


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
    rows = [row for model in report.models for row in model.rows if row.outcome == "refusal"]
    for group in refusals(report, most=1):
        assert group.n == sum(row.refusal == group.reason for row in rows)
        assert group.n == sum(saying.n for saying in group.sayings) + group.unshown


def test_inconsistent_groups_hold_a_picture_and_a_refusal(two_runs):
    for one in inconsistencies(read_report(two_runs)):
        assert {row.group for row in (*one.drawn, *one.refused)} == {one.group}
        assert {row.outcome for row in one.refused} == {"refusal"}
