"""What doctor can see of the machine and the network. This class sees nothing; machine.py's sees a real one.

Each answer is None where it is not to be had here. A simulated world gives its own.
"""

from pathlib import Path

import msgspec

from edge.board.host import HostReading
from edge.board.slots import Slots
from edge.clock import Stamp
from edge.errors import LinkError
from edge.identity import Identity
from edge.spool.peek import Peek


class Folder(msgspec.Struct, frozen=True):
    """A folder's place on the card."""

    exists: bool
    read_only: bool = False
    free_mb: float = 0.0
    leftovers: tuple[Path, ...] = ()  # files that a cut left behind half written


class Keys(msgspec.Struct, frozen=True):
    """The unit's identity on disk."""

    folder: Path
    who: Identity
    open_to_others: tuple[Path, ...] = ()


class Service(msgspec.Struct, frozen=True):
    """What systemd says of the agent. state: "active", "failed", "activating" ... or "" where it knows none."""

    state: str
    result: str  # "success", "exit-code", "watchdog", "oom-kill" ...
    restarts: int
    watchdog_s: float  # 0: none


class Interface(msgspec.Struct, frozen=True):
    """A network interface that is not loopback. signal_dbm: of Wi-Fi."""

    name: str
    up: bool
    signal_dbm: float | None = None


class Route(msgspec.Struct, frozen=True):
    """The default route, and this unit's address on it; "" where there is none."""

    interface: str = ""
    gateway: str = ""
    address: str = ""


class Peer(msgspec.Struct, frozen=True):
    """Who answered TLS. ends_ns: its certificate's end, UTC ns since 1970."""

    protocol: str
    ends_ns: int


class Probes:
    """Sees nothing at all. A probe blocks for a second or two at most, in a thread of its own check."""

    def now(self) -> int:
        """Boot clock, ns, to time what is looked at."""
        return 0

    def host(self) -> HostReading:
        """The machine."""
        return HostReading()

    def throttled(self) -> int | None:
        """The firmware's get_throttled bits."""
        return None

    def clock(self) -> Stamp | None:
        """The wall clock and its quality."""
        return None

    def service(self) -> Service | None:
        """What systemd says of the agent."""
        return None

    def slots(self) -> Slots | None:
        """What the updater says of other versions; None where none was ever tried."""
        return None

    def folder(self) -> Folder | None:
        """The state folder."""
        return None

    def keys(self) -> Keys | None:
        """The identity. Raises ConfigError."""
        return None

    def life(self, who: Identity) -> tuple[int, int] | None:
        """Its certificate's first and last instant, UTC ns since 1970. Raises ConfigError."""
        return None

    def spool(self) -> Peek | None:
        """The spool, while no agent has it open. Raises PartError."""
        return None

    def interfaces(self) -> tuple[Interface, ...] | None:
        """Every network interface but loopback."""
        return None

    def route(self) -> Route | None:
        """The way out."""
        return None

    def answers(self, gateway: str) -> bool | None:
        """Whether the router answers on the local network."""
        return None

    def resolve(self, host: str, port: int) -> tuple[str, ...] | None:
        """Addresses of a name. Raises OSError."""
        return None

    def dial(self, host: str, port: int) -> bool | None:
        """True once a TCP connection stood. Raises OSError."""
        return None

    def shake(self, host: str, port: int, who: Identity) -> Peer | None:
        """TLS with the unit's certificate. Raises OSError, ValueError as ssl does."""
        return None

    def portal(self, host: str) -> str | None:
        """Where a plain page of that host is sent by somebody in between; "" where nobody is."""
        return None

    def join(self, who: Identity) -> LinkError | None:
        """An MQTT connection as this unit, ended at once; why there was none. Never while the agent lives."""
        return None
