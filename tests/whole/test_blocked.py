"""MQTT is blocked: openings arrive by HTTPS with receipts, commands by held questions; and all goes back by itself."""

import asyncio
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge import identity
from edge.clock import SystemClock
from edge.onsite.check import Scene
from edge.onsite.doctor import built_in, examine
from edge.onsite.machine import Machine
from edge.onsite.visit import Visit
from edge.records import Change, Event
from edge.sim.cutlink import CutLink
from edge.sim.proxy import SimProxy
from edge.station.ledger import UnitRow
from edge.station.station import Ports, Station
from edge.unit.answers import questions
from edge.unit.hands import Hands
from edge.uplink.fallback import FallbackLink
from tests.whole.conftest import until
from tests.whole.flat import UNIT, Flat, InProcess, free_port

JSON = dict[str, Any]


class Town:
    """A station in a thread, with a firewall before its broker's port."""

    def __init__(self, folder: Path) -> None:
        self.flat = Flat(folder)
        ports = Ports(mqtt=0, frames=free_port(), page=free_port(), enrol=free_port())
        self.station = Station(folder, ports, open_=True)
        self.firewall = CutLink(self.station.broker.port)
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(20)
        self.let(True)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self.station.serve(ready.set))

    def let(self, through: bool) -> None:
        """Let MQTT through, or end it and refuse it."""
        work = self.firewall.join() if through else self.firewall.cut()
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def close(self) -> None:
        self.let(False)
        self._loop.call_soon_threadsafe(self.station.end)
        self._thread.join(20)
        self._loop.close()
        self.flat.close()

    def unit(self, camera: JSON | None = None, **uplink: object) -> InProcess:
        ways: JSON = {"port": self.firewall.port, "frames_url": f"https://localhost:{self.station.ports.frames}"}
        ways |= {"keepalive_s": 5, "pulse_s": 1, "backoff_max_s": 1, **uplink}
        return InProcess(self.flat, uplink=ways, camera=camera or {"enabled": False})

    def row(self) -> UnitRow:
        (row,) = self.station.ledger.units()
        return row

    def link(self) -> str:
        """The protocol in the last pulse."""
        rows = self.station.ledger.units()
        return str((rows[0].pulse or {}).get("link", "")) if rows else ""

    def openings(self) -> int:
        """How many the ledger holds, which holds each once."""
        stored = self.station.ledger.records(unit=UNIT, limit=1000)
        records = [one.envelope.data.record for one in stored]
        return len([r for r in records if isinstance(r, Event) and r.change is Change.OPENED])


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with closing(Town(tmp_path)) as opened:
        yield opened


def swing(unit: InProcess) -> None:
    """Open the door and shut it again."""
    keeper = unit.unit.crew.doorkeeper
    until(lambda: keeper.watching and keeper.state == "shut")
    for to in ("open", "shut"):
        unit.move(to)
        until(lambda to=to: keeper.state == to)


def asks(town: Town) -> bool:
    """Whether the unit obeys a command."""
    return town.station.orders.send(UNIT, "pulse", {}, 10).done is True


def heard(town: Town) -> Callable[[], bool]:
    """Whether a page that listens from now on has been told each opening once."""
    told: list[str] = []

    def listen() -> None:
        with urllib.request.urlopen(f"{town.station.page}api/live", timeout=60) as live:
            listening.set()
            for line in iter(live.readline, b""):
                entry = json.loads(line.removeprefix(b"data: ")) if line.startswith(b"data: {") else {}
                if entry.get("change") == "opened":
                    told.append(str(entry["seq"]))

    listening = threading.Event()
    threading.Thread(target=listen, daemon=True).start()
    assert listening.wait(20)
    return lambda: len(set(told)) == len(told) == town.openings()


def test_a_block_and_its_end_lose_nothing_and_double_nothing(town: Town) -> None:
    told = heard(town)
    with town.unit() as unit:
        crew = unit.unit.crew
        until(lambda: town.link() == "5")
        swing(unit)
        until(lambda: town.openings() == 1)
        assert asks(town)

        town.let(False)
        swing(unit)
        until(lambda: town.link() == "https")
        swing(unit)
        until(lambda: town.openings() == 3)
        until(lambda: crew.journal.backlog == 0)
        assert asks(town), "by a held question"
        assert town.row().online, "the broker's word that its connection broke is not the last"
        assert town.row().state["door"] == "shut"
        (found,) = [w for w in crew.health.lasting(crew.clock.now()) if w.row.code == "link.fallback"]
        assert f"localhost:{town.firewall.port}" in found.detail

        town.let(True)
        assert isinstance(crew.link, FallbackLink)
        unit.loop.call(crew.link._look)  # noqa: SLF001 - it would by itself, within half a minute
        until(lambda: town.link() == "5")
        swing(unit)
        until(lambda: town.openings() == 4)
        until(lambda: crew.journal.backlog == 0)
        assert asks(town)
        assert town.row().online
        assert not town.station.mailbox.present(UNIT)
    until(told)
    assert town.openings() == 4
    assert town.station.ledger.missing(UNIT) == []
    until(lambda: not town.row().online)


def test_a_proxy_that_refuses_is_named_and_once_it_does_not_the_opening_goes_through_it(town: Town) -> None:
    town.let(False)
    with closing(SimProxy("door:4c1f")) as proxy, town.unit(proxy=proxy.url, proxy_login="door:old") as unit:
        swing(unit)
        crew = unit.unit.crew
        until(lambda: any("407" in w.detail for w in crew.health.lasting(crew.clock.now())))
        assert crew.journal.backlog > 0
        proxy.login = "door:old"
        until(lambda: town.openings() == 1)
        assert set(proxy.asked) == {f"localhost:{town.station.ports.frames}"}


def test_where_mqtt_is_blocked_the_installer_s_page_passes_by_https_and_doctor_says_well(town: Town) -> None:
    town.let(False)
    view = {"enabled": True, "fps": 4, "width": 320, "height": 184}
    with town.unit(camera=view) as unit, closing(Visit(unit._config, UNIT, SystemClock())) as visit:
        tools, who = unit._tools, identity.load(town.flat.state / "identity")  # noqa: SLF001 - as Assembly does
        assert tools is not None
        visit.meet(Hands(unit.unit.crew, unit.unit.effects, tools), who)
        until(lambda: visit.board.step("net.upload").state in ("well", "skipped"), 90)
        tcp = visit.board.step("net.tcp")
        assert (tcp.state, tcp.code) == ("well", "link.fallback")
        assert not {"net.tcp", "net.tls", "net.broker", "net.upload"} & set(visit.board.missing())
        visit.do("aim", {"on": True})
        until(lambda: visit.do("confirm", {}) == {})
        assert visit.do("test", {}) == {}, "the receipt and the picture"
        assert visit.board.step("picture").found == {"width": 320, "height": 184}
        told: list[JSON] = []
        unit.loop.call(questions(unit.unit)["status"], {}, told.append)
        until(lambda: bool(told))
        scene = Scene(unit._config, None, told[0], None, Machine(unit._config))
        report = examine(scene, built_in("net"))
        assert [line.found.code for line in report.roots] == []
        assert [line.found.code for line in report.notes] == ["link.fallback"]


def test_with_the_fallback_off_nothing_is_posted(town: Town) -> None:
    town.let(False)
    with town.unit(fallback="none") as unit:
        swing(unit)
        assert not isinstance(unit.unit.crew.link, FallbackLink)
        town.let(True)
        until(lambda: town.openings() == 1)
