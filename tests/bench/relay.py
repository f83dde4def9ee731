"""A TCP relay on loopback that counts what passes, as records of TLS: paho writes each message as one."""

import socket
import threading
from contextlib import suppress
from typing import NamedTuple

HEADER_BYTES = 5  # of a TLS record: type, version, length of the rest (RFC 8446, 5.1)
_DATA = 23  # application data; all else is the handshake


class Record(NamedTuple):
    """One TLS record on the wire."""

    up: bool
    data: bool  # False: part of the handshake, or an alert
    size: int  # bytes, its header included


class Relay:
    """Between whoever connects to `port` and `to`, from its making until `close`."""

    def __init__(self, to: int) -> None:
        self.records: list[Record] = []
        self._to = to
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """End every connection."""
        for one in (self._server, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._to), timeout=10)
                far.settimeout(None)
                self._open += [near, far]
                for source, sink, up in ((near, far, True), (far, near, False)):
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=self._carry, args=(source, sink, up), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        rest = b""
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
                rest = self._count(rest + data, up)
            sink.shutdown(socket.SHUT_WR)

    def _count(self, data: bytes, up: bool) -> bytes:
        """What is left of `data`: a record that is not whole yet."""
        while len(data) >= HEADER_BYTES:
            size = HEADER_BYTES + int.from_bytes(data[3:5], "big")
            if len(data) < size:
                break
            self.records.append(Record(up, data[0] == _DATA, size))
            data = data[size:]
        return data
