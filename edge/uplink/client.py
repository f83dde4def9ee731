"""paho's client on a socket that sends at once and reads ahead.

paho asks its socket for one byte, then one more, then the rest: three system calls a packet, each of which hands the
interpreter to another thread. Here most packets cost none: what has arrived is taken at once and kept until asked for.
"""

import socket
import ssl

from paho.mqtt.client import Client

READ_BYTES = 16_384  # a whole TLS record


class ReadAhead:
    """What paho needs of a socket. `select` knows nothing of what is `pending`."""

    def __init__(self, under: socket.socket) -> None:
        self.under = under
        self._ahead = b""
        self._at = 0

    def recv(self, buffer_size: int) -> bytes:
        """As socket.recv: at least one byte, b"" at the end. Raises BlockingIOError or what ssl has for it, OSError."""
        if self._at == len(self._ahead):
            self._ahead, self._at = self.under.recv(READ_BYTES), 0
        first, self._at = self._at, min(self._at + buffer_size, len(self._ahead))
        return self._ahead[first : self._at]

    def pending(self) -> int:
        """Bytes that can be had without the kernel."""
        below = self.under.pending() if isinstance(self.under, ssl.SSLSocket) else 0
        return len(self._ahead) - self._at + below

    def send(self, buffer: bytes | bytearray) -> int:
        """As socket.send."""
        return self.under.send(buffer)

    def fileno(self) -> int:
        """-1 once it is closed."""
        return self.under.fileno()

    def setblocking(self, flag: bool) -> None:
        """As socket.setblocking."""
        self.under.setblocking(flag)

    def close(self) -> None:
        """Safe to repeat."""
        self.under.close()


class QuickClient(Client):
    """A paho client. Its packets are small, and a kernel that gathers small packets holds each back for 40 ms."""

    def _create_socket(self) -> ReadAhead:
        sock = super()._create_socket()
        assert isinstance(sock, socket.socket)  # noqa: S101 - paho's own of a websocket is none, and we have none
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return ReadAhead(sock)
