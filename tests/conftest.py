"""Everywhere: nothing reaches the network, models say nothing, and one thread is enough."""

from __future__ import annotations

import gc
import logging
import os
import tempfile
from collections.abc import Iterator
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


def _set_logging_back() -> None:
    logging.disable(logging.NOTSET)
    logging.getLogger().setLevel(logging.WARNING)
    logger = logging.getLogger("countcheck")
    logger.handlers.clear()
    logger.setLevel(logging.NOTSET)
    logger.propagate = True
    for name, each in logging.Logger.manager.loggerDict.items():
        if name.startswith("countcheck") and isinstance(each, logging.Logger):
            each.disabled = False


@pytest.fixture(autouse=True)
def logging_set_back() -> Iterator[None]:
    """Undo what the command line and libraries set up for their process when a test, or a fixture of many, calls them here."""
    _set_logging_back()
    yield
    _set_logging_back()


@pytest.fixture(autouse=True, scope="session")
def control_pictures_drawn_once() -> Iterator[None]:
    """Keep the pictures of counters' self-tests: every run draws the same."""
    from countcheck.counting import self_test

    drawn: dict[object, object] = {}
    draw = self_test._picture

    def kept(counts: dict[str, int], style: str, seed: int) -> object:
        name = (tuple(counts.items()), style, seed)
        if name not in drawn:
            drawn[name] = draw(counts, style, seed)
        return drawn[name].copy()

    kept.draw = draw
    self_test._picture = kept
    yield
    self_test._picture = draw


# Begun first: else one worker has the longest of them left when the other has nothing.
_LONGEST = (
    "chaos/test_chaos.py",
    "end_to_end/test_documented_commands.py",
    "engine/test_fetch.py",
    "end_to_end/test_served.py",
    "interop/test_pytest_plugin.py",
    "end_to_end/test_killed_talking.py",
    "engine/test_ray.py",
    "models/test_counter_training.py",
    "models/test_painter_training.py",
    "generators/remote/test_preload.py",
    "end_to_end/test_action.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    here = Path(__file__).parent
    places = {here / name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """Leave what is loaded out of the garbage collector's rounds: with thousands of tests it is most of the heap."""
    _leave_out_of_collection()


@pytest.fixture(autouse=True, scope="module")
def loaded_libraries_left_out_of_collection() -> Iterator[None]:
    """Do so again after every file: tests load libraries, too."""
    yield
    _leave_out_of_collection()


def _leave_out_of_collection() -> None:
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Give everything back to the collector: libraries report what it does not free as leaks when the process ends."""
    gc.unfreeze()
