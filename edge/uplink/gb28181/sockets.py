"""The one connection to the SIP server, over TCP or UDP. Its thread reads, writes and posts facts; it decides nothing.

Nothing listens for connections: over TCP the platform answers and asks through the one that this unit opened (9.1),
over UDP only what comes from the server's own address is read.
"""

import logging
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from edge.clock import Clock
from edge.errors import LinkError, WireError
from edge.parts import Fact
from edge.uplink.gb28181.message import MESSAGE_MAX_BYTES, Framer
from edge.uplink.refusal import explain

log = logging.getLogger(__name__)

CONNECT_S = 4.0  # two repetitions of a lost SYN; close() must end within 5 s
OUT_MAX_BYTES = 1_000_000  # a peer that reads nothing any more
_READ_BYTES = 65_536
Where = tuple[Any, ...]  # an address as its family has it


class Opened(Fact, frozen=True):
    """The connection `life` stands; host and port are this unit's own end of it."""

    life: int
    host: str
    port: int


class Heard(Fact, frozen=True):
    """One message came in on the connection `life`; answers to it go `to` there."""

    life: int
    raw: bytes
    to: str


class Closed(Fact, frozen=True):
    """The connection `life` is gone, or did not come about."""

    life: int
    error: LinkError


class Wires(Protocol):
    """One connection at a time to one server. Called by the deciding thread; nothing here blocks it."""

    @property
    def lossy(self) -> bool:
        """Whether what is sent may be lost without a word, as over UDP."""
        ...

    def open(self, life: int, host: str, port: int) -> None:
        """Begin to connect; answered by Opened or Closed. Another connection ends without a word."""
        ...

    def send(self, raw: bytes, to: str = "") -> None:
        """Hand a message to the connection; `to` as Heard gave it, "" is the server. Without one it is dropped."""
        ...

    def shut(self) -> None:
        """End the connection, once what was handed over is written as far as that goes without waiting."""
        ...

    def close(self) -> None:
        """End the thread within 5 s; safe to repeat."""
        ...


class Sockets:
    """Called by the deciding thread; nothing here blocks it."""

    def __init__(
        self,
        transport: str,
        local_port: int,
        post: Callable[[object], None],
        clock: Clock,
        connect_s: float = CONNECT_S,
    ) -> None:
        self._lossy = transport == "udp"
        self._local_port = local_port
        self._post = post
        self._clock = clock
        self._connect_s = connect_s
        self._lock = threading.Lock()
        self._wanted: tuple[int, str, int] | None = None  # life, host, port
        self._out: deque[tuple[bytes, str]] = deque()
        self._ending = False
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._wake_in.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="gb28181", daemon=True)
        self._thread.start()

    @property
    def lossy(self) -> bool:
        """Whether it is UDP."""
        return self._lossy

    def open(self, life: int, host: str, port: int) -> None:
        """Begin to connect; answered by Opened or Closed. Another connection ends without a word."""
        with self._lock:
            self._wanted = (life, host, port)
            self._out.clear()
        self._wake()

    def send(self, raw: bytes, to: str = "") -> None:
        """Hand a message to the connection; `to` as Heard gave it, "" is the server. Without one it is dropped."""
        with self._lock:
            if self._wanted is not None:
                self._out.append((raw, to))
        self._wake()

    def shut(self) -> None:
        """End the connection, once what was handed over is written as far as that goes without waiting."""
        with self._lock:
            self._wanted = None
        self._wake()

    def close(self) -> None:
        """End the thread within 5 s; safe to repeat."""
        with self._lock:
            self._wanted, self._ending = None, True
        self._wake()
        self._thread.join(timeout=5)
        if not self._thread.is_alive():
            self._wake_in.close()
            self._wake_out.close()

    def _wake(self) -> None:
        with suppress(OSError):  # full: it is awake already; closed: it is over
            self._wake_in.send(b"\0")

    # The thread

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_out, selectors.EVENT_READ)
            while not self._ending:
                wanted = self._wanted
                if wanted is None:
                    selector.select()
                    self._drain()
                    continue
                life, host, port = wanted
                try:
                    self._session(selector, life, host, port)
                except (OSError, WireError, UnicodeError) as err:  # the last: a host that is no name
                    self._end(life, explain(err, f"{host}:{port}", self._clock.read()))

    def _end(self, life: int, error: LinkError) -> None:
        with self._lock:
            mine = self._wanted is not None and self._wanted[0] == life
            if mine:
                self._wanted = None
        if mine:
            self._post(Closed(life, error))

    def _session(self, selector: selectors.BaseSelector, life: int, host: str, port: int) -> None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM if self._lossy else socket.SOCK_STREAM)
        family, kind, proto, _, server = found[0]
        with socket.socket(family, kind, proto) as one:
            own = self._bind(one, server) if self._lossy else self._connect(one, server)
            one.setblocking(False)
            self._post(Opened(life, str(own[0]), int(own[1])))
            selector.register(one, selectors.EVENT_READ)
            try:
                talk = self._datagrams if self._lossy else self._stream
                talk(selector, one, life, server)
            finally:
                selector.unregister(one)

    def _connect(self, one: socket.socket, server: Where) -> Where:
        one.settimeout(self._connect_s)
        one.connect(server)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        own: Where = one.getsockname()
        return own

    def _bind(self, one: socket.socket, server: Where) -> Where:
        """A datagram socket is not connected, for a platform may ask from another port than it is asked at."""
        with socket.socket(one.family, socket.SOCK_DGRAM) as probe:
            probe.connect(server)
            host = probe.getsockname()[0]
        one.bind((host, self._local_port))
        own: Where = one.getsockname()
        return own

    def _stream(self, selector: selectors.BaseSelector, one: socket.socket, life: int, _server: object) -> None:
        framer, rest = Framer(), b""
        while True:
            going = self._is_over(life)
            for raw, _to in self._taken():
                rest += raw
            if len(rest) > OUT_MAX_BYTES:
                raise ConnectionError("the other end reads nothing")
            if rest:
                with suppress(BlockingIOError):
                    rest = rest[one.send(rest) :]
            if going:
                return
            selector.modify(one, selectors.EVENT_READ | (selectors.EVENT_WRITE if rest else 0))
            if not self._wait(selector, one):
                continue
            data = one.recv(_READ_BYTES)
            if not data:
                raise ConnectionError("the connection ended")
            for raw in framer.feed(data):
                self._post(Heard(life, raw, ""))

    def _datagrams(self, selector: selectors.BaseSelector, one: socket.socket, life: int, server: Where) -> None:
        known: dict[str, Where] = {"": server}
        while True:
            going = self._is_over(life)
            for raw, to in self._taken():
                with suppress(BlockingIOError):  # lost, like any datagram
                    one.sendto(raw, known.get(to, server))
            if going:
                return
            if not self._wait(selector, one):
                continue
            raw, source = one.recvfrom(MESSAGE_MAX_BYTES)
            if source[0] != server[0]:
                log.debug("%d bytes from %s, which is not the server", len(raw), source[0])
            elif raw.strip(b"\r\n\0"):
                name = f"{source[0]}:{source[1]}"
                if len(known) > 64:  # a platform has a few ports; who has more is not answered there
                    known = {"": server}
                known[name] = source
                self._post(Heard(life, raw, name))

    def _is_over(self, life: int) -> bool:
        with self._lock:
            return self._ending or self._wanted is None or self._wanted[0] != life

    def _taken(self) -> list[tuple[bytes, str]]:
        with self._lock:
            taken = list(self._out)
            self._out.clear()
        return taken

    def _wait(self, selector: selectors.BaseSelector, one: socket.socket) -> bool:
        """Wait for either; True where there is something to read."""
        ready = selector.select()
        if any(key.fileobj is self._wake_out for key, _ in ready):
            self._drain()
        return any(key.fileobj is one and mask & selectors.EVENT_READ for key, mask in ready)

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while self._wake_out.recv(4096):
                pass
