from __future__ import annotations

import json
import re
import threading
import time

import pytest
import uvicorn
from chromium import chromium, watched_page
from made_up import a_run, a_suite
from playwright.sync_api import expect

from countcheck.cli.main import execute
from countcheck.review.server import build_app
from countcheck.review.session import LabelSession
from countcheck.storage.run_folder import RunFolder
from countcheck.web.local_server import listen

pytestmark = pytest.mark.browser
TOKEN = "t0ken"


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def served(tmp_path):
    """A run of 40 pictures and the address of its review page."""
    a_run(tmp_path / "run", suite=a_suite(40, 0), generators=(("alpha", 0.7, 0.0),), repeats=1, size=64).close()
    with RunFolder.open(tmp_path / "run") as run:
        listening = listen(0)
        port = listening.getsockname()[1]
        app = build_app(LabelSession(run), port=port, token=TOKEN)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield run, f"http://127.0.0.1:{port}/?token={TOKEN}"
        finally:
            server.should_exit = True
            thread.join()
            listening.close()


def at(page):
    return page.evaluate("document.documentElement.dataset.task")


def press(page, key):
    before = at(page)
    page.keyboard.press(key)
    page.wait_for_function("before => document.documentElement.dataset.task !== before", arg=before)


def kept(run, n):
    for _ in range(200):
        if len(run.labels()) == n:
            return
        time.sleep(0.05)
    assert len(run.labels()) == n


def test_thirty_pictures_by_keyboard_with_undo_then_summary_is_corrected(browser, served, capsys):
    run, address = served
    truth = {row.key: next(iter(row.counted.values())) for row in run.rows() if row.counted}
    with watched_page(browser) as page:
        page.goto(f"{address}&labeller=ann")
        page.wait_for_selector("html[data-task]")
        for i in range(30):
            press(page, str(truth[at(page).split("/")[0]]))
            if i == 14:
                kept(run, 15)
                newest = max(run.labels(), key=lambda label: label.at)
                page.keyboard.press("u")
                page.wait_for_function("key => document.documentElement.dataset.task.startsWith(key)", arg=newest.key)
                kept(run, 14)
                press(page, "?")
        kept(run, 30)
    labels = run.labels()
    assert {label.labeller for label in labels} == {"ann"}
    assert [label.count for label in labels].count(None) == 1
    assert all(label.count == truth[label.key] for label in labels if label.count is not None)
    assert execute(["summary", str(run.path), "--json"]) == 0
    corrected = json.loads(capsys.readouterr().out)["generators"]["alpha"]["corrected"]["exact_rate"]
    assert 0 <= corrected["low"] <= corrected["value"] <= corrected["high"] <= 1


def test_the_counters_answer_is_hidden_until_the_label_is_given(browser, served):
    run, address = served
    with watched_page(browser) as page:
        page.goto(f"{address}&labeller=ann")
        page.wait_for_selector("html[data-task]")
        text = page.locator("body").inner_text()
        assert "The counter:" not in text
        row = next(row for row in run.rows() if row.key == at(page).split("/")[0])
        assert row.text not in text
        press(page, "4")
        page.wait_for_function("() => document.querySelector('#last').textContent.includes('The counter:')")


def test_more_than_nine_is_typed(browser, served):
    run, address = served
    with watched_page(browser) as page:
        page.goto(f"{address}&labeller=ann")
        page.wait_for_selector("html[data-task]")
        page.keyboard.press("+")
        page.keyboard.type("12")
        press(page, "Enter")
        kept(run, 1)
    assert run.labels()[0].count == 12


def test_nothing_is_shown_before_there_is_a_name(browser, served):
    _, address = served
    with watched_page(browser) as page:
        page.goto(address)
        page.wait_for_function("() => document.querySelector('#message').textContent.includes('name')")
        expect(page.locator("#picture")).to_be_hidden()
        page.fill("#labeller", "bob")
        page.keyboard.press("Enter")
        page.wait_for_selector("html[data-task]")
        expect(page.locator("#picture")).to_be_visible()


def test_two_people_at_once_lose_nothing(browser, served):
    run, address = served
    with watched_page(browser) as one, watched_page(browser) as two:
        for page, name in ((one, "ann"), (two, "bob")):
            page.goto(f"{address}&labeller={name}")
            page.wait_for_selector("html[data-task]")
        for _ in range(6):
            press(one, "1")
            press(two, "2")
        kept(run, 12)
    assert sorted((label.labeller, label.count) for label in run.labels()) == [("ann", 1)] * 6 + [("bob", 2)] * 6


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, served, scheme):
    from axe_playwright_python.sync_playwright import Axe

    _, address = served
    with watched_page(browser, color_scheme=scheme, bypass_csp=True) as page:
        page.goto(f"{address}&labeller=ann")
        page.wait_for_selector("html[data-task]")
        press(page, "3")
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()


def test_the_answer_stands_beside_its_own_picture_and_the_goal_is_shown(browser, served):
    _, address = served
    with watched_page(browser) as page:
        page.goto(f"{address}&labeller=ann")
        page.wait_for_selector("html[data-task]")
        expect(page.locator("#progress")).to_contain_text("30 more for a calibration")
        key = at(page).split("/")[0]
        press(page, "4")
        page.wait_for_function("() => document.querySelector('#last').textContent.includes('The counter:')")
        expect(page.locator("#last img")).to_have_attribute("src", re.compile(re.escape(key)))
        expect(page.locator("#picture")).not_to_have_attribute("src", re.compile(re.escape(key)))
