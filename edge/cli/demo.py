"""A station and one simulated unit over a real broker; prints one URL. Ctrl-C ends both.

Everything is kept in one folder, so a second demo goes on where the first ended; --fresh begins anew.
"""

import argparse
import asyncio
import json
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli import WELL, log_to_stderr
from edge.clock import SystemClock
from edge.errors import ConfigError
from edge.identity import exists
from edge.onsite import bootfile, commission
from edge.onsite.enrol import IDENTITY

if TYPE_CHECKING:
    from edge.sim.phones import Heard
    from edge.station.ledger import UnitRow
    from edge.station.station import Station

UNIT = "demo-1"
FOLDER = Path(".demo")
MARK = ".doorunit-demo"
TERM_DAYS = 14
HEARD_S = 20  # a unit speaks within a second of its start
_CONFIG = """# Written by `doorunit demo` at each start.
[unit]
state_dir = "{state}"
enrol_file = "{enrol}"

[door]
held_after_s = 60

[camera]
mask = [[[0.0, 0.0], [0.2, 0.0], [0.2, 1.0], [0.0, 1.0]]]

[uplink]
host = "localhost"
port = {mqtt}
tls = {tls}
frames_url = "https://localhost:{frames}"
keepalive_s = 5
pulse_s = 2
whole_pulse_s = 2
receipt_timeout_s = 5
backoff_max_s = 3

[alert]
language = "both"

[wecom]
url = "{robot}"
key = "{key}"
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit demo` takes."""
    parser.add_argument(
        "--dir", type=Path, default=FOLDER, help=f"where the demo keeps all it holds (default {FOLDER})"
    )
    parser.add_argument("--fresh", action="store_true", help="forget earlier demos in that folder first")
    parser.add_argument(
        "--embedded", action="store_true", help="the embedded broker, also where mosquitto is installed"
    )
    parser.add_argument("--page-port", type=int, default=0, help="the page's port (default 8080, or a free one)")


def run(args: argparse.Namespace) -> int:
    """0: ended in order."""
    folder = args.dir.resolve()
    _prepare(folder, fresh=args.fresh)
    log_to_stderr("warning")
    from edge.station.station import Ports, Station

    ports = Ports(mqtt=0, frames=_free(8443), page=args.page_port or _free(8080), enrol=_free(8444))
    station = Station(folder / "station", ports, embedded=args.embedded, open_=True)
    asyncio.run(_serve(station, folder, as_json=args.json))
    return WELL


async def _serve(station: "Station", folder: Path, *, as_json: bool) -> None:
    from edge.sim.bench import Bench
    from edge.sim.cutlink import CutLink
    from edge.sim.phones import Phones
    from edge.sim.robots import KEY

    clock = SystemClock(assume_synced=True)
    phones = Phones(clock.now, lambda: clock.read().wall_ns)
    if not as_json:
        phones.on_heard = _show
    mqtt, frames = CutLink(station.broker.port), CutLink(station.ports.frames)
    bench = Bench(UNIT, folder / "unit", mqtt, frames)
    station.bench = bench
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, station.end)
    starting: list[asyncio.Task[None]] = []

    async def start() -> None:
        await bench.network(True)
        bench.config.write_text(
            _CONFIG.format(
                state=folder / "unit" / "state",
                enrol=folder / "unit" / bootfile.NAME,
                mqtt=mqtt.port,
                frames=frames.port,
                tls=str(station.broker.tls).lower(),
                robot=phones.url("wecom"),
                key=KEY,
            ),
            encoding="utf-8",
        )
        await asyncio.to_thread(_card, station, folder)
        await bench.power(True)
        await asyncio.to_thread(_begin_term, station)
        page = f"http://127.0.0.1:{station.ports.page}/"
        told = {"page": page, "broker": station.broker.kind, "unit": UNIT, "dir": str(folder)}
        sys.stdout.write(json.dumps(told) + "\n" if as_json else f"\n  doorunit demo: {page}\n\n")
        sys.stdout.flush()

    def ready() -> None:
        task = asyncio.get_running_loop().create_task(start())
        task.add_done_callback(lambda done: station.end() if done.exception() else None)
        starting.append(task)

    try:
        await station.serve(ready)
    finally:
        await asyncio.gather(*starting)
        await bench.close()
        phones.close()


def _show(heard: "Heard") -> None:
    """What the simulated group robot got, on the terminal."""
    sys.stdout.write("  group robot: " + heard.taken.text.replace("\n", "\n               ") + "\n")
    sys.stdout.flush()


def _begin_term(station: "Station") -> None:
    """By the real signed command, where the unit is in no term: the first time, or once its last one is over."""
    heard = next((row for row in _until_heard(station) if row.unit == UNIT), None)
    if heard is not None and not heard.state.get("ends"):
        station.orders.act(UNIT, "term", {"days": TERM_DAYS})


def _until_heard(station: "Station") -> "list[UnitRow]":
    """All units, once the demo's own has told its state."""
    for _ in range(HEARD_S):
        rows = station.ledger.units()
        if any("armed" in row.state and row.online for row in rows):
            return rows
        station.news.wait(1)
        station.news.clear()
    return []


def _prepare(folder: Path, *, fresh: bool) -> None:
    """The demo's folder; only one that a demo made is ever erased."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise ConfigError(
            f"folder {folder}",
            found="files that no demo made",
            wanted="an empty folder, or an earlier demo's",
            remedy="Choose another with --dir.",
        )
    if fresh and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    (folder / "unit").mkdir(exist_ok=True)


def _card(station: "Station", folder: Path) -> None:
    """What a workshop does: a file for the unit's card, by which it enrols when it is powered for the first time."""
    from edge.station.batch import boot_file

    commission.mark(folder / "unit" / "state", "demo")  # its door is played with, not installed
    if exists(folder / "unit" / "state" / IDENTITY) and station.ca.known.valid(UNIT):
        return
    token = station.desk.tokens([UNIT])[UNIT]
    pem = station.ca.ca_file.read_text(encoding="ascii")
    boot = boot_file(UNIT, token, station=f"https://localhost:{station.ports.enrol}", ca=pem, clock=SystemClock())
    (folder / "unit" / bootfile.NAME).write_text(bootfile.text(boot), encoding="utf-8")


def _free(wanted: int) -> int:
    """`wanted` where it is free on loopback, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(sock.getsockname()[1])
    return wanted  # taken, and nothing else is free: the server will say so
