"""How long a report takes to write, how much memory, and how soon a browser paints it.

    python benchmarks/report.py [--models 4] [--pictures 1000] [--edge 512] [--samples 0]

Makes a run in a temporary folder whose pictures weigh what photos weigh (clouds of noise, 512 pixels: 0.5 MB each),
writes its report in a process of its own, twice: with the small copies that a run keeps while it is made, and without
them, as after copying only `images/`. Opens the report in headless Chromium on this machine. ``--samples 100000`` adds
a run without pictures, to see that the page stays usable.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from chromium import chromium  # noqa: E402
from made_up import a_run, a_suite  # noqa: E402

from benchmarks.clouds import clouds  # noqa: E402
from benchmarks.machine import machine  # noqa: E402
from countcheck.files import atomic_write  # noqa: E402
from countcheck.images.decode import encode_png  # noqa: E402
from countcheck.images.thumbnails import encode_thumbnail, thumbnail_path  # noqa: E402
from countcheck.suites.suite import Suite  # noqa: E402

LIMITS = {"write": 20.0, "memory": 1000.0, "paint": 1.5}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--models", type=int, default=4)
    options.add_argument("--pictures", type=int, default=1000, help="a model")
    options.add_argument("--edge", type=int, default=512, help="of a picture, in pixels")
    options.add_argument("--samples", type=int, default=0, help="of a second run, without pictures")
    chosen = options.parse_args()
    print(f"{'':42}{'measured':>10}{'limit':>8}{'ratio':>7}")
    with tempfile.TemporaryDirectory() as folder:
        names = tuple((f"model-{i}", 0.5 + 0.1 * i, 0.03) for i in range(chosen.models))
        suite = a_suite(chosen.pictures, 0)
        pool = {encode_png(one): encode_thumbnail(one) for one in (clouds(chosen.edge, seed) for seed in range(24))}
        what = f"{chosen.models} models x {chosen.pictures} pictures of {chosen.edge} px"
        run = Path(folder) / "run"
        kept_run(run, suite, names, pool)
        measure(run, what)
        shutil.rmtree(run / "thumbnails")
        measure(run, f"{what}, no small copies kept", limited=False)
        kept_run(Path(folder) / "half", a_suite(1000, 0), names[:2], pool)
        measure(Path(folder) / "half", "2 models x 1000 pictures")
        if chosen.samples:
            suite = a_suite(chosen.samples // chosen.models, 0)
            a_run(Path(folder) / "large", suite=suite, generators=names, repeats=1, pictures=False).close()
            measure(Path(folder) / "large", f"{chosen.samples} samples without pictures", limited=False)
    print(machine())


def kept_run(path: Path, suite: Suite, names: tuple[tuple[str, float, float], ...], pool: dict[bytes, bytes]) -> None:
    """A run with pictures from the pool and their small copies, as `countcheck run` leaves it."""
    with a_run(path, suite=suite, generators=names, repeats=1, size=256, painted=tuple(pool)) as run:
        for row in run.rows():
            if row.picture:
                atomic_write(thumbnail_path(path, row.picture), pool[(path / row.picture).read_bytes()])


def measure(run: Path, what: str, *, limited: bool = True) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "countcheck", "report", str(run)]
    start = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as writing:
        _, status, used = os.wait4(writing.pid, 0)
        writing.returncode = os.waitstatus_to_exitcode(status)
    if writing.returncode:
        raise SystemExit(f"the report failed ({writing.returncode})")
    seconds, peak = time.perf_counter() - start, used.ru_maxrss / 1024
    page = run / "report.html"
    print(f"{what}: {page.stat().st_size / 1e6:.1f} MB of HTML")
    row("  written in, s", seconds, LIMITS["write"] if limited else None)
    row("  CPU time of that, s", used.ru_utime + used.ru_stime)
    row("  memory, MB", peak, LIMITS["memory"] if limited else None)
    painted, ready, filtered = paint(page)
    row("  first paint, s", painted, LIMITS["paint"])
    row("  rows are shown after, s", ready)
    row("  a filter is shown after, s", filtered)


def row(name: str, value: float, limit: float | None = None) -> None:
    print(f"{name:42}{value:10.2f}" + ("" if limit is None else f"{limit:8.1f}{value / limit:7.2f}"))


def paint(page: Path) -> tuple[float, float, float]:
    """Medians of five visits: first contentful paint, rows shown, and the time from a click on a verdict to its rows."""
    found, ready, filtered = [], [], []
    with chromium() as browser:
        for _ in range(5):
            context = browser.new_context()
            tab = context.new_page()
            tab.goto(page.as_uri())
            tab.wait_for_selector("html[data-ready]", timeout=60_000)
            ready.append(tab.evaluate("performance.now()") / 1000)
            script = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            found.append(tab.evaluate(script) / 1000)
            before = tab.evaluate("document.documentElement.dataset.ready")
            start = time.perf_counter()
            tab.evaluate("document.querySelector('#f-verdict input[value=over]').click()")
            tab.wait_for_function("before => document.documentElement.dataset.ready !== before", arg=before)
            filtered.append(time.perf_counter() - start)
            context.close()
    return sorted(found)[2], sorted(ready)[2], sorted(filtered)[2]


if __name__ == "__main__":
    main()
