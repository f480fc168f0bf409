"""The command that serves rewards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from countcheck.cli.main import execute


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kind", "harsh"], "--kind is 'harsh'"),
        (["--wire", "flow-grpo", "--host", "0.0.0.0"], "which is safe only from this machine"),
        (["--wire", "smoke"], "no format of requests is named 'smoke'"),
        (["--device", "cpu,cpu"], "name one twice"),
        (["--host", "256.1.1.1"], "cannot listen on 256.1.1.1"),
    ],
)
def test_what_cannot_be_served_is_said(arguments, words, capsys):
    assert execute(["serve", "-d", "tiny", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_the_server_says_where_it_is_and_ends_by_ctrl_c():
    command = [sys.executable, "-m", "countcheck", "serve", "-d", "tiny", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as server:
        line = server.stderr.readline()
        address = line.split()[3]
        with urllib.request.urlopen(f"{address}/health", timeout=30) as answer:
            assert json.load(answer)["status"] == "ok"
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) in (0, 130)
        assert "Traceback" not in server.stderr.read()
