"""The way between a device and the fake platform: without a network in simulated time, or over loopback for real."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from edge.errors import LinkError
from edge.sim.centre import Centre
from edge.uplink.gb28181.sockets import Closed, Heard, Opened

_END = b"\r\n\r\n"


class SimWires:
    """uplink.gb28181.sockets.Wires without a network. `up` False: nothing comes through, and nobody is told.

    `lose` is asked for each message, either way, and says whether that one is lost.
    """

    def __init__(self, centre: Centre, post: Callable[[object], None], *, lossy: bool = False) -> None:
        self.up = True
        self.reachable = True  # whether a new connection comes about
        self.opened: list[tuple[str, int]] = []
        self.sent: list[bytes] = []
        self.closed = False
        self.lose: Callable[[bytes], bool] = lambda _: False
        self._lossy = lossy
        self._centre = centre
        self._post = post
        self._life: int | None = None

    @property
    def lossy(self) -> bool:
        """Whether it plays UDP."""
        return self._lossy

    def open(self, life: int, host: str, port: int) -> None:
        """Opened, or Closed where there is no way."""
        self.opened.append((host, port))
        if self._lossy or (self.reachable and self.up):
            self._life = life
            self._post(Opened(life, "192.0.2.9", 5060))
        else:
            self._post(Closed(life, gone()))

    def send(self, raw: bytes, to: str = "") -> None:
        """To the platform, whose answers come in at the loop's next turn."""
        life = self._life
        if life is None:
            return
        self.sent.append(raw)
        if self.up and not self.lose(raw):
            self._centre.hear(raw, lambda said: self.say(said, life))

    def say(self, raw: bytes, life: int | None = None) -> None:
        """From the platform."""
        life = self._life if life is None else life
        if self.up and life is not None and life == self._life and not self.lose(raw):
            self._post(Heard(life, raw, ""))

    def sever(self) -> None:
        """The connection ends, and the device is told."""
        life, self._life = self._life, None
        if life is not None:
            self._post(Closed(life, gone()))

    def shut(self) -> None:
        """The device ends it."""
        self._life = None

    def close(self) -> None:
        """Safe to repeat."""
        self._life, self.closed = None, True


class CentreServer:
    """The fake platform on a loopback port, over TCP or UDP. Its own thread plays it; `call` does something in it."""

    def __init__(self, centre: Centre, transport: str = "tcp", port: int = 0) -> None:
        self.centre = centre
        self.lock = threading.RLock()  # whoever asks something of the centre holds it
        self._came = threading.Condition(self.lock)
        self._over = False
        self._udp = transport == "udp"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if self._udp else socket.SOCK_STREAM)
        if not self._udp:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.port = int(self._socket.getsockname()[1])
        self._peers: list[socket.socket] = []
        if not self._udp:
            self._socket.listen()
        serve = self._datagrams if self._udp else self._accept
        self._threads = [threading.Thread(target=serve, name="centre", daemon=True)]
        self._threads[0].start()

    def wait(self, until: Callable[[Centre], bool], within_s: float = 10) -> bool:
        """Wait for a condition of what was heard; False where it did not come."""
        with self._came:
            return self._came.wait_for(lambda: until(self.centre), within_s)

    def close(self) -> None:
        """End; safe to repeat."""
        if self._over:
            return
        self._over = True
        with suppress(OSError):
            if self._udp:  # what waits for a datagram is woken by one
                self._socket.sendto(b"", self._socket.getsockname())
            else:
                self._socket.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(timeout=5)
        self._socket.close()
        for peer in self._peers:
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)

    def _datagrams(self) -> None:
        while not self._over:
            try:
                raw, peer = self._socket.recvfrom(65_535)
            except OSError:
                return
            if raw:
                self._hear(raw, lambda said, to=peer: self._quietly(self._socket.sendto, said, to))  # type: ignore[misc]  # the default binds it

    def _accept(self) -> None:
        while not self._over:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers.append(peer)
            self._threads.append(threading.Thread(target=self._stream, args=(peer,), name="centre peer", daemon=True))
            self._threads[-1].start()

    def _stream(self, peer: socket.socket) -> None:
        rest = b""
        with peer:
            while True:
                try:
                    data = peer.recv(65_536)
                except OSError:
                    return
                if not data:
                    return
                rest += data
                while (end := rest.find(_END)) >= 0:
                    head = rest[:end].decode("ascii", "replace").lower()
                    whole = end + 4 + int(head.rpartition("content-length: ")[2].partition("\r")[0] or 0)
                    if len(rest) < whole:
                        break
                    raw, rest = rest[:whole], rest[whole:]
                    self._hear(raw, lambda said: self._quietly(peer.sendall, said))

    def _hear(self, raw: bytes, say: Callable[[bytes], None]) -> None:
        with self._came:
            self.centre.hear(raw, say)
            self._came.notify_all()

    def _quietly(self, send: Callable[..., object], *args: object) -> None:
        with suppress(OSError):  # the device has gone
            send(*args)


def gone() -> LinkError:
    """There is no way to the platform."""
    return LinkError(
        "simulated centre", found="silence", wanted="a connection", remedy="The unit tries again by itself."
    )
