"""The Python interface: every name is there, and importing the package is light."""

from __future__ import annotations

import subprocess
import sys

import pytest

import countcheck


@pytest.mark.parametrize("name", countcheck.__all__)
def test_every_name_of_the_interface_is_there(name):
    assert getattr(countcheck, name) is not None


def test_dir_lists_the_interface():
    assert set(countcheck.__all__) <= set(dir(countcheck))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'cuont'"):
        _ = countcheck.cuont


def test_importing_the_package_imports_nothing_heavy_and_changes_nothing():
    code = """
import logging, sys, warnings
filters, level = list(warnings.filters), logging.getLogger().level
import countcheck
heavy = {"torch", "numpy", "PIL", "transformers", "diffusers", "sqlalchemy", "rich", "typer"} & set(sys.modules)
assert not heavy, heavy
assert list(warnings.filters) == filters and logging.getLogger().level == level
"""
    subprocess.run([sys.executable, "-c", code], check=True)
