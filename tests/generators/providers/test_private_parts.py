"""Parts of vendors' clients that are not public: which are used, and that they are still there."""

from __future__ import annotations

import ast
from pathlib import Path

from xai_sdk.sync import image

import countcheck.generators.providers

FOLDER = Path(countcheck.generators.providers.__file__).parent
USED = {("xai.py", "_stub")}


def private_parts(path):
    """Names that begin with one underscore, of anything but ``self`` and ``cls``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            owner = node.value
            if not (isinstance(owner, ast.Name) and owner.id in ("self", "cls")):
                yield path.name, node.attr


def test_no_other_private_part_of_a_client_is_used():
    assert {part for path in FOLDER.glob("*.py") for part in private_parts(path)} == USED


def test_the_stub_of_xai_is_there_and_called_as_here():
    source = ast.parse(Path(image.__file__).read_text(encoding="utf-8"))
    calls = [ast.unparse(node.func) for node in ast.walk(source) if isinstance(node, ast.Call)]
    assert "self._stub.GenerateImage" in calls
    assert callable(image.Client.prepare)
