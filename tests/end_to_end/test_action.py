"""The GitHub workflow of the docs, step by step, with the action of this repository and the models that ship.

What a runner does itself (checking out, caching, uploading) is left out; scripts run in bash as a runner would run them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml
from shells import Sandbox

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
(WORKFLOW,) = (
    yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S) if "runs-on: ubuntu-latest" in text
)
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")
POLICY = """
limits: {lost: 0.02, uncertain: 0.2}
rules:
  - {rate: exact_rate, at_least: 0.3}
  - {rate: unclear_refusal_rate, at_most: 0.2}
"""
# Makes an environment as the real one does, with a pip that only notes what it was asked.
PYTHON = """#!/bin/sh
if [ "$1" = -m ] && [ "$2" = venv ]; then
    mkdir -p "$3/bin" && cp "{bin}/countcheck" "{bin}/pip" "$3/bin/"
else
    exec "{python}" "$@"
fi
"""


class Runner:
    """What a runner of GitHub does with the steps of a job or of a composite action."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.output, self.summary, self.temp = folder / "output", folder / "step-summary.md", folder / "temp"
        self.temp.mkdir()
        self.cache_hit = ""
        self.keys: list[str] = []
        commands = folder / ".venv" / "bin"
        sandbox.add_command("pip", f'#!/bin/sh\necho "$0 $@" >> "{folder}/pip.log"\n')
        sandbox.add_command("python3", PYTHON.format(bin=commands, python=sys.executable))

    def steps(self, steps, values):
        """Carry out steps and return what they leave: outputs by step, and whether all went well."""
        left, well = {}, True
        for step in steps:
            if not (self.holds(step["if"], left) if "if" in step else well):
                continue
            outputs, fine = self.step(step, {**values, **self.named(left)})
            left[step.get("id", len(left))] = outputs
            well = well and fine
        return left, well

    def named(self, left):
        return {
            f"steps.{step}.outputs.{name}": value for step, outputs in left.items() for name, value in outputs.items()
        }

    def holds(self, condition, left):
        if condition == "always()":
            return True
        assert condition == "steps.cache.outputs.cache-hit != 'true'"
        return left["cache"]["cache-hit"] != "true"

    def step(self, step, values):
        uses = step.get("uses", "")
        given = {name: self.filled(value, values) for name, value in step.get("with", {}).items()}
        if uses == "./countcheck":
            inputs = {name: str(spec.get("default", "")) for name, spec in ACTION["inputs"].items()} | given
            assert not [name for name, spec in ACTION["inputs"].items() if spec.get("required") and name not in given]
            inside = {f"inputs.{name}": value for name, value in inputs.items()} | {"github.action_path": str(ROOT)}
            left, fine = self.steps(ACTION["runs"]["steps"], {**values, **inside})
            inside |= self.named(left)
            return {name: self.filled(spec["value"], inside) for name, spec in ACTION["outputs"].items()}, fine
        if uses:
            assert PINNED.fullmatch(uses), f"{uses} is not pinned to a commit"
            if uses.startswith("actions/cache@"):
                self.keys.append(given["key"])
                return {"cache-hit": self.cache_hit}, True
            return {}, True
        variables = {name: self.filled(value, values) for name, value in step.get("env", {}).items()}
        variables |= {"GITHUB_OUTPUT": str(self.output), "GITHUB_STEP_SUMMARY": str(self.summary)}
        variables |= {"RUNNER_TEMP": str(self.temp), "GITHUB_ACTIONS": "true"}
        self.output.write_text("")
        done = self.sandbox.run(step["run"], variables)
        self.sandbox.said += done.stdout + done.stderr
        return dict(line.split("=", 1) for line in self.output.read_text().splitlines()), done.returncode == 0

    def filled(self, text, values):
        known = {"runner.os": "Linux", "runner.arch": "X64", **values}
        return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda place: known.get(place[1], ""), str(text))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The documented workflow, carried out whole."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "policy.yaml").write_text(POLICY)
    with Sandbox(folder) as sandbox:
        runner = Runner(sandbox, folder)
        left, well = runner.steps(WORKFLOW["jobs"]["gate"]["steps"], {})
        yield runner, left, well


def test_the_documented_workflow_runs_as_it_stands(made):
    runner, left, well = made
    assert well, runner.sandbox.said
    assert left["gate"] == {"decision": "pass", "junit": "countcheck-gate.xml", "markdown": "gate.md"}
    for name in ("countcheck-gate.xml", "gate.md", "summary.json", "step-summary.md"):
        assert (runner.folder / name).stat().st_size > 100, name


def test_the_action_leaves_the_jobs_python_alone(made):
    runner, _, _ = made
    own, job = str(runner.temp / "countcheck-gate"), str(runner.folder / ".venv")
    job_call, own_call = (runner.folder / "pip.log").read_text().splitlines()
    assert job_call.startswith(job) and "./countcheck[local]" in job_call
    assert own_call.startswith(own) and own_call.endswith(f"--constraint {ROOT}/constraints.txt {ROOT}")
    text = (ROOT / "action.yml").read_text()
    assert "GITHUB_PATH" not in text and "GITHUB_ENV" not in text and "setup-python" not in text


def test_a_second_job_takes_the_environment_from_the_cache(made):
    runner, _, _ = made
    runner.cache_hit = "true"
    before = (runner.folder / "pip.log").read_text()
    (step,) = (step for step in WORKFLOW["jobs"]["gate"]["steps"] if step.get("uses") == "./countcheck")
    left, well = runner.steps([step], {})
    assert well and left["gate"]["decision"] == "pass"
    assert (runner.folder / "pip.log").read_text() == before
    assert len(set(runner.keys)) == 1 and re.fullmatch(r"countcheck-gate-Linux-X64-3\.\d+-[0-9a-f]{16}", runner.keys[0])


@pytest.mark.parametrize(
    ("rule", "undecided", "decision", "well"),
    [
        ("{rate: exact_rate, at_least: 0.999}", "fail", "fail", False),
        ("{rate: refusal_rate, at_most: 0.001}", "fail", "cannot_decide", False),
        ("{rate: refusal_rate, at_most: 0.001}", "pass", "cannot_decide", True),
    ],
)
def test_the_gates_decision_ends_the_step(made, rule, undecided, decision, well):
    runner, _, _ = made
    (runner.folder / "strict.yaml").write_text(f"rules:\n  - {rule}\n")
    given = {"run": "runs/candidate", "policy": "strict.yaml", "undecided": undecided}
    left, fine = runner.steps([{"id": "gate", "uses": "./countcheck", "with": given}], {})
    assert (left["gate"]["decision"], left["gate"]["markdown"], fine) == (decision, "", well)


def test_input_is_never_text_of_a_script():
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
