from __future__ import annotations

import threading

import pytest
import uvicorn
from chromium import chromium, watched_page
from made_up import a_suite
from playwright.sync_api import expect

from countcheck.storage.run_folder import RunFolder
from countcheck.suites.samples import Recipe, plan
from countcheck.view.run_index import RunIndex
from countcheck.view.server import build_app
from countcheck.web.local_server import listen

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def address(folder, tmp_path):
    (tmp_path / "reports").mkdir()
    listening = listen(0)
    port = listening.getsockname()[1]
    app = build_app(RunIndex(folder), tmp_path / "reports", port=port, token="t0ken")
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/?token=t0ken"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def test_two_runs_are_compared_by_clicking(browser, address):
    with watched_page(browser) as page:
        page.goto(address)
        expect(page.locator("tbody tr")).to_have_count(4)
        expect(page.locator("#open")).to_be_disabled()
        page.get_by_label("Choose before").check()
        page.get_by_label("Choose after").check()
        expect(page.locator("#open")).to_have_text("Compare 2 runs")
        page.click("#open")
        page.wait_for_selector("html[data-ready] h1")
        expect(page.locator("h1")).to_contain_text("after")
        page.locator("#tries .open").first.click()
        link = page.get_by_role("link", name="Open the picture file")
        expect(link).to_be_visible()
        assert page.request.get(f"{page.evaluate('location.origin')}{link.get_attribute('href')}").status == 200


def test_a_run_that_is_being_made_grows_on_the_page(browser, address, folder):
    suite = a_suite(12, 0)
    recipe = Recipe(name="alpha", revision="0123abc", settings={"steps": 4})
    with watched_page(browser) as page:
        page.goto(address)
        page.get_by_role("link", name="after", exact=True).click()
        expect(page.locator(".shots li")).to_have_count(24)
        expect(page.locator("progress")).to_have_count(0)
        expect(page.locator("#main")).not_to_contain_text("null")
        with RunFolder.open(folder / "after") as run:
            run.add_planned(list(plan(suite, recipe, repeats=3)))
        expect(page.locator("progress")).to_have_attribute("max", "36")
        expect(page.locator("#main")).to_contain_text("24 of 36 samples")
        expect(page.locator("#status")).to_have_text("live")


def test_nothing_hostile_runs_and_a_damaged_run_says_so(browser, address):
    with watched_page(browser) as page:
        page.goto(address)
        expect(page.locator(".problem")).to_contain_text("damaged")
        page.get_by_role("link", name="inner/hostile").click()
        expect(page.locator(".shots li").first).to_be_visible()
        assert page.evaluate("window.hit") is None
        assert page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(browser, address, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    with watched_page(browser, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True) as page:
        page.goto(address)
        expect(page.locator("tbody tr")).to_have_count(4)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_role("link", name="after", exact=True).click()
        expect(page.locator(".shots li").first).to_be_visible()
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
