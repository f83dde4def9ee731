"""A record to its receipt over HTTPS, beside MQTT: the same station, the same ledger, TLS and a commit in both.

The station is a process of its own. Records take turns between the two links, one at a time, as openings come; then a
backlog goes over each with a courier's window in flight.
"""

import asyncio
import json
import queue
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from beat import now_ns
from sizes import sizes
from stage import Stage, said, stage
from table import percentile, show

from edge import wire
from edge.clock import SystemClock
from edge.identity import Identity
from edge.parts import Fact, Incoming, Link, LinkUp
from edge.records import Change, Event
from edge.sim.proxy import SimProxy
from edge.uplink.mqtt import Broker, MqttLink
from edge.uplink.talk import Server
from edge.uplink.tunnel import Proxy
from edge.uplink.weblink import HttpsLink

UNIT = "bench-1"
SERVES = sys.argv[1:2] == ["serve"]  # the station is this file too, in a process of its own
SIZES = sizes(__doc__, [] if SERVES else None, events=400, backlog=3000, rounds=3)
EVENTS = SIZES.events
WARM_UP = 20
BACKLOG = SIZES.backlog
WINDOW = 64
ROUNDS = SIZES.rounds
WITHIN_S = 30
MS = 1_000_000
ANSWERS = queue.Queue[Fact]


class Way:
    """One link, and the epoch of what goes over it."""

    def __init__(self, name: str, link: Link, facts: ANSWERS) -> None:
        self.name, self.link, self._facts = name, link, facts
        self._clock = SystemClock()
        self._seq = 0
        self.epoch = name.replace(" ", "-").replace(",", "")
        link.connect()
        while not isinstance(fact := facts.get(timeout=WITHIN_S), LinkUp):
            raise SystemExit(f"{name}: {fact}")

    def one(self) -> float:
        """ms from publish to receipt."""
        begun_ns = now_ns()
        self._publish()
        self._receipts()
        return (now_ns() - begun_ns) / MS

    def backlog(self, count: int) -> float:
        """Records a second, a window in flight."""
        begun_ns, sent, held = now_ns(), 0, 0
        while held < count:
            while sent < count and sent - held < WINDOW:
                self._publish()
                sent += 1
            held += self._receipts()
        return count / ((now_ns() - begun_ns) / (1000 * MS))

    def _publish(self) -> None:
        self._seq += 1
        record = Event(epoch=self.epoch, seq=self._seq, at=self._clock.read(), change=Change.OPENED, edges=3)
        if not self.link.publish(wire.topic(UNIT, "event"), wire.encode(UNIT, record, {}), token=self._seq):
            raise SystemExit(f"{self.name}: the link went down")

    def _receipts(self) -> int:
        """How many records the next receipt holds."""
        while True:
            fact = self._facts.get(timeout=WITHIN_S)
            if isinstance(fact, Incoming) and fact.topic.endswith("/receipt"):
                return sum(high - low + 1 for low, high in wire.read_receipt(fact.payload).stored)


def main() -> None:
    """One table."""
    with stage("https") as on:
        who = on.ca.issue(UNIT, on.folder / UNIT / "identity")
        ports, station = serve(on)
        try:
            with closing(SimProxy()) as proxy:
                ways = [
                    Way("MQTT 5", *mqtt(who, ports["mqtt"])),
                    Way("HTTPS", *https(who, ports["frames"])),
                    Way("HTTPS, proxy", *https(who, ports["frames"], Proxy("127.0.0.1", proxy.port))),
                ]
                took, rates = measure(ways)
                for way in ways:
                    way.link.close()
        finally:
            station.terminate()
            station.wait(WITHIN_S)
    rows = [
        [way.name, f"{percentile(took[way.name], 50):.2f}", f"{percentile(took[way.name], 99):.2f}"]
        + [f"{max(took[way.name]):.2f}", f"{median(rates[way.name]):,.0f}"]
        for way in ways
    ]
    notes = [
        f"TLS with client certificates on loopback, the station's commit included; {EVENTS} records each in turns, "
        f"then {ROUNDS} backlogs of {BACKLOG} with {WINDOW} in flight (median)."
    ]
    show(said(), "Record to receipt", ["", "p50 ms", "p99 ms", "max ms", "backlog /s"], rows, notes)


def measure(ways: list[Way]) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """By name: ms of each record, and records a second of each backlog."""
    took: dict[str, list[float]] = {way.name: [] for way in ways}
    rates: dict[str, list[float]] = {way.name: [] for way in ways}
    for n in range(WARM_UP + EVENTS):
        for way in ways:
            ms = way.one()
            if n >= WARM_UP:
                took[way.name].append(ms)
    for _ in range(ROUNDS):
        for way in ways:
            rates[way.name].append(way.backlog(BACKLOG))
    return took, rates


def mqtt(who: Identity, port: int) -> tuple[Link, ANSWERS]:
    facts: ANSWERS = queue.Queue()
    to = Broker(
        host="localhost",
        port=port,
        client_id=UNIT,
        keepalive_s=20,
        tls=_files(who),
        subscribe=(wire.topic(UNIT, "receipt"),),
        will=(wire.topic(UNIT, "online"), b'{"online":false}'),
    )
    return MqttLink(to, facts.put, SystemClock()), facts


def https(who: Identity, port: int, proxy: Proxy | None = None) -> tuple[Link, ANSWERS]:
    facts: ANSWERS = queue.Queue()
    server = Server(f"https://localhost:{port}", _files(who), proxy)
    return HttpsLink(server, UNIT, facts.put, SystemClock(), wait_s=20), facts


def _files(who: Identity) -> tuple[str, str, str]:
    return str(who.ca_file), str(who.cert_file), str(who.key_file)


def serve(on: Stage) -> tuple[dict[str, int], "subprocess.Popen[str]"]:
    """The station as a process of its own; its ports."""
    with (on.folder / "station.log").open("ab") as log:
        station = subprocess.Popen(
            [sys.executable, __file__, "serve", str(on.folder)], stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert station.stdout is not None
    return json.loads(station.stdout.readline()), station


def be_station(folder: Path) -> None:
    """What that process is."""
    import signal

    from edge.station.ports import free
    from edge.station.station import Ports, Station

    frames, page, enrol = (free("127.0.0.1", 0) for _ in range(3))
    station = Station(folder, Ports(mqtt=0, frames=frames, page=page, enrol=enrol), open_=True)

    async def run() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, station.end)
        told = json.dumps({"mqtt": station.broker.port, "frames": frames})
        await station.serve(lambda: print(told, flush=True))

    asyncio.run(run())


if __name__ == "__main__":
    if SERVES:
        be_station(Path(sys.argv[2]))
    else:
        main()
