from __future__ import annotations

import shutil

import pytest
from chromium import chromium, watched_page
from made_up import a_run, a_suite
from playwright.sync_api import expect

from countcheck.reports.html.page import write_report
from countcheck.reports.report import read_report

pytestmark = pytest.mark.browser
HOSTILE = "<script>window.hit=1</script><img src=x onerror=window.hit=2>\u202e\x07" + "w" * 3000


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def address(two_runs, tmp_path_factory):
    return write_report(two_runs, tmp_path_factory.mktemp("page") / "report.html").as_uri()


def ready(page):
    page.wait_for_selector("html[data-ready]")


def test_filtering_to_over_counts_shows_nothing_else_and_is_in_the_address(browser, address, two_runs):
    over = sum(row.verdict == "over" for model in read_report(two_runs).models for row in model.rows)
    with watched_page(browser) as page:
        page.goto(address)
        ready(page)
        page.click("#f-verdict .chip.v-over")
        page.wait_for_function(f"() => document.querySelector('#found').textContent.startsWith('{over} ')")
        assert "v=over" in page.evaluate("location.href")
        shown = page.locator("#tries .shot:not(.aside) .verdict").all_text_contents()
        assert set(shown) == {"over"}


def test_an_address_leads_to_the_same_state(browser, address):
    with watched_page(browser) as page:
        page.goto(f"{address}#v=under&m=0&boxes=1&noun=pig&page=1")
        ready(page)
        first = page.locator("#tries").inner_text()
        expect(page.locator("#f-verdict input[value=under]")).to_be_checked()
        expect(page.locator("select[data-name=noun]")).to_have_value("pig")
        expect(page.locator("#tries .boxes").first).to_be_visible()
        page.reload()
        ready(page)
        expect(page.locator("#tries")).to_have_text(first, use_inner_text=True)


def test_boxes_are_switched_on_by_key_and_lie_on_what_was_counted(browser, address):
    with watched_page(browser) as page:
        page.goto(f"{address}#v=exact")
        ready(page)
        overlay = page.locator("#tries .shot:not(.aside) .boxes").first
        assert not overlay.is_visible()
        page.keyboard.press("b")
        overlay.wait_for(state="visible")
        frame = page.locator("#tries .shot:not(.aside) .frame:has(.boxes)").first
        counted = frame.locator("xpath=ancestor::figure").locator(".counts").inner_text()
        assert frame.locator("rect:not(.near)").count() == int(counted.split("\u00a0")[0])


def test_a_picture_opens_large_and_arrows_walk_on(browser, address):
    with watched_page(browser) as page:
        page.goto(f"{address}#v=exact")
        ready(page)
        page.locator("#tries .open").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("dialog[open] dl")
        expect(page.locator("#viewer .beside figure")).to_have_count(4)  # the same prompt of all models
        here = page.locator("#viewer .here bdi").inner_text()
        page.locator("#viewer figure:not(.here) button").first.click()
        expect(page.locator("#viewer .here bdi")).not_to_have_text(here)
        first = page.evaluate("location.href")
        page.keyboard.press("ArrowRight")
        page.wait_for_function("url => location.href !== url", arg=first)
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog[open]", state="detached")
        page.wait_for_function("() => !location.href.includes('open=')")


def test_a_cell_of_the_matrix_leads_to_its_pictures(browser, address):
    with watched_page(browser) as page:
        page.goto(address)
        ready(page)
        cell = page.locator(".matrix a").first
        n = int(cell.inner_text())
        cell.click()
        page.wait_for_function(f"() => document.querySelector('#found').textContent.startsWith('{n} ')")


def test_nothing_hostile_executes(browser, tmp_path):
    suite = a_suite(8, 1, hostile=HOSTILE)
    with a_run(tmp_path / "run", suite=suite, generators=(("<b>bad", 0.5, 0.3),), words=HOSTILE) as run:
        address = write_report([run], tmp_path / "r.html").as_uri()
    with watched_page(browser) as page:
        page.goto(f"{address}#open=0&t.style=<img src=x>&v=<b>")
        ready(page)
        page.goto(f"{address}#view=all")
        page.wait_for_timeout(300)
        assert page.evaluate("window.hit") is None
        assert page.locator("img[src=x]").count() == 0


def test_pictures_beside_the_page_are_shown(browser, two_runs, tmp_path, monkeypatch):
    monkeypatch.setattr("countcheck.reports.html.pictures.MAX_INLINE", 3)
    address = write_report(two_runs, tmp_path / "50 % a:b #1?.html").as_uri()
    with watched_page(browser) as page:
        page.goto(f"{address}#v=exact")
        ready(page)
        picture = page.locator("#tries .shot:not(.aside) img").first
        picture.scroll_into_view_if_needed()
        page.wait_for_function("() => document.querySelector('#tries .shot:not(.aside) img').naturalWidth > 0")


@pytest.fixture
def rows_beside(monkeypatch):
    """Rows in a folder beside the page, a few in each of its files."""
    monkeypatch.setattr("countcheck.reports.html.page.MAX_ROWS_INSIDE", 5)
    monkeypatch.setattr("countcheck.reports.html.packed_rows.ROWS_BESIDE", 7)
    monkeypatch.setattr("countcheck.reports.html.packed_rows._PLACES", 3)


def test_rows_beside_the_page_are_those_inside_it_and_missed_when_they_are_gone(
    browser, address, two_runs, tmp_path, rows_beside
):
    beside = write_report(two_runs, tmp_path / "50 % a:b #1?.html").as_uri()
    with watched_page(browser) as page:
        for choice in ("#v=under&m=0&boxes=1&noun=pig&page=1", "#q=pig&counted=2"):
            texts = []
            for place in (address, beside):
                page.goto("about:blank")
                page.goto(place + choice)
                ready(page)
                texts.append([page.locator(each).inner_text() for each in ("#found", "#tries", "#f-selects")])
            assert texts[0] == texts[1]
        page.locator("#tries .open").first.click()
        expect(page.locator("dialog[open] dl")).to_contain_text("Sample")
    shutil.rmtree(tmp_path / "50 % a:b #1?_rows")
    with browser.new_context() as context:  # whose errors are not watched: one is expected
        page = context.new_page()
        page.goto(beside)
        expect(page.locator("#found")).to_contain_text("is missing: 50 % a:b #1?_rows/")


def test_nothing_hostile_executes_from_rows_beside_the_page(browser, tmp_path, rows_beside):
    words = f"</script>\u2028');window.hit=3//{HOSTILE}"
    suite = a_suite(8, 1, hostile=words)
    with a_run(tmp_path / "run", suite=suite, generators=(("</script><b>bad", 0.5, 0.3),), words=words) as run:
        address = write_report([run], tmp_path / "r.html").as_uri()
    assert not any(b"<" in path.read_bytes() for path in (tmp_path / "r_rows").rglob("*.js"))
    with watched_page(browser) as page:
        page.goto(f"{address}#v=refused")
        ready(page)
        expect(page.locator("#tries .frame.refusal p").first).to_contain_text("window.hit=3//")
        assert page.evaluate("window.hit") is None
        assert page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_axe_finds_nothing(browser, address, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    with watched_page(browser, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True) as page:
        page.goto(f"{address}#v=over,exact&boxes=1")
        ready(page)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()


def test_a_phone_is_not_scrolled_sideways(browser, address):
    with watched_page(browser, viewport={"width": 360, "height": 800}) as page:
        page.goto(address)
        ready(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_link_to_a_section_lands_there_though_the_tries_are_filled_in_later(browser, address):
    with watched_page(browser) as page:
        page.goto(f"{address}#made")
        ready(page)
        page.wait_for_function(
            "() => Math.abs(document.querySelector('#made').getBoundingClientRect().top) < innerHeight"
        )
        page.evaluate("location.hash = 'refusals'")
        page.wait_for_function("() => Math.abs(document.querySelector('#refusals').getBoundingClientRect().top) < 200")


def test_the_theme_button_says_which_theme_is_on(browser, address):
    with watched_page(browser, color_scheme="dark") as page:
        page.goto(address)
        ready(page)
        expect(page.locator(".theme")).to_have_text("Theme: dark")
        page.click(".theme")
        expect(page.locator(".theme")).to_have_text("Theme: light")


def test_the_table_of_models_sorts_by_a_column(browser, address, two_runs):
    rates = [model.rates["exact_rate"]["value"] for model in read_report(two_runs).models]
    with watched_page(browser) as page:
        page.goto(address)
        ready(page)
        head = page.locator("#models thead th").nth(1)
        for expected in (sorted(rates, reverse=True), sorted(rates)):
            head.locator("button").click()
            cells = page.locator("#models tbody tr").evaluate_all(
                "rows => rows.map(r => Number(r.cells[1].dataset.value))"
            )
            assert cells == pytest.approx(expected)
