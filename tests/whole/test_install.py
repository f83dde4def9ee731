"""A phone in real Chromium takes a fresh unit from its boot file to a signed report at a real station."""

import asyncio
import re
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from edge.onsite import bootfile, commission
from edge.records import AnyRecord, Audit, Event, FrameSet
from edge.sim import remote
from edge.sim.cutlink import CutLink
from edge.station.ca import Authority
from edge.station.ledger import Ledger
from tests.whole.conftest import until
from tests.whole.test_page import QUIET
from tests.whole.workshop import Workshop

OUT = Path(__file__).parents[1] / "out"  # screenshots to look at; not kept
PATIENCE_MS = 15_000
FIVE_MINUTES_S = 300


class Wifi:
    """The unit's way to its station, which can be cut; an asyncio loop in a thread of its own."""

    def __init__(self, *ports: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._links = [CutLink(port) for port in ports]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.join()

    @property
    def ports(self) -> list[int]:
        return [link.port for link in self._links]

    def join(self) -> None:
        for link in self._links:
            asyncio.run_coroutine_threadsafe(link.join(), self._loop).result(5)

    def cut(self) -> None:
        for link in self._links:
            asyncio.run_coroutine_threadsafe(link.cut(), self._loop).result(5)

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()


class Site:
    """One fresh unit whose boot file has just been copied, and the way to its page."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.wifi = Wifi(workshop.told["mqtt"], workshop.told["frames"])
        boot_file = workshop.cards("batch", "1", out="cards") / "door-1" / bootfile.NAME
        page_code = bootfile.read(boot_file).page_code
        assert page_code is not None
        self.code = page_code.reveal().decode()
        mqtt, frames = self.wifi.ports
        self.settings = workshop.settings(
            boot_file,
            in_term=False,
            camera={"enabled": True, "fps": 4, "width": 640, "height": 360},
            uplink={"port": mqtt, "frames_url": f"https://localhost:{frames}", "keepalive_s": 5},
        )
        self.page = f"https://127.0.0.1:{workshop.page}/"
        self.begun_s = time.monotonic()
        self.unit = workshop.run(self.settings)

    def move(self, to: str, wave: str = "bounce") -> None:
        remote.move(self.workshop.folder / "state" / remote.NAME, to, wave)

    def records(self) -> list[AnyRecord]:
        """All that the station held of this unit, newest first, once it has ended."""
        with closing(Ledger(self.workshop.folder / "station")) as ledger:
            return [stored.envelope.data.record for stored in ledger.records(unit="door-1", limit=1000)]


def listeners(pid: int) -> set[str]:
    """TCP addresses on which this process listens, as the kernel names them."""
    inodes = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            inodes.add(str(handle.readlink()).removeprefix("socket:[").removesuffix("]"))
    tables = [Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()]
    return {row[1] for row in rows if row[3] == "0A" and row[9] in inodes}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    workshop = Workshop(tmp_path)
    opened = Site(workshop)
    yield opened
    workshop.close()
    opened.wifi.close()


def phone(browser: Browser, locale: str = "en-GB") -> BrowserContext:
    return browser.new_context(
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        locale=locale,
        has_touch=True,
        is_mobile=True,
        ignore_https_errors=True,
        reduced_motion="reduce",
    )


def enter(page: Page, code: str, name: str) -> None:
    page.locator("#code").fill(code)
    page.locator("#name").fill(name)
    page.get_by_role("button", name=re.compile("^(Begin|开始)$")).click()


def step(page: Page, name: str):
    return page.locator(f'[data-step="{name}"]')


def passed(page: Page, *names: str) -> None:
    for name in names:
        expect(step(page, name)).to_have_attribute("data-state", "well")


def photograph(page: Page, name: str) -> None:
    OUT.mkdir(exist_ok=True)
    page.screenshot(path=OUT / f"install-{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name


def reachable(page: Page) -> None:
    """Everything that can be tapped has a name, and room for a thumb; the keyboard gets there."""
    for control in page.locator("button:visible, input:visible").all():
        name = control.evaluate("e => e.getAttribute('aria-label') || e.innerText || e.labels?.[0]?.innerText || ''")
        assert name.strip(), control.evaluate("e => e.outerHTML")
        around = control.locator("xpath=ancestor::label")
        box = (around if around.count() else control).first.bounding_box()
        assert box is not None
        assert min(box["height"], box["width"]) >= 44, name
    page.locator("#language").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") in ("BUTTON", "INPUT")


def walk(page: Page, site: Site) -> None:
    """Open, shut; the Wi-Fi goes and comes; open, shut."""
    page.get_by_role("button", name="Begin the walk test").click()
    now = page.locator("#walk-now")
    for n, to in enumerate(("open", "shut", "open", "shut")):
        expect(now).to_have_text(f"Now {to} the door")
        if n == 2:
            site.wifi.cut()
        site.move(to)
        expect(page.locator("#walk-moves li")).to_have_count(n + 1)
    expect(now).to_have_text("Waiting for the receipts")
    expect(page.locator("#warnings")).to_contain_text("server is down", timeout=20_000)
    photograph(page, "walk-without-network")
    site.wifi.join()
    passed(page, "walk")
    expect(page.locator('#walk-moves [data-received="true"]')).to_have_count(4)


def aim(page: Page) -> None:
    page.get_by_role("button", name="Switch the camera on").click()
    expect(page.locator("#view")).to_have_js_property("naturalWidth", 640)
    expect(page.locator("#confirm")).to_be_disabled()
    canvas = page.locator("#draw")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    corners = [(0.05, 0.1), (0.3, 0.1), (0.3, 0.9), (0.05, 0.9)]
    page.mouse.move(box["x"] + corners[0][0] * box["width"], box["y"] + corners[0][1] * box["height"])
    page.mouse.down()
    for x, y in corners[1:]:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
    page.mouse.up()
    expect(page.locator("#measures")).to_contain_text("Masks: 1")
    page.get_by_role("button", name="right", exact=True).click()
    expect(page.locator("#measures")).to_contain_text("Masks: 2")
    photograph(page, "aim")
    reachable(page)
    page.get_by_role("button", name="As it will be sent").click()
    page.get_by_label("Neither the neighbour's door").check()
    page.get_by_role("button", name="The camera is right").click()
    passed(page, "aim")
    expect(page.get_by_role("button", name="Switch the camera on")).to_be_visible()


def test_a_phone_takes_a_fresh_unit_to_a_signed_report_and_nothing_listens_any_more(browser: Browser, site: Site):
    mine = phone(browser)
    page = mine.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    said: list[str] = []
    page.on("pageerror", lambda err: said.append(str(err)))
    page.goto(site.page)

    enter(page, "WRONGONE", "Li Wei")
    expect(page.locator("#entry-refused")).to_contain_text("Type the code of the label on this very unit")
    photograph(page, "wrong-code")
    reachable(page)
    enter(page, f"doorunit:1:door-1:{site.code}", "Li Wei")
    passed(page, "enrol", "net.address", "net.name", "net.tcp", "net.tls", "net.broker", "net.upload", "clock")
    expect(step(page, "net.upload")).to_contain_text(" ms")
    expect(page.locator("#missing")).to_contain_text("Still to do: Label compared")
    photograph(page, "checks")
    reachable(page)
    page.get_by_role("button", name="Sign off").click()
    expect(page.locator("#refused")).to_contain_text("Not all steps are passed")
    page.get_by_role("button", name="The label says the same").click()
    passed(page, "identify")

    walk(page, site)
    page.reload()  # the phone was locked meanwhile
    passed(page, "walk", "identify")

    other = phone(browser, "zh-CN")
    second = other.new_page()
    second.goto(site.page)
    enter(second, site.code, "王芳")
    expect(second.locator("#entry-refused")).to_contain_text("Li Wei 正在安装本机")
    photograph(second, "second-installer-zh")
    second.get_by_role("button", name="由我接手").click()
    expect(second.locator("#progress")).to_contain_text("已完成")
    expect(page.locator("#entry-refused")).to_contain_text("Somebody else has taken over")
    photograph(second, "checks-zh")
    enter(page, site.code, "Li Wei")
    page.get_by_role("button", name="Take over from them").click()
    passed(page, "walk")
    other.close()

    page.get_by_role("button", name="Send a message and a picture").click()
    expect(page.locator("#refused")).to_contain_text("Aim the camera first")
    aim(page)
    page.get_by_role("button", name="Send a message and a picture").click()
    passed(page, "event", "picture")
    expect(step(page, "picture")).to_contain_text("640 × 360")
    photograph(page, "before-sign")
    assert listeners(site.unit.pid)
    page.get_by_role("button", name="Sign off").click()
    expect(page.locator("#report")).to_contain_text("Li Wei")
    took_s = time.monotonic() - site.begun_s
    photograph(page, "report")
    assert said == []

    until(lambda: not listeners(site.unit.pid))
    kept = site.workshop.desk("report", "door-1", "--out", str(site.workshop.folder / "report.pdf"))
    assert kept["genuine"] is True
    assert (site.workshop.folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    report = kept["report"]
    assert (report["unit"], report["installer"]) == ("door-1", "Li Wei")
    assert {s["name"] for s in report["steps"] if s["state"] == "skipped"} == {"power", "tamper"}
    (moves,) = (s["found"]["moves"] for s in report["steps"] if s["name"] == "walk")
    assert [move["receipt_ms"] > 0 for move in moves] == [True] * 4
    state = site.workshop.folder / "state"
    assert commission.is_commissioned(state)
    assert len(commission.mask(state, ())) == 2
    assert not (state / commission.PAGE).exists()
    when = " ".join(f"{s['name']} {s['at_s']}" for s in report["steps"])
    print(f"\nfirst boot to signed report: {took_s:.1f} s (script); at the page {report['took_s']} s: {when}")
    assert took_s <= FIVE_MINUTES_S
    mine.close()

    with pytest.raises(urllib.error.URLError):  # a stolen label opens nothing
        urllib.request.urlopen(site.page, timeout=2, context=ssl._create_unverified_context())
    assert site.workshop.end(site.unit) == 0
    again = site.workshop.run(site.settings)
    until(lambda: site.workshop.log().count("link up") >= 3)
    assert listeners(again.pid) == set()
    site.workshop.close()
    whats = [record.what for record in site.records() if isinstance(record, Audit)]
    assert sorted(whats) == ["installed", "test", "test", *["walk"] * 4]
    assert not [record for record in site.records() if isinstance(record, Event | FrameSet)]


def test_a_unit_before_another_station_says_so_on_its_page_while_it_waits(browser: Browser, tmp_path: Path):
    """The boot file leads to a server that another authority vouches for, as a portal's or a wrong station's."""
    workshop = Workshop(tmp_path)
    boot_file = workshop.cards("batch", "1", out="cards") / "door-1" / bootfile.NAME
    page_code = bootfile.read(boot_file).page_code
    assert page_code is not None
    other = Authority.open(tmp_path / "other")
    text = boot_file.read_text()
    mine, theirs = bootfile.read(boot_file).ca.strip(), other.ca_file.read_text().strip()
    boot_file.write_text(text.replace(mine, theirs))
    settings = workshop.settings(boot_file, in_term=False)
    unit = workshop.start("run", "--simulate", "--config", str(settings), name="unit")
    until(lambda: "link.distrust" in workshop.log())
    context = phone(browser, "zh-CN")
    page = context.new_page()
    page.goto(f"https://127.0.0.1:{workshop.page}/")
    enter(page, page_code.reveal().decode(), "王芳")
    expect(step(page, "enrol")).to_contain_text("可能是其他接入站、认证页面或代理")
    photograph(page, "wrong-station-zh")
    context.close()
    assert workshop.end(unit) == 0
    workshop.close()
