"""Rates of checkpoints by step."""

from __future__ import annotations

import pytest
from jsonschema import validate

from countcheck.counting.verdict import Kind
from countcheck.errors import BadInput
from countcheck.metrics.summary import summarize
from countcheck.metrics.trend import step_of, trend, trend_point, trend_to_json
from countcheck.schemas import schema
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_info import GeneratorInfo, RunInfo


def rows(generator, verdicts):
    return [
        ResultRow(
            key=f"{generator}{n}", generator=generator, prompt_id=f"p{n}", repeat=0, seed=n, text="three pigs",
            outcome="picture", verdict=verdict, asked={"pig": 3}, counted={"pig": 3 if verdict is Kind.EXACT else 4},
        )
        for n, verdict in enumerate(verdicts)
    ]  # fmt: skip


def test_points_are_the_summary_by_step_and_leave_out_what_is_no_checkpoint():
    steps = {"late": 20, "early": 3}
    info = RunInfo(
        name="run",
        generators={name: GeneratorInfo(settings={"step": step}) for name, step in steps.items()}
        | {"sdxl": GeneratorInfo(settings={"steps": 4})},
    )
    everything = [*rows("late", [Kind.EXACT, Kind.OVER]), *rows("early", [Kind.OVER]), *rows("sdxl", [Kind.EXACT])]
    points = trend(everything, info)
    assert [(point.step, point.generator, point.counts["pictures"]) for point in points] == [
        (3, "early", 1),
        (20, "late", 2),
    ]
    assert trend_point(everything, info, "late") == points[1]
    with pytest.raises(BadInput, match="sdxl has no training step"):
        trend_point(everything, info, "sdxl")
    summary = summarize(everything, info)
    assert [point.rates for point in points] == [summary.generators[name].rates for name in ("early", "late")]
    validate(trend_to_json("run", "suite", points), schema("trend"))


def test_a_setting_that_is_no_number_is_no_step():
    assert step_of(GeneratorInfo(settings={"step": True})) is None
    assert step_of(GeneratorInfo(settings={"step": "last"})) is None
    assert step_of(GeneratorInfo()) is None
