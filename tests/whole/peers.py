"""What makes the peers lose events, done to ours: nothing may be lost. A campaign; about 40 s a case.

    python tests/whole/peers.py                     # 2,000 openings in every case
    python tests/whole/peers.py --openings 200 --case denied-5

Known of peers in the first case (2,000 openings without a broker, kill -9 after the 1,000th and the 2,000th): a plain
gpiozero+paho script loses 1,000, mqtt-io and Node-RED 2,000, ThingsBoard gateway on SQLite 8, a mosquitto bridge 1,000.
Those tried with a denying broker lose every denied message.
"""

import argparse
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from edge import wire
from edge.clock import SystemClock
from edge.records import Change, Event
from edge.sim import terms
from edge.station.ca import Authority
from edge.station.ledger import Ledger
from edge.station.receiver import Receiver

UNIT = "door-1"
PATIENCE_S = 120
HERE = Path(__file__).parent
SETTINGS = """
[unit]
state_dir = "{state}"
[door]
settle_ms = 5
[camera]
enabled = false
[uplink]
host = "127.0.0.1"
port = {port}
tls = false
keepalive_s = 5
receipt_timeout_s = 5
backoff_max_s = 2
"""
OPEN_ACL = f"topic readwrite {wire.ROOT}/#\n"
DENYING_ACL = f"topic read {wire.ROOT}/#\ntopic write {wire.ROOT}/+/state\ntopic write {wire.ROOT}/+/receipt\n"


class Case:
    """One unit, one mosquitto with its default queue, one ledger; everything in a folder of its own."""

    def __init__(self, folder: Path, closing: ExitStack) -> None:
        self.folder = folder
        self._closing = closing
        self.port = _free_port()
        self._settings = folder / "doorunit.toml"
        self._settings.write_text(SETTINGS.format(state=folder / "state", port=self.port), encoding="utf-8")
        Authority.open(folder / "ca").issue(UNIT, folder / "state" / "identity")
        terms.preset(folder / "state", SystemClock().read().wall_ns)
        self._unit: subprocess.Popen[str] | None = None
        self._broker: subprocess.Popen[bytes] | None = None
        self.ledger = Ledger(folder / "station")
        closing.callback(self.ledger.close)
        closing.callback(self.kill)

    def start(self, *options: str) -> None:
        """Start the unit; returns once its door is watched."""
        with (self.folder / "unit.log").open("a") as log:
            self._unit = subprocess.Popen(
                [sys.executable, str(HERE / "player.py"), str(self._settings), *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._await("ready")

    def play(self, openings: int) -> None:
        """Open and shut the door that often."""
        assert self._unit is not None
        assert self._unit.stdin is not None
        self._unit.stdin.write(f"{openings}\n")
        self._unit.stdin.flush()
        self._await("done")

    def kill(self) -> None:
        """kill -9."""
        if self._unit is not None:
            self._unit.kill()
            self._unit.wait(10)
            for pipe in (self._unit.stdin, self._unit.stdout):
                if pipe is not None:
                    pipe.close()
            self._unit = None

    def broker(self, acl: str = OPEN_ACL) -> None:
        """Start mosquitto: in clear, on loopback, its queues at their defaults (1,000 messages)."""
        acl_file = self.folder / "acl"
        acl_file.write_text(acl, encoding="utf-8")
        acl_file.chmod(0o644)
        conf = self.folder / "mosquitto.conf"
        conf.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nacl_file {acl_file}\nuser root\n", encoding="utf-8"
        )
        with (self.folder / "broker.log").open("ab") as log:
            self._broker = subprocess.Popen([_mosquitto(), "-c", str(conf)], stdout=log, stderr=log)
        self._closing.callback(self._end_broker)
        _await_listener(self.port)

    def allow(self) -> None:
        """The ACL is put right."""
        assert self._broker is not None
        (self.folder / "acl").write_text(OPEN_ACL, encoding="utf-8")
        self._broker.send_signal(signal.SIGHUP)

    def receive(self) -> None:
        """Start the station's receiver."""
        receiver = Receiver(self.ledger, SystemClock(), lambda _: None, host="127.0.0.1", port=self.port, tls=None)
        self._closing.callback(receiver.close)

    def held(self) -> int:
        """Openings that the ledger holds, each once."""
        rows = self.ledger.records(unit=UNIT, limit=1_000_000)
        records = [row.envelope.data.record for row in rows]
        return len({(r.epoch, r.seq) for r in records if isinstance(r, Event) and r.change is Change.OPENED})

    def _await(self, word: str) -> None:
        assert self._unit is not None
        assert self._unit.stdout is not None
        line = self._unit.stdout.readline().strip()
        if line != word:
            raise SystemExit(f"{self.folder}: the unit said {line!r}; want {word!r}. See unit.log there.")

    def _end_broker(self) -> None:
        if self._broker is not None:
            self._broker.terminate()
            self._broker.wait(10)


def gone(case: Case, openings: int) -> None:
    """No broker at all; the unit is killed half-way and at the end."""
    case.start()
    case.play(openings // 2)
    case.kill()
    case.start()
    case.play(openings - openings // 2)
    case.kill()
    case.broker()
    case.receive()
    case.start()


def away(case: Case, openings: int) -> None:
    """The broker is there and its subscriber is not: beyond 1,000 messages mosquitto drops without a word."""
    case.broker()
    case.start()
    case.play(openings)
    case.receive()


def denied_5(case: Case, openings: int) -> None:
    """The broker's ACL denies, and says so."""
    case.broker(DENYING_ACL)
    case.receive()
    case.start()
    case.play(openings)
    case.allow()


def denied_311(case: Case, openings: int) -> None:
    """The broker's ACL denies, and acknowledges all the same."""
    case.broker(DENYING_ACL)
    case.receive()
    case.start("--old")
    case.play(openings)
    case.allow()


def forgets(case: Case, openings: int) -> None:
    """Whoever subscribes takes everything and keeps nothing."""
    case.broker()
    sink = subprocess.Popen(["mosquitto_sub", "-p", str(case.port), "-t", "#", "-q", "1"], stdout=subprocess.DEVNULL)
    try:
        case.start()
        case.play(openings)
        if sink.poll() is not None:
            raise SystemExit(f"mosquitto_sub ended with {sink.returncode}; want it to take every opening")
    finally:
        sink.terminate()
        sink.wait(10)
    case.receive()


CASES: dict[str, Callable[[Case, int], None]] = {
    "broker-gone": gone,
    "subscriber-away": away,
    "denied-5": denied_5,
    "denied-3.1.1": denied_311,
    "acknowledges-and-forgets": forgets,
}


def run(name: str, openings: int) -> int:
    """Openings lost in this case."""
    folder = Path(tempfile.mkdtemp(prefix="doorunit-peers-"))
    begun = time.monotonic()
    with ExitStack() as closing:
        case = Case(folder, closing)
        CASES[name](case, openings)
        deadline = time.monotonic() + PATIENCE_S
        while case.held() < openings and time.monotonic() < deadline:
            time.sleep(0.2)
        lost = openings - case.held()
        print(f"| {name} | {openings} | {lost} | {time.monotonic() - begun:.0f} |", flush=True)
    if lost == 0:
        shutil.rmtree(folder)
    return abs(lost)


def main() -> int:
    """0: nothing was lost in any case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--openings", type=int, default=2000)
    parser.add_argument("--case", choices=CASES, action="append")
    args = parser.parse_args()
    print("| case | openings | lost | s |\n| --- | --- | --- | --- |")
    return 1 if sum(run(name, args.openings) for name in args.case or CASES) else 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _await_listener(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit(f"mosquitto on port {port}: found no listener; want one. See broker.log.") from None
            time.sleep(0.05)
        else:
            return


def _mosquitto() -> str:
    found = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if found is None:
        raise SystemExit("tests/whole/peers.py: found no mosquitto; want it. Debian: apt-get install mosquitto")
    return found


if __name__ == "__main__":
    sys.exit(main())
