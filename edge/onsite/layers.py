"""The way to the platform, layer by layer, each timed. Each waits for the one before it, so one cause is named.

Where MQTT is blocked and the unit is up by HTTPS all the same, the layer that is blocked passes with a note.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from edge.clock import MS, Clock
from edge.config import Uplink, is_loopback
from edge.errors import DistrustError, LinkError, WireError
from edge.identity import Identity
from edge.onsite.board import NET, Board, Found
from edge.onsite.enrol import CODES
from edge.onsite.probes import Probes
from edge.parts import HTTPS, by_name
from edge.uplink.refusal import explain

LINK_S, LINK_LOOK_S = 10.0, 0.25  # how long the broker may take, and how often it is looked at
DETOUR_S = 75.0  # five refusals, or half a minute of silence and the attempt under way (uplink/fallback.py), and some
MQTT = ("net.name", "net.tcp", "net.tls", "net.broker")  # what HTTPS has ways of its own for
BLOCKED = ("link.network", "link.name", "link.server")  # as what is blocked may look; every other answer is a no
Link = Callable[[], tuple[bool, str, str]]


class Layers:
    """One look at all of them. `wait(seconds)` waits, and says True where this is to end."""

    def __init__(self, uplink: Uplink, who: Identity, clock: Clock, board: Board, probes: Probes) -> None:
        self._uplink, self._who, self._clock, self._board = uplink, who, clock, board
        self._where = f"{uplink.host}:{uplink.port}"
        self._probes = probes

    def run(self, link: Link, reach: Callable[[], None], wait: Callable[[float], bool]) -> None:
        """Blocks for half a minute at most. link: of the running unit; reach: raises LinkError where frames go."""
        layers: tuple[Callable[[], Found], ...] = (
            self._address,
            self._name,
            self._tcp,
            self._tls,
            lambda: self._broker(link, wait),
            lambda: self._upload(reach),
        )
        for name in NET:
            self._board.put(name, "open")
        by_https = False
        for n, (name, layer) in enumerate(zip(NET, layers, strict=True)):
            self._board.put(name, "running")
            begun_ns, note = self._clock.now(), ""
            try:
                found = {"protocol": by_name(HTTPS)} if by_https and name in MQTT else layer()
            except (OSError, ValueError) as err:
                told, code = self._told(err)
                if name not in MQTT or code not in BLOCKED or not self._goes_by_https(link, reach, wait):
                    self._fail(name, told, code)
                    for later in NET[n + 1 :]:
                        self._board.put(later, "skipped", "net.before")
                    return
                found = {"protocol": by_name(HTTPS), "said": told.found}
            if not by_https and found.get("protocol") == by_name(HTTPS):
                by_https, note = True, "link.fallback"
            self._board.put(name, "well", note, ms=(self._clock.now() - begun_ns) / MS, found=found)

    def _goes_by_https(self, link: Link, reach: Callable[[], None], wait: Callable[[float], bool]) -> bool:
        """Whether the unit is up by HTTPS; where that way is free it is given the time that it takes to be chosen."""
        up, protocol, _why = link()
        if not up and self._uplink.detours:
            try:
                reach()
            except LinkError:
                return False
            for _ in range(int(DETOUR_S / LINK_LOOK_S)):
                up, protocol, _why = link()
                if up or wait(LINK_LOOK_S):
                    break
        return up and protocol == HTTPS

    def _address(self) -> Found:
        route = self._probes.route()
        if route is not None and route.address:
            return {"address": route.address, "interface": route.interface}
        if is_loopback(self._uplink.host):
            return {"address": self._uplink.host}
        raise _coded("net.address", "no way out of this unit")

    def _name(self) -> Found:
        addresses = self._probes.resolve(self._uplink.host, self._uplink.port) or ("-",)
        return {"host": self._uplink.host, "address": addresses[0]}

    def _tcp(self) -> Found:
        self._probes.dial(self._uplink.host, self._uplink.port)
        return {"port": self._uplink.port}

    def _tls(self) -> Found:
        if not self._uplink.tls:
            return {"version": "-"}
        peer = self._probes.shake(self._uplink.host, self._uplink.port, self._who)
        return {"version": peer.protocol if peer is not None else "-"}

    def _broker(self, link: Link, wait: Callable[[float], bool]) -> Found:
        for _ in range(int(LINK_S / LINK_LOOK_S)):
            up, protocol, _why = link()
            if up:
                return {"protocol": by_name(protocol)}
            if wait(LINK_LOOK_S):
                break
        raise _coded(link()[2] or "link.server", "no answer to CONNECT")

    def _upload(self, reach: Callable[[], None]) -> Found:
        reach()
        return {"host": urlsplit(self._uplink.frames_url).netloc}

    def _told(self, err: OSError | ValueError) -> tuple[LinkError | WireError, str]:
        """In the house's words, and the row that says it."""
        told = err if isinstance(err, LinkError | WireError) else explain(err, self._where, self._clock.read())
        return told, getattr(told, "code", None) or CODES.get(type(told), "link.network")

    def _fail(self, name: str, told: LinkError | WireError, code: str) -> None:
        found: Found = {"said": told.found}
        if name in ("net.tcp", "net.tls") and (isinstance(told, DistrustError) or code == "link.network"):
            to = self._probes.portal(self._uplink.host)
            if to:
                code, found = "net.portal", {"said": to[:120]}
        self._board.put(name, "wrong", code, found=found)


class _Coded(LinkError):
    """A layer's failure whose row is known."""

    code = ""


def _coded(code: str, found: str) -> LinkError:
    err = _Coded("network", found=found, wanted="a way to the platform", remedy="See the step's own words.")
    err.code = code
    return err
