"""Runs documented commands in a real shell, with the program itself in the process of the test.

The shell finds a ``countcheck`` on its path that hands its arguments to the test and shows what comes back, so that
pipes, quotes, redirections and exit codes are the shell's own while nothing heavy is imported for every command.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from countcheck.cli.main import execute

SHELLS = {"bash": ["bash", "-c"], "zsh": ["zsh", "-f", "-c"]}
_CLIENT = """#!{python} -IS
import json, os, socket, sys
if os.environ.get("ONLY_RECORD"):
    with open(os.environ["ONLY_RECORD"], "a") as file:
        file.write(json.dumps(sys.argv[1:]) + chr(10))
    sys.exit(0)
link = socket.socket(socket.AF_UNIX)
link.connect({address!r})
given = {{n: v for n, v in os.environ.items() if n.startswith(("COUNTCHECK_", "GITHUB_"))}}
link.sendall(json.dumps([sys.argv[1:], os.getcwd(), given]).encode() + b"\\n")
code, out, err = json.loads(link.makefile().readline())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


class Sandbox:
    """A folder with a ``countcheck`` command whose every call is answered by this process.

    Args:
        folder: Where the commands run.
        changed: Arguments as they are to be carried out, for the arguments as written.
        shown: The exit code that the shell sees, for the arguments and the real one.
    """

    def __init__(
        self,
        folder: Path,
        changed: Callable[[list[str]], list[str]] = list,
        shown: Callable[[list[str], int], int] = lambda arguments, code: code,
    ) -> None:
        self.folder, self._changed, self._shown = folder, changed, shown
        self.calls: list[list[str]] = []
        self.said = ""
        self._bin = folder / ".venv" / "bin"
        self._bin.mkdir(parents=True)
        (self._bin / "activate").write_text("")
        address = f"/tmp/countcheck-{os.getpid()}-{id(self):x}"  # paths of sockets must be short
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen()
        self._address = Path(address)
        client = self._bin / "countcheck"
        client.write_text(_CLIENT.format(python=sys.executable, address=address))
        client.chmod(0o755)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *problem: object) -> None:
        self._listener.close()
        self._address.unlink()

    def add_command(self, name: str, script: str) -> None:
        """Put another command on the path of the shell."""
        command = self._bin / name
        command.write_text(script)
        command.chmod(0o755)

    def run(self, script: str, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a script in bash; its commands are carried out."""
        with ThreadPoolExecutor(1) as pool:
            ended = pool.submit(self._shell, "bash", f"set -euo pipefail\n{script}", variables or {})
            self._listener.settimeout(0.02)
            while not ended.done():
                with contextlib.suppress(TimeoutError):
                    self._answer(self._listener.accept()[0])
            return ended.result()

    def arguments(self, script: str, shell: str) -> list[list[str]]:
        """The arguments of every call as a shell hands them on; nothing is carried out."""
        record = self.folder / f".{shell}-calls"
        record.unlink(missing_ok=True)
        done = self._shell(shell, f"set -e\n{script}", {"ONLY_RECORD": str(record)})
        assert done.returncode == 0, f"{shell}: {done.stderr}\n{script}"
        return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []

    def _shell(self, name: str, script: str, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PATH": f"{self._bin}:{os.environ['PATH']}", "COLUMNS": "100"} | more
        return subprocess.run(
            [*SHELLS[name], script], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def _answer(self, link: socket.socket) -> None:
        with link:
            arguments, folder, given = json.loads(link.makefile().readline())
            self.calls.append(arguments)
            code, out, err = self._carried_out(self._changed(arguments), folder, given)
            self.said += out + err
            link.sendall(json.dumps([self._shown(arguments, code), out, err]).encode() + b"\n")

    def _carried_out(self, arguments: Sequence[str], folder: str, given: dict[str, str]) -> tuple[int, str, str]:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        before = dict(os.environ)
        with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            os.environ.update(given)
            try:
                code = execute(list(arguments))
            finally:
                for name in given:
                    os.environ.pop(name, None)
                os.environ.update({name: before[name] for name in given if name in before})
        texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
        return code, texts[0], texts[1]
