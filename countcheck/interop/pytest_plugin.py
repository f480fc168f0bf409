"""The pytest plugin: assert that images show certain numbers of things.

It is loaded wherever countcheck is installed. A test asks for the fixture ``expect_count``::

    def test_pigs(expect_count):
        expect_count("out/pigs.png", pig=3, wolf="none")

Options: ``--countcheck-counter COUNTER`` and ``--countcheck-report FOLDER`` (annotated pictures of failures); in the
configuration file also ``countcheck_uncertain = fail | skip | pass``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from countcheck.counting.counter import Counter
    from countcheck.library.judging import Judgement


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    group = parser.getgroup("countcheck", "counting things in images")
    group.addoption("--countcheck-counter", metavar="COUNTER", default=None, help="Counter: a card or a spec.")
    group.addoption("--countcheck-report", metavar="FOLDER", default=None, help="Write annotated pictures here.")
    parser.addini("countcheck_counter", "Counter: a card or a spec.", default="tiny")
    parser.addini("countcheck_uncertain", "What an uncertain count does: fail, skip or pass.", default="fail")


@pytest.fixture(scope="session")
def countcheck_counter(request: pytest.FixtureRequest) -> Counter:
    """Load the counter of ``--countcheck-counter``, once a session.

    Raises:
        UsageError: When it cannot be loaded; pytest then ends with the sentence.
    """
    from countcheck.errors import CountcheckError
    from countcheck.library.judging import load_counter

    config = request.config
    try:
        return load_counter(config.getoption("--countcheck-counter") or config.getini("countcheck_counter"))
    except CountcheckError as error:
        raise pytest.UsageError(f"--countcheck-counter: {error}") from error


@pytest.fixture
def expect_count(request: pytest.FixtureRequest, countcheck_counter: Counter) -> Callable[..., Judgement]:
    """`countcheck.expect_count` with the counter, the report folder and the rule for uncertain counts of the options."""
    from countcheck.library.expectation import expect_count as expect

    folder = request.config.getoption("--countcheck-report")
    usual = request.config.getini("countcheck_uncertain")

    def expect_in_test(image: Any, targets: Mapping[str, Any] | str | None = None, **numbers: Any) -> Judgement:
        __tracebackhide__ = True
        options = {
            "counter": numbers.pop("counter", countcheck_counter),
            "uncertain": numbers.pop("uncertain", usual),
            "report": numbers.pop("report", Path(folder) if folder else None),
        }
        return expect(image, targets, **options, **numbers)

    return expect_in_test
