"""A thread that sends requests imports nothing: two that import one package at once may see it half made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "late_imports.py"


@pytest.mark.parametrize(
    ("family", "kinds"),
    [("openai", "Picture Refusal"), ("together", "Picture Refusal"), ("fal", "Picture"), ("ideogram", "Picture")],
)
def test_threads_that_send_requests_import_nothing(family, kinds):
    environment = {**os.environ, "SERVICE_KEY": "sk-loopback-service"}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), family], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.strip() == f"{kinds} |", done.stdout + done.stderr
