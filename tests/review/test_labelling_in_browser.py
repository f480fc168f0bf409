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
HOSTILE = " <img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def refusals():
    """The share of refusals in the run."""
    return 0.0


@pytest.fixture
def served(tmp_path, refusals):
    """A run of 40 samples and the address of its review page."""
    generators = (("alpha", 0.7, refusals),)
    a_run(tmp_path / "run", suite=a_suite(40, 0), generators=generators, repeats=1, size=64, words=HOSTILE).close()
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


def opened(page, address):
    page.goto(f"{address}&labeller=ann")
    page.wait_for_selector("html[data-task]")


def answered(page, key):
    """Press a key and return the task that it answered, once the counter's answer stands there."""
    task = at(page)
    press(page, key)
    expect(page.locator("#last")).to_contain_text("The counter:")
    return task


def test_the_answer_and_its_boxes_come_after_the_label_beside_their_own_picture(browser, served):
    run, address = served
    rows = {row.key: row for row in run.rows()}
    with watched_page(browser) as page:
        opened(page, address)
        expect(page.locator("#goal")).to_have_text("0 of 30 for calibration")
        key = at(page).split("/")[0]
        expect(page.locator("body")).not_to_contain_text("The counter:")
        expect(page.locator("body")).not_to_contain_text(rows[key].text)
        expect(page.locator("svg rect")).to_have_count(0)
        first = answered(page, "4")
        boxes = int(sum(rows[key].counted.values()))
        expect(page.locator("#last img")).to_have_attribute("src", re.compile(re.escape(key)))
        expect(page.locator("#picture")).not_to_have_attribute("src", re.compile(re.escape(key)))
        expect(page.locator("#last rect:not(.near)")).to_have_count(boxes)
        expect(page.locator("#boxes rect")).to_have_count(0)
        page.keyboard.press("b")
        expect(page.locator("#last svg")).to_be_hidden()
        page.keyboard.press("b")
        second = at(page)
        page.locator("#last button").click()
        expect(page.locator("#own")).to_contain_text("You: 4. The counter:")
        assert at(page) == first
        expect(page.locator("#boxes rect:not(.near)")).to_have_count(boxes)
        press(page, "2")  # changed
        assert at(page) == second
        expect(page.locator("#last")).to_contain_text("You: 2.")
        press(page, "ArrowLeft")
        press(page, "ArrowRight")
        assert at(page) == second
        page.keyboard.press("n")
        page.keyboard.type(HOSTILE)
        page.keyboard.press("Enter")
        noted = answered(page, "3").split("/")[0]
        expect(page.locator("#note")).to_have_value("")
        press(page, "ArrowLeft")
        expect(page.locator("#note")).to_have_value(HOSTILE.strip())
    assert {label.key: (label.count, bool(label.stratum)) for label in run.labels()} == {
        key: (2, True),
        noted: (3, True),
    }
    assert [(note.key, note.text) for note in run.label_store.read_notes()] == [(noted, HOSTILE.strip())]


def test_a_skipped_picture_stays_and_one_gone_to_is_chosen_by_hand(browser, served):
    run, address = served
    with watched_page(browser) as page:
        opened(page, address)
        skipped = at(page)
        press(page, "s")
        expect(page.locator("#progress")).to_contain_text("1 skipped")
        page.keyboard.press("g")
        page.keyboard.type("31")
        press(page, "Enter")
        expect(page.locator("#part")).to_have_text("Picture 31")
        press(page, "3")
        expect(page.locator("#last")).to_contain_text("Given ahead of the drawn order")
        kept(run, 1)
        page.fill("#number", "400")
        page.keyboard.press("Enter")
        expect(page.locator("#error")).to_contain_text("Give a number from 1 to ")
        page.reload()
        page.wait_for_selector("html[data-task]")
        assert at(page) != skipped
    (label,) = run.labels()
    assert (label.stratum, label.weight) == ("", 1.0)


def test_a_filter_shows_what_fits_it(browser, served):
    run, address = served
    over = {row.key for row in run.rows() if str(row.verdict) == "over"}
    with watched_page(browser) as page:
        opened(page, address)
        page.keyboard.press("f")
        page.select_option("#by-verdict", "over")
        expect(page.locator("#filtered")).to_have_text("on")
        seen = set()
        for _ in over:
            page.wait_for_function(
                "keys => keys.includes(document.documentElement.dataset.task.split('/')[0])", arg=list(over - seen)
            )
            seen.add(at(page).split("/")[0])
            press(page, "1")
        expect(page.locator("#message")).to_contain_text("with this filter")
        page.uncheck("#unlabelled")
        expect(page.locator("#own")).to_contain_text("You: 1.")
        page.click("#clear")
        expect(page.locator("#own")).to_be_hidden()
    assert seen == over


@pytest.mark.parametrize("refusals", [0.5])
def test_refusals_are_reviewed_by_their_words(browser, served):
    run, address = served
    rows = {row.key: row for row in run.rows()}
    with watched_page(browser, viewport={"width": 390, "height": 800}) as page:
        opened(page, address)
        page.click("[data-kind=refusals]")
        expect(page.locator("#question")).to_have_text("Is this a refusal?")
        expect(page.locator("#words")).to_contain_text(HOSTILE)
        expect(page.locator("#frame")).to_be_hidden()
        row = rows[at(page).split("/")[0]]
        assert row.outcome == "refusal"
        expect(page.locator("#asked")).to_have_text(row.text)
        press(page, "1")
        expect(page.locator("#last")).to_contain_text("You: a refusal. Read as a refusal")
        press(page, "0")
        expect(page.locator("#last")).to_contain_text("You: no refusal.")
        page.click("[data-kind=pictures]")
        expect(page.locator("#question")).to_contain_text("How many")
        press(page, "r")
        expect(page.locator("#last")).to_contain_text("You: a refusal. The counter:")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert sorted(label.count for label in run.labels() if label.noun == "(refusal)") == [0, 1, 1]
