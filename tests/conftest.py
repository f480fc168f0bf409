"""Everywhere: nothing reaches the network, models say nothing, and one thread is enough."""

from __future__ import annotations

import gc
import logging
import os
import tempfile
from collections.abc import Iterator

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


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what the command line sets up for its process when a test calls it in this one."""
    logger = logging.getLogger("countcheck")
    handlers, level, propagate = [*logger.handlers], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)


def pytest_collection_finish() -> None:
    """Leave what is loaded by now out of the garbage collector's rounds: with thousands of tests it is most of the heap."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Give everything back to the collector: libraries report what it does not free as leaks when the process ends."""
    gc.unfreeze()
