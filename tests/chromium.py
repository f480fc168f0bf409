"""A real Chromium for tests: found on the machine, never fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 30_000  # milliseconds a page may take on a busy machine
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str:
    """Path of a Chromium; fails with a sentence that says how to get one."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise AssertionError(
            "the browser tests need Chromium and found none. Install it (Debian: apt-get install chromium) "
            "or set CHROMIUM to its path; `pytest -m 'not browser'` leaves these tests out."
        )
    return found


@contextmanager
def chromium() -> Iterator[object]:
    """A browser of Playwright's."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched_page(browser, **options) -> Iterator[object]:
    """A page; afterwards nothing must have been said on its console, and no request must have left for a network."""
    # Smooth scrolling ends when it likes; pages that land at once are the same pages.
    context = browser.new_context(**{"reduced_motion": "reduce", **options})
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.set_default_timeout(PATIENCE)
    try:
        yield page
    finally:
        context.close()
    assert said == []
    outside = [url for url in asked if not url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:"))]
    assert outside == []
