"""``watch`` as it is typed: a trend, its JSON, the page, Ctrl-C and going on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import validate

from countcheck.cli.main import execute
from countcheck.images.decode import encode_png
from countcheck.scenes import compose, render
from countcheck.schemas import schema

REPOSITORY = Path(__file__).parents[3]
PROMPTS = {"two pigs": 2, "three pigs": 3}


def draw(folder: Path, step: int, *, extra: int = 0) -> None:
    (folder / f"checkpoint-{step}").mkdir(parents=True)
    for text, n in PROMPTS.items():
        data = encode_png(render(compose({"pig": n + extra}, seed=n), 128))
        (folder / f"checkpoint-{step}" / f"{text.replace(' ', '_')}.png").write_bytes(data)


@pytest.fixture
def command(tmp_path):
    (tmp_path / "prompts.txt").write_text("\n".join(PROMPTS))
    (tmp_path / "samples").mkdir()
    command = ["watch", str(tmp_path / "samples"), "--suite", str(tmp_path / "prompts.txt"), "-d", "tiny"]
    return [*command, "-o", str(tmp_path / "run"), "--interval", "0.05"]


def test_a_trend_in_the_terminal_as_json_and_on_the_page(tmp_path, command, capsys):
    draw(tmp_path / "samples", 500, extra=1)
    draw(tmp_path / "samples", 1000)
    page = tmp_path / "page.html"
    assert execute([*command, "--once", "--report", str(page)]) == 0
    out = capsys.readouterr()
    assert [line.split()[:5] for line in out.out.splitlines()[2:]] == [
        ["500", "2", "0", "%", "[0,"],
        ["1000", "2", "100", "%", "[34,"],
    ]
    assert "step-500: Exactly as asked 0 % [0, 66], 2 of 2 pictures" in out.err
    assert 'id="trend"' in page.read_text(encoding="utf-8")
    assert execute([*command, "--once", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    validate(body, schema("trend"))
    assert [(p["step"], p["rates"]["exact_rate"]["value"]) for p in body["points"]] == [(500, 0.0), (1000, 1.0)]
    compare = ["compare", str(tmp_path / "run"), str(tmp_path / "run"), "--a", "step-500", "--b", "step-1000"]
    assert execute([*compare, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rates"]["exact_rate"]["difference"]["value"] == 1.0


def test_trackers_are_told_of_every_checkpoint_once(tmp_path, command, monkeypatch):
    logged = []

    class Tracker:
        def __init__(self, project, name, parameters, run_id=""):
            self.run_id = run_id or "new"
            logged.append((project, name, parameters["counter"], run_id))

        def log(self, point):
            logged.append(point.step)

        def close(self):
            logged.append("closed")

    monkeypatch.setattr("countcheck.interop.trend_trackers.WandbTrend", Tracker)
    monkeypatch.setattr("countcheck.interop.trend_trackers.require_installed", lambda **_: None)
    draw(tmp_path / "samples", 500)
    assert execute([*command, "--once", "--wandb", "farm"]) == 0
    draw(tmp_path / "samples", 1000)
    assert execute([*command, "--once", "--wandb", "farm"]) == 0
    begun, again = ("farm", "run", "tiny", ""), ("farm", "run", "tiny", "new")
    assert logged == [begun, 500, "closed", again, 1000, "closed"]


def test_ctrl_c_ends_it_with_the_trend_and_the_same_command_goes_on(tmp_path, command, capsys):
    draw(tmp_path / "samples", 500)
    arguments = [sys.executable, "-m", "countcheck", *command]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(arguments, env=environment, cwd=tmp_path, **pipes) as process:
        for line in process.stderr:
            if line.startswith("step-500"):
                process.send_signal(signal.SIGINT)
                break
        out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "500" in out and "The same command continues" in err and "Traceback" not in err
    draw(tmp_path / "samples", 1000)
    assert execute([*command, "--once"]) == 0
    out = capsys.readouterr()
    assert "step-500" not in out.err and "step-1000" in out.err
    assert len(out.out.splitlines()) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--pattern", "{prompt}"], "has no {step}"),
        (["--rate", "exact"], "exact_rate"),
        (["--interval", "0"], "more than 0"),
        (["--settle", "-1"], "0 or more"),
    ],
)
def test_bad_input_is_one_sentence(command, capsys, changes, message):
    assert execute([*command, "--once", *changes]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_is_not_there(tmp_path, command, capsys):
    command[1] = str(tmp_path / "nowhere")
    assert execute([*command, "--once"]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_a_run_of_another_kind_is_not_gone_on_with(tmp_path, command, capsys):
    run = ["run", str(tmp_path / "prompts.txt"), "-g", "scenes", "-d", "tiny", "-o", str(tmp_path / "run")]
    assert execute([*run, "--limit", "1"]) == 0
    assert execute([*command, "--once"]) == 2
    assert "watches no folder" in capsys.readouterr().err
