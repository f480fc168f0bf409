"""How long a report takes to write, how much memory, and how soon a browser paints it.

    python benchmarks/report.py [--models 4] [--pictures 1000] [--edge 512] [--samples 0]

Makes a run of noise pictures in a temporary folder, writes its report in a process of its own, and opens it in headless
Chromium on this machine. ``--samples 100000`` adds a run without pictures, to see that the page stays usable.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from chromium import chromium  # noqa: E402
from made_up import a_run, a_suite  # noqa: E402

LIMITS = {"write": 20.0, "memory": 1000.0, "paint": 1.5}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--models", type=int, default=4)
    options.add_argument("--pictures", type=int, default=1000, help="a model")
    options.add_argument("--edge", type=int, default=512, help="of a picture, in pixels")
    options.add_argument("--samples", type=int, default=0, help="of a second run, without pictures")
    chosen = options.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{'':42}{'measured':>10}{'limit':>8}{'ratio':>7}")
    with tempfile.TemporaryDirectory() as folder:
        names = tuple((f"model-{i}", 0.5 + 0.1 * i, 0.03) for i in range(chosen.models))
        suite = a_suite(chosen.pictures, 0)
        a_run(Path(folder) / "run", suite=suite, generators=names, repeats=1, size=chosen.edge).close()
        measure(Path(folder) / "run", f"{chosen.models} models x {chosen.pictures} pictures of {chosen.edge} px")
        a_run(Path(folder) / "half", suite=a_suite(1000, 0), generators=names[:2], repeats=1, size=chosen.edge).close()
        measure(Path(folder) / "half", "2 models x 1000 pictures", writing=False)
        if chosen.samples:
            suite = a_suite(chosen.samples // chosen.models, 0)
            a_run(Path(folder) / "large", suite=suite, generators=names, repeats=1, pictures=False).close()
            measure(Path(folder) / "large", f"{chosen.samples} samples without pictures", writing=False)


def measure(run: Path, what: str, *, writing: bool = True) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "countcheck", "report", str(run)], check=True, env=environment, stdout=subprocess.PIPE
    )
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    page = run / "report.html"
    print(f"{what}: {page.stat().st_size / 1e6:.1f} MB of HTML")
    if writing:
        row("  written in, s", seconds, LIMITS["write"])
        row("  memory, MB", peak, LIMITS["memory"])
    else:
        print(f"  written in {seconds:.1f} s, {peak:.0f} MB")
    painted, filtered = paint(page)
    row("  first paint, s", painted, LIMITS["paint"])
    print(f"  a filter is shown after {filtered:.3f} s")


def row(name: str, value: float, limit: float) -> None:
    print(f"{name:42}{value:10.2f}{limit:8.1f}{value / limit:7.2f}")


def paint(page: Path) -> tuple[float, float]:
    """Median first contentful paint of five visits, and the time from a click on a verdict to its pictures."""
    found, filtered = [], []
    with chromium() as browser:
        for _ in range(5):
            context = browser.new_context()
            tab = context.new_page()
            tab.goto(page.as_uri())
            tab.wait_for_selector("html[data-ready]", timeout=60_000)
            script = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            found.append(tab.evaluate(script) / 1000)
            before = tab.evaluate("document.documentElement.dataset.ready")
            start = time.perf_counter()
            tab.evaluate("document.querySelector('#f-verdict input[value=over]').click()")
            tab.wait_for_function("before => document.documentElement.dataset.ready !== before", arg=before)
            filtered.append(time.perf_counter() - start)
            context.close()
    return sorted(found)[2], sorted(filtered)[2]


if __name__ == "__main__":
    main()
