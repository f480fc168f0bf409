"""Docstrings: every example runs, every function that raises says so, and functions stay short."""

from __future__ import annotations

import ast
import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "countcheck"
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "_shipped" not in path.parts)
MAX_LINES = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


WITH_EXAMPLES = [module_name(path) for path in SOURCES if "    >>> " in path.read_text(encoding="utf-8")]


def functions(source: str) -> Iterator[Function]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            yield node


def public_functions(source: str) -> Iterator[Function]:
    """The functions of a module and the methods of its classes that others may call."""
    bodies = [ast.parse(source).body]
    bodies += [node.body for node in bodies[0] if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    for body in bodies:
        yield from (node for node in body if isinstance(node, Function) and not node.name.startswith("_"))


def raises(function: Function) -> list[str]:
    """Names of the exceptions that a function's own body raises, those it catches itself left out."""
    names = []
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        if isinstance(node, Function | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = raised.attr if isinstance(raised, ast.Attribute) else getattr(raised, "id", "")
            if name[:1].isupper():  # a class; a caught error that is raised again keeps its own name
                names.append(name)
        stack.extend(ast.iter_child_nodes(node))
    return names


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_every_example_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    )
    assert results.attempted > 0
    assert results.failed == 0


def test_the_entry_points_have_examples():
    assert len(WITH_EXAMPLES) >= 15
    examples = sum(
        1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, Function | ast.ClassDef) and ">>>" in (ast.get_docstring(node) or "")
    )
    assert examples >= 25


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_public_functions_say_what_they_raise(path):
    silent = [
        f"{function.name} (line {function.lineno}): {', '.join(raises(function))}"
        for function in public_functions(path.read_text(encoding="utf-8"))
        if "commands" not in path.parts  # a command's docstring is its help
        and raises(function)
        and "raise" not in (ast.get_docstring(function) or "").lower()
    ]
    assert silent == []


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_functions_stay_short(path):
    long = [
        f"{function.name}: {function.end_lineno - function.lineno + 1} lines"
        for function in functions(path.read_text(encoding="utf-8"))
        if function.end_lineno - function.lineno + 1 > MAX_LINES
    ]
    assert long == []
