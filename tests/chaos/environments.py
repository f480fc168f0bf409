"""Runs commands where little works: full and closed outputs, other encodings, no home, odd names, small limits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from chaos.damage import POLICY
from chaos.tally import Tally
from stored_runs import write_run

_ROOT = str(Path(__file__).parents[2])
_PLACES = {
    "stdout full": "exec {command} > /dev/full",
    "stderr full": "exec {command} 2> /dev/full",
    "stdout closed": "exec {command} >&-",
    "all closed": "exec {command} <&- >&- 2>&-",
    "reader gone": "{command} | head -c 1 > /dev/null; exit ${{PIPESTATUS[0]}}",
    "ASCII": "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 exec {command}",
    "Latin-1": "PYTHONIOENCODING=latin-1 exec {command}",
    "no home": "HOME=/nowhere XDG_CACHE_HOME=/nowhere exec {command}",
    "no TMPDIR": "TMPDIR=/nowhere exec {command}",
    "no environment": "exec env -i PATH=$PATH PYTHONPATH=$PYTHONPATH {command}",
    "few descriptors": "ulimit -n 24; exec {command}",
    "narrow": "COLUMNS=8 exec {command}",
    "folder gone": "mkdir gone; cd gone; rmdir ../gone; exec {command}",
}
_NAMES = ("a b", "a\nb", "a?#%b", "-a", "\u202ea", os.fsdecode(b"a\xff"), "x" * 200, "[red]a", "$(id)")


def environments(folder: Path, *, fraction: float = 1.0) -> Tally:
    """Read a run in every environment and under every name; ``fraction`` of them, evenly."""
    tally = Tally(kind="environments")
    run = folder / "run"
    write_run(run).close()
    (folder / "policy.yaml").write_text(POLICY)
    gate = ("gate", str(run), "--policy", str(folder / "policy.yaml"))
    cases = [
        (place, shell, arguments) for place, shell in _PLACES.items() for arguments in (("summary", str(run)), gate)
    ]
    for name in _NAMES:
        shutil.copytree(run, folder / "named" / name)
        cases.append((f"name {name!r}", "exec {command}", ("summary", str(folder / "named" / name))))
    expected = {arguments[0]: _shell("exec {command}", arguments, folder)[0] for _, _, arguments in cases[:2]}
    for place, shell, arguments in cases[:: max(1, round(1 / fraction))]:
        tally.tried += 1
        code, err = _shell(shell, arguments, folder)
        if code not in (expected[arguments[0]], 2) or b"Traceback" in err:
            tally.tracebacks += 1
            tally.note(f"{arguments[0]}, {place}: exit code {code}: {err.decode(errors='replace').strip()[:200]}")
    return tally


def _shell(shell: str, arguments: tuple[str, ...], folder: Path) -> tuple[int, bytes]:
    command = f"{sys.executable} -m countcheck " + " ".join(f'"${n}"' for n in range(1, len(arguments) + 1))
    environment = {**os.environ, "PYTHONPATH": _ROOT}
    done = subprocess.run(
        ["bash", "-c", shell.format(command=command), "bash", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr
