"""The pytest plugin, on a small project whose README says what every test comes to."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

PROJECT = Path(__file__).parent / "sample_project"
ROW = re.compile(r"^\| `(test_[^`]+)` \| (\w+) \|", re.MULTILINE)


def run_pytest(folder, *arguments):
    command = [sys.executable, "-m", "pytest", "-p", "no:countcheck", "-p", "countcheck.interop.pytest_plugin"]
    command += ["-p", "no:cacheprovider", "-rA", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder, run_pytest(folder, "--countcheck-counter", "tiny", "--countcheck-report", "annotated")


def test_every_test_ends_as_its_readme_says(project):
    folder, done = project
    expected = dict(ROW.findall((folder / "README.md").read_text()))
    assert len(expected) == 8
    outcomes = {}
    for line in done.stdout.splitlines():
        if match := re.match(r"(PASSED|FAILED) check_pictures\.py::(\S+)", line):
            outcomes[match[2]] = match[1].lower()
    assert {name: end for name, end in outcomes.items()} == {n: e for n, e in expected.items() if e != "skipped"}, (
        done.stdout
    )
    assert "3 passed" in done.stdout
    assert "3 failed" in done.stdout
    assert "2 skipped" in done.stdout


def test_failures_say_what_was_counted(project):
    _, done = project
    assert "asked for exactly 3 pig, counted 4 pig (annotated picture: annotated/" in done.stdout
    assert "UncertainCount" in done.stdout
    assert "cannot decide: " in done.stdout
    assert re.search(r"^> +expect_count\(drawn\(pig=4\), pig=3\)$", done.stdout, re.MULTILINE)
    assert "expectation.py" not in done.stdout.partition("short test summary")[0]  # the test's line is shown, not ours


def test_annotated_pictures_are_left(project):
    folder, _ = project
    pictures = sorted((folder / "annotated").glob("*.png"))
    assert len(pictures) >= 2
    with Image.open(pictures[0]) as opened:
        opened.load()


def test_an_unknown_counter_is_a_usage_error(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it(expect_count):\n    pass\n")
    done = run_pytest(tmp_path, "--countcheck-counter", "tinny")
    assert "--countcheck-counter: no counter named 'tinny'. Did you mean 'tiny'" in done.stdout
    assert done.returncode != 0


def test_the_plugin_costs_a_session_without_it_nothing(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import sys\n\ndef test_it():\n    assert not {'torch', 'numpy', 'PIL', 'sqlalchemy'} & set(sys.modules)\n"
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout
