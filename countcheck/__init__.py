"""Check whether image models draw the number of things they were asked for, and whether they refuse for no reason.

The names below are the Python interface. Each is imported when it is first used, so that ``import countcheck`` is quick
and imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from countcheck.version import __version__ as __version__

if TYPE_CHECKING:
    from countcheck.errors import CountcheckError as CountcheckError
    from countcheck.library.count_metric import CountMetric as CountMetric
    from countcheck.library.expectation import UncertainCount as UncertainCount
    from countcheck.library.expectation import assert_rate as assert_rate
    from countcheck.library.expectation import expect_count as expect_count
    from countcheck.library.judging import ImageCount as ImageCount
    from countcheck.library.judging import Judgement as Judgement
    from countcheck.library.judging import count as count
    from countcheck.library.judging import judge as judge
    from countcheck.library.judging import load_counter as load_counter
    from countcheck.library.reward import reward as reward
    from countcheck.library.runs import Run as Run
    from countcheck.library.runs import open_run as open_run
    from countcheck.library.runs import run as run
    from countcheck.stats.estimate import Estimate as Estimate
    from countcheck.suites.language.read_targets import Reading as Reading
    from countcheck.suites.language.read_targets import read_targets as read_targets
    from countcheck.suites.suite import Prompt as Prompt
    from countcheck.suites.suite import Target as Target


_MODULES = {
    "CountcheckError": "countcheck.errors",
    "CountMetric": "countcheck.library.count_metric",
    "Estimate": "countcheck.stats.estimate",
    "ImageCount": "countcheck.library.judging",
    "Judgement": "countcheck.library.judging",
    "Prompt": "countcheck.suites.suite",
    "Reading": "countcheck.suites.language.read_targets",
    "Run": "countcheck.library.runs",
    "Target": "countcheck.suites.suite",
    "UncertainCount": "countcheck.library.expectation",
    "assert_rate": "countcheck.library.expectation",
    "count": "countcheck.library.judging",
    "expect_count": "countcheck.library.expectation",
    "judge": "countcheck.library.judging",
    "load_counter": "countcheck.library.judging",
    "open_run": "countcheck.library.runs",
    "read_targets": "countcheck.suites.language.read_targets",
    "reward": "countcheck.library.reward",
    "run": "countcheck.library.runs",
}

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'countcheck' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
