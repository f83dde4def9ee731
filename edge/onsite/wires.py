"""Probes of the real network, layer by layer: what the kernel says, then what answers."""

import http.client
import queue
import socket
import ssl
import struct
from contextlib import closing, suppress
from pathlib import Path

from edge import told, wire
from edge.clock import SECOND, SystemClock
from edge.config import Config
from edge.errors import DoorunitError, LinkError
from edge.identity import Identity
from edge.onsite.probes import Interface, Peer, Probes, Route
from edge.parts import LinkDown, LinkUp

DIAL_S = 1.2
ANSWER_S = 0.3
PORTAL_S = 0.8
JOIN_S = 1.5
_UP = "up"
_COMPLETE = 0x2  # ATF_COM of <linux/if_arp.h>: the neighbour told its hardware address
_DISCARD = 9  # the discard port: a datagram to it asks the kernel to find the neighbour, and wants nothing of it


class Wires(Probes):
    """The network of this machine. `root` is where /proc and /sys are looked for."""

    def __init__(self, config: Config, root: Path = Path("/")) -> None:
        self._config = config
        self._root = root

    def interfaces(self) -> tuple[Interface, ...]:
        """Every interface but loopback, from /sys/class/net."""
        net = self._root / "sys/class/net"
        names = sorted(one.name for one in net.iterdir() if one.name != "lo") if net.is_dir() else []
        return tuple(Interface(name, self._is_up(net / name), self._signal(name)) for name in names)

    def route(self) -> Route:
        """The IPv4 default route of /proc/net/route with the lowest metric."""
        rows = [line.split() for line in self._text("proc/net/route").splitlines()[1:]]
        ways = [row for row in rows if len(row) > 7 and row[1] == "00000000" and row[7] == "00000000"]
        if not ways:
            return Route()
        way = min(ways, key=lambda row: int(row[6]))
        gateway = socket.inet_ntoa(struct.pack("<I", int(way[2], 16)))
        return Route(way[0], gateway, _own_address(gateway))

    def answers(self, gateway: str) -> bool:
        """Whether the router told its hardware address; it is asked for it by a datagram that wants nothing else."""
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", (gateway, _DISCARD))
            sock.settimeout(ANSWER_S)
            with suppress(OSError):  # the time to answer, unless it says at once that nobody listens there
                sock.recv(1)
        for line in self._text("proc/net/arp").splitlines()[1:]:
            words = line.split()
            if len(words) > 2 and words[0] == gateway:
                return bool(int(words[2], 16) & _COMPLETE)
        return False

    def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """Addresses of a name. Raises OSError."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))

    def dial(self, host: str, port: int) -> bool:
        """True once a TCP connection stood. Raises OSError."""
        with socket.create_connection((host, port), timeout=DIAL_S):
            return True

    def shake(self, host: str, port: int, who: Identity) -> Peer:
        """TLS with the unit's certificate. Raises OSError, ValueError as ssl does."""
        context = ssl.create_default_context(cafile=str(who.ca_file))
        context.load_cert_chain(who.cert_file, who.key_file)
        with (
            socket.create_connection((host, port), timeout=DIAL_S) as sock,
            context.wrap_socket(sock, server_hostname=host) as tls,
        ):
            ends = str((tls.getpeercert() or {}).get("notAfter", ""))
            return Peer(tls.version() or "", ssl.cert_time_to_seconds(ends) * SECOND)

    def portal(self, host: str) -> str:
        """Where somebody in between sends a plain page of that host; "" where nobody does."""
        with suppress(OSError, http.client.HTTPException), closing(_plain(host)) as plain:
            plain.request("GET", "/")
            answer = plain.getresponse()
            to = answer.getheader("Location") or ""
            if answer.status in (302, 303, 307, 511) and f"//{host}" not in to:
                return to or f"status {answer.status}"
        return ""

    def join(self, who: Identity) -> LinkError | None:
        """An MQTT connection as this unit, ended at once; why there was none."""
        from edge.uplink.mqtt import Broker, MqttLink  # paho: only with a dead agent

        uplink, heard = self._config.uplink, queue.SimpleQueue[object]()
        broker = Broker(
            host=uplink.host,
            port=uplink.port,
            client_id=who.unit,
            keepalive_s=uplink.keepalive_s,
            tls=(str(who.ca_file), str(who.cert_file), str(who.key_file)) if uplink.tls else None,
            subscribe=(wire.topic(who.unit, "receipt"),),
            will=(wire.topic(who.unit, "online"), wire.to_json(told.Online(False))),
        )
        link = MqttLink(broker, heard.put, SystemClock(), connect_s=JOIN_S)
        try:
            link.connect()
            fact = heard.get(timeout=JOIN_S)
        except queue.Empty:
            fact = None
        finally:
            link.close()
        return None if isinstance(fact, LinkUp) else _refusal(fact, f"{uplink.host}:{uplink.port}")

    def _is_up(self, interface: Path) -> bool:
        return self._text(interface / "operstate").strip() in (_UP, "unknown")  # unknown: a tunnel, which has no wire

    def _signal(self, name: str) -> float | None:
        for line in self._text("proc/net/wireless").splitlines()[2:]:
            words = line.split()
            if words and words[0] == f"{name}:":
                return float(words[3].rstrip("."))
        return None

    def _text(self, path: str | Path) -> str:
        try:
            return (self._root / path).read_text(encoding="ascii")
        except (OSError, ValueError):
            return ""


def _own_address(gateway: str) -> str:
    """This unit's address towards the router; nothing is sent."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((gateway, _DISCARD))
        return str(sock.getsockname()[0])
    return ""


def _plain(host: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(host, 80, timeout=PORTAL_S)


def _refusal(fact: object, where: str) -> LinkError:
    error: DoorunitError | None = fact.error if isinstance(fact, LinkDown) else None
    if isinstance(error, LinkError):
        return error
    return LinkError(
        where,
        found=f"no answer to CONNECT within {JOIN_S:g} s",
        wanted="a broker that accepts this unit",
        remedy="The unit tries again by itself.",
    )
