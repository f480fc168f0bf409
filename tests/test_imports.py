"""What a light command may import: the base install has no torch, and `--help` must not wait for libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "diffusers",
    "transformers",
    "ultralytics",
    "scipy.stats",
    "statsmodels",
    "pandas",
    "plotly",
    "openai",
)

WATCH = """
import sys
from countcheck.cli.main import execute
code = execute(sys.argv[1:])
print("IMPORTED", *sorted(name for name in {heavy} if name in sys.modules))
sys.exit(code)
"""


def imported(*arguments: str, heavy: tuple[str, ...] = HEAVY) -> tuple[int, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", WATCH.format(heavy=heavy), *arguments], capture_output=True, text=True, check=False
    )
    line = next(line for line in reversed(done.stdout.splitlines()) if line.startswith("IMPORTED"))
    return done.returncode, set(line.split()[1:])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small finished run, made in this process so that its making imports nothing over there."""
    import squares

    from countcheck.cards import Card
    from countcheck.engine import run as engine

    path = tmp_path_factory.mktemp("runs") / "run"
    order = engine.RunConfig(
        suite=squares.suite("3 squares", "2 squares +1", "4 refuse"),
        generators=[Card(name="squares", family="squares")],
        path=path,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "load_generator", squares.SquaresGenerator)
        engine.run(order, squares.counter()).close()
    return path


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["list", "suites"], ["list", "generators"], ["list", "counters"]]
)
def test_light_commands_import_nothing_heavy(arguments):
    assert imported(*arguments) == (0, set())


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_waits_for_no_numbers_and_no_database(arguments):
    assert imported(*arguments, heavy=("numpy", "sqlalchemy", "PIL", "yaml")) == (0, set())


@pytest.mark.parametrize("arguments", [["summary", "--help"], ["summary"], ["compare"]])
def test_reading_results_waits_for_no_validation(run, arguments):
    runs = {"summary": [str(run)], "compare": [str(run)] * 2}[arguments[0]] if len(arguments) == 1 else []
    assert imported(*arguments, *runs, heavy=("pydantic", "sqlalchemy", "yaml", "numpy.ma", "asyncio")) == (0, set())


@pytest.mark.parametrize("command", [["summary"], ["export"], ["report"]])
def test_reading_a_run_needs_no_torch(run, command):
    code, found = imported(*command, str(run))
    assert code == 0
    assert not found & {"torch", "diffusers", "transformers", "ultralytics", "openai"}


def test_comparing_and_gating_need_no_torch(run, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("rules:\n  - {rate: exact_rate, at_least: 0.01}\n")
    for arguments in (["compare", str(run), str(run)], ["gate", str(run), "--policy", str(policy)]):
        code, found = imported(*arguments)
        assert code in (0, 1, 3)
        assert "torch" not in found


def test_this_watch_can_see_torch():
    code = "import sys, types\nsys.modules['torch'] = types.ModuleType('torch')\n" + WATCH.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False)
    assert "IMPORTED torch" in done.stdout
