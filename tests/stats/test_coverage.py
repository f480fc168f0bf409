"""The coverage benchmark in its shortest form: intervals hold what they promise, and naive ones do not."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

SOURCE = Path(__file__).parents[2] / "benchmarks" / "coverage.py"


@pytest.fixture(scope="module")
def coverage():
    import sys

    spec = importlib.util.spec_from_file_location("coverage_benchmark", SOURCE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["coverage_benchmark"] = module
    spec.loader.exec_module(module)
    return module


def test_single_rates_cover_and_ignoring_prompts_does_not(coverage):
    grid = [(60, 0.3, 4, 0.5), (60, 0.9, 4, 0.5), (100, 0.5, 1, 0.1)]
    cells = list(coverage.rates(300, np.random.default_rng(1), iter(grid)))
    assert all(cell.covers["over prompts"] >= 0.91 for cell in cells)
    assert all(cell.covers["as if independent"] < 0.9 for cell in cells[:2])


def test_paired_differences_cover(coverage):
    cells = coverage.differences(200, np.random.default_rng(2), iter([(60, 0.6, 2, 0.4)]))
    assert all(cell.covers["paired"] >= 0.90 for cell in cells)


def test_corrected_rates_cover_and_uncorrected_ones_do_not(coverage):
    (cell,) = coverage.corrections(150, np.random.default_rng(3), iter([(100, 0.9, 2, 80)]))
    assert cell.covers["prediction-powered"] >= 0.90 and cell.covers["Rogan-Gladen"] >= 0.90
    assert cell.covers["uncorrected"] < 0.3


def test_sequential_looks_make_no_more_false_alarms_than_stated(coverage):
    for cell in coverage.false_alarms(200, np.random.default_rng(4), 150):
        assert cell.covers["anytime-valid"] <= 0.08 < cell.covers["a plain 95 % interval"]
