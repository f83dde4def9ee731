"""How a stream's packets leave: UDP, TCP that we open, or TCP that the platform opens. For one thread each.

Nothing here waits longer than a deadline, and whatever waits looks up every 0.25 s, whether the stream is over.
"""

import errno
import ipaddress
import logging
import os
import select
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from edge.clock import SECOND
from edge.errors import LinkError
from edge.uplink.gb28181.rtp import framed
from edge.uplink.gb28181.sdp import Offer, Way

log = logging.getLogger(__name__)

OPEN_NS = 10 * SECOND  # to be connected, or for the platform to connect
STALL_NS = 10 * SECOND  # nothing taken for so long: the receiver is gone
_LOOK_UP_S = 0.25
_SEND_BYTES = 256 * 1024  # what the kernel may hold for a slow reader: a second of live view
_SPELL_NS = 2 * SECOND  # refusals of UDP closer than this belong together


class Ended(Exception):  # noqa: N818 - not a failure: the stream was told to end while it waited
    """The stream is over; raised out of whatever waits."""


class Pipe(Protocol):
    """One way out. `host` and `port` are for the answer; port 0 says that we only connect."""

    host: str
    port: int

    def open(self) -> None:
        """Be connected within OPEN_NS, again if need be. Raises LinkError, Ended."""
        ...

    def send(self, packets: Sequence[bytes]) -> None:
        """Hand the packets on. Raises LinkError (the receiver is gone), Ended."""
        ...

    def close(self) -> None:
        """Give every socket back; safe to repeat."""
        ...


def lay(offer: Offer, over: Callable[[], bool], now: Callable[[], int], listen_port: int) -> Pipe:
    """The pipe for an offer; a listener listens at once. Raises OSError: no route, or the port is taken."""
    if offer.way is Way.UDP:
        return UdpPipe(offer, now)
    if offer.way is Way.CONNECT:
        return TcpPipe(offer, over, now)
    return ListeningPipe(offer, over, now, listen_port)


class UdpPipe:
    """Datagrams. What cannot be sent is lost, as it is on the way; a receiver that refuses for 10 s is gone."""

    def __init__(self, offer: Offer, now: Callable[[], int]) -> None:
        self.lost = 0
        self._now = now
        self._refused_ns: tuple[int, int] | None = None  # first and last of a spell
        self._socket = socket.socket(_family(offer.host), socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
            self._socket.connect((offer.host, offer.port))
        except OSError:
            self._socket.close()
            raise
        self.host, self.port = self._socket.getsockname()[:2]

    def open(self) -> None:
        """There is nothing to connect."""

    def send(self, packets: Sequence[bytes]) -> None:
        """Send each; raises LinkError once the receiver has refused for STALL_NS."""
        for packet in packets:
            try:
                self._socket.send(packet)
            except OSError as err:
                self.lost += 1
                self._refused(err)

    def close(self) -> None:
        """Give the socket back; safe to repeat."""
        self._socket.close()

    def _refused(self, err: OSError) -> None:
        if err.errno == errno.EAGAIN:  # our own queue is full
            return
        now_ns = self._now()
        first_ns, last_ns = self._refused_ns or (now_ns, now_ns)
        if now_ns - last_ns > _SPELL_NS:
            first_ns = now_ns
        self._refused_ns = (first_ns, now_ns)
        if now_ns - first_ns >= STALL_NS:
            raise _gone("live view, UDP", f"{err.strerror}, for {STALL_NS // SECOND} s") from err


class TcpPipe:
    """A connection that we open, as the platform is passive."""

    def __init__(self, offer: Offer, over: Callable[[], bool], now: Callable[[], int]) -> None:
        self.host, self.port = _own_address(offer.host), 0
        self._offer, self._over, self._now = offer, over, now
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Connect within OPEN_NS. Raises LinkError, Ended."""
        self._drop()
        self._socket = self._prepared(self._joined())

    def send(self, packets: Sequence[bytes]) -> None:
        """Hand the packets to the kernel; raises LinkError when the peer closed or took nothing for STALL_NS."""
        sock = self._socket
        if sock is None:
            raise _gone("live view, TCP", "no connection")
        self._listen_to(sock)
        rest = memoryview(framed(packets))
        while rest:
            try:
                rest = rest[sock.send(rest) :]
            except BlockingIOError:
                self._wait(sock, select.POLLOUT, STALL_NS, "nothing taken for")
            except OSError as err:
                raise _gone("live view, TCP", err.strerror or str(err)) from err

    def close(self) -> None:
        """Give the socket back; safe to repeat."""
        self._drop()

    def _joined(self) -> socket.socket:
        sock = socket.socket(_family(self._offer.host), socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            self._connect(sock)
        except BaseException:  # whatever it is, the socket is given back
            sock.close()
            raise
        return sock

    def _connect(self, sock: socket.socket) -> None:
        code = sock.connect_ex((self._offer.host, self._offer.port))
        if code == errno.EINPROGRESS:
            self._wait(sock, select.POLLOUT, OPEN_NS, "not connected within")
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise _gone("live view, TCP", os.strerror(code))

    def _wait(self, sock: socket.socket, event: int, within_ns: int, else_: str) -> None:
        """Until `sock` is ready. Raises LinkError where that takes too long, Ended."""
        poll = select.poll()
        poll.register(sock, event)
        deadline_ns = self._now() + within_ns
        while not poll.poll(_LOOK_UP_S * 1000):
            if self._over():
                raise Ended
            if self._now() >= deadline_ns:
                raise _gone("live view, TCP", f"{else_} {within_ns // SECOND} s")

    def _prepared(self, sock: socket.socket) -> socket.socket:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # pacing is ours
        return sock

    def _listen_to(self, sock: socket.socket) -> None:
        """Drop what the platform says (RTCP), and see whether it has hung up."""
        try:
            if sock.recv(4096):
                return
        except BlockingIOError:
            return
        except OSError as err:
            raise _gone("live view, TCP", err.strerror or str(err)) from err
        raise _gone("live view, TCP", "the platform closed it")

    def _drop(self) -> None:
        sock, self._socket = self._socket, None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


class ListeningPipe(TcpPipe):
    """A connection that the platform opens: the one listener of a commissioned unit.

    On the address that looks to the platform, for one call, from the offered address alone, and closed once that has
    called or OPEN_NS are over.
    """

    def __init__(self, offer: Offer, over: Callable[[], bool], now: Callable[[], int], port: int) -> None:
        super().__init__(offer, over, now)
        self.strangers = 0
        self._door: socket.socket | None = _listening(self.host, port)
        self.port = self._door.getsockname()[1]

    def close(self) -> None:
        """Give both sockets back; safe to repeat."""
        super().close()
        self._shut()

    def _joined(self) -> socket.socket:
        """Wait for the platform; strangers are closed at once."""
        if self._door is None:  # it came, and was lost: it may come again, to the port that it knows
            try:
                self._door = _listening(self.host, self.port)
            except OSError as err:
                raise _gone("live view, listening", err.strerror or str(err)) from err
        deadline_ns = self._now() + OPEN_NS
        try:
            while (left_ns := deadline_ns - self._now()) > 0:
                self._wait(self._door, select.POLLIN, left_ns, "not called by the platform within")
                with suppress(OSError):  # it may have gone again
                    sock, peer = self._door.accept()
                    if ipaddress.ip_address(peer[0]) == ipaddress.ip_address(self._offer.host):
                        return sock
                    sock.close()
                    self.strangers += 1
                    log.warning("live view: %s called at the platform's port and was turned away", peer[0])
            raise _gone("live view, TCP", "called by strangers only")
        finally:
            self._shut()

    def _shut(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None


def _own_address(host: str) -> str:
    """Our address as seen by `host`: the kernel's choice of route, nothing is sent. Raises OSError: no route."""
    with socket.socket(_family(host), socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))
        return str(probe.getsockname()[0])


def _listening(host: str, port: int) -> socket.socket:
    sock = socket.create_server((host, port), family=_family(host), backlog=1)
    sock.setblocking(False)  # who called may be gone when it is accepted
    return sock


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _gone(what: str, found: str) -> LinkError:
    return LinkError(what, found=found, wanted="a receiver", remedy="Waiting; the platform may ask again.")
