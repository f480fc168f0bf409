"""What an installation takes: its size, its packages and its time, in a fresh environment.

python -m benchmarks.install                 the base
python -m benchmarks.install review apis     the base, and with each of these extras

Needs a package registry. The versions are those of constraints.txt.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
MIB = 1024 * 1024
# A fresh environment has these; they are not ours.
ENVIRONMENT = ("pip", "setuptools", "wheel")


def size(folder: Path) -> int:
    """Bytes of all files in a folder, links not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def measure(extra: str) -> tuple[float, int, float, list[tuple[str, float]]]:
    """Size in MiB, packages, seconds, and the largest folders."""
    with tempfile.TemporaryDirectory(prefix="countcheck-install-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / "bin" / "python"
        target = f"{ROOT}[{extra}]" if extra else str(ROOT)
        begin = time.monotonic()
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", target], check=True
        )
        seconds = time.monotonic() - begin
        listed = subprocess.run(
            [python, "-m", "pip", "list", "--format=freeze"], check=True, capture_output=True, text=True
        )
        names = [line.partition("==")[0] for line in listed.stdout.split()]
        subprocess.run([Path(folder) / "bin" / "countcheck", "--version"], check=True, capture_output=True)
        (packages,) = Path(folder).glob("lib/*/site-packages")
        largest = sorted(
            ((path.name, size(path) / MIB) for path in packages.iterdir() if path.is_dir()), key=lambda p: -p[1]
        )
        count = sum(name.lower() not in ENVIRONMENT for name in names)
        return size(Path(folder)) / MIB, count, seconds, largest[:6]


def main(extras: list[str]) -> None:
    print(f"{'installed':24}{'MiB':>8}{'packages':>10}{'seconds':>9}  largest")
    for extra in ["", *extras]:
        total, count, seconds, largest = measure(extra)
        name = f"countcheck[{extra}]" if extra else "countcheck"
        folders = ", ".join(f"{folder} {mib:.0f}" for folder, mib in largest)
        print(f"{name:24}{total:8.0f}{count:10}{seconds:9.0f}  {folders}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
