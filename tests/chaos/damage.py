"""Damages the files of a finished run, and reads it by every command: the same result, or a sentence."""

from __future__ import annotations

import contextlib
import io
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

from chaos.tally import Tally
from made_up import a_run, a_suite

from countcheck.cli.main import BUG, execute

POLICY = "rules:\n  - {rate: exact_rate, at_least: 0.2}\n"


def command(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Run a command line in this process: its exit code, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = execute(list(arguments))
    return code, out.getvalue(), err.getvalue()


def damaged(data: bytes, dice: random.Random) -> bytes:
    """The bytes with bits flipped, a block zeroed or filled with chance, or cut short."""
    changed = bytearray(data)
    match dice.randrange(5):
        case 0 | 1:
            for _ in range(dice.choice((1, 1, 2, 16))):
                if changed:
                    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
        case 2:
            start = dice.randrange(len(changed) + 1)
            changed[start : start + 512] = bytes(min(512, len(changed) - start))
        case 3:
            start = dice.randrange(len(changed) + 1)
            changed[start : start + 64] = dice.randbytes(min(64, len(changed) - start))
        case _:
            del changed[dice.randrange(len(changed) + 1) :]
    return bytes(changed)


def damages(folder: Path, dice: random.Random, *, times: int) -> Tally:
    """Damage so many files of copies of a run, most of them ledgers, and read each copy."""
    tally = Tally(kind="damaged runs")
    whole = folder / "whole"
    a_run(whole, suite=a_suite(12, 1), repeats=1, size=48).close()
    (folder / "policy.yaml").write_text(POLICY)
    copy = folder / "copy"
    commands = (
        ("summary", str(copy), "--json"),
        ("export", str(copy)),
        ("gate", str(copy), "--policy", str(folder / "policy.yaml"), "--json"),
        ("compare", str(copy), str(copy), "--a", "alpha", "--b", "beta", "--json"),
        ("report", str(copy), "--markdown", str(folder / "report.md")),
        ("doctor", str(copy), "--json"),
    )
    shutil.copytree(whole, copy)
    expected = {arguments: command(arguments) for arguments in commands}
    pictures = sorted(path.relative_to(whole) for path in (whole / "images").rglob("*.png"))
    for _ in range(times):
        shutil.rmtree(copy)
        shutil.copytree(whole, copy)
        victim = Path("run.sqlite") if dice.random() < 0.8 else dice.choice(pictures)
        data = (copy / victim).read_bytes()
        (copy / victim).write_bytes(damaged(data, dice))
        if (copy / victim).read_bytes() == data:
            continue
        for arguments in dice.sample(commands, 3):
            tally.tried += 1
            _compare(tally, arguments, command(arguments), expected[arguments], victim)
    return tally


def _compare(
    tally: Tally, arguments: Sequence[str], found: tuple[int, str, str], expected: tuple[int, str, str], victim: Path
) -> None:
    code, out, err = found
    if code == BUG or "Traceback" in err:
        tally.tracebacks += 1
        tally.note(f"{arguments[0]} with {victim}: {err.strip()[:300]}")
    elif code in (0, 1) and (code, out) != expected[:2] and not err.strip():
        tally.different += 1
        tally.note(f"{arguments[0]} with {victim}: another result without a word")
