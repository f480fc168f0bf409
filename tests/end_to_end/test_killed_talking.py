"""The command itself, killed with a request under way in a conversation, and given again: only that one is asked again."""

from __future__ import annotations

import base64
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from loopback import Answer, Loopback
from test_served import ROOT, countcheck

from countcheck.images.decode import encode_png
from countcheck.scenes.composition import compose
from countcheck.scenes.rendering import render

TURNS = ["Draw three pigs.", "Now in film noir.", "Make it rain.", "Let it snow."]
SUITE = "name: tale\nconversations:\n  - id: tale\n    repairs: 0\n    turns:\n" + "".join(
    f"      - {{say: {said!r}, targets: {{pig: 3}}}}\n" for said in TURNS
)


class Service:
    """Draws three pigs every time; at its third request it ends whoever asks."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self, request) -> Answer:
        self.asked.append((request.json["input"], request.json.get("previous_response_id")))
        if len(self.asked) == 3:
            assert self.process is not None
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
        pixels = render(compose({"pig": 3}, seed=len(self.asked)), 96)
        call = {"type": "image_generation_call", "id": "ig", "status": "completed"}
        call["result"] = base64.b64encode(encode_png(pixels)).decode()
        body = {"id": f"after {request.json['input']}", "object": "response", "status": "completed", "output": [call]}
        return Answer(200, body)


def test_only_the_request_under_way_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / "tale.yaml").write_text(SUITE)
    service = Service()
    with Loopback() as server:
        server.answers(service)
        spec = f"openai:gpt-5.6?base_url={server.url}/v1&api=responses&key_env=MY_KEY&attempts=1"
        arguments = [
            "run",
            str(tmp_path / "tale.yaml"),
            "-g",
            spec,
            "-d",
            "tiny",
            "-o",
            str(tmp_path / "run"),
            "--json",
        ]
        names = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "MY_KEY": "sk-loopback-secretsecret",
        }
        command = [sys.executable, "-m", "countcheck", *arguments]
        with subprocess.Popen(command, env=names, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            service.process = process
            assert process.wait(timeout=200) == -signal.SIGKILL
        done = countcheck(*arguments, MY_KEY="sk-loopback-secretsecret")
    assert done.returncode == 0, done.stderr[-2000:]
    before = [None, *(f"after {said}" for said in TURNS)]
    wanted = list(zip(TURNS, before, strict=False))
    assert service.asked == [*wanted[:3], *wanted[2:]]
    with sqlite3.connect(tmp_path / "run/run.sqlite") as ledger:
        rows = ledger.execute("SELECT turn, text, outcome FROM outcomes ORDER BY turn").fetchall()
        left = [ledger.execute(f"SELECT count(*) FROM {name}").fetchone() for name in ("uncounted", "dialogues")]
    assert rows == [(turn, said, "picture") for turn, said in enumerate(TURNS)]
    assert left == [(0,), (0,)]
    assert not (tmp_path / "run/talks").exists()
