"""The live page in real Chromium, at a phone's size and a desk's: what a visitor sees and can do."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.whole.conftest import Demo, until

SIZES = {"phone": (390, 844, 2), "desk": (1280, 800, 1)}
OUT = Path(__file__).parents[1] / "out"  # screenshots to look at; not kept
PATIENCE_MS = 15_000
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    opened = Demo(tmp_path_factory.mktemp("page") / "demo")
    until(lambda: opened.events("found"))
    yield opened
    assert opened.end() == 0


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, browser: Browser, demo: Demo) -> Iterator[Page]:
    width, height, scale = SIZES[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=scale, locale="en-GB", reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    said: list[str] = []
    page.on("pageerror", lambda err: said.append(str(err)))
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    page.goto(demo.page)
    expect(page.get_by_test_id("door-card")).to_have_count(1)
    expect(openings(page)).to_have_count(len(demo.events("opened")))
    yield page
    OUT.mkdir(exist_ok=True)
    page.screenshot(path=OUT / f"page-{request.param}-{request.node.originalname}.png")
    context.close()
    assert [s for s in said if "ERR_CONNECTION" not in s] == []


def openings(page: Page):
    return page.locator('[data-testid="event-row"][data-change="opened"]')


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def open_and_shut(page: Page) -> None:
    """By the page's own button."""
    button = page.get_by_test_id("bench-door")
    state = page.get_by_test_id("door-state")
    button.click()
    expect(state).to_contain_text(re.compile("open", re.IGNORECASE))
    expect(button).to_be_enabled()
    button.click()
    expect(state).to_contain_text(re.compile("shut", re.IGNORECASE))
    expect(button).to_be_enabled()


def test_an_opening_appears_by_itself_with_its_pictures_and_they_can_be_looked_at(page: Page):
    before = openings(page).count()
    open_and_shut(page)
    expect(openings(page)).to_have_count(before + 1)
    thumbs = openings(page).first.get_by_test_id("frame-thumb")
    expect(thumbs.first).to_be_visible()
    thumbs.first.click()
    box = page.get_by_test_id("lightbox")
    expect(box).to_be_visible()
    expect(page.locator("#picture")).to_have_js_property("naturalWidth", 1280)
    first = page.locator("#picture").get_attribute("src")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#picture")).not_to_have_attribute("src", first or "")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    assert fits(page)


def test_the_newest_openings_picture_is_seen_beside_the_button_without_scrolling(page: Page):
    latest = page.get_by_test_id("latest-picture")
    button = page.get_by_test_id("bench-door")
    button.click()
    expect(page.get_by_test_id("door-state")).to_contain_text(re.compile("open", re.IGNORECASE))
    expect(latest).to_be_visible()
    expect(latest.locator("img")).to_have_js_property("naturalWidth", 1280)
    expect(openings(page).first.get_by_test_id("frame-thumb")).not_to_have_count(0)
    opened = openings(page).first.locator("time").get_attribute("datetime") or ""
    expect(latest).to_have_attribute("data-of", opened)  # of this opening and no other
    for seen in (latest, button):
        expect(seen).to_be_in_viewport(ratio=1)
    latest.get_by_role("button").click()
    expect(page.get_by_test_id("lightbox")).to_be_visible()
    page.keyboard.press("Escape")
    expect(button).to_be_enabled()
    button.click()
    expect(page.get_by_test_id("door-state")).to_contain_text(re.compile("shut", re.IGNORECASE))
    assert fits(page)


def test_a_visit_that_is_announced_marks_its_openings_and_the_term_is_shown(page: Page):
    expect(page.locator(".facts .term")).to_contain_text("until")
    page.get_by_test_id("visit").click()
    expect(page.locator('[data-kind="audit"]').first).to_contain_text("Visit announced")
    before = openings(page).count()
    open_and_shut(page)
    expect(openings(page)).to_have_count(before + 1)
    expect(openings(page).first.get_by_test_id("expected")).to_have_text("Expected: staff")
    assert fits(page)


def test_a_cut_network_a_kill_and_a_return_lose_nothing(page: Page, demo: Demo):
    before = openings(page).count()
    network, power = page.get_by_test_id("bench-network"), page.get_by_test_id("bench-power")
    network.click()
    expect(network).to_have_attribute("aria-checked", "false")
    for fact in ("camera", "clock"):  # what nobody can know now is not said as if it were known
        expect(page.locator(f".facts .{fact}")).to_contain_text(re.compile("not known", re.IGNORECASE))
    expect(page.locator(".facts .link")).to_contain_text("—")
    for _ in range(3):
        demo.bench("door", to="open", wave="bounce")
        page.wait_for_timeout(300)  # a door is a physical thing
        demo.bench("door", to="shut", wave="bounce")
        page.wait_for_timeout(300)
    expect(openings(page)).to_have_count(before)
    power.click()
    expect(power).to_have_attribute("aria-checked", "false")
    power.click()
    expect(power).to_have_attribute("aria-checked", "true")
    network.click()
    expect(openings(page)).to_have_count(before + 3)
    expect(openings(page).first).to_contain_text("buffered")
    seqs = [int(row.get_attribute("data-seq") or 0) for row in openings(page).all()[:3]]
    assert seqs == sorted(seqs, reverse=True)
    assert fits(page)


def test_the_page_speaks_chinese_and_remembers_it(page: Page):
    page.get_by_test_id("lang-toggle").click()
    expect(page.locator("html")).to_have_attribute("lang", re.compile("^zh"))
    expect(page.get_by_test_id("door-state")).to_contain_text("关")
    page.reload()
    expect(page.get_by_test_id("door-state")).to_contain_text("关")
    assert fits(page)


def test_every_control_has_a_name_and_a_place_for_a_finger(page: Page):
    for control in page.locator("button:visible, [role=switch]:visible, summary:visible, input:visible").all():
        name = control.evaluate(
            "e => e.getAttribute('aria-label') || e.innerText || e.labels?.[0]?.innerText"
            " || document.getElementById(e.getAttribute('aria-labelledby'))?.innerText || ''"
        )
        assert name.strip(), control.evaluate("e => e.outerHTML")
        around = control.locator(
            "xpath=ancestor::*[@data-testid='door-card'] | ancestor::label"
        )  # takes the finger too
        box = (around if around.count() else control).first.bounding_box()
        assert box is not None
        assert min(box["height"], box["width"]) >= 24, name  # WCAG 2.2, 2.5.8
    main = page.get_by_test_id("bench-door").bounding_box()
    assert main is not None
    assert main["height"] >= 44
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") in ("A", "BUTTON")


def test_a_station_that_is_gone_is_said_and_the_page_comes_back_by_itself(browser: Browser, tmp_path: Path):
    demo = Demo(tmp_path / "demo")
    port = demo.page.rstrip("/").rsplit(":", 1)[1]
    page = browser.new_page()
    expect.set_options(timeout=PATIENCE_MS)
    page.goto(demo.page)
    expect(page.get_by_test_id("door-card")).to_have_count(1)
    assert demo.end() == 0
    expect(page.get_by_test_id("page-offline")).to_be_visible()
    again = Demo(tmp_path / "demo", "--page-port", port)
    expect(page.get_by_test_id("page-offline")).to_be_hidden(timeout=30_000)
    expect(page.get_by_test_id("door-state")).to_contain_text(re.compile("shut", re.IGNORECASE))
    page.close()
    assert again.end() == 0


def test_a_term_that_is_ended_on_the_page_falls_silent_and_leaves_a_signed_word_of_it(browser: Browser, tmp_path: Path):
    demo = Demo(tmp_path / "demo")
    page = browser.new_page(locale="en-GB")
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.goto(demo.page)
    until(lambda: demo.events("found"))
    end = page.get_by_test_id("end-term")
    end.click()
    expect(end).to_contain_text("Press again")
    end.click()
    expect(page.get_by_test_id("door-state")).to_have_text("Not watched")
    expect(page.locator(".facts .camera")).to_contain_text("off")
    erased = page.locator('[data-kind="audit"]', has_text="Erased")
    expect(erased.first).to_contain_text("signed by the unit", timeout=30_000)
    demo.bench("door", to="open", wave="bounce")
    page.wait_for_timeout(1000)  # nothing is to come, so there is nothing to wait for
    expect(openings(page)).to_have_count(0)
    OUT.mkdir(exist_ok=True)
    page.screenshot(path=OUT / "page-desk-ended.png")
    page.close()
    assert demo.end() == 0
