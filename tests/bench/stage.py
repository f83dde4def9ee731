"""What the benches play on: a fresh folder on the real disk, brokers, units with identities, players as processes."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from beat import now_ns

from edge.clock import SystemClock
from edge.sim import terms
from edge.station.broker import Broker, open_broker
from edge.station.ca import Authority

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "bench"
MQTT_IO = ("mqtt-io==2.7.0", "gpiozero==2.0.1")
THINGSBOARD = ("thingsboard-gateway==3.8.5",)
NODE_RED = "node-red@4.1.15"
NICE = -10
END_S = 10  # for a player to end by itself, once it has been told to

Tls = tuple[str, str, str]  # CA, certificate, key

_SETTINGS = """\
[unit]
state_dir = "{state}"

[door]
settle_ms = {settle_ms}

[camera]
enabled = false
{uplink}
host = "127.0.0.1"
port = {port}
tls = {tls}
"""

# An installed unit has its bytecode beside its source; here it is kept apart, whatever the caller's environment says.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["PYTHONPYCACHEPREFIX"] = str(BUILD / "bytecode")


class Stage:
    """One bench's folder, removed and made anew; what is opened on it is closed in reverse."""

    def __init__(self, name: str, closing: ExitStack) -> None:
        self.folder = BUILD / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._closing = closing
        self.ca = Authority.open(self.folder / "ca")

    def broker(self, name: str, *, tls: bool = False, port: int = 0) -> Broker:
        """A mosquitto on loopback, in clear unless `tls`; on the port of one that was closed, where that is given."""
        broker = open_broker(self.folder / name, self.ca if tls else None, port=port)
        self._closing.callback(broker.close)
        if broker.kind != "mosquitto":
            raise SystemExit("tests/bench: found no mosquitto; want it installed. Debian: apt-get install mosquitto")
        return broker

    def receiver(self) -> Tls:
        """What a subscriber shows to a TLS broker."""
        certificate, key = self.ca.client_files()
        return str(self.ca.ca_file), str(certificate), str(key)

    def member(self, name: str) -> Tls:
        """What a publisher that is no doorunit shows to a TLS broker."""
        who = self.ca.issue(name, self.folder / name / "identity")
        return str(who.ca_file), str(who.cert_file), str(who.key_file)

    def unit(
        self, name: str, broker: Broker, settle_ms: int, *, port: int | None = None, uplink: str = "[uplink]"
    ) -> Path:
        """The settings file of a new unit, camera off, its spool below this folder.

        port: of what stands for the broker. uplink: TOML that ends in the section [uplink].
        """
        home = self.folder / name
        self.ca.issue(name, home / "state" / "identity")
        terms.preset(home / "state", SystemClock().read().wall_ns)
        text = _SETTINGS.format(
            state=home / "state",
            settle_ms=settle_ms,
            uplink=uplink,
            port=broker.port if port is None else port,
            tls="true" if broker.tls else "false",
        )
        (home / "doorunit.toml").write_text(text, encoding="utf-8")
        return home / "doorunit.toml"

    def play(self, name: str, script: str, *words: str, python: str = sys.executable) -> "Player":
        """Start tests/bench/<script>; it is ended with the stage at the latest."""
        player = Player([python, str(HERE / script), *words], self.folder / f"{name}.log")
        self._closing.callback(player.end)
        return player


class Player:
    """A process that runs beat.play."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._log = log
        with log.open("ab") as err:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err, text=True, cwd=ROOT
            )
        self.pid = self._process.pid

    def ready(self) -> None:
        """Block until it can move its door. Raises RuntimeError where it ends instead."""
        self._line()

    def go(self, due_ns: list[int]) -> None:
        """Have it move its door at these instants."""
        self._process.stdin.write(json.dumps(due_ns) + "\n")
        self._process.stdin.flush()

    def moved_ns(self) -> list[int]:
        """When it did; blocks until the last one."""
        return json.loads(self._line())

    def end(self) -> None:
        """Let it end by itself, then less gently; safe to repeat."""
        self._process.stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _line(self) -> str:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a player ended too soon; its last words are in {self._log}")
        return line


@contextmanager
def stage(name: str) -> Iterator[Stage]:
    """A Stage; whatever was started on it has ended when this returns."""
    with _foremost(), ExitStack() as closing:
        yield Stage(name, closing)


def mqtt_io_python() -> str:
    """A Python with mqtt-io. Raises as own_python does."""
    return own_python("mqtt-io", *MQTT_IO)


def own_python(name: str, *packages: str) -> str:
    """A Python with these, in a venv of its own that is made once. Raises CalledProcessError without a registry."""
    home = BUILD.parent / "bench-venvs" / name
    python = home / "bin" / "python"
    done = home / "-".join(packages)
    if not done.exists():
        venv.create(home, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*pip, *packages], check=True, capture_output=True, timeout=300)
        done.touch()
    return str(python)


def node_red() -> str:
    """Node-RED's start script, in a folder of its own. Raises CalledProcessError, or OSError without npm."""
    home = BUILD.parent / "bench-node"
    script = home / "node_modules" / "node-red" / "red.js"
    if not script.exists():
        home.mkdir(parents=True, exist_ok=True)
        npm = ["npm", "install", "--prefix", str(home), "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run([*npm, NODE_RED], check=True, capture_output=True, timeout=300)
    return str(script)


def said() -> str:
    """The command that made this table."""
    return shlex.join(["python", os.path.relpath(sys.argv[0], ROOT), *sys.argv[1:]])


def soon_ns(wait_s: float) -> int:
    """The instant `wait_s` from now."""
    return now_ns() + int(wait_s * 1e9)


def command(settings: str) -> list[str]:
    """`doorunit run --simulate`, by the name that is installed beside this Python where there is one."""
    installed = Path(sys.executable).with_name("doorunit")
    program = [str(installed)] if installed.exists() else [sys.executable, "-m", "edge.cli"]
    return [*program, "run", "--simulate", "--config", settings]


@contextmanager
def _foremost() -> Iterator[None]:
    """Have what else runs on this machine count less, where we may; all that is measured inherits it alike.

    The kernel weighs sessions against each other first (autogroup, sched(7)), and nice only within one.
    """
    group = Path("/proc/self/autogroup")
    was = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    group_was = _write_nice(group, NICE)
    try:
        yield
    finally:
        _write_nice(group, group_was)
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, was)


def _write_nice(group: Path, nice: int) -> int:
    """What it was before."""
    with suppress(OSError):
        was = int(group.read_text(encoding="ascii").rpartition(" ")[2])
        group.write_text(str(nice), encoding="ascii")
        return was
    return 0
