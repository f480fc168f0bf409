"""Everywhere: nothing reaches the network, models say nothing, and one thread is enough."""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

for name, value in {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "TOKENIZERS_PARALLELISM": "false",
    "COLUMNS": "120",
    "OMP_NUM_THREADS": "1",
}.items():
    os.environ.setdefault(name, value)

# No test is timed: on a busy machine an example takes as long as it takes.
settings.register_profile("countcheck", deadline=None)
settings.load_profile("countcheck")

# Digests of files are remembered in a folder of the tests' own, gone with the process.
_cache = tempfile.TemporaryDirectory(prefix="countcheck-tests-")
os.environ["COUNTCHECK_CACHE"] = _cache.name


TESTS = Path(__file__).parent
# Files that take longest, some 20 seconds or more each.
SLOW = (
    "end_to_end/test_documented_commands.py",
    "engine/test_conversations.py",
    "chaos/",
    "engine/test_fetch.py",
    "engine/test_ray.py",
    "end_to_end/test_killed",
    "test_on_gpu.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no core waits for another's last one."""

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(TESTS).as_posix() if item.path.is_relative_to(TESTS) else ""
        return next((k for k, start in enumerate(SLOW) if path.startswith(start)), len(SLOW))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Leave what is loaded by now out of the garbage collector's rounds: with thousands of tests it is most of the heap."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Give everything back to the collector: libraries report what it does not free as leaks when the process ends."""
    gc.unfreeze()
