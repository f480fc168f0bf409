"""Pages of the docs that are written from the program are up to date."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_rates_is_that_of_the_registry():
    spec = importlib.util.spec_from_file_location("make_rates_page", DOCS / "make_rates_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run: python docs/make_rates_page.py"
