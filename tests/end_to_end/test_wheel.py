"""The built wheel, installed somewhere else: suites, cards and models are found by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run = [sys.executable, "-m"]
    build = [*run, "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("countcheck-*.whl")
    target = folder / "site"
    install = [*run, "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return target


def python(installed: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=installed.parent,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_suites_cards_and_weights_are_inside(installed):
    shown = python(
        installed,
        "import countcheck\n"
        "from countcheck.cards import read_counter_card, read_generator_card, shipped\n"
        "from countcheck.suites.catalog import load_suite, shipped_suites\n"
        "print(countcheck.__file__)\n"
        "print(len(shipped_suites()), len(load_suite('demo').prompts))\n"
        "print(read_generator_card('tiny').family, read_counter_card('tiny').family)\n"
        "print((shipped('models') / 'tiny-painter/unet/diffusion_pytorch_model.safetensors').is_file())\n",
    ).splitlines()
    assert shown[0].startswith(str(installed))
    assert shown[1].split()[0] == str(len(list((REPOSITORY / "prompts").glob("*.yaml"))))
    assert shown[2:] == ["diffusers tiny", "True"]


def test_a_command_of_the_wheel_runs(installed):
    code = "import sys; from countcheck.cli.main import execute; sys.exit(execute(['list', 'suites']))"
    assert "three-little-pigs" in python(installed, code)


def test_training_code_and_its_work_stay_out(installed):
    assert not list(installed.rglob("_shipped/models/train/output/*"))
    assert not list(installed.rglob("__pycache__/*.part"))
