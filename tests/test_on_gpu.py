"""The GPU script runs on a CPU too: what it measures there says nothing, that it measures says enough."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def on_gpu():
    """The script as a module; it is no part of the package."""
    root = Path(__file__).parents[1]
    sys.path.insert(0, str(root))
    spec = importlib.util.spec_from_file_location("on_gpu", root / "benchmarks" / "on_gpu.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["on_gpu"] = module  # where its dataclass is looked for
    before = list(sys.path)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before
    sys.path.remove(str(root))
    del sys.modules["on_gpu"]


def test_it_counts_as_the_package_does_and_prints_one_table(on_gpu, capsys):
    on_gpu.main(["--short", "--device", "cpu", "--only", "counting", "precision", "reward"])
    told = capsys.readouterr().out
    assert told.count("3 of 3 counted alike") == 2 and "6 of 6 counted as in fp32" in told
    assert "| reward | tensors" in told and told.count("| counting, yolo11n |") == 4


def test_without_a_gpu_only_the_short_form_runs(on_gpu):
    with pytest.raises(SystemExit, match="no GPU"):
        on_gpu.main(["--device", "cpu"])
