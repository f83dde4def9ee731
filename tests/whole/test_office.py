"""The office in real Chromium, at a phone's size and a desk's: signing in, today's list, attending, the audit."""

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from edge.clock import SECOND
from edge.spool.seal import Sealer, frame_name
from edge.station.ca import Authority
from edge.station.people import Role
from edge.station.server import Server, page_server
from tests.station.conftest import stamp
from tests.station.desk import MORNING, PASSWORD, Desk, opened, see, term
from tests.whole.test_page import OUT, PATIENCE_MS, QUIET, SIZES, fits

MINUTE_NS = 60 * SECOND
SCRIPT = "<img src=x onerror=document.title='broken'>"


class Served(Desk):
    """A desk behind a real server, on a port of loopback."""

    def __init__(self, folder: Path, ca: Authority, *, open_: bool = False) -> None:
        super().__init__(folder, ca, open_=open_)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        self.page = f"http://127.0.0.1:{port}/"
        self._server: Server | None = None
        self._up = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(port),), daemon=True)
        self._thread.start()
        assert self._up.wait(20)

    async def _serve(self, port: int) -> None:
        self._server = page_server(self.app, "127.0.0.1", port)
        task = asyncio.create_task(self._server.serve())
        await self._server.up.wait()
        self._loop = asyncio.get_running_loop()
        self._up.set()
        await task

    def close(self) -> None:
        assert self._server is not None
        self._loop.call_soon_threadsafe(self.hub.close)
        self._server.end()
        self._thread.join(15)
        super().close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        yield started
        started.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.open(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def desk(tmp_path: Path, authority: Authority) -> Iterator[Served]:
    """Five flats, one of each kind of term, two openings, one with a picture."""
    with closing(Served(tmp_path / "station", authority)) as served:
        see(served.ledger, "door-17", term("2026-11-20 12:00", "2026-12-04 12:00"))
        see(served.ledger, "door-18", term("2026-11-11 09:00", "2026-11-24 18:00"))
        see(served.ledger, "door-19", term("2026-11-25 09:00", "2026-12-09 09:00"))
        see(served.ledger, "door-20", b'{"door":"shut","armed":false,"term":null,"camera":"off"}')
        see(served.ledger, "door-21")
        opened(served.ledger, "door-17", 1, MORNING - 90 * MINUTE_NS)
        opened(served.ledger, "door-18", 1, MORNING - 20 * MINUTE_NS)
        picture(served, authority, tmp_path)
        for unit, label in (("door-17", "3-2-501"), ("door-18", "3-2-1102"), ("door-19", "甲单元 4 号")):
            served.office.book.label(unit, label, "(test)", MORNING)
        served.person("王芳", Role.WORKER)
        served.person("李强", Role.WORKER)
        served.person("tech", Role.TECHNICIAN)
        served.person("inst", Role.INSTALLER)
        yield served


def picture(desk: Desk, authority: Authority, folder: Path) -> None:
    """A sealed picture of door-18's opening."""
    jpeg = (Path(__file__).parents[1] / "station" / "kept" / "landing.jpg").read_bytes()
    who = authority.issue("door-18", folder / "id")
    sealer = Sealer(who.unit, who.seal_key, who.seal_key_id, who.sign_seed.reveal())
    sealed = sealer.seal(jpeg, epoch="e1", event=1, at=stamp())
    desk.frames.put("door-18", frame_name(sealed), sealed)


both_sizes = pytest.mark.parametrize("page", SIZES, indirect=True)


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser, desk: Served) -> Iterator[Page]:
    """At a phone's size, where the test does not ask for both."""
    size = getattr(request, "param", "phone")
    width, height, scale = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=scale, locale="zh-CN", reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda err: said.append(str(err)))
    page.goto(desk.page)
    yield page
    OUT.mkdir(exist_ok=True)
    page.screenshot(path=OUT / f"office-{size}-{request.node.originalname[5:60]}.png", full_page=True)
    context.close()
    assert said == []


def sign_in(page: Page, name: str = "王芳", password: str = PASSWORD, to: str = "") -> None:
    page.locator("#name").fill(name)
    page.locator("#password").fill(password)
    page.get_by_test_id("sign-in").click()
    if to:
        expect(page.get_by_test_id("to-team")).to_be_visible()
        page.goto(page.url.split("/signin")[0].rstrip("/") + to)


@both_sizes
def test_a_wrong_password_is_said_and_the_right_one_shows_the_doors(page: Page):
    sign_in(page, password="wrong password")
    expect(page.locator("#sign-in-error")).to_contain_text("不正确")
    assert fits(page)
    sign_in(page)
    expect(page.get_by_test_id("door-card")).to_have_count(5)
    expect(page.get_by_text("3-2-501").first).to_be_visible()
    assert fits(page)


def test_a_first_password_is_replaced_before_anything_is_shown(page: Page, desk: Served):
    first = desk.office.people.add("新人", (Role.WORKER,), MORNING, "(test)")
    sign_in(page, "新人", first)
    expect(page.locator("#choose")).to_be_visible()
    page.locator("#new").fill("seven slow blue boats")
    page.locator("#again").fill("seven slow blue boat")
    page.get_by_test_id("choose").click()
    expect(page.locator("#choose-error")).to_contain_text("不一致")
    page.locator("#again").fill("seven slow blue boats")
    assert fits(page)
    page.screenshot(path=OUT / "office-choose.png")
    page.get_by_test_id("choose").click()
    expect(page.get_by_test_id("door-card")).to_have_count(5)


@both_sizes
def test_todays_list_has_who_is_in_term_and_nobody_else(page: Page):
    sign_in(page, to="/team")
    rows = page.locator("#today-list").get_by_test_id("flat-row")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("3-2-501")
    expect(rows.nth(0)).to_contain_text("第 5/15 天")
    expect(rows.nth(1)).to_contain_text("今日到期")
    page.locator("#find").fill("1102")
    expect(rows.nth(0)).to_be_hidden()
    page.locator("#find").fill("")
    page.get_by_test_id("lang-toggle").click()
    expect(rows.nth(0)).to_contain_text("Day 5 of 15")
    assert fits(page)


def test_on_paper_there_is_todays_list_alone(page: Page):
    sign_in(page, to="/team")
    expect(page.locator("#today-list").get_by_test_id("flat-row")).to_have_count(2)
    page.emulate_media(media="print")
    expect(page.locator("#today")).to_contain_text("截至 11-24 09:30")
    for gone in ("#installs", "#week", "#day", "header", "#find", "#print", "#others", ".attend"):
        expect(page.locator(gone).first).to_be_hidden()


def test_an_opening_is_attended_on_the_phone_and_two_people_are_both_named(page: Page, desk: Served):
    sign_in(page, to="/team")
    row = page.locator("#day-list").get_by_test_id("opening-row").first
    row.get_by_test_id("attend").click()
    page.get_by_test_id("attend-note").fill("送医，已登记")
    page.screenshot(path=OUT / "office-attend.png")
    page.get_by_test_id("attend-yes").click()
    expect(row.get_by_test_id("attended")).to_contain_text("王芳 已处置")
    desk.browser("李强").post("/api/attend", json={"unit": "door-18", "epoch": "e1", "seq": "1"})
    page.goto(desk.page + "#unit=door-18")
    expect(page.get_by_test_id("attended")).to_have_count(2)
    expect(page.get_by_test_id("attended").last).to_contain_text("李强 也已处置")
    assert fits(page)


def test_a_label_with_a_script_in_it_is_only_text(page: Page, desk: Served):
    sign_in(page, to="/team")
    row = page.locator("#installs-list [data-unit=door-20]")
    row.get_by_test_id("label").fill(SCRIPT)
    row.get_by_role("button").click()
    expect(row.locator("strong")).to_have_text(SCRIPT)
    page.goto(desk.page)
    expect(page.locator('[data-unit="door-20"] .flat')).to_have_text(SCRIPT)
    assert page.locator("img[src=x]").count() == 0
    assert "broken" not in page.title()
    assert fits(page)


@both_sizes
def test_a_look_at_a_picture_is_on_the_list_that_is_printed_for_the_resident(page: Page, desk: Served):
    sign_in(page)
    expect(page.get_by_test_id("door-card")).to_have_count(5)
    page.goto(desk.page + "#unit=door-18")
    page.reload()
    page.get_by_test_id("frame-thumb").click()
    expect(page.get_by_test_id("lightbox")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_test_id("sign-out").click()
    sign_in(page, "tech")
    expect(page.get_by_test_id("to-team")).to_be_visible()
    page.goto(desk.page + "team/audit/door-18")
    expect(page.get_by_test_id("audit-row").first).to_contain_text("王芳")
    expect(page.get_by_test_id("audit-row").first).to_contain_text("查看图片")
    expect(page.get_by_test_id("audit-row")).to_have_count(2)  # the label too; the picture once
    assert fits(page)


def test_a_worker_who_asks_for_the_technicians_view_is_told_no(page: Page, desk: Served):
    sign_in(page)
    expect(page.get_by_test_id("door-card")).to_have_count(5)
    page.goto(desk.page + "team/audit/door-18")
    expect(page.locator("#audit-error")).to_contain_text("audit")
    expect(page.get_by_test_id("audit-row")).to_have_count(0)


def test_a_technician_sees_health_and_no_openings(page: Page, desk: Served):
    sign_in(page, "tech")
    expect(page.get_by_test_id("door-card")).to_have_count(5)
    expect(page.locator("#events")).to_be_hidden()
    page.goto(desk.page + "team")
    expect(page.get_by_test_id("install-row")).to_have_count(5)
    expect(page.get_by_test_id("opening-row")).to_have_count(0)
    assert fits(page)


def test_a_person_who_is_removed_is_put_out_of_an_open_page(page: Page, desk: Served):
    sign_in(page, to="/team")
    expect(page.get_by_test_id("install-row")).to_have_count(5)
    desk.office.people.remove("王芳", MORNING, "(test)")
    page.reload()
    expect(page.get_by_test_id("sign-in")).to_be_visible()
    assert re.search("/signin", page.url)


def test_every_control_of_the_office_has_a_name_and_a_place_for_a_finger(page: Page):
    sign_in(page, to="/team")
    expect(page.get_by_test_id("install-row")).to_have_count(5)
    controls = page.locator("button:visible, a:visible, input:visible, summary:visible").all()
    assert len(controls) > 15
    for control in controls:
        name = control.evaluate(
            "e => e.getAttribute('aria-label') || e.placeholder || e.innerText || e.labels?.[0]?.innerText || ''"
        )
        box = control.bounding_box()
        assert name.strip(), control.evaluate("e => e.outerHTML")
        assert box is not None
        assert min(box["height"], box["width"]) >= 44, name


def test_a_station_without_accounts_says_how_to_make_one_and_nothing_else(
    browser: Browser, tmp_path: Path, authority: Authority
):
    with closing(Served(tmp_path / "empty", authority)) as served:
        see(served.ledger, "door-17")
        page = browser.new_page(viewport={"width": 390, "height": 844}, locale="zh-CN")
        page.goto(served.page)
        expect(page.get_by_test_id("how-to")).to_contain_text("doorunit station people add NAME --role worker")
        expect(page.locator("#sign-in")).to_be_hidden()
        assert "door-17" not in page.content()
        page.screenshot(path=OUT / "office-nobody.png")
        page.close()
