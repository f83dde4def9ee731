"""Probes of the real machine. Read-only; each gives up by itself."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edge import identity
from edge.board import host, slots
from edge.board.host import HostReading
from edge.board.slots import Slots
from edge.clock import Stamp, SystemClock
from edge.config import Config
from edge.durable import PART
from edge.identity import Identity
from edge.onsite.probes import Folder, Keys, Probes, Service
from edge.onsite.wires import Wires
from edge.spool.peek import Peek, peek

SYSTEMCTL_S = 1.0
_SHOWN = "LoadState,ActiveState,Result,NRestarts,WatchdogUSec"
_UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
T = TypeVar("T")


class Machine(Wires, Probes):
    """This one. `root` is where /proc, /sys and /run are looked for; `quick` leaves out what takes a heavy library."""

    def __init__(self, config: Config, root: Path = Path("/"), *, quick: bool = False) -> None:
        super().__init__(config, root)
        self._state = Path(config.unit.state_dir)
        self._clock = SystemClock()
        self._quick = quick

    def now(self) -> int:
        """Boot clock, ns."""
        return self._clock.now()

    def clock(self) -> Stamp:
        """The wall clock and its quality."""
        return self._clock.read()

    def host(self) -> HostReading:
        """The machine."""
        return host.read(self._state, self._root)

    def throttled(self) -> int | None:
        """The firmware's bits: 0 under-voltage now, 16 since the start; in hex (drivers/firmware/raspberrypi.c)."""
        return _had(lambda: int((self._root / "sys/devices/platform/soc/soc:firmware/get_throttled").read_text(), 16))

    def service(self) -> Service | None:
        """What systemd says of the agent; None where it does not run or knows no such service."""
        if not (self._root / "run/systemd/system").is_dir():
            return None
        command = ["systemctl", "show", "doorunit.service", f"--property={_SHOWN}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SYSTEMCTL_S, check=False)  # noqa: S603 - no word of it comes from outside
        except (OSError, subprocess.TimeoutExpired):
            return None
        return read_service(done.stdout)

    def slots(self) -> Slots | None:
        """The updater's file."""
        return slots.read(self._root / slots.FOLDER.relative_to("/"))

    def folder(self) -> Folder:
        """The state folder."""
        try:
            room = os.statvfs(self._state)
        except OSError:
            return Folder(exists=False)
        free_mb = room.f_bavail * room.f_frsize / 1_000_000
        return Folder(True, bool(room.f_flag & os.ST_RDONLY), round(free_mb, 1), self._leftovers())

    def keys(self) -> Keys:
        """The identity. Raises ConfigError."""
        folder = self._state / "identity"
        who = identity.load(folder)
        bare = [folder, who.key_file, who.key_file.with_name("sign.key")]
        open_ = tuple(one for one in bare if one.exists() and one.stat().st_mode & 0o077)
        return Keys(folder, who, open_)

    def life(self, who: Identity) -> tuple[int, int] | None:
        """Its certificate's first and last instant. Raises ConfigError."""
        return None if self._quick else identity.certificate_life(who.cert_file)

    def spool(self) -> Peek | None:
        """The spool, on a copy. Raises PartError."""
        return peek(self._state)

    def _leftovers(self) -> tuple[Path, ...]:
        """Half-written files: what they were to become was never relied on."""
        found = [*self._state.glob(f"*{PART}"), *self._state.glob("*.trial"), *self._state.glob(f"frames/*{PART}")]
        return tuple(sorted(one for one in found if one.is_file() and not one.is_symlink()))


def read_service(text: str) -> Service | None:
    """What `systemctl show` printed; None where it knows no such unit."""
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if said.get("LoadState") != "loaded":
        return None
    restarts = said.get("NRestarts", "")
    return Service(
        said.get("ActiveState", ""),
        said.get("Result", ""),
        int(restarts) if restarts.isdecimal() else 0,
        _seconds(said.get("WatchdogUSec", "0")),
    )


def _seconds(span: str) -> float:
    """A time span as systemd writes it: "30s", "1min 30s", "0", "infinity"."""
    total = 0.0
    for word in span.split():
        digits = word.rstrip("abcdefghijklmnopqrstuvwxyz")
        unit = word.removeprefix(digits)
        if digits.isdecimal() and unit in _UNITS_S:
            total += int(digits) * _UNITS_S[unit]
    return total


def _had(reading: Callable[[], T]) -> T | None:
    try:
        return reading()
    except (OSError, ValueError):
        return None
