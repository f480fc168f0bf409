"""How soon the review page shows the next picture after a key is pressed.

    python benchmarks/review.py [--pictures 10000] [--presses 200] [--edge 512]

Makes a run in a temporary folder whose pictures weigh what photos weigh, serves it, and presses keys in headless
Chromium on this machine. Measured in the page: from the key press to the next picture decoded and a frame painted.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import threading
from pathlib import Path
from statistics import quantiles

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import uvicorn  # noqa: E402
from chromium import chromium  # noqa: E402
from made_up import a_run, a_suite  # noqa: E402
from PIL import Image  # noqa: E402

from benchmarks.clouds import clouds  # noqa: E402
from benchmarks.machine import machine  # noqa: E402
from countcheck.images.decode import encode_png  # noqa: E402
from countcheck.review.server import build_app  # noqa: E402
from countcheck.review.session import LabelSession  # noqa: E402
from countcheck.storage.run_folder import RunFolder  # noqa: E402
from countcheck.web.local_server import listen  # noqa: E402

LIMIT = 0.100
PRESS = """key => new Promise((done) => {
  const before = document.documentElement.dataset.task, start = performance.now();
  dispatchEvent(new KeyboardEvent("keydown", { key }));
  const look = () => {
    if (document.documentElement.dataset.task === before) return requestAnimationFrame(look);
    document.getElementById("picture").decode().catch(() => {}).then(() => requestAnimationFrame(() => done(performance.now() - start)));
  };
  look();
})"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pictures", type=int, default=10_000)
    options.add_argument("--presses", type=int, default=200)
    options.add_argument("--pause", type=float, default=0.3, help="seconds a person looks at a picture")
    options.add_argument("--edge", type=int, default=512, help="of a picture, in pixels")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        suite = a_suite(chosen.pictures, 0)
        dot = encode_png(Image.new("RGB", (1, 1)))
        with a_run(
            Path(folder) / "run", suite=suite, generators=(("one", 0.6, 0.0),), repeats=1, size=32, painted=(dot,)
        ) as run:
            hang(run, [encode_png(clouds(chosen.edge, seed)) for seed in range(24)])
            listening = listen(0)
            port = listening.getsockname()[1]
            server = uvicorn.Server(
                uvicorn.Config(build_app(LabelSession(run), port=port, token="t"), log_level="warning")
            )
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            try:
                waits = press(f"http://127.0.0.1:{port}/?token=t&labeller=ann", chosen.presses, chosen.pause)
            finally:
                server.should_exit = True
                thread.join()
            kept = len(run.labels())
    cut = quantiles(waits, n=100)
    print(f"{chosen.pictures} pictures, {len(waits)} key presses, {kept} labels in the ledger")
    print(f"next picture after, ms: median {cut[49]:.0f}, 95th percentile {cut[94]:.0f}, most {max(waits):.0f}")
    print(machine())
    print(f"95th percentile over the limit of {LIMIT * 1000:.0f} ms: {cut[94] / LIMIT / 1000:.2f}")


def hang(run: RunFolder, pictures: list[bytes]) -> None:
    """Put these pictures in the place of the run's: names for a few files, or the run would fill the disk."""
    files = []
    for number, data in enumerate(pictures):
        files.append(run.path / f"{number}.png")
        files[-1].write_bytes(data)
    for number, row in enumerate(run.rows()):
        if row.picture:
            (run.path / row.picture).unlink()
            os.link(files[number % len(files)], run.path / row.picture)


def press(address: str, presses: int, pause: float) -> list[float]:
    waits = []
    with chromium() as browser:
        tab = browser.new_page()
        tab.goto(address)
        tab.wait_for_selector("html[data-task]")
        for _ in range(presses):
            tab.wait_for_timeout(pause * 1000)
            waits.append(tab.evaluate(PRESS, str(random.randrange(7))))
        tab.wait_for_timeout(1000)
    return waits


if __name__ == "__main__":
    main()
